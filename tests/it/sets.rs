//! Message sets over other parsers' hard cases: nothing hides behind another.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use muniment::base::hash::Digest;
use muniment::extract::{Parsed, parse_message};
use muniment::similar::set_key;

use super::support::corpus;

/// What a message says, apart from how it travelled.
fn shown(parsed: &Parsed) -> impl PartialEq + std::fmt::Debug {
    const SAID: [&str; 11] = [
        "from",
        "sender",
        "reply-to",
        "to",
        "cc",
        "bcc",
        "subject",
        "date",
        "comments",
        "keywords",
        "content-type",
    ];
    let fields = parsed.headers.iter().map(|field| (field.name.to_lowercase(), &field.value));
    let own = fields.filter(|(name, _)| SAID.contains(&name.as_str()));
    // The reader for show puts a blank behind encoded words.
    let own: Vec<_> = own.map(|(name, value)| (name, value.replace(' ', ""))).collect();
    let attached = parsed.attachments.iter().map(|file| {
        let content = file.text.clone().unwrap_or_else(|| file.sha256.to_string());
        (file.name.clone(), file.media_type.clone(), content)
    });
    let attached: Vec<_> = attached.collect();
    // Line ends at the end of a body say nothing.
    let text = parsed.text.trim_end_matches('\n').to_owned();
    (own, text, parsed.other_text.clone(), attached)
}

#[test]
fn no_two_different_messages_of_the_corpus_share_a_key() {
    let mut messages = Vec::new();
    for part in ["mime", "hostile", "crypto"] {
        let found = corpus::messages(part);
        if found.is_empty() {
            return;
        }
        messages.extend(found);
    }
    let mut sets: BTreeMap<Digest, Vec<(&[u8], Parsed)>> = BTreeMap::new();
    for bytes in &messages {
        let parsed = parse_message(bytes);
        let copies = sets.entry(set_key(bytes, &parsed)).or_default();
        if copies.iter().all(|(copy, _)| copy != bytes) {
            copies.push((bytes, parsed));
        }
    }
    let several: Vec<_> = sets.values().filter(|copies| copies.len() > 1).collect();
    for copies in &several {
        let (_, first) = &copies[0];
        for (_, other) in &copies[1..] {
            assert_eq!(shown(first), shown(other));
        }
    }
    assert!(messages.len() > 1500, "only {} messages", messages.len());
    assert!(several.len() > 10, "only {} messages in several copies", several.len());
}

/// All that makes a message what it is, as one reads the rule, in full: fields that say
/// who, when, what and of which type, and the body. For plain mail: its fields are of
/// one line each or folded, and nothing in them is encoded.
pub fn plainly(bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
    const SAID: [&str; 10] = [
        "from", "sender", "reply-to", "to", "cc", "bcc", "subject", "comments", "keywords", "date",
    ];
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut fields: Vec<String> = Vec::new();
    for line in head.lines() {
        match (line.starts_with([' ', '\t']), fields.last_mut()) {
            (true, Some(field)) => *field = format!("{field} {}", line.trim_start()),
            _ => fields.push(line.to_owned()),
        }
    }
    let said = fields.iter().filter_map(|field| {
        let (name, value) = field.split_once(':')?;
        let name = name.to_lowercase();
        let is_said = SAID.contains(&name.as_str())
            || ["content-", "resent-"].iter().any(|start| name.starts_with(start));
        is_said.then(|| format!("{name}: {}", value.trim()))
    });
    // Fields of one name keep their order, and names have none.
    let mut said: Vec<String> = said.collect();
    said.sort_by(|a, b| a.split(':').next().cmp(&b.split(':').next()));
    (said, body.trim_end_matches('\n').as_bytes().to_vec())
}

/// Both put the same messages together, and the same apart. Gives how many sets there
/// are.
pub fn same_parts<A: Eq + Hash + Copy, B: Eq + Hash>(one: &[A], other: &[B]) -> usize {
    let (mut there, mut back) = (HashMap::new(), HashMap::new());
    for (at, (a, b)) in one.iter().zip(other).enumerate() {
        let first = *there.entry(a).or_insert(at);
        let also = *back.entry(b).or_insert(at);
        assert_eq!(first, also, "message {at} is put with {first}, and by brute force with {also}");
    }
    there.len()
}

/// Four people's mailboxes, in which the same mail is found under other ids: keys put
/// together what a comparison of all that the messages say puts together.
#[test]
fn sets_of_mailboxes_are_those_of_brute_force() {
    for name in ["derrick-j", "lay-k", "lokay-m", "skilling-j"] {
        let mut messages = corpus::mailbox(&format!("bulk/enron/{name}.mbox.zst"));
        if messages.is_empty() {
            return;
        }
        messages.truncate(3000);
        let keys: Vec<Digest> =
            messages.iter().map(|bytes| set_key(bytes, &parse_message(bytes))).collect();
        let plain: Vec<_> = messages.iter().map(|bytes| plainly(bytes)).collect();
        let sets = same_parts(&keys, &plain);
        println!("{name}: {} messages, {sets} sets", messages.len());
        // By one who counted them by other means.
        let known = match name {
            "derrick-j" => (1766, 1431),
            "lokay-m" => (1478, 1478),
            "skilling-j" => (2887, 1391),
            _ => continue,
        };
        assert_eq!((messages.len(), sets), known, "{name}");
    }
}
