//! What one forward pass over a delivery's exact bytes finds.

use serde::{Deserialize, Serialize};

use crate::base::hash::{Digest, Hasher};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    Bare,
    Report,
    Report2003,
    WrappedReport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Message,
    Attachment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub within: Option<u32>,
    pub offset: u64,
    pub len: u64,
    pub encoding: Encoding,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub role: Role,
    pub parent: Option<u32>,
    pub name: String,
    pub media_type: String,
    pub place: Place,
    pub sha256: Digest,
    pub size: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Defect {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub sha256: Digest,
    pub size: u64,
    pub form: Form,
    pub envelope: Option<Envelope>,
    pub originator_org: Option<String>,
    pub entries: Vec<Entry>,
    pub defects: Vec<Defect>,
}

#[derive(Default)]
pub struct Reader {
    hasher: Hasher,
    size: u64,
}

impl Reader {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
    }

    pub fn finish(self) -> Delivery {
        let sha256 = self.hasher.finish();
        let entry = Entry {
            role: Role::Message,
            parent: None,
            name: String::new(),
            media_type: "message/rfc822".into(),
            place: Place { within: None, offset: 0, len: self.size, encoding: Encoding::Identity },
            sha256,
            size: self.size,
        };
        Delivery {
            sha256,
            size: self.size,
            form: Form::Bare,
            envelope: None,
            originator_org: None,
            entries: vec![entry],
            defects: Vec::new(),
        }
    }
}
