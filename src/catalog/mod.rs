//! All SQL: one file per resource over SQLite.
