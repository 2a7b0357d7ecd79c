//! The integration tests: one binary, one module for each subject.

mod architecture;
mod follow;
mod ingest;
mod smtp;
mod smtp_clients;
mod smtp_tls;
mod support;
mod worker;
