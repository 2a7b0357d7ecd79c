//! The fields a query can name.

/// Where words are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// No field named: subject, text, attachments and people. Not headers, in
    /// which every server leaves words of its own.
    Anywhere,
    From,
    To,
    Cc,
    Bcc,
    /// Everyone who took part, in any way.
    Participants,
    /// Everyone who received it, named by a header or an envelope.
    Recipients,
    Subject,
    /// The text, and where its links lead.
    Body,
    /// Names and values of every header field.
    Header,
    /// Names and texts of attachments.
    Attachment,
    AttachmentName,
    AttachmentText,
    MessageId,
    Source,
    Class,
    /// SHA-256 of a message or an attachment.
    Hash,
    /// The media type of a document, or the ending of its name.
    Type,
    /// What a document is to a reader: email, document, spreadsheet, picture, …
    DocumentKind,
    /// ISO 639-3, of a text in it.
    Language,
    /// A reason why something of it could not be read.
    Gap,
    /// Mail in which a custodian of the matter took part, by any of their addresses.
    Custodian,
    /// Mail of the custodians of a matter.
    Matter,
    /// Mail that a hold of the matter covers.
    Hold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateField {
    Sent,
    Received,
}

/// How a field's values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words with positions.
    Words,
    /// Words with positions, and whole addresses.
    People,
    /// One value as a whole.
    Whole,
}

/// What a name before `:` or a comparison stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Text(Field),
    Date(DateField),
    Size,
    Has,
    HasAttachment,
    /// A field of the language that the index cannot answer now.
    Later,
}

/// Every name that is understood, the first of each meaning being the one that
/// is printed.
const NAMES: &[(&str, Name)] = &[
    ("from", Name::Text(Field::From)),
    ("to", Name::Text(Field::To)),
    ("cc", Name::Text(Field::Cc)),
    ("bcc", Name::Text(Field::Bcc)),
    ("participants", Name::Text(Field::Participants)),
    ("recipients", Name::Text(Field::Recipients)),
    ("subject", Name::Text(Field::Subject)),
    ("body", Name::Text(Field::Body)),
    ("header", Name::Text(Field::Header)),
    ("headers", Name::Text(Field::Header)),
    ("attachment", Name::Text(Field::Attachment)),
    ("attachmentname", Name::Text(Field::AttachmentName)),
    ("attachmentnames", Name::Text(Field::AttachmentName)),
    ("filename", Name::Text(Field::AttachmentName)),
    ("attachmenttext", Name::Text(Field::AttachmentText)),
    ("messageid", Name::Text(Field::MessageId)),
    ("source", Name::Text(Field::Source)),
    ("class", Name::Text(Field::Class)),
    ("hash", Name::Text(Field::Hash)),
    ("sent", Name::Date(DateField::Sent)),
    ("received", Name::Date(DateField::Received)),
    ("size", Name::Size),
    ("has", Name::Has),
    ("hasattachment", Name::HasAttachment),
    ("type", Name::Text(Field::Type)),
    ("filetype", Name::Text(Field::Type)),
    ("kind", Name::Text(Field::DocumentKind)),
    ("language", Name::Text(Field::Language)),
    ("gap", Name::Text(Field::Gap)),
    ("custodian", Name::Text(Field::Custodian)),
    ("matter", Name::Text(Field::Matter)),
    ("hold", Name::Text(Field::Hold)),
    ("tag", Name::Later),
];

impl Field {
    pub fn kind(self) -> Kind {
        match self {
            Self::Anywhere
            | Self::Subject
            | Self::Body
            | Self::Header
            | Self::Attachment
            | Self::AttachmentName
            | Self::AttachmentText => Kind::Words,
            Self::From
            | Self::To
            | Self::Cc
            | Self::Bcc
            | Self::Participants
            | Self::Recipients => Kind::People,
            Self::MessageId
            | Self::Source
            | Self::Class
            | Self::Hash
            | Self::Type
            | Self::DocumentKind
            | Self::Language
            | Self::Gap
            | Self::Custodian
            | Self::Matter
            | Self::Hold => Kind::Whole,
        }
    }

    /// Whether its values are the catalog's and not the index's.
    pub fn is_of_catalog(self) -> bool {
        matches!(self, Self::Custodian | Self::Matter | Self::Hold)
    }

    /// The name that is printed; empty for anywhere.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, name)| *name == Name::Text(self)).map_or("", |(text, _)| text)
    }
}

impl DateField {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
        }
    }
}

/// Names that Purview documents; the others are this archive's own.
pub(super) fn is_of_purview(name: &str) -> bool {
    const PURVIEW: [&str; 14] = [
        "from",
        "to",
        "cc",
        "bcc",
        "participants",
        "recipients",
        "subject",
        "attachmentnames",
        "hasattachment",
        "kind",
        "size",
        "sent",
        "received",
        "filetype",
    ];
    PURVIEW.contains(&name.to_ascii_lowercase().as_str())
}

pub(super) fn lookup(name: &str) -> Option<Name> {
    let name = name.to_ascii_lowercase();
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning)
}

/// The names of fields that can be searched, each meaning once.
pub(super) fn searchable() -> Vec<&'static str> {
    let mut seen = Vec::new();
    let is_first = |(_, meaning): &&(&str, Name)| {
        let is_new = *meaning != Name::Later && !seen.contains(meaning);
        seen.push(*meaning);
        is_new
    };
    NAMES.iter().filter(is_first).map(|(name, _)| *name).collect()
}

/// The known name of which `name` is a slip of the finger, if it is of one: one
/// letter, or two in a long name. A word of its own is no slip.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let slips = match name.len() {
        0..=2 => return None,
        3..=6 => 1,
        7..=20 => 2,
        // Longer than any name by more than a slip.
        _ => return None,
    };
    let name = name.to_ascii_lowercase();
    NAMES
        .iter()
        .filter(|(_, meaning)| *meaning != Name::Later)
        .map(|(known, _)| (distance(known.as_bytes(), name.as_bytes()), *known))
        .filter(|(far, known)| *far <= slips && *far < known.len() - 1)
        .min_by_key(|(far, _)| *far)
        .map(|(_, known)| known)
}

/// Letters put in, left out, replaced or changed with their neighbour between two
/// short names.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            if i == 0 || j == 0 {
                rows[i][j] = i + j;
                continue;
            }
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut far = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                far = far.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = far;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_field() {
        for (slip, meant) in [
            ("form", "from"),
            ("fro", "from"),
            ("subjct", "subject"),
            ("recipents", "recipients"),
            ("atachmnet", "attachment"),
        ] {
            assert_eq!(nearest(slip), Some(meant));
        }
    }

    #[test]
    fn a_word_of_its_own_is_no_slip() {
        for word in ["re", "http", "foo", "too", "date", "mail", "sender", "boss", "ca"] {
            assert_eq!(nearest(word), None, "{word}");
        }
    }
}
