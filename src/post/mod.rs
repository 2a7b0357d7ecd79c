//! What goes out by itself: requests to an authority of time stamps, and notices by
//! mail through a relay. Nothing of any archived mail is in it. What is sent, and what
//! comes of an answer, is the business of who asks.

pub mod mail;
pub mod timestamp;
