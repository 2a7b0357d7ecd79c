//! Mail with attachments out of a store that we did not write, read by
//! `outlook-pst` and written again by us.

use std::borrow::Cow;
use std::path::Path;
use std::rc::Rc;

use muniment::base::clock::Timestamp;
use muniment::pst::mend;
use muniment::pst::model::{Address, Attachment, Content, Message, Recipient, Source};
use outlook_pst::messaging::attachment::{Attachment as _, AttachmentData, UnicodeAttachment};
use outlook_pst::messaging::message::{Message as _, UnicodeMessage};
use outlook_pst::ndb::node_id::NodeId;

use super::fields::{Mail, More};
use super::{assert_sound, fields, outlook_pst as reader, round_trip, samples};
use crate::support::corpus;

const ENRON: &str = "attachments/pst-extractor/enron-mlokay-nonpriv.pst";

/// The program that wrote it left `cFree` zero beside allocations of no bytes,
/// over which the crate refuses each message: its copy has the count.
#[test]
fn attachments_out_of_an_enron_pst_come_out_of_every_reader() {
    let Some(source) = corpus(ENRON) else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut bytes = std::fs::read(source).unwrap();
    let mended = mend::free_counts(&mut bytes);
    let copy = directory.path().join("enron.pst");
    std::fs::write(&copy, bytes).unwrap();
    let mail = with_attachments(&copy);
    let sizes = mail.iter().flat_map(|(_, message)| &message.attachments).map(size);
    let (count, bytes) = (mail.len(), sizes.sum::<u64>());
    eprintln!("{count} messages with attachments of {bytes} bytes, {mended} counts mended");
    assert!(count > 20 && bytes > 5_000_000, "{count} messages, {bytes} bytes");
    let file = directory.path().join("again.pst");
    let written = samples::write_messages(mail, &file);
    assert_sound(&file);
    round_trip::compare_with(&file, &written, &readpst_view);
    // And through our writer nothing is other than it was.
    let mut before = reader::read(&copy);
    for mails in before.values_mut() {
        mails.retain(|mail| !mail.attachments.is_empty());
    }
    // Of which no more than this is taken over.
    let view = |mail: &mut Mail| {
        mail.more = More::default();
        for one in &mut mail.attachments {
            one.short_name.clear();
            one.extension.clear();
        }
    };
    before.retain(|_, mails| !mails.is_empty());
    let flat = before.into_iter().map(|(folder, mails)| (folder.replace('/', "_"), mails));
    let before = flat.collect();
    fields::compare("outlook-pst", &before, &reader::read(&file), &view);
}

/// It takes the sender from the headers, which in this store say otherwise.
fn readpst_view(mail: &mut Mail) {
    round_trip::readpst_view(mail);
    mail.from_name.clear();
    mail.from_address.clear();
    // A name that is an address in quotes is read as the address that it is.
    for one in &mut mail.recipients {
        *one = one.replace('\'', "");
    }
}

fn with_attachments(file: &Path) -> Vec<(String, Message<'static>)> {
    let mut mail = Vec::new();
    reader::each(file, &mut |folder, message| {
        let attachments = attachments(message);
        if !attachments.is_empty() {
            let read = Message { attachments, ..read(message) };
            mail.push((folder.to_owned(), read));
        }
    });
    mail
}

fn read(message: &UnicodeMessage) -> Message<'static> {
    let seen = reader::fields(message);
    let time = |seconds: Option<i64>| seconds.map(Timestamp::from_seconds);
    let text = |text: String| (!text.is_empty()).then_some(text);
    let people = message.recipient_table().map(|table| reader::people(&**table));
    let recipient = |(kind, name, address)| Recipient {
        kind,
        address: Address { name, address },
        source: Source::Header,
    };
    Message {
        subject: seen.subject,
        author: Some(Address { name: seen.from_name, address: seen.from_address }),
        recipients: people.unwrap_or_default().into_iter().map(recipient).collect(),
        sent: time(seen.sent),
        received: time(seen.received),
        text: text(seen.text),
        html: text(seen.html),
        headers: seen.headers,
        message_id: text(seen.message_id),
        ..Message::default()
    }
}

/// Those of a message, with their bytes.
pub fn attachments(message: &Rc<UnicodeMessage>) -> Vec<Attachment<'static>> {
    let Some(table) = message.attachment_table() else { return Vec::new() };
    let rows = table.rows_matrix().map(|row| {
        let node = NodeId::from(u32::from(row.id()));
        let one = UnicodeAttachment::read(message.clone(), node, None).unwrap();
        let text = |id| reader::string(one.properties().get(id)).unwrap_or_default();
        let Some(AttachmentData::Binary(bytes)) = one.data() else { panic!("no bytes") };
        Attachment {
            name: text(0x3707),
            media_type: text(0x370E),
            content_id: None,
            location: None,
            base: None,
            is_inline: false,
            content: Content::Bytes(Cow::Owned(bytes.buffer().to_vec())),
        }
    });
    rows.collect()
}

fn size(one: &Attachment<'_>) -> u64 {
    match &one.content {
        Content::Bytes(bytes) => bytes.len() as u64,
        _ => 0,
    }
}
