//! Message sets: the same message by what it says, however it travelled.
//!
//! The key is the SHA-256 over, each with its length, in this order:
//!
//! 1. the addresses of From, of To and of Cc, each list in lower case, sorted,
//!    without repetitions (Bcc is not in it: only some copies have it);
//! 2. the subject, decoded, white space collapsed;
//! 3. the Date, to the second, or that there is none;
//! 4. the text of the body and of its alternatives, white space collapsed;
//! 5. the number of attachments, and the SHA-256 of each in order.
//!
//! No Message-ID, since the same message is found under several and different
//! ones under the same; no trace, list or authentication fields, no transfer
//! encoding and no charset, since they differ from copy to copy. File names are
//! left out as gateways rewrite them; the content decides.

use crate::base::hash::{Digest, Hasher};
use crate::extract::{Mailbox, Parsed};

/// Changes with the rule; the derived rows are then made again.
const DOMAIN: &[u8] = b"muniment message set v1";

/// The key of the set that `message` belongs to.
pub fn set_key(message: &Parsed) -> Digest {
    let mut hasher = Hasher::new();
    put(&mut hasher, DOMAIN);
    for list in [&message.from, &message.to, &message.cc] {
        put_addresses(&mut hasher, list);
    }
    put_text(&mut hasher, &message.subject);
    match message.date {
        Some(date) => put(&mut hasher, &date.seconds().to_be_bytes()),
        None => put(&mut hasher, b""),
    }
    put_text(&mut hasher, &message.text);
    put_text(&mut hasher, &message.other_text);
    put(&mut hasher, &(message.attachments.len() as u64).to_be_bytes());
    for attachment in &message.attachments {
        put(&mut hasher, attachment.sha256.as_bytes());
    }
    hasher.finish()
}

fn put(hasher: &mut Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

fn put_addresses(hasher: &mut Hasher, list: &[Mailbox]) {
    let mut addresses: Vec<String> = list
        .iter()
        .map(|mailbox| if mailbox.address.is_empty() { &mailbox.name } else { &mailbox.address })
        .map(|text| text.to_lowercase())
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    put(hasher, &(addresses.len() as u64).to_be_bytes());
    for address in addresses {
        put(hasher, address.as_bytes());
    }
}

/// The words with single spaces between them; the length is of that form.
fn put_text(hasher: &mut Hasher, text: &str) {
    let mut normal = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.push_str(word);
    }
    put(hasher, normal.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::parse_message;

    const COPY: &str = "Received: from a by b\r\nFrom: Ann <Ann@Example.com>\r\n\
        To: b@example.com, c@example.com\r\nSubject: the  plan\r\n\
        Date: Tue, 1 Jul 2025 10:00:00 +0200\r\nMessage-ID: <1@a>\r\n\r\nWe meet  at ten.\r\n";

    fn key(message: &str) -> Digest {
        set_key(&parse_message(message.as_bytes(), false))
    }

    #[test]
    fn copies_by_other_ways_share_a_key() {
        let other = "Received: from x by y\r\nX-Spam: no\r\nMessage-ID: <2@b>\r\n\
            Date: Tue, 1 Jul 2025 08:00:00 +0000\r\nSubject: the\r\n plan\r\n\
            To: C@example.com,\r\n b@example.com\r\nFrom: ann@example.com\r\nBcc: d@example.com\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\nWe meet =\r\nat ten.\r\n\r\n";
        assert_eq!(key(COPY), key(other));
    }

    #[test]
    fn a_change_of_content_changes_the_key() {
        let changes = [
            ("at ten", "at six"),
            ("the  plan", "the plans"),
            ("10:00:00", "10:00:01"),
            ("b@example.com, ", ""),
            ("Ann@", "Anne@"),
            ("To: b@", "Cc: b@"),
        ];
        for (old, new) in changes {
            assert!(COPY.contains(old));
            assert_ne!(key(COPY), key(&COPY.replace(old, new)), "{old} -> {new}");
        }
    }

    #[test]
    fn an_attachment_of_other_content_changes_the_key() {
        let with = |content: &str| {
            key(&format!(
                "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
                 Content-Type: image/png; name=a\r\n\r\n{content}\r\n--x--\r\n"
            ))
        };
        assert_eq!(with("a"), with("a"));
        assert_ne!(with("a"), with("b"));
    }
}
