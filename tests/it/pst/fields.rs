//! A message as fields that any reader can be asked for, and their comparison.

use std::collections::BTreeMap;

use muniment::base::clock::Timestamp;
use muniment::base::hash::Digest;
use muniment::pst::model::{Address, Content, Importance, Message, RecipientKind, Sensitivity};
use serde::Deserialize;

use super::entry::{self, OneOff};

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
    pub more: More,
}

/// What only a reader of single properties shows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct More {
    pub class: String,
    /// Of what is signed or encrypted, as it was.
    pub content_type: String,
    /// As PidTagImportance, PidTagPriority and PidTagSensitivity count.
    pub importance: i64,
    pub priority: i64,
    pub sensitivity: i64,
    pub has_attachments: bool,
    /// Name and address of who sent it, for whomever.
    pub sender: [String; 2],
    /// Those of each entry, and their names in one line.
    pub reply_to: Vec<[String; 2]>,
    pub reply_names: String,
    pub references: String,
    pub in_reply_to: String,
    pub topic: String,
    pub thread_index: Vec<u8>,
    /// What the sender, the author and each recipient are found by.
    pub address_keys: Vec<String>,
    /// What the message is found by; nothing but the file says it.
    pub search_key: Vec<u8>,
    /// Which of its bodies the message was written in, as PidTagNativeBody counts.
    pub native_body: i64,
    /// Of the HTML (PidTagInternetCodepage).
    pub code_page: i64,
    /// When it was made and last changed. A message without a date has the time of
    /// writing, which nothing but the file says.
    pub made: [Option<i64>; 2],
    /// Of the sender, and of whom it was sent for.
    pub smtp_addresses: [String; 2],
    /// Of the sender, and of whom it was sent for.
    pub sender_entries: Vec<OneOff>,
    /// Of each recipient, and what each is compared by, which is the same.
    pub recipient_entries: Vec<OneOff>,
    /// The names of the recipients in ASCII (PidTag7BitDisplayName).
    pub ascii_names: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Attached {
    pub name: String,
    /// With its dot.
    pub extension: String,
    /// In the form 8.3; nothing but the file says it.
    pub short_name: String,
    pub media_type: String,
    pub size: u64,
    pub sha256: String,
    pub nested: Option<Box<Mail>>,
}

impl Attached {
    pub fn bytes(name: impl Into<String>, bytes: &[u8]) -> Self {
        let sha256 = Digest::of(bytes).to_string();
        Self { name: name.into(), size: bytes.len() as u64, sha256, ..Self::default() }
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
            more: more(message),
        }
        .without_nul()
    }

    /// Strings end at a NUL, so the writer replaces and names them.
    fn without_nul(mut self) -> Self {
        let More { reply_names, references, in_reply_to, topic, sender, .. } = &mut self.more;
        let more = [reply_names, references, in_reply_to, topic].into_iter().chain(sender);
        let own = [&mut self.subject, &mut self.text, &mut self.html, &mut self.headers];
        for text in own.into_iter().chain(more) {
            *text = text.replace('\0', "\u{FFFD}");
        }
        for address in self.more.reply_to.iter_mut().flatten() {
            *address = address.replace('\0', "\u{FFFD}");
        }
        self
    }
}

fn more(message: &Message<'_>) -> More {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let class = if message.class.is_empty() { "IPM.Note" } else { &message.class };
    let (importance, priority) = match message.importance {
        Importance::Low => (0, -1),
        Importance::Normal => (1, 0),
        Importance::High => (2, 1),
    };
    let both = |one: &Address| [one.display().to_owned(), one.address.clone()];
    let sender = message.sender.as_ref().or(message.author.as_ref());
    let author = message.author.as_ref().or(message.sender.as_ref());
    let names: Vec<String> =
        message.reply_to.iter().map(|one| one.display().replace(';', ",")).collect();
    let recipients = message.recipients.iter().map(|one| &one.address);
    let senders = || sender.into_iter().chain(author);
    let people = senders().chain(recipients.clone());
    let smtp = |one: Option<&Address>| {
        let address = one.map(|one| one.address.replace('\0', "\u{FFFD}"));
        address.filter(|address| entry::kind(address) == "SMTP").unwrap_or_default()
    };
    let ascii = |one: &Address| {
        let shown = one.display().chars();
        shown.map(|c| if matches!(c, '\u{1}'..='\u{7F}') { c } else { '?' }).collect()
    };
    let made = time(message.received).or_else(|| time(message.sent));
    More {
        class: class.to_owned(),
        content_type: text(&message.content_type),
        importance,
        priority,
        sensitivity: match message.sensitivity {
            Sensitivity::Normal => 0,
            Sensitivity::Personal => 1,
            Sensitivity::Private => 2,
            Sensitivity::Confidential => 3,
        },
        has_attachments: !message.attachments.is_empty(),
        sender: sender.map(both).unwrap_or_default(),
        reply_to: message.reply_to.iter().map(both).collect(),
        reply_names: names.join(";"),
        references: text(&message.references),
        in_reply_to: text(&message.in_reply_to),
        topic: message.topic.clone().unwrap_or_else(|| without_prefix(&message.subject).to_owned()),
        thread_index: message.thread_index.clone().unwrap_or_default(),
        address_keys: people.map(key).collect(),
        search_key: Vec::new(),
        // MS-OXBBODY 2.1: of HTML, of plain text, of none that is known.
        native_body: match (&message.html, &message.text) {
            (Some(_), _) => 3,
            (None, Some(_)) => 1,
            (None, None) => 0,
        },
        code_page: 65_001,
        made: [made, made],
        smtp_addresses: [smtp(sender), smtp(author)],
        sender_entries: senders().map(OneOff::of).collect(),
        recipient_entries: recipients.clone().chain(recipients.clone()).map(OneOff::of).collect(),
        ascii_names: recipients.map(ascii).collect(),
    }
}

/// The format begins in 1601; what is before it is named as an exception.
fn time(at: Option<Timestamp>) -> Option<i64> {
    at.map(|at| at.seconds()).filter(|seconds| *seconds >= -11_644_473_600)
}

/// MS-OXCMSG 2.2.1, of PidTagSenderSearchKey: of Exchange or of the rest of the world.
fn key(one: &Address) -> String {
    let address = one.address.replace('\0', "\u{FFFD}").to_uppercase();
    format!("{}:{address}\0", entry::kind(&address))
}

/// A subject without its prefix (MS-OXCMSG 3.2.1.1.2).
fn without_prefix(subject: &str) -> &str {
    let prefix = subject.split_once(": ").filter(|(prefix, rest)| {
        let count = prefix.chars().count();
        (1..=3).contains(&count) && prefix.chars().all(char::is_alphabetic) && !rest.is_empty()
    });
    prefix.map_or(subject, |(_, rest)| rest)
}

fn attached(one: &muniment::pst::model::Attachment<'_>) -> Attached {
    let media_type = one.media_type.clone();
    let attached = match &one.content {
        Content::Bytes(bytes) => Attached::bytes(file_name(&one.name), bytes),
        Content::Stream { size, .. } => {
            Attached { name: file_name(&one.name).to_owned(), size: *size, ..Attached::default() }
        }
        Content::Message(nested) => Attached {
            name: one.name.clone(),
            nested: Some(Box::new(Mail::of(nested))),
            ..Attached::default()
        },
    };
    let extension = extension(&attached.name).replace('\0', "\u{FFFD}");
    Attached { media_type, extension, ..attached }
}

/// Behind the last dot of a name, with it.
fn extension(name: &str) -> &str {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    last.rfind('.').map(|dot| &last[dot..]).filter(|it| it.len() > 1).unwrap_or_default()
}

/// Of a path the name of the file, as which it is written; the whole is shown.
fn file_name(name: &str) -> &str {
    let is_drive = matches!(name.as_bytes(), [letter, b':', b'/' | b'\\', ..]
        if letter.is_ascii_alphabetic());
    let starts = ["/", "\\", "./", "../", ".\\", "..\\"];
    let is_path = is_drive || starts.iter().any(|start| name.starts_with(start));
    let last = name.rsplit(['/', '\\']).next().filter(|last| is_path && !last.is_empty());
    last.unwrap_or(name)
}

/// What messages are found by names each of them and no other: 16 bytes, and the same
/// only where all that is read is the same.
pub fn assert_search_keys(seen: &Seen) {
    let mut known = BTreeMap::new();
    for mail in seen.values().flatten() {
        let key = &mail.more.search_key;
        assert_eq!(key.len(), 16, "{}", mail.subject);
        let other = known.insert(key, mail);
        let is_same = other.is_none_or(|other| {
            [&other.headers, &other.subject, &other.text, &other.html]
                == [&mail.headers, &mail.subject, &mail.text, &mail.html]
        });
        assert!(is_same, "{} and {:?}", mail.subject, other.map(|other| &other.subject));
    }
}

/// Names of files as DOS had them: the beginning of the whole ones, as far as those can be.
pub fn assert_short_names(seen: &Seen) {
    for one in seen.values().flatten().flat_map(|mail| &mail.attachments) {
        let Attached { name, short_name, .. } = one;
        let (base, extension) = short_name.split_once('.').unwrap_or((short_name, ""));
        let is_short = base.len() <= 8 && extension.len() <= 3 && short_name.is_ascii();
        let is_of_it = |part: &str| part.chars().all(|c| name.contains(c)) || base == "FILE";
        assert_eq!(base.is_empty(), name.is_empty(), "{name} {short_name}");
        assert!(is_short && is_of_it(base) && name.contains(extension), "{name} {short_name}");
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
    field("more", format!("{:?}", mail.more), format!("{:?}", other.more));
    let names = |mail: &Mail| -> String {
        let all: Vec<String> = mail
            .attachments
            .iter()
            .map(|one| {
                let Attached { name, media_type, size, sha256, nested, .. } = one;
                let nested = nested.is_some();
                let (short, extension) = (&one.short_name, &one.extension);
                format!("{name} {short} {extension} {media_type} {size} {sha256} {nested}")
            })
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
