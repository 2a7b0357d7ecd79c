//! Limited child processes that read hostile mail: a pool of long-lived ones,
//! the same binary started again as `muniment worker`.
//!
//! A request has a deadline. A child that misses it, dies, or answers nonsense is
//! killed with its process group and replaced, and the request is tried once
//! more in a fresh one; what fails twice is a [`Failure`], which the caller keeps
//! as a declared gap. Neighbours in other children go on. Where later mail waits
//! for the answer ([`Pool::parse`]) the deadline is short, and what misses it is
//! pending: to be read again in full time.

mod calls;
pub mod child;
pub mod confine;
mod input;
pub mod ocr;
mod pool;
mod process;
pub mod protocol;
pub mod trial;

pub use input::Input;
pub use pool::{Failure, Pool, WorkerError};
pub use protocol::Found;
