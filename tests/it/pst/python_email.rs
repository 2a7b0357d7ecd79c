//! What our mapping makes of a message, beside what Python's `email` reads of its
//! source: the readers of a PST can only say that it came through.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use muniment::base::hash::Digest;
use muniment::pst::mime;
use muniment::pst::model::{Content, Exception, Importance, Message, RecipientKind, Sensitivity};
use serde::Deserialize;

use super::{has, is_long, samples};

/// Messages that it reads otherwise, by the beginning of their SHA-256, and why.
const KNOWN: &[(&str, &str)] = &[
    ("5312cc18", "ends the header before its first field, at a byte order mark"),
    ("7f795531", "knows no field with a blank before its colon"),
    ("fc32bed5", "knows no field with a blank before its colon"),
    ("e3d8ab7f", "knows no field with a blank before its colon"),
    ("b436f630", "ends the header where a line is no field"),
    ("9e313395", "ends the header where a line is no field"),
    ("798d7cbf", "takes a name and an address for one address"),
    ("9c158d86", "takes a name and an address for one address"),
    ("2754b63e", "takes a name and an address for one address"),
    ("6b8becac", "takes a name and an address for one address"),
    ("21cf9f48", "takes a name and an address for one address"),
    ("9eb8fff2", "takes a name and an address for one address"),
    ("422ec66d", "takes a name and an address for one address"),
    ("07f61048", "takes a name and an address for one address"),
    ("520315e1", "takes a name and an address for one address"),
    ("2fb62749", "ends the header at an empty line before its first field"),
    ("ffe01603", "ends the header at an empty line before its first field"),
    ("d35e7709", "ends the header at an empty line before its first field"),
    ("17185cf7", "ends the header at an empty line before its first field"),
    ("ece66687", "decodes no message that is attached in base64"),
    ("b4f2d622", "decodes no message that is attached in base64"),
    ("f720c483", "decodes no message that is attached in base64"),
    ("1262ecaa", "takes `59:10` for a time of 0:59:10"),
    ("1ab8366a", "takes a name with an @ for an address"),
    ("7519e163", "takes a name with an @ for an address"),
    ("a9e85950", "takes a name with an @ for an address"),
    ("3c8af952", "leaves out a blank within an address"),
    ("65c9cdf8", "leaves out a blank within an address"),
    ("738611b4", "takes the first of two addresses that are run together"),
    ("eff6c45b", "keeps the end of a line that `==` ends in quoted-printable"),
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
    bcc: Option<Vec<String>>,
    sender: Option<Vec<String>>,
    reply_to: Option<Vec<String>>,
    references: Option<String>,
    in_reply_to: Option<String>,
    topic: Option<String>,
    thread_index: Option<String>,
    importance: i32,
    sensitivity: i32,
    message_class: String,
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
    /// Which is the text, or a form of it, by the rule that it has itself.
    is_text: bool,
    /// Beside the root of a multipart/related, or below what is.
    is_beside: bool,
    sha256: Option<String>,
    text: Option<String>,
    nested: Option<Box<Read>>,
    defects: Vec<String>,
}

impl Part {
    /// Shown as the message itself.
    fn is_body(&self) -> bool {
        (self.is_text || self.name.is_none())
            && !(self.is_attached || self.is_beside)
            && matches!(self.kind.as_str(), "text/plain" | "text/html")
    }

    /// A file that is called text and, as far as it can tell, is none.
    fn is_in_doubt(&self) -> bool {
        let is_whole = self.text.as_ref().is_some_and(|text| !text.contains('\0'));
        self.is_body() && self.name.is_some() && !is_whole
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
                let is_of_cr = !raw.windows(2).any(|pair| pair == b"\r\n");
                let is_named = mime::message(raw).exceptions.contains(&Exception::LinesOfReturns);
                assert!(is_named || !is_of_cr || raw.contains(&b'\n'), "{folder:?}");
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
        for (what, count) in &counts {
            assert!(*count > 0, "{what}: {counts:?}");
        }
        assert!(counts["signed parts"] > 0 && counts["kept whole"] > 0, "{counts:?}");
        assert!(counts["named bodies"] > 5, "{counts:?}");
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
    let text = text.replace("CHARSET=", "charset=");
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
    same("subject", message.subject.trim().to_owned(), subject.map(|text| text.trim().to_owned()));
    let id = message.message_id.as_deref().unwrap_or_default();
    same("id", dense(id), read.message_id.as_deref().map(dense));
    let sent = message.sent.map(|at| at.seconds());
    same("sent", format!("{sent:?}"), read.sent.map(|at| format!("{:?}", Some(at))));
    let text = |text: &Option<String>| dense(text.as_deref().unwrap_or_default());
    for (field, ours, theirs) in [
        ("references", text(&message.references), &read.references),
        ("in reply to", text(&message.in_reply_to), &read.in_reply_to),
        ("topic", text(&message.topic), &read.topic),
    ] {
        same(field, ours, theirs.as_deref().map(dense));
    }
    let index: Option<String> = message
        .thread_index
        .as_ref()
        .map(|index| index.iter().map(|byte| format!("{byte:02x}")).collect());
    same("thread index", index.unwrap_or_default(), read.thread_index.clone());
    let importance = match message.importance {
        Importance::Low => 0,
        Importance::Normal => 1,
        Importance::High => 2,
    };
    same("importance", importance.to_string(), Some(read.importance.to_string()));
    let sensitivity = match message.sensitivity {
        Sensitivity::Normal => 0,
        Sensitivity::Personal => 1,
        Sensitivity::Private => 2,
        Sensitivity::Confidential => 3,
    };
    same("sensitivity", sensitivity.to_string(), Some(read.sensitivity.to_string()));
    same("class", message.class.to_string(), Some(read.message_class.clone()));
    let sender = message.sender.iter().map(|one| one.address.as_str()).collect();
    let reply_to = message.reply_to.iter().map(|one| one.address.as_str()).collect();
    let author = message.author.iter().map(|one| one.address.as_str()).collect();
    let of = |kind| {
        let of = message.recipients.iter().filter(|one| one.kind == kind);
        of.map(|one| one.address.address.as_str()).collect::<Vec<&str>>()
    };
    for (field, ours, theirs) in [
        ("from", author, read.from.as_ref().map(|all| all[..all.len().min(1)].to_vec())),
        ("sender", sender, read.sender.as_ref().map(|all| all[..all.len().min(1)].to_vec())),
        ("reply to", reply_to, read.reply_to.clone()),
        ("to", of(RecipientKind::To), read.to.clone()),
        ("cc", of(RecipientKind::Cc), read.cc.clone()),
        ("bcc", of(RecipientKind::Bcc), read.bcc.clone()),
    ] {
        same(field, ours.join(" "), theirs.map(|all| all.join(" ")));
    }
    for (what, is_there) in [
        ("important", importance != 1),
        ("sensitive", sensitivity != 0),
        ("sent for others", message.sender.is_some()),
        ("answered elsewhere", !message.reply_to.is_empty()),
        ("with references", message.references.is_some()),
        ("answers", message.in_reply_to.is_some()),
        ("of conversations", message.thread_index.is_some()),
        ("with topics", message.topic.is_some()),
    ] {
        *counts.entry(what).or_default() += usize::from(is_there);
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
    let defects = || read.parts.iter().flat_map(|part| &part.defects).chain(&read.defects);
    if defects().any(|defect| defect.contains("Base64")) {
        *counts.entry("damaged base64").or_default() += 1;
        let is_named = |one: &Exception| matches!(one, Exception::DamagedEncoding { .. });
        if !message.exceptions.iter().any(is_named) {
            out.push(format!("damage {place}: {:?}", defects().collect::<Vec<_>>()));
        }
        return;
    }
    // Multiparts that it takes for one part each.
    if defects().any(|defect| defect.contains("Boundary") || defect.contains("Multipart")) {
        *counts.entry("undivided").or_default() += 1;
        return;
    }
    if read.parts.iter().any(Part::is_in_doubt) {
        *counts.entry("text in doubt").or_default() += 1;
        return;
    }
    let (bodies, attached): (Vec<&Part>, Vec<&Part>) =
        read.parts.iter().partition(|part| part.is_body());
    let is_alone = bodies.len() == 1;
    for body in bodies {
        let Some(text) = &body.text else {
            *counts.entry("text in another charset").or_default() += 1;
            continue;
        };
        *counts.entry("bodies").or_default() += 1;
        *counts.entry("named bodies").or_default() += usize::from(body.name.is_some());
        let ours = if body.kind == "text/html" { &message.html } else { &message.text };
        let ours = without_charsets(&words(ours.as_deref().unwrap_or_default()));
        let theirs = without_charsets(&words(text));
        // All of it, and of one that is alone nothing besides.
        if !ours.contains(&theirs) || is_alone && ours != theirs {
            let same = ours.chars().zip(theirs.chars()).take_while(|(a, b)| a == b).count();
            let rest = |text: &str| text.chars().skip(same).take(100).collect::<String>();
            let (ours, theirs) = (rest(&ours), rest(&theirs));
            out.push(format!("body {place}: from {same} on {ours:?} but {theirs:?}"));
        }
    }
    let enriched = read.parts.iter().find(|part| part.is_text && part.kind == "text/enriched");
    if enriched.is_some() && message.text.is_none() {
        out.push(format!("enriched text {place}"));
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
    for (ours, theirs) in message.attachments.iter().zip(&attached) {
        let is_whole = theirs.kind == "multipart/signed";
        if is_same && !is_whole && ours.media_type.to_lowercase() != theirs.kind {
            out.push(format!("type {place}: {:?} but {:?}", ours.media_type, theirs.kind));
        }
        let name = theirs.name.as_deref().filter(|_| is_same && !is_whole);
        if name.is_some_and(|name| dense(name) != dense(&ours.name)) {
            out.push(format!("name {place}: {:?} but {:?}", ours.name, theirs.name));
        }
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
