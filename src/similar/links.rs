//! What a message says of others: the ids that it has and answers (RFC 5322 section
//! 3.6.4), and its place in a conversation as Outlook and Exchange count it
//! (Thread-Index, MS-OXOMSG section 2.2.1.3).

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

use crate::base::hash::Digest;
use crate::base::limits::{THREAD_ANSWERS_MAX, THREAD_ID_BYTES_MAX};
use crate::extract::Parsed;

/// Of one message, from its own header and not from what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// Its Message-ID without angle brackets; empty if it has none.
    pub id: String,
    /// Whom it answers, the nearest last.
    pub answers: Vec<String>,
    /// Its Thread-Index in hex: the conversation, and five bytes more for each answer
    /// on the way to it. Empty if it has none.
    pub index: String,
}

/// The part of a Thread-Index that all of a conversation share: when it began, and
/// a GUID.
const CONVERSATION_BYTES: usize = 22;
const CONVERSATION_CHARS: usize = 2 * CONVERSATION_BYTES;
const ANSWER_BYTES: usize = 5;
pub(super) const ANSWER_CHARS: usize = 2 * ANSWER_BYTES;
const INDEX_BYTES_MAX: usize = CONVERSATION_BYTES + 100 * ANSWER_BYTES;

impl Links {
    pub fn of(message: &Parsed) -> Self {
        let field = |name: &str| {
            let found = message.headers.iter().find(|it| it.name.eq_ignore_ascii_case(name));
            found.map_or("", |field| field.value.as_str())
        };
        let mut answers = ids(field("References"));
        // Where there are too many, the one that began and the nearest are kept.
        let room = THREAD_ANSWERS_MAX / 2;
        if answers.len() > room {
            answers.drain(1..=answers.len() - room);
        }
        for id in ids(field("In-Reply-To")).into_iter().take(room) {
            if !answers.contains(&id) {
                answers.push(id);
            }
        }
        let id = Some(&message.message_id).filter(|id| id.len() <= THREAD_ID_BYTES_MAX);
        let index = index(field("Thread-Index")).map(hex::encode).unwrap_or_default();
        Self { id: id.cloned().unwrap_or_default(), answers, index }
    }

    /// The bytes that it takes.
    pub fn size_bytes(&self) -> usize {
        self.id.len() + self.index.len() + self.answers.iter().map(String::len).sum::<usize>()
    }

    /// Under what messages that go with it are found: the ids that it has and names,
    /// and its conversation.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        let ids = self.answers.iter().chain(Some(&self.id).filter(|id| !id.is_empty()));
        ids.map(|id| id_name(id)).chain(conversation(&self.index).map(conversation_name))
    }
}

/// What of a Thread-Index says which conversation it is.
pub fn conversation(index: &str) -> Option<&str> {
    index.get(..CONVERSATION_CHARS)
}

pub fn id_name(id: &str) -> String {
    format!("id {id}")
}

pub fn conversation_name(conversation: &str) -> String {
    format!("index {conversation}")
}

/// What stands for a name where there are very many: short, and of one length. Who
/// finds by it compares the names.
pub fn key(name: &str) -> String {
    hex::encode(&Digest::of(name.as_bytes()).as_bytes()[..8])
}

/// Ids as a field lists them. Some programs write words around them.
fn ids(value: &str) -> Vec<String> {
    let inside = value.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
    let ids = inside.map(|(id, _)| id.trim());
    ids.filter(|id| (1..=THREAD_ID_BYTES_MAX).contains(&id.len())).map(str::to_owned).collect()
}

/// A Thread-Index as its field has it: in base64, folded by relays, its padding lost
/// by some. What cannot be one is none.
fn index(value: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let text: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    let mut index = LENIENT.decode(text).ok()?;
    // It begins with 1, whether that is the reserved byte or the first of the time. A
    // GUID of one byte again and again is nobody's.
    let guid = index.get(CONVERSATION_BYTES - 16..CONVERSATION_BYTES)?;
    if index[0] != 1 || guid.iter().all(|byte| *byte == guid[0]) {
        return None;
    }
    let answers = (index.len() - CONVERSATION_BYTES) / ANSWER_BYTES;
    index.truncate((CONVERSATION_BYTES + answers * ANSWER_BYTES).min(INDEX_BYTES_MAX));
    Some(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::parse_message;

    fn links(fields: &str) -> Links {
        Links::of(&parse_message(format!("{fields}Subject: s\r\n\r\ntext\r\n").as_bytes()))
    }

    #[test]
    fn ids_are_read_whatever_stands_around_them() {
        assert_eq!(ids(" <a@b>\t<c@d>"), ["a@b", "c@d"]);
        assert_eq!(ids("Your message of Monday <a@b> (Ann)"), ["a@b"]);
        assert_eq!(ids("none <> <open"), [""; 0]);
        let found =
            links("Message-ID: <m@x>\r\nReferences: <a@x>\r\n <b@x>\r\nIn-Reply-To: <b@x>\r\n");
        assert_eq!(found.id, "m@x");
        assert_eq!(found.answers, ["a@x", "b@x"]);
        assert_eq!(found.names().collect::<Vec<_>>(), ["id a@x", "id b@x", "id m@x"]);
    }

    #[test]
    fn of_too_many_answered_the_first_and_the_nearest_are_kept() {
        let all: String = (0..500).map(|n| format!(" <{n}@x>\r\n")).collect();
        let found = links(&format!("References:{all}In-Reply-To: <499@x> <other@x>\r\n"));
        let answers = found.answers;
        assert_eq!(answers.len(), THREAD_ANSWERS_MAX / 2 + 1);
        assert_eq!((answers[0].as_str(), answers[1].as_str()), ("0@x", "401@x"));
        assert_eq!(answers[answers.len() - 2..], ["499@x", "other@x"]);
        assert_eq!(links(&format!("References: <{}>\r\n", "a".repeat(2000))).answers, [""; 0]);
    }

    #[test]
    fn what_a_message_encloses_says_nothing_of_it() {
        let inner = "Message-ID: <in@x>\r\nReferences: <a@x>\r\nThread-Index: \
                     Adb5/OCCgBeh4rELQU+D2WzeOk7pTA==\r\n\r\ntext\r\n";
        let outer = format!("Message-ID: <out@x>\r\nContent-Type: message/rfc822\r\n\r\n{inner}");
        let found = Links::of(&parse_message(outer.as_bytes()));
        assert_eq!(found, Links { id: "out@x".to_owned(), ..Links::default() });
    }

    /// As Outlook, Exchange and what relays make of it write the field.
    #[test]
    fn a_conversation_is_found_in_every_form_of_its_index() {
        let conversation = Some("01d6f9fce0828017a1e2b10b414f83d96cde3a4ee94c");
        for field in [
            "Thread-Index: Adb5/OCCgBeh4rELQU+D2WzeOk7pTA==",
            "thread-index: Adb5/OCCgBeh4rELQU+D2WzeOk7pTA",
            "Thread-Index:\r\n\tAdb5/OCCgBeh4rELQU+\r\n D2WzeOk7pTA==",
            "Thread-Index: =?us-ascii?Q?Adb5/OCCgBeh4rELQU+D2WzeOk7pTA=3D=3D?=",
            "Thread-Index: Adb5/OCCgBeh4rELQU+D2WzeOk7pTAAShlQAACCOrbAAAa6DUA",
        ] {
            let found = links(&format!("{field}\r\n"));
            assert_eq!(super::conversation(&found.index), conversation, "{field}");
        }
        let answer = links("Thread-Index: Adb5/OCCgBeh4rELQU+D2WzeOk7pTAAShlQAACCOrf8=\r\n");
        assert_eq!(answer.index.len(), CONVERSATION_CHARS + 2 * ANSWER_CHARS);
        // Of a newer Exchange: the reserved byte, and only five of the time.
        let newer = links("Thread-Index: AQHYK/ctkLOBFN5NzkqkonsQCyvC26yogbZg\r\n");
        let of = "0101d82bf72d90b38114de4dce4aa4a27b100b2bc2db";
        assert_eq!(super::conversation(&newer.index), Some(of));
    }

    #[test]
    fn what_is_no_index_is_none() {
        for field in [
            "",
            "Thread-Index: \r\n",
            "Thread-Index: Adb5\r\n",
            "Thread-Index: Adb5/OCCgBeh4rELQU+D2WzeOk7pTA=3D=3D\r\n",
            "Thread-Index: no base64 at all, but long enough to be one\r\n",
            "Thread-Index: AAb5/OCCgBeh4rELQU+D2WzeOk7pTA==\r\n",
            "Thread-Index: Adb5/OCCAAAAAAAAAAAAAAAAAAAAAA==\r\n",
        ] {
            assert_eq!(links(field).index, "", "{field}");
        }
        let long =
            base64::prelude::BASE64_STANDARD.encode([&[1; 6][..], &[7, 8], &[9; 9000]].concat());
        assert_eq!(links(&format!("Thread-Index: {long}\r\n")).index.len(), 2 * INDEX_BYTES_MAX);
    }
}
