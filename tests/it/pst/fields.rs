//! A message as fields that any reader can be asked for, and their comparison.

use std::collections::BTreeMap;

use muniment::base::clock::Timestamp;
use muniment::base::hash::Digest;
use muniment::pst::model::{Content, Message, RecipientKind};
use serde::Deserialize;

/// Messages by folder, in the order of their writing.
pub type Seen = BTreeMap<String, Vec<Mail>>;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Mail {
    pub subject: String,
    pub from_name: String,
    pub from_address: String,
    /// `to name <address>`, in order.
    pub recipients: Vec<String>,
    /// Seconds since 1970.
    pub sent: Option<i64>,
    pub received: Option<i64>,
    pub text: String,
    pub html: String,
    pub headers: String,
    pub message_id: String,
    /// What is in no part, through the named property.
    pub structure: Vec<u8>,
    pub attachments: Vec<Attached>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Attached {
    pub name: String,
    pub size: u64,
    pub sha256: String,
    pub nested: Option<Box<Mail>>,
}

impl Attached {
    pub fn bytes(name: impl Into<String>, bytes: &[u8]) -> Self {
        let sha256 = Digest::of(bytes).to_string();
        Self { name: name.into(), size: bytes.len() as u64, sha256, nested: None }
    }
}

impl Mail {
    pub fn of(message: &Message<'_>) -> Self {
        let author = message.author.clone().or_else(|| message.sender.clone()).unwrap_or_default();
        let shown = author.display().to_owned();
        let recipients = message.recipients.iter().map(|one| {
            let kind = match one.kind {
                RecipientKind::To => "to",
                RecipientKind::Cc => "cc",
                RecipientKind::Bcc => "bcc",
            };
            format!("{kind} {} <{}>", one.address.display(), one.address.address)
        });
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        // The format begins in 1601; what is before it is named as an exception.
        let time = |at: Option<Timestamp>| {
            at.map(|at| at.seconds()).filter(|seconds| *seconds >= -11_644_473_600)
        };
        Self {
            subject: message.subject.clone(),
            from_name: shown,
            from_address: author.address,
            recipients: recipients.collect(),
            sent: time(message.sent),
            received: time(message.received).or_else(|| time(message.sent)),
            text: text(&message.text),
            html: text(&message.html),
            headers: message.headers.clone(),
            message_id: text(&message.message_id),
            structure: message.structure.clone(),
            attachments: message.attachments.iter().map(attached).collect(),
        }
        .without_nul()
    }

    /// Strings end at a NUL, so the writer replaces and names them.
    fn without_nul(mut self) -> Self {
        for text in [&mut self.subject, &mut self.text, &mut self.html, &mut self.headers] {
            *text = text.replace('\0', "\u{FFFD}");
        }
        self
    }
}

fn attached(one: &muniment::pst::model::Attachment<'_>) -> Attached {
    match &one.content {
        Content::Bytes(bytes) => Attached::bytes(one.name.as_str(), bytes),
        Content::Stream { size, .. } => {
            Attached { name: one.name.clone(), size: *size, ..Attached::default() }
        }
        Content::Message(nested) => Attached {
            name: one.name.clone(),
            nested: Some(Box::new(Mail::of(nested))),
            ..Attached::default()
        },
    }
}

/// Compares what a reader saw with what was written, after `view` has taken from
/// both what that reader is known not to show.
pub fn compare(reader: &str, written: &Seen, seen: &Seen, view: &dyn Fn(&mut Mail)) {
    let others = seen.keys().filter(|folder| !written.contains_key(*folder));
    let mut differences: Vec<String> =
        others.map(|folder| format!("{folder}: was not written")).collect();
    for (folder, mails) in written {
        let others = seen.get(folder).map_or(&[][..], Vec::as_slice);
        if others.len() != mails.len() {
            differences.push(format!("{folder}: {} of {}", others.len(), mails.len()));
            continue;
        }
        for (number, (mail, other)) in mails.iter().zip(others).enumerate() {
            let (mut mail, mut other) = (mail.clone(), other.clone());
            view(&mut mail);
            view(&mut other);
            differ(&format!("{folder} {number}"), &mail, &other, &mut differences);
        }
    }
    let shown: Vec<&String> = differences.iter().take(40).collect();
    assert!(differences.is_empty(), "{reader}: {} differences: {shown:#?}", differences.len());
}

fn differ(place: &str, mail: &Mail, other: &Mail, out: &mut Vec<String>) {
    if mail == other {
        return;
    }
    let mut field = |name: &str, a: String, b: String| {
        if a != b {
            let at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
            let near = |text: &str| {
                let from = at.saturating_sub(20);
                text.chars().skip(from).take(80).collect::<String>()
            };
            out.push(format!("{place} {name} at {at}: {:?} != {:?}", near(&a), near(&b)));
        }
    };
    field("subject", mail.subject.clone(), other.subject.clone());
    field("from name", mail.from_name.clone(), other.from_name.clone());
    field("from address", mail.from_address.clone(), other.from_address.clone());
    field("recipients", mail.recipients.join("\n"), other.recipients.join("\n"));
    field("sent", format!("{:?}", mail.sent), format!("{:?}", other.sent));
    field("received", format!("{:?}", mail.received), format!("{:?}", other.received));
    field("text", mail.text.clone(), other.text.clone());
    field("html", mail.html.clone(), other.html.clone());
    field("headers", mail.headers.clone(), other.headers.clone());
    field("message id", mail.message_id.clone(), other.message_id.clone());
    let structure = |mail: &Mail| mail.structure.escape_ascii().to_string();
    field("structure", structure(mail), structure(other));
    let names = |mail: &Mail| -> String {
        let all: Vec<String> = mail
            .attachments
            .iter()
            .map(|one| format!("{} {} {} {}", one.name, one.size, one.sha256, one.nested.is_some()))
            .collect();
        all.join("\n")
    };
    field("attachments", names(mail), names(other));
    for (number, pair) in mail.attachments.iter().zip(&other.attachments).enumerate() {
        if let (Some(mail), Some(other)) = (&pair.0.nested, &pair.1.nested) {
            differ(&format!("{place} > {number}"), mail, other, out);
        }
    }
}
