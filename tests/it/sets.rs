//! Message sets over other parsers' hard cases: nothing hides behind another.

use std::collections::BTreeMap;

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
