//! Mailboxes in one file.

use super::super::Reason;
use super::super::family::{Named, Place, Walk};
use super::super::sink::Sink;
use crate::mail::mbox::Reader;

pub(in crate::extract) fn unpack(
    walk: &mut Walk<'_>,
    bytes: &[u8],
    inside: Place,
    sink: &mut Sink,
) {
    sink.is_container = true;
    for message in Reader::new(bytes) {
        let Ok(message) = message else {
            sink.gap(Reason::Damaged, "a message in it cannot be read");
            return;
        };
        if !walk.has_room() {
            sink.gap(Reason::TooLarge, "it has more messages than are read");
            return;
        }
        let named = Named { declared: "message/rfc822", ..Named::default() };
        walk.document(&message.bytes, named, inside);
    }
}
