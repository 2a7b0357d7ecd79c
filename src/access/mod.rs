//! People, roles, sessions and the audit.
