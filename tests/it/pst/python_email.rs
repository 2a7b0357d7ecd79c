//! What our mapping makes of a message, beside what Python's `email` reads of its
//! source: the readers of a PST can only say that it came through.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use muniment::base::hash::Digest;
use muniment::pst::mime;
use muniment::pst::model::{Content, Message, RecipientKind};
use serde::Deserialize;

use super::{has, is_long, samples};

/// Messages that it reads otherwise, by the beginning of their SHA-256, and why.
const KNOWN: &[(&str, &str)] = &[
    ("5312cc18", "ends the header before its first field, at a byte order mark"),
    ("7f795531", "knows no field with a blank before its colon"),
    ("fc32bed5", "knows no field with a blank before its colon"),
    ("b436f630", "ends the header where a line is no field"),
    ("9e313395", "ends the header where a line is no field"),
    ("ece66687", "decodes no message that is attached in base64"),
    ("1262ecaa", "takes `59:10` for a time of 0:59:10"),
    ("1ab8366a", "takes a name with an @ for an address"),
    ("7519e163", "takes a name with an @ for an address"),
    ("738611b4", "takes the first of two addresses that are run together"),
    ("0eeb5947", "leaves out a recipient that is a name alone"),
    ("0166e764", "takes any type without a subtype for text"),
    ("41188d1e", "keeps blanks at ends of lines of quoted-printable (RFC 2045 section 6.7)"),
    ("71ba2cc3", "keeps blanks at ends of lines of quoted-printable (RFC 2045 section 6.7)"),
    ("18070a64", "has fewer characters in Big5 than programs write"),
    ("30ad91e3", "has fewer characters in GB 2312 than programs write"),
    ("d18e7f43", "has fewer characters in GB 2312 than programs write"),
    ("428241ad", "has fewer characters in ISO-2022-JP than programs write"),
];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Read {
    failed: Option<String>,
    subject: Option<String>,
    message_id: Option<String>,
    sent: Option<i64>,
    from: Option<Vec<String>>,
    to: Option<Vec<String>>,
    cc: Option<Vec<String>>,
    class: String,
    parts: Vec<Part>,
    /// Of a signed message, what follows its header.
    signed_size: Option<usize>,
    signed_sha256: Option<String>,
    defects: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Part {
    kind: String,
    name: Option<String>,
    is_attached: bool,
    sha256: Option<String>,
    text: Option<String>,
    nested: Option<Box<Read>>,
    defects: Vec<String>,
}

impl Part {
    /// Shown as the message itself.
    fn is_body(&self) -> bool {
        self.name.is_none()
            && !self.is_attached
            && matches!(self.kind.as_str(), "text/plain" | "text/html")
    }
}

#[test]
fn mapping_reads_what_python_reads() {
    let mail = samples::mail(&["mime", "crypto", "journal", "reports", "bulk"]);
    if mail.is_empty() || !has("python3") {
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/mail_fields.py");
    let mut python = Command::new("python3");
    let mut python =
        python.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, output) = (python.stdin.take().unwrap(), python.stdout.take().unwrap());
    let mut counts = BTreeMap::<&str, usize>::new();
    let (mut differences, mut seen) = (Vec::new(), BTreeSet::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for (_, raw) in &mail {
                writeln!(input, "{}", raw.len()).unwrap();
                input.write_all(raw).unwrap();
            }
            drop(input);
        });
        for ((folder, raw), line) in mail.iter().zip(BufReader::new(output).lines()) {
            let read: Read = serde_json::from_str(&line.unwrap()).unwrap();
            // Old stores; it takes some of them for ends of lines, and some not.
            if raw.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n') {
                *counts.entry("bare CR").or_default() += 1;
                continue;
            }
            let digest = Digest::of(raw).to_string();
            let place = format!("{} {digest}", folder.join("/"));
            let before = differences.len();
            compare(&mime::message(raw), &read, &place, &mut counts, &mut differences);
            let known = KNOWN.iter().find(|(start, _)| digest.starts_with(start));
            if let Some((start, _)) = known.filter(|_| differences.len() > before) {
                differences.truncate(before);
                seen.insert(*start);
            }
        }
    });
    assert!(python.wait().unwrap().success());
    eprintln!("{counts:?}");
    let some: Vec<&String> = differences.iter().take(20).collect();
    assert!(differences.is_empty(), "{} differences: {some:#?}", differences.len());
    if is_long() {
        assert!(counts["signed parts"] > 0 && counts["kept whole"] > 0, "{counts:?}");
        let gone: Vec<_> = KNOWN.iter().filter(|(start, _)| !seen.contains(start)).collect();
        assert!(gone.is_empty(), "no longer: {gone:?}");
    }
}

fn dense(text: &str) -> String {
    text.split_whitespace().collect()
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A META charset says what the bytes are in, which in a PST is another.
fn without_charsets(text: &str) -> String {
    let mut pieces = text.split("charset=");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str("charset=");
        let is_label = |c: char| c.is_ascii_alphanumeric() || "-_:.\"'".contains(c);
        out.push_str(piece.trim_start_matches(is_label));
    }
    out
}

fn compare(
    message: &Message<'_>,
    read: &Read,
    place: &str,
    counts: &mut BTreeMap<&str, usize>,
    out: &mut Vec<String>,
) {
    if read.failed.is_some() {
        *counts.entry("failed").or_default() += 1;
        return;
    }
    *counts.entry("messages").or_default() += 1;
    let mut same = |field: &str, ours: String, theirs: Option<String>| match theirs {
        None => *counts.entry("fields that it does not read").or_default() += 1,
        Some(theirs) if theirs == ours => {}
        Some(theirs) => out.push(format!("{field} {place}: {ours:.200?} but {theirs:.200?}")),
    };
    // It leaves some bytes of words that are divided.
    let subject = read.subject.as_ref().filter(|text| !text.contains('\u{FFFD}'));
    same("subject", dense(&message.subject), subject.map(|text| dense(text)));
    let id = message.message_id.as_deref().unwrap_or_default();
    same("id", dense(id), read.message_id.as_deref().map(dense));
    let sent = message.sent.map(|at| at.seconds());
    same("sent", format!("{sent:?}"), read.sent.map(|at| format!("{:?}", Some(at))));
    let author = message.author.iter().map(|one| one.address.as_str()).collect();
    let of = |kind| {
        let of = message.recipients.iter().filter(|one| one.kind == kind);
        of.map(|one| one.address.address.as_str()).collect::<Vec<&str>>()
    };
    for (field, ours, theirs) in [
        ("from", author, read.from.as_ref().map(|all| all[..all.len().min(1)].to_vec())),
        ("to", of(RecipientKind::To), read.to.clone()),
        ("cc", of(RecipientKind::Cc), read.cc.clone()),
    ] {
        same(field, ours.join(" "), theirs.map(|all| all.join(" ")));
    }
    if read.class == "multipart/signed" || read.class.contains("pkcs7-mime") {
        *counts.entry("kept whole").or_default() += 1;
        let Some(size) = read.signed_size else { return };
        let Content::Bytes(kept) = &message.attachments[0].content else { panic!("{place}") };
        let body = kept.len().checked_sub(size).map(|from| Digest::of(&kept[from..]).to_string());
        if body != read.signed_sha256 {
            out.push(format!("signed body {place}: {} bytes but {size}", kept.len()));
        }
        return;
    }
    if !read.defects.is_empty() || read.parts.iter().any(|part| !part.defects.is_empty()) {
        *counts.entry("defects").or_default() += 1;
        return;
    }
    let (bodies, attached): (Vec<&Part>, Vec<&Part>) =
        read.parts.iter().partition(|part| part.is_body());
    for body in bodies {
        let Some(text) = &body.text else {
            *counts.entry("text in another charset").or_default() += 1;
            continue;
        };
        *counts.entry("bodies").or_default() += 1;
        let ours = if body.kind == "text/html" { &message.html } else { &message.text };
        let ours = without_charsets(&words(ours.as_deref().unwrap_or_default()));
        let theirs = without_charsets(&words(text));
        if !ours.contains(&theirs) {
            out.push(format!("body {place}: {ours:.100?} but {theirs:.100?}"));
        }
    }
    let ours: Vec<Option<String>> = message
        .attachments
        .iter()
        .map(|one| match &one.content {
            Content::Bytes(bytes) => Some(Digest::of(bytes).to_string()),
            _ => None,
        })
        .collect();
    *counts.entry("attachments").or_default() += attached.len();
    let signed = attached.iter().filter(|part| part.kind == "multipart/signed");
    for part in signed {
        let name = if part.sha256.is_some() { "signed parts" } else { "signed parts unread" };
        *counts.entry(name).or_default() += 1;
    }
    let is_same = ours.len() == attached.len()
        && ours.iter().zip(&attached).all(|(ours, part)| match part.nested {
            Some(_) => ours.is_none(),
            None => part.sha256.is_none() || *ours == part.sha256,
        });
    if !is_same {
        let kinds: Vec<_> = attached.iter().map(|part| (&part.kind, &part.sha256)).collect();
        out.push(format!("attachments {place}: {ours:?} but {kinds:?}"));
    }
    let nested = message.attachments.iter().filter_map(|one| match &one.content {
        Content::Message(message) => Some(message),
        _ => None,
    });
    let others = attached.iter().filter_map(|part| part.nested.as_ref());
    for (message, read) in nested.zip(others) {
        compare(message, read, &format!("{place} >"), counts, out);
    }
}
