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
    ("hold", Name::Later),
    ("matter", Name::Later),
    ("custodian", Name::Later),
    ("tag", Name::Later),
    ("kind", Name::Later),
    ("type", Name::Later),
    ("language", Name::Later),
    ("gap", Name::Later),
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
            Self::MessageId | Self::Source | Self::Class | Self::Hash => Kind::Whole,
        }
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

pub(super) fn lookup(name: &str) -> Option<Name> {
    let name = name.to_ascii_lowercase();
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning)
}

/// The known name that `name` most resembles, if any does.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    // Longer than any name by more than a slip: nothing resembles it.
    if name.len() > 20 {
        return None;
    }
    let name = name.to_ascii_lowercase();
    NAMES
        .iter()
        .filter(|(_, meaning)| *meaning != Name::Later)
        .map(|(known, _)| (distance(known.as_bytes(), name.as_bytes()), *known))
        .filter(|(far, known)| *far <= 2 && *far < known.len().min(name.len()))
        .min_by_key(|(far, _)| *far)
        .map(|(_, known)| known)
}

/// Insertions, deletions and replacements between two short names.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_field() {
        for (slip, meant) in [("form", "from"), ("subjct", "subject"), ("recipents", "recipients")]
        {
            assert_eq!(nearest(slip), Some(meant));
        }
        assert_eq!(nearest("re"), None);
        assert_eq!(nearest("http"), None);
    }
}
