//! MAPI properties (MS-OXPROPS), as MSG, TNEF and PST all have them, and the text
//! of the message that they make.

use std::collections::BTreeMap;

use super::super::bytes::{file_time, u8_at, u16_at, u32_at};
use super::super::sink::Sink;
use super::super::{charset, html, rtf};
use crate::base::limits;

#[derive(Clone, Debug)]
pub(in crate::extract) enum Value {
    Text(String),
    Bytes(Vec<u8>),
    Number(i64),
    Time(u64),
}

#[derive(Default)]
pub(in crate::extract) struct Properties(pub BTreeMap<u16, Value>);

const SUBJECT: u16 = 0x0037;
const BODY: u16 = 0x1000;
const RTF: u16 = 0x1009;
const HTML: u16 = 0x1013;
const HEADERS: u16 = 0x007d;
const ATTACHED_NAME: [u16; 4] = [0x3707, 0x3704, 0x3001, 0x3703];

impl Properties {
    pub fn text(&self, id: u16) -> Option<&str> {
        match self.0.get(&id)? {
            Value::Text(text) => Some(text.trim_matches(['\0', ' '])).filter(|it| !it.is_empty()),
            _ => None,
        }
    }

    pub fn bytes(&self, id: u16) -> Option<&[u8]> {
        match self.0.get(&id)? {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub fn number(&self, id: u16) -> Option<i64> {
        match self.0.get(&id)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The subject without the marks that say how long its prefix is.
    pub fn subject(&self) -> &str {
        let subject = self.text(SUBJECT).unwrap_or_default();
        let mut rest = subject.chars();
        match rest.next() {
            Some('\u{1}') => {
                rest.next();
                rest.as_str()
            }
            _ => subject,
        }
    }

    pub fn attached_name(&self) -> &str {
        ATTACHED_NAME.iter().find_map(|id| self.text(*id)).unwrap_or_default()
    }

    /// What a message, contact or appointment says.
    pub fn say(&self, recipients: &[Self], sink: &mut Sink) {
        self.people(recipients, sink);
        for (id, name) in [(0x0039, "Date"), (0x0060, "Begins"), (0x0061, "Ends")] {
            if let Some(Value::Time(ticks)) = self.0.get(&id)
                && let Some(at) = file_time(*ticks)
            {
                sink.push_line(&format!("{name}: {at}"));
            }
        }
        sink.push_line(&format!("Subject: {}", self.subject()));
        self.body(sink);
        sink.push_line(self.text(HEADERS).unwrap_or_default());
        self.rest(sink);
    }

    fn people(&self, recipients: &[Self], sink: &mut Sink) {
        let person = |name: Option<&str>, addresses: [Option<&str>; 3]| {
            let mut shown = name.unwrap_or_default().to_owned();
            for address in addresses.into_iter().flatten() {
                if !shown.contains(address) {
                    shown.push_str(&format!(" <{address}>"));
                }
            }
            shown
        };
        let from = person(self.text(0x0c1a), [self.text(0x5d01), self.text(0x0c1f), None]);
        let behalf = person(self.text(0x0042), [self.text(0x5d02), self.text(0x0065), None]);
        for text in [&from, &behalf].into_iter().take(if from == behalf { 1 } else { 2 }) {
            if !text.is_empty() {
                sink.push_line(&format!("From: {text}"));
            }
        }
        for one in recipients {
            let role = match one.number(0x0c15) {
                Some(2) => "Cc",
                Some(3) => "Bcc",
                _ => "To",
            };
            let addresses = [one.text(0x39fe), one.text(0x3003), None];
            let name = one.text(0x3001).or(one.text(0x5ff6));
            sink.push_line(&format!("{role}: {}", person(name, addresses)));
        }
        if recipients.is_empty() {
            for (id, role) in [(0x0e04, "To"), (0x0e03, "Cc"), (0x0e02, "Bcc")] {
                if let Some(names) = self.text(id) {
                    sink.push_line(&format!("{role}: {names}"));
                }
            }
        }
    }

    /// Every form of the body that has words of its own.
    fn body(&self, sink: &mut Sink) {
        sink.line();
        let plain = self.text(BODY).unwrap_or_default();
        sink.push(plain);
        sink.line();
        let mut more = |text: &str| {
            if super::super::text::has_new_words(plain, text) {
                sink.push(text);
                sink.line();
            }
        };
        let markup = match self.0.get(&HTML) {
            Some(Value::Bytes(bytes)) => {
                let page = self.number(0x3fde).and_then(rtf::code_page);
                let label = page.map(encoding_rs::Encoding::name);
                let label = label.or_else(|| html::declared_charset(bytes));
                charset::decode(bytes, label).into_owned()
            }
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        };
        if !markup.is_empty() {
            let found = html::to_text(&markup);
            more(&found.text);
            more(&found.attributes);
        }
        if let Some(packed) = self.bytes(RTF)
            && let Some(unpacked) = unpack_rtf(packed)
        {
            more(&rtf::body(&unpacked));
        }
    }

    /// Texts of contacts, tasks and forms, and whatever a program added.
    fn rest(&self, sink: &mut Sink) {
        for (id, value) in &self.0 {
            let is_said = matches!(id, 0x3a00..=0x3aff | 0x8000..);
            if let Value::Text(text) = value
                && is_said
            {
                sink.push_line(text.trim_matches('\0'));
            }
        }
    }
}

/// A value by its type's number, from the bytes that hold it.
pub(in crate::extract) fn value(kind: u16, bytes: &[u8], page: i64) -> Option<Value> {
    let wide = |bytes: &[u8]| Some(i64::from(u32_at(bytes, 0)?.cast_signed()));
    Some(match kind {
        0x02 => Value::Number(i64::from(u16_at(bytes, 0)?.cast_signed())),
        0x03 | 0x0a => Value::Number(wide(bytes)?),
        0x0b => Value::Number(i64::from(u8_at(bytes, 0)?)),
        0x40 => Value::Time(super::super::bytes::u64_at(bytes, 0)?),
        0x1f => Value::Text(super::super::bytes::utf16(bytes).trim_end_matches('\0').to_owned()),
        0x1e => {
            let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            let text = match rtf::code_page(page) {
                Some(encoding) => encoding.decode_without_bom_handling(bytes).0,
                None => charset::decode(bytes, None),
            };
            Value::Text(text.into_owned())
        }
        0x0102 | 0x0d => Value::Bytes(bytes.to_vec()),
        _ => return None,
    })
}

/// Compressed RTF (MS-OXRTFCP).
pub(in crate::extract) fn unpack_rtf(packed: &[u8]) -> Option<Vec<u8>> {
    const WINDOW: usize = 4096;
    const START: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \
        \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\
        \\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
    let size = (u32_at(packed, 4)? as usize).min(limits::TEXT_BYTES_MAX);
    let content = packed.get(16..)?;
    match u32_at(packed, 8)? {
        0x414c_454d => return Some(content[..content.len().min(size)].to_vec()),
        0x7546_5a4c => {}
        _ => return None,
    }
    let mut window = [b' '; WINDOW];
    window[..START.len()].copy_from_slice(START);
    let mut write = START.len();
    let mut out = Vec::new();
    let mut bytes = content.iter().copied();
    while let Some(flags) = bytes.next() {
        for bit in 0..8 {
            if out.len() >= size {
                return Some(out);
            }
            let Some(byte) = bytes.next() else { return Some(out) };
            if flags >> bit & 1 == 0 {
                window[write] = byte;
                write = (write + 1) % WINDOW;
                out.push(byte);
                continue;
            }
            let Some(low) = bytes.next() else { return Some(out) };
            let token = usize::from(byte) << 8 | usize::from(low);
            let (offset, len) = (token >> 4, (token & 15) + 2);
            if offset == write {
                return Some(out);
            }
            for at in 0..len {
                let byte = window[(offset + at) % WINDOW];
                window[write] = byte;
                write = (write + 1) % WINDOW;
                out.push(byte);
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of MS-OXRTFCP, section 4.
    #[test]
    fn rtf_is_unpacked() {
        let packed = hex::decode(
            "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0",
        );
        let unpacked = unpack_rtf(&packed.unwrap()).unwrap();
        assert_eq!(unpacked, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
    }
}
