//! The query language: dialects, one AST, a printer. Knows no engine.
