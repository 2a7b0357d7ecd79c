//! Muniment: a compliance archive and eDiscovery appliance for email.
//!
//! The rooms, in order: a room imports only rooms listed before it. What each
//! is for, and how a delivery, a search, a hold and an export walk through
//! them, is in `ARCHITECTURE.md`.

pub mod base;

pub mod extract;
pub mod ledger;
pub mod mail;
pub mod pst;
pub mod query;
pub mod similar;

pub mod catalog;
pub mod index;
pub mod post;
pub mod vault;
pub mod worker;

pub mod access;
pub mod policy;

pub mod export;
pub mod hold;
pub mod ingest;
pub mod matter;
pub mod retention;
pub mod review;
pub mod search;
pub mod verify;

pub mod http;
pub mod jobs;
pub mod smtp;

pub mod app;
pub mod cmd;
