//! Which messages are the same message, which are of one thread, and which say
//! nearly the same. Nothing here knows a language.

pub mod links;
pub mod near;
pub mod set_key;
pub mod subject;
pub mod thread;

pub use links::Links;
pub use set_key::set_key;
