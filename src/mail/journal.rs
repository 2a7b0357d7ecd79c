//! Journal reports: how one is recognised and what its envelope says.
//!
//! The grammar is that of MS-XJRNL section 2.1, read leniently where senders
//! are known to differ: fields in any order after `Sender:`, any case, unknown
//! lines passed over with a defect. Whether a report's sender is to be believed
//! is not decided here: anyone can write these headers.

use serde::{Deserialize, Serialize};

use crate::base::limits;
use crate::mail::defect::{Defect, Defects, shown};
use crate::mail::encoded_word;
use crate::mail::header::Field;

/// Who took part in a message, as the journaling server saw it. Strings are as
/// written, without the angle brackets of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Empty for the null reverse-path.
    pub sender: String,
    pub on_behalf_of: Option<String>,
    pub subject: Option<String>,
    pub message_id: Option<String>,
    pub label: Option<String>,
    pub mailbox: Option<String>,
    pub sent: Option<String>,
    pub received: Option<String>,
    pub recipients: Vec<Recipient>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    pub kind: Kind,
    pub address: String,
    /// How the address came to be a recipient, and of which address.
    pub via: Option<(Via, String)>,
}

/// The field that named the recipient. Typed fields come only from authenticated
/// submission; everything else is `Recipient`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    To,
    Cc,
    Bcc,
    Recipient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// A member of a distribution list.
    Expanded,
    /// A mailbox forwards to it.
    Forwarded,
}

/// Which kind of report a message's header claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    Report,
    Report2003,
}

impl Claim {
    /// What this one field claims, if anything.
    pub(super) fn of(field: &Field<'_>) -> Option<Self> {
        const NAMES: [&str; 3] = [
            "X-MS-Journal-Report",
            "X-MS-Exchange-Organization-Journal-Report",
            "X-WM-Journal-Report",
        ];
        if NAMES.iter().any(|name| field.is(name)) {
            return Some(Self::Report);
        }
        // The second spelling is sent on purpose by some servers.
        let is_identifier = field.is("Content-Identifier") || field.is("Content-Identifer");
        let names_report = field.value.trim_ascii().eq_ignore_ascii_case(b"ExJournalReport");
        (is_identifier && names_report).then_some(Self::Report2003)
    }
}

/// Lines that a banner before an envelope may have.
const BANNER_LINES_MAX: usize = 32;

/// The envelope in the decoded text part of a report; none if no line near its start is
/// `Sender:`. What some gateway put before that is a defect.
pub(super) fn parse(
    text: &[u8],
    charset: &'static encoding_rs::Encoding,
    defects: &mut Defects,
) -> Option<Envelope> {
    let text = encoded_word::in_charset(text, charset);
    let mut envelope = Parser::default();
    // Some gateway leaves nothing but carriage returns.
    let end = if text.trim_end().contains('\n') { '\n' } else { '\r' };
    let rest = text.trim_start_matches('\u{feff}');
    let mut lines = Lines { rest, end, is_in_list: false, unclear: None };
    let is_sender =
        |line: &str| field(line).is_some_and(|(name, _)| name.eq_ignore_ascii_case("Sender"));
    let mut before = Vec::new();
    let first = loop {
        match lines.next()? {
            line if is_sender(&line) => break line,
            _ if before.len() == BANNER_LINES_MAX => return None,
            line => before.push(line),
        }
    };
    for line in before {
        defects.add(Defect::EnvelopeLine { text: shown(line.as_bytes(), 80) });
    }
    envelope.line(&first, defects);
    for line in lines.by_ref() {
        envelope.line(&line, defects);
    }
    if let Some(line) = lines.unclear {
        defects.add(Defect::EnvelopeLine { text: shown(line.as_bytes(), 80) });
    }
    Some(envelope.envelope)
}

/// Logical lines: folds undone, empty ones left out.
struct Lines<'a> {
    rest: &'a str,
    end: char,
    /// Each line of the list of the 2003 form is one recipient.
    is_in_list: bool,
    /// One that goes on with text, or names a recipient.
    unclear: Option<&'a str>,
}

impl Iterator for Lines<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        while !self.rest.is_empty() {
            let (raw, rest) = self.rest.split_once(self.end).unwrap_or((self.rest, ""));
            let is_fold = raw.starts_with([' ', '\t']) && !raw.trim().is_empty();
            self.is_in_list |= names(&line, &["recipients"]);
            if self.is_in_list && !line.is_empty() {
                break;
            }
            if !(line.is_empty() || is_fold && goes_on(&line, raw)) {
                break;
            }
            self.rest = rest;
            let raw = raw.trim_end_matches('\r');
            if !line.is_empty() && names(raw, &RECIPIENTS) && raw.contains('@') {
                self.unclear = Some(raw.trim());
            }
            if line.is_empty() {
                line.push_str(raw.trim());
            } else {
                line.push_str(raw.trim_end());
            }
        }
        (!line.is_empty()).then_some(line)
    }
}

const RECIPIENTS: [&str; 5] = ["to", "cc", "bcc", "recipient", "recipients"];

/// Whether an indented line goes on with the one before it. Text may say anything, but
/// no address holds what begins a recipient's field.
fn goes_on(line: &str, indented: &str) -> bool {
    names(line, &["subject", "label", "message-id"]) || !names(indented, &RECIPIENTS)
}

/// Whether a line is a field of one of these names.
fn names(line: &str, known: &[&str]) -> bool {
    field(line).is_some_and(|(name, _)| known.iter().any(|it| name.trim().eq_ignore_ascii_case(it)))
}

fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim_end(), value.trim()))
}

#[derive(Default)]
struct Parser {
    envelope: Envelope,
    /// The 2003 form lists bare addresses below `Recipients:`.
    is_in_list: bool,
    has_sender: bool,
}

impl Parser {
    fn line(&mut self, line: &str, defects: &mut Defects) {
        // A carriage return may have been meant as the end of a line; none is allowed.
        if line.contains(|c: char| c.is_control() && c != '\t') {
            defects.add(Defect::EnvelopeLine { text: shown(line.as_bytes(), 80) });
        }
        let Some((name, value)) = field(line) else {
            return self.other(line, defects);
        };
        let envelope = &mut self.envelope;
        let some = || Some(value.to_owned());
        match name.to_ascii_lowercase().as_str() {
            "sender" if !self.has_sender => {
                self.has_sender = true;
                envelope.sender = path(value);
                doubt(&envelope.sender, defects);
            }
            "on-behalf-of" => {
                let address = path(value);
                doubt(&address, defects);
                envelope.on_behalf_of = Some(address);
            }
            "subject" => envelope.subject = some(),
            "message-id" => envelope.message_id = some(),
            "label" => envelope.label = some(),
            "mailbox" => envelope.mailbox = Some(path(value)),
            "sentutc" => envelope.sent = some(),
            "receivedutc" | "received" => envelope.received = some(),
            "to" => self.recipient(Kind::To, value, defects),
            "cc" => self.recipient(Kind::Cc, value, defects),
            "bcc" => self.recipient(Kind::Bcc, value, defects),
            "recipient" => self.recipient(Kind::Recipient, value, defects),
            "recipients" => {
                self.is_in_list = true;
                self.listed(value, defects);
            }
            _ => self.other(line, defects),
        }
    }

    /// No field: an address of a 2003 list, or a defect.
    fn other(&mut self, line: &str, defects: &mut Defects) {
        let text = shown(line.as_bytes(), 80);
        match self.is_in_list {
            true if is_x500(line) => self.recipient(Kind::Recipient, line, defects),
            true if line.contains('@') => self.listed(line, defects),
            true => defects.add(Defect::UnknownRecipient { text }),
            false => defects.add(Defect::EnvelopeLine { text }),
        }
    }

    fn listed(&mut self, value: &str, defects: &mut Defects) {
        for address in pieces(value) {
            self.recipient(Kind::Recipient, address, defects);
        }
    }

    fn recipient(&mut self, kind: Kind, value: &str, defects: &mut Defects) {
        let (mut addresses, mut ways) = (value, Vec::new());
        let mut marks = 0;
        while let Some((before, via, original)) = split_via(addresses).filter(|_| marks < 2) {
            (addresses, marks) = (before, marks + 1);
            let originals = several(original).unwrap_or_else(|| vec![original]);
            let before = originals.iter().map(|original| Some((via, path(original))));
            ways.splice(..0, before);
        }
        if ways.is_empty() {
            ways.push(None);
        }
        let addresses = several(addresses).unwrap_or_else(|| vec![addresses]);
        // The form has one of either.
        if addresses.len() > 1 || ways.len() > 1 {
            defects.add(Defect::EnvelopeLine { text: shown(value.as_bytes(), 80) });
        }
        let pairs = addresses.iter().flat_map(|address| ways.iter().map(move |way| (address, way)));
        for (address, via) in pairs {
            if self.envelope.recipients.len() >= limits::ENVELOPE_RECIPIENTS_MAX {
                let recipients_max = limits::ENVELOPE_RECIPIENTS_MAX as u32;
                return defects.add(Defect::TooManyRecipients { recipients_max });
            }
            let (address, via) = (path(address), via.clone());
            doubt(&address, defects);
            self.envelope.recipients.push(Recipient { kind, address, via });
        }
    }
}

/// `forward-path ", Expanded: " original` or the same with `Forwarded`. The last
/// such mark outside of quotes counts: an X.500 name before it may hold anything,
/// and so may a quoted local part.
fn split_via(value: &str) -> Option<(&str, Via, &str)> {
    let (at, via) = unquoted(value, |c| c == ',')
        .filter_map(|comma| {
            let rest = value[comma + 1..].trim_start();
            let named = |name: &str| {
                rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            };
            let via = match () {
                () if named("expanded:") => Via::Expanded,
                () if named("forwarded:") => Via::Forwarded,
                () => return None,
            };
            Some((comma, via))
        })
        .last()?;
    let (_, original) = value[at + 1..].split_once(':')?;
    Some((&value[..at], via, original))
}

/// The addresses of a field that holds more than the one that it may. An X.500
/// name, in which commas are common, is one address.
fn several(value: &str) -> Option<Vec<&str>> {
    let pieces = pieces(value);
    (pieces.len() > 1 && pieces.iter().all(|piece| piece.contains('@'))).then_some(pieces)
}

/// What commas, semicolons and the ends of paths separate, outside of quotes.
fn pieces(value: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for at in unquoted(value, |c| matches!(c, ',' | ';' | '>')).chain([value.len()]) {
        let end = if value[at..].starts_with('>') { at + 1 } else { at };
        pieces.extend(Some(value[start..end].trim()).filter(|piece| !piece.is_empty()));
        start = at + 1;
    }
    pieces
}

/// Where such characters stand outside of quotes. A quote that is never closed
/// is a character like others.
fn unquoted(value: &str, test: impl Fn(char) -> bool) -> impl Iterator<Item = usize> {
    let mut open = None;
    let mut found = Vec::new();
    let mut is_escaped = false;
    for (at, c) in value.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if open.is_some() => is_escaped = true,
            '"' => {
                open = match open {
                    None => Some(found.len()),
                    Some(before) => {
                        found.truncate(before);
                        None
                    }
                };
            }
            c if test(c) => found.push(at),
            _ => {}
        }
    }
    found.into_iter()
}

/// A path without its angle brackets, without the display name that the 2003
/// form writes before them, and without the address type of a proxy address. What is
/// no character of any address is at its ends none of it.
fn path(value: &str) -> String {
    let is_none = |c: char| c.is_whitespace() || c.is_control() || is_mark(c) || c == ';';
    let value = value.trim_matches(is_none);
    // Behind a display name, as Outlook writes it.
    let value = match value.rsplit_once('[') {
        Some((before, typed)) if value.ends_with(']') && is_x500(typed) => &value[before.len()..],
        _ => value,
    };
    let inner = value.strip_suffix('>').and_then(|v| v.rsplit_once('<')).map(|(_, inner)| inner);
    let address = inner.unwrap_or(value).trim_matches(is_none);
    let is_type = |kind: &str| ["smtp", "mailto"].iter().any(|it| kind.eq_ignore_ascii_case(it));
    let typed = address.split_once(':').filter(|(kind, _)| is_type(kind));
    typed.map_or(address, |(_, address)| address.trim()).to_owned()
}

/// Marks of the direction of text and such, which are not seen.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// Tells of a mail address that more stands in than an address.
fn doubt(address: &str, defects: &mut Defects) {
    let is_quoted = address.contains('"');
    let is_more = |c: char| c.is_whitespace() || is_mark(c) || "<>();,".contains(c);
    if address.contains('@') && !is_x500(address) && !is_quoted && address.contains(is_more) {
        defects.add(Defect::EnvelopeLine { text: shown(address.as_bytes(), 80) });
    }
}

/// Whether an X.500 name is in a text, alone or behind its address type.
fn is_x500(text: &str) -> bool {
    let typed = text.split_once(":/").map(|(before, _)| before.to_ascii_lowercase());
    text.starts_with('/') || typed.is_some_and(|it| it.ends_with("ex") || it.ends_with("x500"))
}
