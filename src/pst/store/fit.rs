//! What of a message the format has no room for is left out, and named. Only
//! mail that was made for it comes so far.

use super::bound::{own_bytes, person_bytes, recipient_bytes, reply_to_bytes};
use crate::pst::model::{Address, Exception, Message};

/// Bytes of one recipient table: its heap is of 65,536 blocks.
const RECIPIENT_BYTES_MAX: u64 = 500 << 20;

/// Makes the message fit into `room` without its attachments; what is left then.
pub fn fit(message: &mut Message<'_>, room: u64, exceptions: &mut Vec<Exception>) -> u64 {
    let mut left = RECIPIENT_BYTES_MAX.min(room / 2);
    let over = message.recipients.iter().position(|one| {
        let rest = left.checked_sub(recipient_bytes(one));
        left = rest.unwrap_or_default();
        rest.is_none()
    });
    if let Some(kept) = over {
        let dropped = message.recipients.len() - kept;
        message.recipients.truncate(kept);
        exceptions.push(Exception::TooManyRecipients { kept, dropped });
    }
    loop {
        let own = own_bytes(message);
        if own <= room || !drop_largest(message, exceptions) {
            return room.saturating_sub(own);
        }
    }
}

/// Leaves out the largest field; whether there was one.
fn drop_largest(message: &mut Message<'_>, exceptions: &mut Vec<Exception>) -> bool {
    let person = |one: &Option<Address>| one.as_ref().map_or(0, |one| person_bytes(one) as usize);
    let text = |one: &Option<String>| one.as_ref().map_or(0, String::len);
    let reply_to = match message.reply_to.is_empty() {
        true => 0,
        false => reply_to_bytes(message) as usize,
    };
    let sizes = [
        ("the text", text(&message.text)),
        ("the HTML", text(&message.html)),
        ("the headers", message.headers.len()),
        ("what is in no part", message.structure.len()),
        ("the subject", message.subject.len()),
        ("Message-ID", text(&message.message_id)),
        ("In-Reply-To", text(&message.in_reply_to)),
        ("References", text(&message.references)),
        ("Thread-Index", message.thread_index.as_ref().map_or(0, Vec::len)),
        ("the author", person(&message.author)),
        ("the sender", person(&message.sender)),
        ("Reply-To", reply_to),
        ("Thread-Topic", text(&message.topic)),
        ("Content-Type", text(&message.content_type)),
    ];
    let largest = sizes.into_iter().enumerate().max_by_key(|(_, (_, bytes))| *bytes);
    let Some((number, (field, bytes))) = largest.filter(|(_, (_, bytes))| *bytes > 0) else {
        return false;
    };
    exceptions.push(Exception::FieldTooLarge { field, bytes });
    match number {
        0 => message.text = None,
        1 => message.html = None,
        2 => message.headers.clear(),
        3 => message.structure.clear(),
        4 => message.subject.clear(),
        5 => message.message_id = None,
        6 => message.in_reply_to = None,
        7 => message.references = None,
        8 => message.thread_index = None,
        9 => message.author = None,
        10 => message.sender = None,
        11 => message.reply_to.clear(),
        12 => message.topic = None,
        _ => message.content_type = None,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pst::model::{Recipient, RecipientKind, Source};

    #[test]
    fn largest_fields_go_first() {
        let text = |bytes| Some("x".repeat(bytes));
        let mut message = Message { text: text(900), html: text(500), ..Message::default() };
        message.subject = "kept".to_owned();
        let mut exceptions = Vec::new();
        let room = own_bytes(&message);
        assert_eq!(fit(&mut message, room, &mut exceptions), 0);
        assert_eq!(exceptions, []);
        let left = fit(&mut message, room - 1, &mut exceptions);
        assert_eq!(exceptions, [Exception::FieldTooLarge { field: "the text", bytes: 900 }]);
        assert_eq!(left, room - 1 - own_bytes(&message));
        assert_eq!((message.text, message.html.unwrap().len()), (None, 500));
        assert_eq!(message.subject, "kept");
    }

    #[test]
    fn recipients_beyond_the_table_are_counted() {
        let address =
            |at| Address { name: "x".repeat(40_000), address: format!("a{at}@a.example") };
        let recipient = |at| Recipient {
            kind: RecipientKind::To,
            address: address(at),
            source: Source::Header,
        };
        let recipients = (0..2_000).map(recipient).collect();
        let mut message = Message { recipients, ..Message::default() };
        let mut exceptions = Vec::new();
        fit(&mut message, u64::MAX, &mut exceptions);
        let kept = message.recipients.len();
        assert!((1_200..2_000).contains(&kept), "{kept}");
        assert_eq!(exceptions, [Exception::TooManyRecipients { kept, dropped: 2_000 - kept }]);
    }
}
