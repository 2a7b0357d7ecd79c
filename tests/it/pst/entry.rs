//! One-off entry ids (MS-OXCDATA 2.2.5.1): who someone is, in bytes.

use muniment::pst::model::Address;
use serde::Deserialize;

/// What stands before the texts: flags, the provider's UID, a version, and that there
/// is no rich text and the texts are in Unicode.
const HEAD: &str = "00000000 812b1fa4bea310199d6e00dd010f5402 0000 0180";

/// One of them, as far as its bytes say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Vec<u8>")]
pub struct OneOff {
    /// In hexadecimal digits, as [`HEAD`].
    head: String,
    pub name: String,
    pub kind: String,
    pub address: String,
    /// What follows the texts, where nothing should.
    rest: String,
}

impl OneOff {
    /// What an address should have.
    pub fn of(one: &Address) -> Self {
        let text = |text: &str| text.replace('\0', "\u{FFFD}");
        Self {
            head: HEAD.to_owned(),
            name: text(one.display()),
            kind: kind(&one.address).to_owned(),
            address: text(&one.address),
            rest: String::new(),
        }
    }
}

impl From<Vec<u8>> for OneOff {
    fn from(bytes: Vec<u8>) -> Self {
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
        let (head, texts) = bytes.split_at(bytes.len().min(24));
        let mut ends = [4, 20, 22].map(|at| at.min(head.len()));
        ends.sort_unstable();
        let pieces =
            [&head[..ends[0]], &head[ends[0]..ends[1]], &head[ends[1]..ends[2]], &head[ends[2]..]];
        let units: Vec<u16> = texts
            .chunks(2)
            .map(|c| u16::from_le_bytes([c[0], c.get(1).copied().unwrap_or(1)]))
            .collect();
        let mut texts = units.splitn(4, |unit| *unit == 0).map(String::from_utf16_lossy);
        let mut next = || texts.next().unwrap_or_default();
        Self {
            head: pieces.map(hex).join(" "),
            name: next(),
            kind: next(),
            address: next(),
            rest: next(),
        }
    }
}

/// Of Exchange or of the rest of the world.
pub fn kind(address: &str) -> &'static str {
    if address.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("/o=")) {
        "EX"
    } else {
        "SMTP"
    }
}
