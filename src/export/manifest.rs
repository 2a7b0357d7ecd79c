//! What a bundle says of itself: the shape of `manifest.json` and reading it
//! item by item, since it can be larger than memory. The format is described
//! for others in `verify/BUNDLE.md`.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::base::hash::Digest;
use crate::base::ids::{ArchiveId, RecordId};
use crate::ledger::commitment::{Opening, ROLE_ATTACHMENT, ROLE_DELIVERY, ROLE_MESSAGE};

pub const FORMAT: &str = "muniment-export";
/// Every item has its exact bytes in the bundle.
pub const VERSION: u32 = 1;
/// Items can be in the bundle as conversions, with their exact bytes or without.
pub const VERSION_CONVERTED: u32 = 2;

/// Names in the bundle that do not depend on what was exported.
pub const MANIFEST: &str = "manifest.json";
pub const MANIFEST_NOTE: &str = "manifest.note";
pub const CHECKPOINT: &str = "checkpoint";
/// The newest checkpoint that has a time stamp, the stamp, and the proof that the
/// bundle's checkpoint extends it.
pub const STAMPED: &str = "stamped-checkpoint";
pub const STAMP: &str = "stamped-checkpoint.tsr";
pub const STAMP_PROOF: &str = "stamped-checkpoint.proof";
pub const KEY: &str = "key.txt";
pub const ACCOUNT: &str = "account.json";
pub const EXCEPTIONS: &str = "exceptions.json";
pub const README: &str = "README.txt";
pub const MBOX: &str = "messages.mbox";

/// The first fields of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub format: String,
    pub version: u32,
    /// The log that the proofs are of; also the name of its key.
    pub origin: String,
    pub archive_id: ArchiveId,
    /// RFC 3339.
    pub made_at: String,
}

/// A message or attachment, with the proof of what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The file that holds its exact bytes. Absent (version 2) where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where a conversion of it is (version 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converted: Option<Converted>,
    /// Where in the file, if it is not the whole: of an mbox, the message with
    /// its mboxrd quoting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    pub role: Role,
    /// The message set, as the archive numbers it.
    pub set: i64,
    /// Of an attachment, the name and type that the message gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Of the exact bytes, without any quoting.
    pub size: u64,
    pub sha256: Digest,
    pub proofs: Vec<Proof>,
}

impl Item {
    /// The file to name when it is spoken of.
    pub fn place(&self) -> &str {
        let converted = self.converted.as_ref().map(|converted| &converted.path);
        self.path.as_ref().or(converted).map_or("", String::as_str)
    }

    /// What `version` does not allow.
    fn problem(&self, version: u32) -> Option<&'static str> {
        let is_version_1 = version < VERSION_CONVERTED;
        if is_version_1 && self.converted.is_some() {
            return Some("an item of version 1 is not converted");
        }
        if self.path.is_none() && (is_version_1 || self.converted.is_none()) {
            return Some("an item is in no file");
        }
        (self.path.is_none() && self.span.is_some()).then_some("an item's span is of no file")
    }
}

/// A message in a PST: what the format holds of it, not its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Converted {
    pub path: String,
    pub folder: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    pub offset: u64,
    pub length: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Delivery,
    Message,
    Attachment,
}

impl Role {
    /// As commitments number it.
    pub fn code(self) -> u8 {
        match self {
            Self::Delivery => ROLE_DELIVERY,
            Self::Message => ROLE_MESSAGE,
            Self::Attachment => ROLE_ATTACHMENT,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Message => "message",
            Self::Attachment => "attachment",
        }
    }
}

/// That one delivery carried the item: its leaf, the leaf's place in the log,
/// and the opening of the commitment in the leaf.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    pub record_id: RecordId,
    /// The leaf's bytes, hex.
    pub leaf: String,
    pub opening: Opening,
    /// Absent where the log had not been published that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inclusion: Option<Inclusion>,
    /// What the archive recorded of the delivery: source, envelope. The
    /// manifest's signature covers it, the log's proof does not.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub recorded: serde_json::Value,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    pub position: u64,
    pub path: Vec<Digest>,
}

/// A file that is no item: the checkpoint, the account, an mbox, a PST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    pub path: String,
    pub size: u64,
    pub sha256: Digest,
}

/// The text that `manifest.note` signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    pub size: u64,
    pub sha256: Digest,
}

const SEAL_TITLE: &str = "muniment export manifest v1";

impl Seal {
    pub fn text(&self) -> String {
        format!("{SEAL_TITLE}\n{}\n{}\n", self.size, self.sha256)
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (title, size, sha256) = (lines.next()?, lines.next()?, lines.next()?);
        if title != SEAL_TITLE || lines.next().is_some() {
            return None;
        }
        let seal = Self { size: size.parse().ok()?, sha256: sha256.parse().ok()? };
        (seal.text() == text).then_some(seal)
    }
}

/// What the manifest is read as, in its order.
pub enum Part {
    Head(Head),
    Item(Box<Item>),
    File(Listed),
}

/// Reads a manifest and hands each part to `visit`; only one is in memory.
pub fn read(reader: impl Read, visit: &mut dyn FnMut(Part)) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    deserializer.deserialize_map(Whole { visit })?;
    deserializer.end()
}

struct Whole<'a> {
    visit: &'a mut dyn FnMut(Part),
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a manifest")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut expected = ["head", "items", "files"].into_iter();
        let mut version = VERSION;
        while let Some(key) = map.next_key::<String>()? {
            if expected.next() != Some(key.as_str()) {
                return Err(A::Error::custom(format!("{key:?} is not expected here")));
            }
            match key.as_str() {
                "head" => {
                    let head: Head = map.next_value()?;
                    version = head.version;
                    if head.format != FORMAT || !(VERSION..=VERSION_CONVERTED).contains(&version) {
                        return Err(A::Error::custom(format!(
                            "it is of format {} version {version}; this program reads {FORMAT} \
                             versions {VERSION} to {VERSION_CONVERTED}",
                            head.format
                        )));
                    }
                    (self.visit)(Part::Head(head));
                }
                "items" => map.next_value_seed(Each(&mut |item: Item| {
                    if let Some(problem) = item.problem(version) {
                        return Err(problem);
                    }
                    (self.visit)(Part::Item(Box::new(item)));
                    Ok(())
                }))?,
                _ => map.next_value_seed(Each(&mut |file: Listed| {
                    (self.visit)(Part::File(file));
                    Ok(())
                }))?,
            }
        }
        match expected.next() {
            None => Ok(()),
            Some(missing) => Err(A::Error::custom(format!("it has no {missing:?}"))),
        }
    }
}

/// A list whose elements are handed on one by one.
struct Each<'a, T>(&'a mut dyn FnMut(T) -> Result<(), &'static str>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Each<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Each<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element()? {
            (self.0)(element).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}
