//! A sparse file that crosses the first free map and the first free page map,
//! as programs that others wrote see it: mail before, between and behind.

use std::borrow::Cow;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use outlook_pst::UnicodePstFile;
use outlook_pst::ltp::prop_context::PropertyValue;
use outlook_pst::ltp::table_context::TableContext;
use outlook_pst::messaging::folder::{Folder, UnicodeFolder};
use outlook_pst::messaging::message::{Message as _, UnicodeMessage};
use outlook_pst::messaging::store::{Store, UnicodeStore};
use outlook_pst::ndb::node_id::NodeId;

use super::check::samples::assert_others_agree;
use super::model::{Attachment, Content, Message};
use super::{Options, Writer, mime};

/// Sections left empty before each message but the first: the free map is in
/// section 128, the free page map in section 8192.
const LEFT_EMPTY: [u64; 3] = [0, 130, 8070];
const FREE_PAGE_MAP: u64 = 0x7C00_4800;

fn subject(number: usize) -> String {
    format!("message {number}")
}

fn text(number: usize) -> String {
    format!("text of message {number}. ").repeat(2_000)
}

/// Many blocks, and no two alike.
fn file(number: usize) -> Vec<u8> {
    (0..50_000_u32).flat_map(|at| (at * 7 + number as u32).to_le_bytes()).collect()
}

fn write(path: &Path) {
    let directory = path.parent().unwrap();
    let sink = File::create(path).unwrap();
    let mut writer = Writer::create(sink, Options::new("Sparse", directory)).unwrap();
    for (number, sections) in LEFT_EMPTY.into_iter().enumerate() {
        writer.leave_empty(sections).unwrap();
        let folder = writer.folder(&["Folder"]);
        let message = Message {
            subject: subject(number),
            text: Some(text(number)),
            attachments: vec![Attachment {
                name: "file.bin".to_owned(),
                media_type: "application/octet-stream".to_owned(),
                content_id: None,
                location: None,
                base: None,
                is_inline: false,
                content: Content::Bytes(Cow::Owned(file(number))),
            }],
            ..Message::default()
        };
        writer.add(folder, message).unwrap();
    }
    let (_, summary) = writer.finish(|file| file.sync_all()).unwrap();
    assert!(summary.bytes > FREE_PAGE_MAP, "{} bytes", summary.bytes);
}

#[test]
fn mail_on_both_sides_of_the_first_free_maps_is_read_by_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sparse.pst");
    write(&path);
    assert_others_agree(&path);
    assert_eq!(subjects_and_texts(&path), [0, 1, 2].map(|at| (subject(at), text(at))));
    let taken = directory.path().join("readpst");
    fs::create_dir(&taken).unwrap();
    if ran(Command::new("readpst")
        .args(["-q", "-D", "-e", "-8", "-j0", "-o"])
        .arg(&taken)
        .arg(&path))
    {
        let files = files_below(&taken);
        assert_eq!(files.len(), LEFT_EMPTY.len());
        for (number, one) in files.iter().enumerate() {
            let raw = fs::read(one).unwrap();
            let message = mime::message(&raw);
            assert_eq!(message.subject, subject(number));
            assert_eq!(message.text.unwrap().trim_end(), text(number).trim_end());
            let Content::Bytes(bytes) = &message.attachments[0].content else { panic!() };
            assert_eq!(**bytes, file(number));
        }
    }
    let taken = directory.path().join("pffexport");
    if ran(Command::new("pffexport").args(["-q", "-f", "text", "-t"]).arg(&taken).arg(&path)) {
        let files = files_below(&taken.with_extension("export"));
        let all = |name: &str| -> Vec<Vec<u8>> {
            let named = files.iter().filter(|path| path.ends_with(name));
            named.map(|path| fs::read(path).unwrap()).collect()
        };
        assert_eq!(all("Message.txt"), [0, 1, 2].map(|at| text(at).into_bytes()));
        assert_eq!(all("1_file.bin"), [0, 1, 2].map(file));
    }
}

fn subjects_and_texts(path: &Path) -> Vec<(String, String)> {
    let source = Box::new(File::open(path).unwrap());
    let store = UnicodeStore::read(Rc::new(UnicodePstFile::read_from(source).unwrap())).unwrap();
    let id = |row: u32| store.properties().make_entry_id(NodeId::from(row)).unwrap();
    let top = store.properties().ipm_sub_tree_entry_id().unwrap();
    let top = UnicodeFolder::read(store.clone(), &top).unwrap();
    let rows = |table: &dyn TableContext| -> Vec<u32> {
        table.rows_matrix().map(|row| u32::from(row.id())).collect()
    };
    let mut seen = Vec::new();
    for row in rows(&**top.hierarchy_table().unwrap()) {
        let folder = UnicodeFolder::read(store.clone(), &id(row)).unwrap();
        let Some(table) = folder.contents_table() else { continue };
        for row in rows(&**table) {
            let message = UnicodeMessage::read(store.clone(), &id(row), None).unwrap();
            let string = |tag| match message.properties().get(tag) {
                Some(PropertyValue::Unicode(text)) => String::from_utf16(text.buffer()).unwrap(),
                _ => String::new(),
            };
            // The length of its prefix comes before a subject.
            seen.push((string(0x0037).chars().skip(2).collect(), string(0x1000)));
        }
    }
    seen
}

/// Whether the program is here; then it must have succeeded.
fn ran(command: &mut Command) -> bool {
    match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: {:?} is not here", command.get_program());
            false
        }
        output => {
            let output = output.unwrap();
            assert!(output.status.success(), "{output:?}");
            true
        }
    }
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.append(&mut files_below(&path)),
            false => files.push(path),
        }
    }
    files.sort();
    files
}
