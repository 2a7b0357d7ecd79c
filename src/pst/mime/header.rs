//! Header fields: the block as text, and what it says.

use mail_parser::{ContentType, HeaderName, HeaderValue, MessageParser};

use super::{decode, word};
use crate::base::clock::Timestamp;
use crate::mail::date;
use crate::pst::model::{Address, Exception, Importance, Sensitivity};

/// Fields that hold a URL.
const URLS: [&str; 2] = ["Content-Location", "Content-Base"];

pub struct Headers {
    /// The block with CRLF line ends, without the empty line.
    pub text: String,
    /// What could not be read of it as it was meant.
    pub exceptions: Vec<Exception>,
    fields: Vec<(String, HeaderValue<'static>, String)>,
}

impl Headers {
    pub fn parse(block: &[u8]) -> Self {
        let block = &block[separator(block).len()..];
        let mut is_mapped = false;
        // Relays add lines of their own: one in another charset spoils no other.
        let lines = block.split_inclusive(|byte| *byte == b'\n').map(|line| {
            std::str::from_utf8(line).map_or_else(
                |_| {
                    is_mapped = true;
                    line.iter().map(|byte| char::from(*byte)).collect()
                },
                str::to_owned,
            )
        });
        let text: String = lines.collect();
        let text = decode::crlf(&text);
        // The parser takes a line of blanks for the end.
        let lines = text.split_inclusive('\n').filter(|line| !line.trim().is_empty());
        let input: String = lines.chain(["\r\n"]).collect();
        let mut exceptions = Vec::new();
        if is_mapped {
            exceptions.push(Exception::HeaderBytes);
        }
        let input = word::in_utf8(&input, &mut exceptions);
        let fields = MessageParser::default().parse_headers(&input).map(|parsed| {
            let fields = parsed.headers().iter().map(|header| {
                let range = header.offset_start as usize..header.offset_end as usize;
                let raw = input.get(range).unwrap_or_default();
                // What folds a long URL is no part of it (RFC 2557 section 4.4).
                let is_url = URLS.iter().any(|url| header.name().eq_ignore_ascii_case(url));
                let raw = unfold(raw, if is_url { "" } else { " " });
                (header.name().to_owned(), header.value().clone().into_owned(), raw)
            });
            fields.collect()
        });
        Self { fields: fields.unwrap_or_default(), text, exceptions }
    }

    /// The first field of this name as written, unfolded.
    pub fn raw(&self, name: &str) -> Option<String> {
        let field = self.values(name).next()?;
        Some(field.1.clone()).filter(|text| !text.is_empty())
    }

    /// The first field of this name, which is of `URLS`.
    pub fn url(&self, name: &str) -> Option<String> {
        let (value, raw) = self.values(name).next()?;
        // Encoded words are there for characters that no URL has.
        let text = value.as_text().filter(|_| raw.contains("=?")).unwrap_or(raw);
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    pub fn subject(&self) -> String {
        let text = self.values("Subject").find_map(|(value, _)| value.as_text());
        text.unwrap_or_default().to_owned()
    }

    pub fn mailbox(&self, name: &str) -> Option<Address> {
        self.mailboxes(name).into_iter().next()
    }

    pub fn mailboxes(&self, name: &str) -> Vec<Address> {
        let mut all = Vec::new();
        for (value, _) in self.values(name) {
            let Some(list) = value.as_address() else { continue };
            for one in list.iter() {
                let address = Address {
                    name: one.name().unwrap_or_default().trim().to_owned(),
                    address: plain(one.address().unwrap_or_default()),
                };
                if !(address.name.is_empty() && address.address.is_empty()) {
                    all.push(address);
                }
            }
        }
        all
    }

    /// What the mapping leaves to the header block. A receipt that was asked for is
    /// there too: a property would have Outlook send one to whoever is being read.
    pub fn in_no_property(&self) -> Vec<Exception> {
        let named = |field, value| Exception::OnlyInHeaders { field, value };
        let authors = self.mailboxes("From").into_iter().skip(1);
        let mut found: Vec<_> = authors.map(|one| named("another author", one.address)).collect();
        let senders = self.mailboxes("Sender").into_iter().skip(1);
        found.extend(senders.map(|one| named("another Sender", one.address)));
        for (field, shown, known) in [
            ("Subject", "another Subject", 1),
            ("Date", "another Date", 1),
            ("Message-ID", "another Message-ID", 1),
            ("In-Reply-To", "another In-Reply-To", 1),
            ("References", "another References", 1),
            ("Keywords", "Keywords", 0),
            ("Disposition-Notification-To", "Disposition-Notification-To", 0),
            ("Return-Receipt-To", "Return-Receipt-To", 0),
        ] {
            let others = self.values(field).skip(known);
            found.extend(others.map(|(_, raw)| named(shown, raw.clone())));
        }
        found
    }

    /// When it was sent, as `Date:` says.
    pub fn date(&self) -> Result<Option<Time>, Exception> {
        let Some((_, raw)) = self.values("Date").next() else { return Ok(None) };
        time("Date", raw, raw)
    }

    /// When the last hop took it.
    pub fn received(&self) -> Result<Option<Time>, Exception> {
        let Some((_, raw)) = self.values("Received").next() else { return Ok(None) };
        time(
            "Received",
            raw,
            raw.rsplit(';').next().filter(|_| raw.contains(';')).unwrap_or_default(),
        )
    }

    pub fn importance(&self) -> Importance {
        let first = |name| self.raw(name).unwrap_or_default().to_ascii_lowercase();
        let (importance, priority) = (first("Importance"), first("Priority"));
        let number = first("X-Priority").bytes().next();
        match (importance.as_str(), priority.as_str(), number) {
            ("high", ..) | ("", "urgent", _) | ("", "", Some(b'1' | b'2')) => Importance::High,
            ("low", ..) | ("", "non-urgent", _) | ("", "", Some(b'4' | b'5')) => Importance::Low,
            _ => Importance::Normal,
        }
    }

    /// RFC 2156 section 5.3.4.
    pub fn sensitivity(&self) -> Sensitivity {
        match self.raw("Sensitivity").unwrap_or_default().to_ascii_lowercase().as_str() {
            "personal" => Sensitivity::Personal,
            "private" => Sensitivity::Private,
            "company-confidential" => Sensitivity::Confidential,
            _ => Sensitivity::Normal,
        }
    }

    pub fn content_type(&self) -> Option<&ContentType<'static>> {
        self.values("Content-Type").find_map(|(value, _)| value.as_content_type())
    }

    pub fn disposition(&self) -> Option<&ContentType<'static>> {
        self.values("Content-Disposition").find_map(|(value, _)| value.as_content_type())
    }

    fn values(&self, name: &str) -> impl Iterator<Item = (&HeaderValue<'static>, &String)> {
        let name = HeaderName::parse(name).map_or(name.to_owned(), |name| name.as_str().to_owned());
        self.fields
            .iter()
            .filter(move |(field, ..)| field.eq_ignore_ascii_case(&name))
            .map(|(_, value, raw)| (value, raw))
    }
}

/// The line of an mbox before the fields; empty where there is none.
pub fn separator(block: &[u8]) -> &[u8] {
    let first = block.split_inclusive(|byte| *byte == b'\n').next();
    first.filter(|line| line.starts_with(b"From ")).unwrap_or_default()
}

/// An address without what RFC 5322 section 4.4 has in it no more: a route before
/// it, and blanks around its dots.
fn plain(address: &str) -> String {
    let address = address.trim();
    let routed = address.strip_prefix('@').and_then(|rest| rest.rsplit_once(':'));
    let address = routed.map_or(address, |(_, address)| address.trim());
    if address.contains('"') || !address.contains(char::is_whitespace) {
        return address.to_owned();
    }
    let mut out = String::with_capacity(address.len());
    for word in address.split_whitespace() {
        if !(out.is_empty() || out.ends_with(['.', '@']) || word.starts_with(['.', '@'])) {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

type Time = (Timestamp, Option<Exception>);

/// What `text` says, and what has to be said of it.
fn time(field: &'static str, raw: &str, text: &str) -> Result<Option<Time>, Exception> {
    let value = || raw.to_owned();
    let (at, is_zone_known) =
        date::parse(text).ok_or_else(|| Exception::UnreadableDate { field, value: value() })?;
    let exception = (!is_zone_known).then(|| Exception::UnknownZone { field, value: value() });
    Ok(Some((at, exception)))
}

fn unfold(raw: &str, between: &str) -> String {
    raw.split(['\r', '\n'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_without_routes_and_blanks() {
        for (written, seen) in [
            ("a@b.example", "a@b.example"),
            ("@machine.tld:mary@example.net", "mary@example.net"),
            ("@a.tld, @b.tld:test@c.tld", "test@c.tld"),
            ("jdoe@test   . example", "jdoe@test.example"),
            ("one@a.tld two@b.tld", "one@a.tld two@b.tld"),
            ("\"a b\"@c.tld", "\"a b\"@c.tld"),
        ] {
            assert_eq!(plain(written), seen);
        }
    }
}
