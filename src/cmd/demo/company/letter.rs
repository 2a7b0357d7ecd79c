//! One message that somebody wrote, and its bytes as a mailer makes them.

use std::fmt::Write as _;

use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::mail::compose;

use super::attachment::{Attachment, escaped};
use super::people::{List, Person};
use super::tongues::Tongue;

pub enum Addressee {
    Person(&'static Person),
    List(&'static List),
}

impl Addressee {
    fn written(&self) -> String {
        match self {
            Self::Person(person) => compose::mailbox(person.name, person.address),
            Self::List(list) => compose::mailbox(list.name, list.address),
        }
    }
}

/// How a mailer writes the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub has_html: bool,
    pub has_logo: bool,
    /// Loads a picture from outside, which tells its sender who reads.
    pub has_tracker: bool,
    /// The charset that was usual for the language before UTF-8.
    pub is_old: bool,
}

pub struct Letter {
    pub at: Timestamp,
    pub id: String,
    /// Ids of the letters before it in the thread, oldest first.
    pub references: Vec<String>,
    pub from: &'static Person,
    pub to: Vec<Addressee>,
    pub cc: Vec<Addressee>,
    /// Addresses that no header shows.
    pub bcc: Vec<&'static str>,
    pub subject: String,
    /// With LF between lines.
    pub text: String,
    pub look: Look,
    pub attachments: Vec<Attachment>,
}

impl Letter {
    /// The message, with CRLF and without its blind recipients.
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = String::new();
        let host = self.from.address.split('@').nth(1).unwrap_or_default();
        let date = super::rfc5322(self.at);
        let tag = &Digest::of(self.id.as_bytes()).to_string()[..16];
        let _ = write!(
            head,
            "Received: from client.{host} (192.0.2.{}) by mx1.larkfield.example with\r\n ESMTPS id {tag}; {date}\r\n",
            self.from.address.len()
        );
        let _ = write!(head, "From: {}\r\n", compose::mailbox(self.from.name, self.from.address));
        for (name, list) in [("To", &self.to), ("Cc", &self.cc)] {
            if !list.is_empty() {
                let list: Vec<_> = list.iter().map(Addressee::written).collect();
                let _ = write!(head, "{name}: {}\r\n", list.join(",\r\n "));
            }
        }
        let _ = write!(
            head,
            "Subject: {}\r\nDate: {date}\r\nMessage-ID: {}\r\n",
            compose::unstructured(&self.subject),
            self.id
        );
        if let Some(parent) = self.references.last() {
            let references = self.references.join("\r\n ");
            let _ = write!(head, "In-Reply-To: {parent}\r\nReferences: {references}\r\n");
        }
        head.push_str("MIME-Version: 1.0\r\n");
        let mut message = head.into_bytes();
        message.extend(self.body(tag));
        message.extend_from_slice(b"\r\n");
        message
    }

    fn body(&self, tag: &str) -> Vec<u8> {
        let mut body = text_part("text/plain", &self.text, self.from.tongue, self.look.is_old);
        if self.look.has_html {
            let html = text_part("text/html", &self.html(tag), self.from.tongue, self.look.is_old);
            body = multipart("alternative", &format!("alt_{tag}"), &[body, html]);
        }
        if self.look.has_html && self.look.has_logo {
            let logo = super::attachment::chart(&mut super::dice::Dice::new(7), 48, 24);
            let head = format!(
                "Content-Type: image/png; name=\"logo.png\"\r\nContent-ID: <logo.{tag}@larkfield.example>\r\nContent-Disposition: inline; filename=\"logo.png\"\r\n"
            );
            body = multipart("related", &format!("rel_{tag}"), &[body, encoded(&head, &logo)]);
        }
        if !self.attachments.is_empty() {
            let mut parts = vec![body];
            parts.extend(self.attachments.iter().map(attached));
            body = multipart("mixed", &format!("mix_{tag}"), &parts);
        }
        body
    }

    fn html(&self, tag: &str) -> String {
        let mut quote = false;
        let mut html = String::from("<html><body style=\"font-family: Calibri, sans-serif\">\n");
        for line in self.text.lines() {
            let is_quoted = line.starts_with('>');
            if is_quoted != quote {
                html.push_str(if is_quoted {
                    "<blockquote style=\"color: #555\">\n"
                } else {
                    "</blockquote>\n"
                });
                quote = is_quoted;
            }
            let line = line.trim_start_matches(['>', ' ']);
            let _ = writeln!(
                html,
                "<div>{}</div>",
                if line.is_empty() { "&nbsp;".into() } else { escaped(line) }
            );
        }
        if quote {
            html.push_str("</blockquote>\n");
        }
        if self.look.has_logo {
            let _ = writeln!(html, "<img src=\"cid:logo.{tag}@larkfield.example\" alt=\"logo\">");
        }
        if self.look.has_tracker {
            let _ = writeln!(
                html,
                "<img src=\"https://track.mailer.example/open?m={tag}\" width=\"1\" height=\"1\">"
            );
        }
        html + "</body></html>\n"
    }
}

/// A text part in the charset and encoding that mailers use for the language.
fn text_part(media_type: &str, text: &str, tongue: Tongue, is_old: bool) -> Vec<u8> {
    let old = match tongue {
        Tongue::Japanese => encoding_rs::ISO_2022_JP,
        Tongue::Russian => encoding_rs::KOI8_R,
        Tongue::Arabic => encoding_rs::WINDOWS_1256,
        _ => encoding_rs::WINDOWS_1252,
    };
    let crlf = String::from_utf8_lossy(&compose::crlf(text.as_bytes())).into_owned();
    let (charset, bytes) = match is_old.then(|| old.encode(&crlf)) {
        Some((bytes, _, false)) => (old.name().to_ascii_lowercase(), bytes.into_owned()),
        _ => ("utf-8".into(), crlf.into_bytes()),
    };
    let (encoding, bytes) = if charset == "iso-2022-jp" || bytes.is_ascii() && is_old {
        ("7bit", bytes)
    } else if matches!(tongue, Tongue::Japanese | Tongue::Russian | Tongue::Arabic) {
        ("base64", compose::base64(&bytes))
    } else {
        ("quoted-printable", compose::quoted_printable(&bytes))
    };
    let head = format!(
        "Content-Type: {media_type}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    );
    [head.into_bytes(), bytes].concat()
}

fn attached(attachment: &Attachment) -> Vec<u8> {
    let name = &attachment.name;
    // RFC 2231 for names beyond ASCII.
    let name = if name.is_ascii() {
        format!("filename=\"{name}\"")
    } else {
        let escaped: String = name
            .bytes()
            .map(|c| {
                if c.is_ascii_alphanumeric() || b".-".contains(&c) {
                    (c as char).to_string()
                } else {
                    format!("%{c:02X}")
                }
            })
            .collect();
        format!("filename*=utf-8''{escaped}")
    };
    let charset = if attachment.media_type.starts_with("text/") { "; charset=utf-8" } else { "" };
    let head = format!(
        "Content-Type: {}{charset}\r\nContent-Disposition: attachment;\r\n {name}\r\n",
        attachment.media_type
    );
    encoded(&head, &attachment.bytes)
}

fn encoded(head: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("{head}Content-Transfer-Encoding: base64\r\n\r\n");
    [head.into_bytes(), compose::base64(bytes)].concat()
}

fn multipart(kind: &str, boundary: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut out =
        format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n").into_bytes();
    for part in parts {
        out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
        out.extend_from_slice(part);
    }
    out.extend_from_slice(format!("\r\n--{boundary}--").as_bytes());
    out
}
