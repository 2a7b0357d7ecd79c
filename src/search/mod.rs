//! The search verb: rights, audit, counts, pages.
