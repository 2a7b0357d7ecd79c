//! The crate `outlook-pst`, Microsoft's own reader in Rust.

use std::path::Path;
use std::rc::Rc;

use muniment::base::hash::Digest;
use muniment::pst::model::RecipientKind;
use outlook_pst::UnicodePstFile;
use outlook_pst::ltp::prop_context::PropertyValue;
use outlook_pst::ltp::table_context::{TableContext, TableRowData};
use outlook_pst::messaging::attachment::{Attachment, AttachmentData, UnicodeAttachment};
use outlook_pst::messaging::folder::{Folder, UnicodeFolder};
use outlook_pst::messaging::message::{Message, UnicodeMessage};
use outlook_pst::messaging::named_prop::{NameIdEntry, NamedPropertyId};
use outlook_pst::messaging::store::{EntryId, Store, UnicodeStore};
use outlook_pst::ndb::node_id::NodeId;

use super::entry::OneOff;
use super::fields::{Attached, Mail, More, Seen};

pub fn read(file: &Path) -> Seen {
    let mut seen = Seen::new();
    each(file, &mut |path, message| {
        seen.entry(path.to_owned()).or_default().push(mail(message));
    });
    seen
}

/// What each message bears of the archive that it came from.
pub fn marks(file: &Path) -> Vec<Marks> {
    let mut seen = Vec::new();
    each(file, &mut |_, message| seen.push(marks_of(message)));
    seen
}

pub type Each<'e> = &'e mut dyn FnMut(&str, &Rc<UnicodeMessage>);

pub fn each(file: &Path, each: Each<'_>) {
    let source = Box::new(std::fs::File::open(file).unwrap());
    let pst = UnicodePstFile::read_from(source).unwrap();
    let store = UnicodeStore::read(Rc::new(pst)).unwrap();
    // The table of the root hangs in this version: begin below it.
    let top = store.properties().ipm_sub_tree_entry_id().unwrap();
    folder(&store, &top, "", each);
}

fn folder(store: &Rc<UnicodeStore>, entry: &EntryId, path: &str, each: Each<'_>) {
    let here = UnicodeFolder::read(store.clone(), entry).unwrap();
    let id = |row: u32| store.properties().make_entry_id(NodeId::from(row)).unwrap();
    if let Some(table) = here.contents_table() {
        let mut rows: Vec<u32> = table.rows_matrix().map(|row| u32::from(row.id())).collect();
        rows.sort_unstable();
        for row in rows {
            let message = UnicodeMessage::read(store.clone(), &id(row), None).unwrap();
            each(path, &message);
        }
    }
    if let Some(table) = here.hierarchy_table() {
        for row in table.rows_matrix() {
            let entry = id(u32::from(row.id()));
            let child = UnicodeFolder::read(store.clone(), &entry).unwrap();
            let name = child.properties().display_name().unwrap();
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            folder(store, &entry, &path, each);
        }
    }
}

fn mail(message: &Rc<UnicodeMessage>) -> Mail {
    let mut mail = fields(&**message);
    let Some(table) = message.attachment_table() else { return mail };
    for row in table.rows_matrix() {
        let node = NodeId::from(u32::from(row.id()));
        // It looks for an embedded message in the wrong tree, in Outlook's own
        // files too, and then fails.
        let Ok(one) = UnicodeAttachment::read(message.clone(), node, None) else {
            mail.attachments.push(Attached::default());
            continue;
        };
        let text = |id| string(one.properties().get(id)).unwrap_or_default();
        let name = text(0x3707);
        let media_type = text(0x370E);
        let attached = match one.data() {
            Some(AttachmentData::Binary(bytes)) => Attached {
                name,
                size: bytes.buffer().len() as u64,
                sha256: Digest::of(bytes.buffer()).to_string(),
                ..Attached::default()
            },
            Some(AttachmentData::Message(nested)) => {
                Attached { name, nested: Some(Box::new(fields(&**nested))), ..Attached::default() }
            }
            None => Attached::bytes(name, b""),
        };
        let (extension, short_name) = (text(0x3703), text(0x3704));
        mail.attachments.push(Attached { media_type, extension, short_name, ..attached });
    }
    mail
}

pub fn fields(message: &dyn Message) -> Mail {
    let properties = message.properties();
    let text = |id| string(properties.get(id)).unwrap_or_default();
    let time = |id| time(properties.get(id));
    let binary = |id| binary(properties.get(id));
    Mail {
        subject: text(0x0037)
            .strip_prefix('\u{1}')
            .map_or_else(|| text(0x0037), |rest| rest.chars().skip(1).collect()),
        from_name: text(0x0042),
        from_address: text(0x0065),
        recipients: message.recipient_table().map(|table| recipients(&**table)).unwrap_or_default(),
        sent: time(0x0039),
        received: time(0x0E06),
        text: text(0x1000),
        html: String::from_utf8(binary(0x1013)).unwrap(),
        headers: text(0x007D),
        message_id: text(0x1035),
        structure: binary(named(message.store(), "x-muniment-mime-structure")),
        attachments: Vec::new(),
        more: more(message),
    }
}

fn time(value: Option<&PropertyValue>) -> Option<i64> {
    match value {
        Some(PropertyValue::Time(ticks)) => {
            Some((*ticks - 116_444_736_000_000_000).div_euclid(10_000_000))
        }
        _ => None,
    }
}

fn more(message: &dyn Message) -> More {
    let properties = message.properties();
    let text = |id| string(properties.get(id)).unwrap_or_default();
    let integer = |id| match properties.get(id) {
        Some(PropertyValue::Integer32(value)) => i64::from(*value),
        _ => i64::MAX,
    };
    // Of whom there is none.
    let is_known = |one: &OneOff| *one != OneOff::from(Vec::new());
    let binary = |id| binary(properties.get(id));
    let key = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let own = [binary(0x0C1D), binary(0x003B)].into_iter().filter(|key| !key.is_empty());
    let table = message.recipient_table();
    let columns = [0x300B, 0x0FFF, 0x39FF, 0x0FF9];
    let rows = table.map(|table| cells(&**table, &columns)).unwrap_or_default();
    let of_rows = |column: usize| rows.iter().map(move |row| self::binary(row[column].as_ref()));
    More {
        class: text(0x001A),
        content_type: text(named(message.store(), "content-type")),
        importance: integer(0x0017),
        priority: integer(0x0026),
        sensitivity: integer(0x0036),
        has_attachments: matches!(properties.get(0x0E1B), Some(PropertyValue::Boolean(true))),
        sender: [text(0x0C1A), text(0x0C1F)],
        reply_to: entries(&binary(0x004F)),
        reply_names: text(0x0050),
        references: text(0x1039),
        in_reply_to: text(0x1042),
        topic: text(0x0070),
        thread_index: binary(0x0071),
        address_keys: own.chain(of_rows(0)).map(key).collect(),
        search_key: binary(0x300B),
        native_body: properties.get(0x1016).map_or(0, |_| integer(0x1016)),
        code_page: integer(0x3FDE),
        made: [0x3007, 0x3008].map(|id| time(properties.get(id))),
        smtp_addresses: [text(0x5D01), text(0x5D02)],
        sender_entries: [0x0C19, 0x0041]
            .map(|id| OneOff::from(binary(id)))
            .into_iter()
            .filter(is_known)
            .collect(),
        recipient_entries: of_rows(1).chain(of_rows(3)).map(OneOff::from).collect(),
        ascii_names: rows.iter().map(|row| string(row[2].as_ref()).unwrap_or_default()).collect(),
    }
}

/// Names and addresses of the one-off entries (MS-OXCDATA 2.2.5.1) of a FLATENTRYLIST
/// (MS-OXCDATA 2.3.3).
fn entries(list: &[u8]) -> Vec<[String; 2]> {
    let number = |at: usize| {
        list.get(at..at + 4).map_or(0, |it| u32::from_le_bytes(it.try_into().unwrap()) as usize)
    };
    let mut at = 8;
    let one = |_| {
        let (start, length) = (at + 4, number(at));
        at = (start + length).next_multiple_of(4);
        let entry = OneOff::from(list[start..start + length].to_vec());
        [entry.name, entry.address]
    };
    (0..number(0)).map(one).collect()
}

fn binary(value: Option<&PropertyValue>) -> Vec<u8> {
    match value {
        Some(PropertyValue::Binary(bytes)) => bytes.buffer().to_vec(),
        _ => Vec::new(),
    }
}

/// The id of a named property, through the store's own map; zero if it has none.
fn named(store: Rc<dyn Store>, name: &str) -> u16 {
    let map = store.named_property_map().unwrap();
    let entries = map.properties().stream_entry().unwrap();
    let is_it = |entry: &&NameIdEntry| match entry.id() {
        NamedPropertyId::StringOffset(at) => {
            let text = map.properties().lookup_string(at).unwrap();
            let expected = name.encode_utf16().flat_map(u16::to_le_bytes);
            text.buffer().iter().copied().eq(expected)
        }
        NamedPropertyId::Number(_) => false,
    };
    entries.iter().find(is_it).map_or(0, NameIdEntry::prop_id)
}

#[derive(Debug, PartialEq)]
pub struct Marks {
    pub record_id: String,
    pub sha256: String,
    /// Names of those whom only the envelope names.
    pub envelope: Vec<String>,
}

fn marks_of(message: &UnicodeMessage) -> Marks {
    let text = |name| string(message.properties().get(named(message.store(), name)));
    let id = named(message.store(), "x-muniment-recipient-source");
    let mut envelope = Vec::new();
    if let Some(table) = message.recipient_table() {
        let rows = cells(&**table, &[id, 0x3001]);
        let marked =
            rows.into_iter().filter(|row| string(row[0].as_ref()).as_deref() == Some("envelope"));
        envelope.extend(marked.filter_map(|row| string(row[1].as_ref())));
    }
    Marks {
        record_id: text("x-muniment-record-id").unwrap_or_default(),
        sha256: text("x-muniment-sha256").unwrap_or_default(),
        envelope,
    }
}

fn recipients(table: &dyn TableContext) -> Vec<String> {
    let people = people(table).into_iter();
    let shown = people.map(|(kind, name, address)| {
        let kind = match kind {
            RecipientKind::To => "to",
            RecipientKind::Cc => "cc",
            RecipientKind::Bcc => "bcc",
        };
        format!("{kind} {name} <{address}>")
    });
    shown.collect()
}

/// Kind, name and address of each.
pub fn people(table: &dyn TableContext) -> Vec<(RecipientKind, String, String)> {
    let people = cells(table, &[0x0C15, 0x3001, 0x3003]).into_iter().map(|row| {
        let kind = match row[0] {
            Some(PropertyValue::Integer32(1)) => RecipientKind::To,
            Some(PropertyValue::Integer32(2)) => RecipientKind::Cc,
            _ => RecipientKind::Bcc,
        };
        let text = |at: usize| string(row[at].as_ref()).unwrap_or_default();
        (kind, text(1), text(2))
    });
    people.collect()
}

/// The cells of these columns, row by row.
fn cells(table: &dyn TableContext, ids: &[u16]) -> Vec<Vec<Option<PropertyValue>>> {
    let columns = table.context().columns();
    let mut rows: Vec<_> = table.rows_matrix().collect();
    rows.sort_by_key(|row| u32::from(row.id()));
    let row = |row: &TableRowData| {
        let cells = row.columns(table.context()).unwrap();
        let cell = |id: &u16| {
            let at = columns.iter().position(|column| column.prop_id() == *id)?;
            let value = cells[at].as_ref()?;
            table.read_column(value, columns[at].prop_type()).ok()
        };
        ids.iter().map(cell).collect()
    };
    rows.into_iter().map(row).collect()
}

pub fn string(value: Option<&PropertyValue>) -> Option<String> {
    match value {
        Some(PropertyValue::Unicode(text)) => Some(String::from_utf16(text.buffer()).unwrap()),
        _ => None,
    }
}
