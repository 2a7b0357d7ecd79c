//! Wounds of the store, folders, messages and attachments.

use super::super::image::{u32_at, u64_at};
use super::super::layer::{FOLDER_PROPERTIES, STORE_ENTRIES, VIEWS_ENTRY};
use super::super::message::{ATTACHMENT_PROPERTIES, DISPLAY_LINES, MESSAGE_PROPERTIES};
use super::super::rule::Rule;
use super::patient::{Patient, Which};
use super::{ATTACHMENT, FOLDER, MESSAGE, NESTED, TYPE, VALUE, Wounds};

const CLASS: u32 = 0x001A_001F;

pub fn wounds(w: &mut Wounds) {
    store(w);
    uses(w);
    folders(w);
    messages(w);
    recipients(w);
    attachments(w);
}

fn tag(id: u16, kind: u16) -> u32 {
    u32::from(id) << 16 | u32::from(kind)
}

/// The same bytes as another type of those that lie in the heap.
fn retype(record: &mut [u8], kind: u16) {
    record[TYPE..VALUE].copy_from_slice(&kind.to_le_bytes());
}

/// Another id; the order of ids holds.
fn rename(record: &mut [u8]) {
    record[0] ^= 1;
}

fn bump(record: &mut [u8]) {
    record[VALUE] = record[VALUE].wrapping_add(1);
}

fn store(w: &mut Wounds) {
    for (rule, tag) in [
        (Rule::StoreName, 0x3001_001F),
        (Rule::StoreKey, 0x0FF9_0102),
        (Rule::StoreFolderMask, 0x35DF_0003),
        (Rule::StorePassword, 0x67FF_0003),
    ] {
        w.add(rule, "store", move |p| p.property(p.data(0x21), tag, rename));
    }
    for (rule, tag) in [
        (Rule::StoreName, 0x3001_001F),
        (Rule::StoreFolderMask, 0x35DF_0003),
        (Rule::StorePassword, 0x67FF_0003),
    ] {
        w.add(rule, "store", move |p| p.property(p.data(0x21), tag, |record| record[TYPE] = 4));
    }
    w.add(Rule::StoreKey, "store", |p| p.curtail(p.data(0x21), 0x0FF9_0102));
    w.add(Rule::StoreKey, "store", |p| {
        p.property(p.data(0x21), 0x0FF9_0102, |record| retype(record, 0x1F));
    });
    for id in STORE_ENTRIES.map(|(id, _)| id).into_iter().chain([VIEWS_ENTRY]) {
        w.add(Rule::StoreEntryType, &format!("entry id {id:04x}"), move |p| {
            p.property(p.data(0x21), tag(id, 0x102), |record| retype(record, 0x1F));
        });
    }
    w.add(Rule::StorePassword, "store", |p| p.property(p.data(0x21), 0x67FF_0003, bump));
    for (id, _) in STORE_ENTRIES {
        let place = format!("entry id {id:04x}");
        w.add(Rule::StoreEntryLength, &place, move |p| p.curtail(p.data(0x21), tag(id, 0x102)));
        for (rule, at) in [
            (Rule::StoreEntryFlags, 0),
            (Rule::StoreEntryFlags, 3),
            (Rule::StoreEntryKey, 4),
            (Rule::StoreEntryKey, 19),
            (Rule::StoreEntryFolder, 20),
            (Rule::StoreEntryFolder, 22),
        ] {
            w.add(rule, &place, move |p| {
                p.value(p.data(0x21), tag(id, 0x102), |entry| entry[at] ^= 1);
            });
        }
    }
}

fn uses(w: &mut Wounds) {
    // The folder of another use, of that or one more; and one that is not there.
    for (rule, id, nid) in [
        (Rule::StoreEntryRole, 0x35E0, 0x8062_u32),
        (Rule::StoreEntryRole, 0x35E3, 0x8022),
        (Rule::StoreEntryRole, 0x35E7, FOLDER),
        (Rule::StoreEntryFolder, VIEWS_ENTRY, 1),
    ] {
        w.add(rule, &format!("entry id {id:04x}"), move |p| {
            p.value(p.data(0x21), tag(id, 0x102), |entry| {
                entry[20..24].copy_from_slice(&nid.to_le_bytes());
            });
        });
    }
}

fn folders(w: &mut Wounds) {
    for (id, kind) in FOLDER_PROPERTIES {
        let place = format!("folder 0x80a2: {id:04x}");
        let other = if kind == 3 { 4 } else { 3 };
        w.add(Rule::FolderProperties, &place, move |p| {
            p.property(p.data(FOLDER), tag(id, kind), |record| record[TYPE] = other);
        });
    }
    for (rule, tag) in [
        (Rule::FolderCount, 0x3602_0003),
        (Rule::FolderUnreadCount, 0x3603_0003),
        (Rule::FolderSubfolders, 0x360A_000B),
    ] {
        w.add(rule, "folder 0x80a2", move |p| {
            p.property(p.data(FOLDER), tag, |record| record[VALUE] ^= 1);
        });
    }
}

fn messages(w: &mut Wounds) {
    for (id, kind) in MESSAGE_PROPERTIES {
        let place = format!("message 0x200024: {id:04x}");
        w.add(Rule::MessageProperties, &place, move |p| {
            p.property(p.data(MESSAGE), tag(id, kind), rename);
        });
        w.add(Rule::MessageProperties, &place, move |p| {
            p.property(p.data(MESSAGE), tag(id, kind), |record| record[TYPE] ^= 4);
        });
    }
    w.add(Rule::MessageSearchKey, "message", |p| {
        p.property(p.data(MESSAGE), 0x300B_0102, rename);
    });
    w.add(Rule::MessageSearchKey, "message", |p| p.curtail(p.data(MESSAGE), 0x300B_0102));
    w.add(Rule::MessageSize, "message 0x200024", |p| {
        p.property(p.data(MESSAGE), 0x0E08_0003, bump);
    });
    // A nested message is measured as any other.
    w.add(Rule::MessageSize, "0x8045", |p| {
        let inside = p.below(p.subnodes(MESSAGE), NESTED).1;
        p.property(u64_at(&p.payload(inside), 16), 0x0E08_0003, bump);
    });
    w.add(Rule::MessageSizeSign, "message 0x200024", |p| {
        p.property(p.data(MESSAGE), 0x0E08_0003, |record| record[VALUE + 3] |= 0x80);
    });
    for (rule, prefix) in [(Rule::SubjectPrefixNone, 0), (Rule::SubjectPrefixLong, 0x7F)] {
        w.add(rule, "message", move |p| {
            p.value(p.data(MESSAGE), 0x0037_001F, |subject| subject[2] = prefix);
        });
    }
    // A prefix that is a letter longer, and another text behind it.
    for (tag, at) in [(0x0037_001F, 2), (0x0E1D_001F, 0)] {
        w.add(Rule::SubjectNormal, "message", move |p| {
            p.value(p.data(MESSAGE), tag, |subject| subject[at] += 1);
        });
    }
}

/// Renames a node inside the message.
fn rename_inside(p: &mut Patient, nid: u32, low_byte: u8) {
    p.block(p.subnodes(MESSAGE), |bytes| {
        let entry = bytes[8..].chunks_mut(24).find(|entry| u32_at(entry, 0) == nid).unwrap();
        entry[0] = low_byte;
    });
}

fn recipients(w: &mut Wounds) {
    w.add(Rule::RecipientTable, "message", |p| rename_inside(p, 0x692, 0x93));
    for (id, _) in DISPLAY_LINES {
        let place = format!("message 0x200024: {id:04x}");
        w.add(Rule::RecipientLine, &place, move |p| {
            let data = p.data(MESSAGE);
            let other = p.record(data, CLASS)[VALUE..].to_vec();
            p.property(data, tag(id, 0x1F), |record| record[VALUE..].copy_from_slice(&other));
        });
        w.add(Rule::RecipientLineType, &place, move |p| {
            p.property(p.data(MESSAGE), tag(id, 0x1F), |record| retype(record, 0x102));
        });
    }
    w.on(Which::Deep);
    // A line that is a node of its own.
    w.add(Rule::RecipientLine, "message 0x200024: 0e04", |p| {
        let line = u32_at(&p.record(p.data(MESSAGE), 0x0E04_001F), VALUE);
        let leaf = p.leaves(p.below(p.subnodes(MESSAGE), line).0).pop().unwrap();
        let length = p.place(leaf).1 - 2;
        p.shorten(leaf, length);
    });
    w.add(Rule::RecipientLine, "message 0x200024: 0e04", |p| {
        let line = u32_at(&p.record(p.data(MESSAGE), 0x0E04_001F), VALUE);
        let leaf = p.leaves(p.below(p.subnodes(MESSAGE), line).0).pop().unwrap();
        p.block(leaf, |text| text[0] ^= 1);
    });
    w.on(Which::Sound);
}

fn attachments(w: &mut Wounds) {
    w.add(Rule::AttachmentFlag, "message", |p| {
        p.property(p.data(MESSAGE), 0x0E07_0003, |record| record[VALUE] ^= 0x10);
    });
    w.add(Rule::AttachmentFlag, "message", |p| {
        p.property(p.data(MESSAGE), 0x0E1B_000B, |record| record[VALUE] ^= 1);
    });
    w.add(Rule::AttachmentTable, "message", |p| rename_inside(p, 0x671, 0x73));
    w.add(Rule::AttachmentRowMissing, "0x8005", |p| rename_inside(p, ATTACHMENT, 0x05));
    w.add(Rule::AttachmentRowUnknown, "0x8025", |p| rename_inside(p, ATTACHMENT, 0x05));
    for id in ATTACHMENT_PROPERTIES {
        w.add(Rule::AttachmentProperties, &format!("0x8025: {id:04x}"), move |p| {
            p.property(attachment(p, ATTACHMENT), tag(id, 3), |record| record[TYPE] = 4);
        });
    }
    for (rule, nid, from, to) in [
        (Rule::AttachmentData, ATTACHMENT, 0x3701_0102, [0x0D, 0]),
        (Rule::AttachmentObject, NESTED, 0x3701_000D, [2, 1]),
    ] {
        w.add(rule, &format!("{nid:#x}"), move |p| {
            p.property(attachment(p, nid), from, |record| {
                record[TYPE..VALUE].copy_from_slice(&to);
            });
        });
    }
    for (rule, at) in [(Rule::AttachmentObjectNode, 0), (Rule::AttachmentObjectSize, 4)] {
        w.add(rule, "0x8045", move |p| {
            p.value(attachment(p, NESTED), 0x3701_000D, |object| object[at] ^= 0x20);
        });
    }
    for (rule, at, mask) in
        [(Rule::AttachmentSize, VALUE, 1), (Rule::AttachmentSizeSign, VALUE + 3, 0x80)]
    {
        w.add(rule, "0x8025", move |p| {
            p.property(attachment(p, ATTACHMENT), 0x0E20_0003, |record| record[at] ^= mask);
        });
    }
}

fn attachment(p: &Patient, nid: u32) -> u64 {
    p.below(p.subnodes(MESSAGE), nid).0
}
