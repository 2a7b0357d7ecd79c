//! The tree of folders while messages come in: names, ids and counts.

use std::collections::{HashMap, HashSet};

use super::table_size::TableSize;
use crate::pst::model::Exception;
use crate::pst::ndb::{Nid, kind};

/// Code units of a folder's name that Outlook shows and MAPI compares.
const NAME_UNITS_MAX: usize = 255;

/// A folder of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderId(pub(super) usize);

pub struct Folder {
    pub nid: Nid,
    pub parent: usize,
    pub name: String,
    pub comment: Option<&'static str>,
    pub class: Option<&'static str>,
    pub items: u32,
    /// What its table takes so far.
    pub table: TableSize,
    /// What the name became, where it could not be kept.
    pub exception: Option<Exception>,
    /// Where messages go once it is full.
    pub next: Option<usize>,
    children: HashMap<String, usize>,
    taken: HashSet<String>,
}

/// Every folder by number; a parent always comes before its children.
pub struct Folders {
    all: Vec<Folder>,
}

pub const ROOT: usize = 0;
pub const SUBTREE: usize = 1;
pub const SEARCH_ROOT: usize = 2;
pub const DELETED_ITEMS: usize = 3;
pub const COMMON_VIEWS: usize = 4;

impl Folders {
    /// The folders that every store has (MS-PST 2.7.1), with Outlook's names.
    pub fn new() -> Self {
        let mut folders = Self { all: Vec::new() };
        folders.add_fixed(0x122, ROOT, "", None);
        folders.add_fixed(0x8022, ROOT, "Top of Outlook data file", None);
        folders.add_fixed(0x8042, ROOT, "Search Root", None);
        folders.add_fixed(0x8062, SUBTREE, "Deleted Items", Some("Deleted Items folder"));
        folders.add_fixed(0x8082, ROOT, "IPM_COMMON_VIEWS", Some(""));
        folders
    }

    pub fn all(&self) -> &[Folder] {
        &self.all
    }

    pub fn get_mut(&mut self, folder: usize) -> &mut Folder {
        &mut self.all[folder]
    }

    /// The folder at `path` below the top, made where it is not there yet.
    pub fn at(&mut self, path: &[impl AsRef<str>]) -> FolderId {
        let mut at = SUBTREE;
        for name in path {
            let name = name.as_ref();
            at = match self.all[at].children.get(name) {
                Some(child) => *child,
                None => self.add(at, name),
            };
        }
        FolderId(at)
    }

    /// The folder that takes what a full one cannot: `Name (2)` beside it.
    pub fn roll(&mut self, full: usize) -> usize {
        if let Some(next) = self.all[full].next {
            return next;
        }
        // The third is beside the first, and bears its name.
        let parent = self.all[full].parent;
        let name = match &self.all[full].exception {
            Some(
                Exception::FolderRolled { folder, .. } | Exception::FolderRenamed { folder, .. },
            ) => folder.clone(),
            _ => self.all[full].name.clone(),
        };
        // The top itself has no siblings that are shown.
        let parent = if full == SUBTREE { SUBTREE } else { parent };
        let next = self.create(parent, &name);
        let written = self.all[next].name.clone();
        self.all[next].exception = Some(Exception::FolderRolled { folder: name, written });
        self.all[full].next = Some(next);
        next
    }

    fn add(&mut self, parent: usize, name: &str) -> usize {
        let child = self.create(parent, name);
        let written = &self.all[child].name;
        if written != name {
            let exception =
                Exception::FolderRenamed { folder: name.to_owned(), written: written.clone() };
            self.all[child].exception = Some(exception);
        }
        self.all[parent].children.insert(name.to_owned(), child);
        child
    }

    fn create(&mut self, parent: usize, name: &str) -> usize {
        let mut written = legal(name);
        let plain = written.clone();
        let mut number = 1;
        // MAPI compares siblings without regard to case.
        while !self.all[parent].taken.insert(written.to_lowercase()) {
            number += 1;
            let suffix = format!(" ({number})");
            written = format!("{}{suffix}", cut(&plain, NAME_UNITS_MAX - suffix.len()));
        }
        let index = self.all.len() as u32 + 0x400;
        self.push(Nid::new(kind::FOLDER, index), parent, written, None, Some("IPF.Note"))
    }

    fn add_fixed(&mut self, nid: u32, parent: usize, name: &str, comment: Option<&'static str>) {
        let folder = self.push(Nid(nid), parent, name.to_owned(), comment, None);
        if folder != ROOT {
            self.all[parent].taken.insert(name.to_lowercase());
        }
    }

    fn push(
        &mut self,
        nid: Nid,
        parent: usize,
        name: String,
        comment: Option<&'static str>,
        class: Option<&'static str>,
    ) -> usize {
        self.all.push(Folder {
            nid,
            parent,
            name,
            comment,
            class,
            items: 0,
            table: TableSize::default(),
            exception: None,
            next: None,
            children: HashMap::new(),
            taken: HashSet::new(),
        });
        self.all.len() - 1
    }
}

/// The name without control characters, not empty and not too long.
fn legal(name: &str) -> String {
    let shown: String = name
        .chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    let shown = shown.trim();
    if shown.is_empty() { "(no name)".to_owned() } else { cut(shown, NAME_UNITS_MAX).to_owned() }
}

/// The first whole characters of `text` that fit into so many UTF-16 units.
fn cut(text: &str, units: usize) -> &str {
    let mut left = units;
    for (at, c) in text.char_indices() {
        if c.len_utf16() > left {
            return &text[..at];
        }
        left -= c.len_utf16();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_and_differ() {
        let mut folders = Folders::new();
        let long = "x".repeat(300);
        let names = ["Inbox", "INBOX", "a\u{0}b", "", &long, "deleted items"];
        let ids: Vec<FolderId> = names.iter().map(|name| folders.at(&[name])).collect();
        let written: Vec<&str> = ids.iter().map(|id| folders.all[id.0].name.as_str()).collect();
        let cut = "x".repeat(255);
        assert_eq!(
            written,
            ["Inbox", "INBOX (2)", "a\u{FFFD}b", "(no name)", &cut, "deleted items (2)"]
        );
        assert_eq!(folders.all[ids[0].0].exception, None);
        assert!(folders.all[ids[1].0].exception.is_some());
        assert_eq!(folders.at(&["INBOX"]), ids[1]);
        assert_eq!(folders.all[ids[0].0].nid, Nid(0x80A2));
        // What is written under another name goes on under what it is called.
        let next = folders.roll(ids[1].0);
        assert_eq!(folders.all[next].name, "INBOX (3)");
    }
}
