//! The integration tests: one binary, one module for each subject.

mod access_table;
mod architecture;
mod crash;
mod demo;
mod disk;
mod documents;
mod export;
mod export_pst;
mod follow;
mod golden;
mod http;
mod ingest;
mod journal;
mod peers;
mod pst;
mod reader;
mod refusals;
mod search_corpus;
mod serve;
mod sets;
mod smtp;
mod smtp_clients;
mod smtp_tls;
mod support;
mod worker;
