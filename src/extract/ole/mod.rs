//! Compound files (MS-CFB) and what programs of before 2007 and Outlook keep in
//! them. The reader is our own since it must read what is cut off or damaged as
//! far as it goes, and never loop.

mod art;
mod doc;
pub(super) mod mapi;
mod msg;
pub(super) mod object;
mod ppt;
mod summary;
mod xls;

use std::collections::HashSet;

use super::Reason;
use super::bytes::{slice_at, u16_at, u32_at, u64_at, utf16};
use super::family::{Place, Walk};
use super::kind::{self, Kind};
use super::sink::Sink;
use super::{locked, office};

const FREE_MIN: u32 = 0xffff_fffa;
const NONE: u32 = 0xffff_ffff;
/// More than any real file has.
const NODES_MAX: usize = 100_000;

pub(super) struct Compound<'a> {
    bytes: &'a [u8],
    sector: usize,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    mini: Vec<u8>,
    mini_cutoff: u64,
    pub nodes: Vec<Node>,
}

/// A stream or a storage.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Names from the root on, with `/` between and at the start.
    pub path: String,
    pub is_storage: bool,
    start: u32,
    pub size: u64,
}

impl Node {
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

impl<'a> Compound<'a> {
    pub fn open(bytes: &'a [u8]) -> Option<Self> {
        let shift = u16_at(bytes, 30).filter(|shift| matches!(shift, 9 | 12))?;
        let mut file = Self {
            bytes,
            sector: 1 << shift,
            fat: Vec::new(),
            mini_fat: Vec::new(),
            mini: Vec::new(),
            mini_cutoff: u64::from(u32_at(bytes, 56)?),
            nodes: Vec::new(),
        };
        file.load_fat()?;
        let mini_fat = file.chain(u32_at(bytes, 60)?, u64::MAX);
        file.mini_fat = numbers(&mini_fat);
        let directory = file.chain(u32_at(bytes, 48)?, u64::MAX);
        file.load_nodes(&directory)?;
        Some(file)
    }

    fn load_fat(&mut self) -> Option<()> {
        let mut tables: Vec<u32> =
            (0..109).filter_map(|at| u32_at(self.bytes, 76 + at * 4)).collect();
        let sectors_max = self.bytes.len() / self.sector + 1;
        let mut next = u32_at(self.bytes, 68)?;
        let mut seen = 0;
        while next < FREE_MIN && seen < sectors_max {
            let Some(sector) = self.sector_at(next) else { break };
            let all = numbers(sector);
            let (last, list) = all.split_last()?;
            tables.extend(list);
            next = *last;
            seen += 1;
        }
        for table in tables.into_iter().filter(|table| *table < FREE_MIN) {
            if self.fat.len() > sectors_max + self.sector {
                break;
            }
            let sector = self.sector_at(table).map(numbers);
            self.fat.extend(sector.unwrap_or_default());
        }
        Some(())
    }

    /// A sector, or what is left of the last one.
    fn sector_at(&self, number: u32) -> Option<&'a [u8]> {
        let start = (number as usize).checked_add(1)?.checked_mul(self.sector)?;
        let end = start.checked_add(self.sector)?.min(self.bytes.len());
        self.bytes.get(start..end).filter(|sector| !sector.is_empty())
    }

    fn chain(&self, start: u32, size: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut next = start;
        for _ in 0..=self.fat.len() {
            if next >= FREE_MIN || bytes.len() as u64 >= size {
                break;
            }
            let Some(sector) = self.sector_at(next) else { break };
            bytes.extend_from_slice(sector);
            next = self.fat.get(next as usize).copied().unwrap_or(NONE);
        }
        bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        bytes
    }

    fn load_nodes(&mut self, directory: &[u8]) -> Option<()> {
        let entry = |at: u32| slice_at(directory, (at as usize).checked_mul(128)?, 128);
        let root = entry(0)?;
        let (start, size) = (u32_at(root, 116)?, u64_at(root, 120)?);
        self.mini = self.chain(start, size);
        let mut seen = HashSet::new();
        let mut waiting = vec![(u32_at(root, 76)?, String::new())];
        while let Some((at, above)) = waiting.pop() {
            if at == NONE || self.nodes.len() >= NODES_MAX || !seen.insert(at) {
                continue;
            }
            let Some(entry) = entry(at) else { continue };
            let name_len = usize::from(u16_at(entry, 64)?).clamp(2, 64) - 2;
            let path = format!("{above}/{}", utf16(&entry[..name_len]));
            waiting.push((u32_at(entry, 68)?, above.clone()));
            waiting.push((u32_at(entry, 72)?, above));
            let is_storage = entry[66] == 1;
            if is_storage && path.len() < 4096 {
                waiting.push((u32_at(entry, 76)?, path.clone()));
            }
            // Version 3 leaves what is above 32 bits undefined.
            let mask = if self.sector == 512 { u64::from(u32::MAX) } else { u64::MAX };
            let (start, size) = (u32_at(entry, 116)?, u64_at(entry, 120)? & mask);
            self.nodes.push(Node { path, is_storage, start, size });
        }
        self.nodes.sort_by(|a, b| a.path.cmp(&b.path));
        Some(())
    }

    pub fn node(&self, path: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.path.eq_ignore_ascii_case(path))
    }

    pub fn has(&self, path: &str) -> bool {
        self.node(path).is_some()
    }

    /// A stream's bytes, as far as they are there.
    pub fn stream(&self, path: &str) -> Option<Vec<u8>> {
        self.node(path).filter(|node| !node.is_storage).map(|node| self.content(node))
    }

    pub fn content(&self, node: &Node) -> Vec<u8> {
        const MINI: usize = 64;
        if node.size >= self.mini_cutoff {
            return self.chain(node.start, node.size);
        }
        let mut bytes = Vec::new();
        let mut next = node.start;
        for _ in 0..=self.mini_fat.len() {
            if next >= FREE_MIN || bytes.len() as u64 >= node.size {
                break;
            }
            let start = next as usize * MINI;
            let end = (start + MINI).min(self.mini.len());
            bytes.extend_from_slice(self.mini.get(start..end).unwrap_or_default());
            next = self.mini_fat.get(next as usize).copied().unwrap_or(NONE);
        }
        bytes.truncate(node.size as usize);
        bytes
    }

    /// The nodes directly in a storage.
    pub fn within<'b>(&'b self, storage: &'b str) -> impl Iterator<Item = &'b Node> {
        self.nodes.iter().filter(move |node| {
            let rest = node.path.strip_prefix(storage).and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| !rest.contains('/'))
        })
    }

    pub fn kind(&self) -> Kind {
        self.kind_of("")
    }

    /// What the storage at `prefix` holds.
    pub fn kind_of(&self, prefix: &str) -> Kind {
        let has = |name: &str| self.has(&format!("{prefix}/{name}"));
        if has("EncryptedPackage") {
            Kind::EncryptedOffice
        } else if has("WordDocument") {
            Kind::Doc
        } else if has("Workbook") || has("Book") {
            Kind::Xls
        } else if has("PowerPoint Document") || has("PP97_DUALSTORAGE") {
            Kind::Ppt
        } else if has("__properties_version1.0") {
            Kind::Msg
        } else {
            Kind::Compound
        }
    }
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).filter_map(|four| u32_at(four, 0)).collect()
}

pub(super) fn read(walk: &mut Walk<'_>, bytes: &[u8], kind: Kind, inside: Place, sink: &mut Sink) {
    match Compound::open(bytes) {
        Some(file) => read_storage(walk, &file, "", kind, inside, sink),
        // A workbook of before compound files.
        None if kind == Kind::Xls => xls::read(bytes, sink),
        None => sink.gap(Reason::Damaged, "its directory cannot be read"),
    }
}

pub(super) fn read_storage(
    walk: &mut Walk<'_>,
    file: &Compound<'_>,
    prefix: &str,
    kind: Kind,
    inside: Place,
    sink: &mut Sink,
) {
    if kind != Kind::Msg {
        for name in ["\u{5}SummaryInformation", "\u{5}DocumentSummaryInformation"] {
            if let Some(stream) = file.stream(&format!("{prefix}/{name}")) {
                summary::read(&stream, sink);
            }
        }
    }
    let stream = |name: &str| file.stream(&format!("{prefix}/{name}"));
    match kind {
        Kind::Doc => doc::read(file, prefix, sink),
        Kind::Xls => match stream("Workbook").or_else(|| stream("Book")) {
            Some(book) => xls::read(&book, sink),
            None => sink.gap(Reason::Damaged, "its workbook is gone"),
        },
        Kind::Ppt => ppt::read(walk, file, prefix, inside, sink),
        Kind::Msg => return msg::read(walk, file, prefix, inside, sink),
        Kind::EncryptedOffice => {
            let (info, stored) = (stream("EncryptionInfo"), stream("EncryptedPackage"));
            return encrypted(walk, info.zip(stored), inside, sink);
        }
        _ => {}
    }
    object::embedded(walk, file, prefix, kind, inside, sink);
    if kind == Kind::Compound && !sink.is_container {
        sink.gap(Reason::UnknownType, "a compound file of a program that is not known");
    }
}

/// A package under a password: read as if it were open, if one of those that are
/// known opens it.
fn encrypted(
    walk: &mut Walk<'_>,
    streams: Option<(Vec<u8>, Vec<u8>)>,
    inside: Place,
    sink: &mut Sink,
) {
    let passwords = walk.passwords();
    let package = streams.and_then(|(info, stored)| {
        passwords.iter().find_map(|password| locked::package::open(&info, &stored, password))
    });
    match package {
        None => sink.gap(Reason::Encrypted, locked::closed(passwords)),
        Some(package) => match kind::of(&package, "", "") {
            kind @ (Kind::Docx | Kind::Xlsx | Kind::Xlsb | Kind::Pptx | Kind::Package) => {
                walk.expanded(package.len());
                office::read(walk, &package, kind, inside, sink);
            }
            _ => sink.gap(Reason::Damaged, "what its password opens is no office document"),
        },
    }
}
