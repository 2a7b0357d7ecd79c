//! Journal reports as Exchange, Microsoft 365 and others write them, around
//! mail that is given. Used by the demonstration, the benches and the tests.
//!
//! The original's bytes are never touched, except where a base64
//! `message/rfc822` is asked for.

use std::fmt::Write as _;

use crate::base::hash::Digest;
use crate::mail::compose;
use crate::mail::delivery::Encoding;
use crate::mail::journal::{Envelope, Kind, Recipient, Via};

/// How a report is written; `Default` is what Exchange Online sends.
#[derive(Clone, Debug)]
pub struct Style {
    pub journal_address: String,
    /// Of the journaling server, without a trailing dot.
    pub tenant: String,
    /// RFC 5322 date of the report.
    pub date: String,
    /// The header that marks a report.
    pub marker: &'static str,
    /// Charset of the envelope part: `us-ascii`, `utf-8` or `iso-8859-1`.
    pub charset: &'static str,
    pub encoding: Encoding,
    pub message_id_name: &'static str,
    pub is_message_id_first: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            journal_address: "journal@archive.example".into(),
            tenant: "contoso.onmicrosoft.com".into(),
            date: "Tue, 24 Nov 2026 08:00:00 +0000".into(),
            marker: "X-MS-Journal-Report",
            charset: "utf-8",
            encoding: Encoding::Identity,
            message_id_name: "Message-Id",
            is_message_id_first: false,
        }
    }
}

/// A second part of a report.
#[derive(Clone, Copy)]
pub struct Original<'a> {
    pub media_type: &'a str,
    pub encoding: Encoding,
    pub bytes: &'a [u8],
}

impl<'a> Original<'a> {
    pub fn message(bytes: &'a [u8]) -> Self {
        Self { media_type: "message/rfc822", encoding: Encoding::Identity, bytes }
    }
}

/// A report of `envelope` with `originals`, of which there is one unless
/// protection was removed (two) or something was lost (none).
pub fn report(envelope: &Envelope, originals: &[Original<'_>], style: &Style) -> Vec<u8> {
    let text = envelope_text(envelope, style);
    let mut parts = vec![text_part(&text, style)];
    parts.extend(originals.iter().map(original_part));
    let mut head = String::new();
    let subject = compose::unstructured(envelope.subject.as_deref().unwrap_or_default());
    let exchange = format!("MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@{}", style.tenant);
    let identity = identity(&parts);
    let _ = write!(
        head,
        "Date: {}\r\nFrom: Microsoft Exchange <{exchange}>\r\nSender: <{exchange}>\r\n\
         To: {}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Message-ID: <{identity}@journal.report.generator>\r\n{}:\r\n",
        style.date, style.journal_address, style.marker,
    );
    if let Some(id) = &envelope.message_id {
        let _ = write!(head, "X-MS-Exchange-Parent-Message-Id:\r\n\t{id}\r\n");
    }
    let _ = write!(
        head,
        "Auto-Submitted: auto-generated\r\n\
         X-MS-Exchange-Generated-Message-Source: Journal Agent\r\nX-OriginatorOrg: {}\r\n",
        style.tenant
    );
    multipart(&head, "multipart/mixed", &identity, &parts)
}

/// A report in the form of Exchange 2003: untyped recipients below one
/// `Recipients:` line. Some servers misspell the marking header.
pub fn report_2003(envelope: &Envelope, original: &[u8], is_misspelt: bool) -> Vec<u8> {
    let mut text = format!("Sender: {}\r\n", envelope.sender);
    if let Some(id) = &envelope.message_id {
        let _ = write!(text, "Message-ID: {id}\r\n");
    }
    text.push_str("Recipients:\r\n");
    for recipient in &envelope.recipients {
        let _ = write!(text, "{}\r\n", recipient.address);
    }
    let style = Style { charset: "us-ascii", ..Style::default() };
    let texts = [text_part(&text, &style), html_part(&text)];
    let alternative = multipart("", "multipart/alternative", &identity(&texts), &texts);
    let parts = [alternative, original_part(&Original::message(original))];
    let marker = if is_misspelt { "Content-Identifer" } else { "Content-Identifier" };
    let head = format!(
        "From: \"System Attendant\" <exchange-sa@corp.example>\r\nTo: {}\r\nDate: {}\r\n\
         Subject: Journal report\r\nMIME-Version: 1.0\r\n\
         Content-Class: urn:content-classes:message\r\n{marker}: ExJournalReport\r\n",
        style.journal_address, style.date
    );
    multipart(&head, "multipart/mixed", &identity(&parts), &parts)
}

/// A delivery failure notice that returns `report`, as an alternate journaling
/// mailbox receives it.
pub fn failure_notice(report: &[u8], style: &Style) -> Vec<u8> {
    let address = &style.journal_address;
    let text = format!("Content-Type: text/plain\r\n\r\nDelivery to {address} failed.\r\n");
    let status = format!(
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns;{tenant}\r\n\r\n\
         Final-recipient: RFC822;{address}\r\nAction: failed\r\nStatus: 5.4.7\r\n",
        tenant = style.tenant
    );
    let returned = original_part(&Original::message(report));
    let parts = [text.into_bytes(), status.into_bytes(), returned];
    let head = format!(
        "From: <postmaster@{}>\r\nTo: alternate@archive.example\r\nDate: {}\r\n\
         Subject: Undeliverable\r\nMIME-Version: 1.0\r\n",
        style.tenant, style.date
    );
    let kind = "multipart/report; report-type=delivery-status";
    multipart(&head, kind, &identity(&parts), &parts)
}

/// The envelope as Exchange writes it.
pub fn envelope_text(envelope: &Envelope, style: &Style) -> String {
    let mut text = format!("Sender: {}\r\n", envelope.sender);
    let mut line = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            let _ = write!(text, "{name}: {value}\r\n");
        }
    };
    line("On-Behalf-Of", &envelope.on_behalf_of);
    if style.is_message_id_first {
        line(style.message_id_name, &envelope.message_id);
        line("Subject", &envelope.subject);
    } else {
        line("Subject", &envelope.subject);
        line(style.message_id_name, &envelope.message_id);
    }
    line("Label", &envelope.label);
    line("Mailbox", &envelope.mailbox);
    line("SentUtc", &envelope.sent);
    line("ReceivedUtc", &envelope.received);
    for recipient in &envelope.recipients {
        recipient_line(&mut text, recipient);
    }
    text
}

fn recipient_line(text: &mut String, recipient: &Recipient) {
    let kind = match recipient.kind {
        Kind::To => "To",
        Kind::Cc => "Cc",
        Kind::Bcc => "Bcc",
        Kind::Recipient => "Recipient",
    };
    let _ = write!(text, "{kind}: {}", recipient.address);
    match &recipient.via {
        Some((Via::Expanded, list)) => drop(write!(text, ", Expanded: {list}")),
        Some((Via::Forwarded, from)) => drop(write!(text, ", Forwarded: {from}")),
        None => {}
    }
    text.push_str("\r\n");
}

fn text_part(text: &str, style: &Style) -> Vec<u8> {
    let bytes = match style.charset {
        "iso-8859-1" => encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
        _ => text.as_bytes().to_vec(),
    };
    let (name, bytes) = match style.encoding {
        Encoding::Identity if bytes.is_ascii() => ("7bit", bytes),
        Encoding::Identity => ("8bit", bytes),
        Encoding::Base64 => ("base64", compose::base64(&bytes)),
        Encoding::QuotedPrintable => ("quoted-printable", compose::quoted_printable(&bytes)),
    };
    let head = format!(
        "Content-Type: text/plain; charset=\"{}\"\r\nContent-Transfer-Encoding: {name}\r\n\r\n",
        style.charset
    );
    [head.into_bytes(), bytes].concat()
}

fn html_part(text: &str) -> Vec<u8> {
    let text = text.replace('<', "&lt;").replace("\r\n", "<br>\r\n");
    format!("Content-Type: text/html\r\n\r\n<html><body>{text}</body></html>\r\n").into_bytes()
}

fn original_part(original: &Original<'_>) -> Vec<u8> {
    let (name, bytes) = match original.encoding {
        Encoding::Identity => ("", original.bytes.to_vec()),
        Encoding::Base64 => ("base64", compose::base64(original.bytes)),
        Encoding::QuotedPrintable => {
            ("quoted-printable", compose::quoted_printable(original.bytes))
        }
    };
    let mut head = format!("Content-Type: {}\r\n", original.media_type);
    if !name.is_empty() {
        let _ = write!(head, "Content-Transfer-Encoding: {name}\r\n");
    }
    head.push_str("\r\n");
    [head.into_bytes(), bytes].concat()
}

/// A name for the content, in the shape of a GUID, so that reports of the same
/// mail are the same bytes.
fn identity(parts: &[Vec<u8>]) -> String {
    let mut hasher = crate::base::hash::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    guid(&hasher.finish())
}

fn guid(digest: &Digest) -> String {
    let hex = digest.to_string();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]].join("-")
}

/// Joins parts under a boundary that none of them holds.
fn multipart(head: &str, media_type: &str, identity: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut boundary = format!("_{identity}_");
    while parts.iter().any(|part| memchr::memmem::find(part, boundary.as_bytes()).is_some()) {
        boundary.push('x');
    }
    let size: usize = parts.iter().map(|part| part.len() + 64).sum();
    let mut out = Vec::with_capacity(size + head.len() + 256);
    let head = format!("{head}Content-Type: {media_type};\r\n\tboundary=\"{boundary}\"\r\n\r\n");
    out.extend_from_slice(head.as_bytes());
    for part in parts {
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}
