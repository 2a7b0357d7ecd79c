//! The rules, by name, and what was found to break them.

use std::fmt;

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $name:ident),* $(,)?) => {
        /// What the format asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $($(#[doc = $doc])* $name),* }

        impl Rule {
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

rules! {
    /// 2.2.2.6: magic, client magic and version.
    HeaderMagic,
    /// 2.2.2.6: dwCRCPartial over 471 bytes.
    HeaderPartialChecksum,
    /// 2.2.2.6: dwCRCFull over 516 bytes.
    HeaderFullChecksum,
    /// 2.2.2.6: bSentinel.
    HeaderSentinel,
    /// 2.2.2.6: what never changes: wVerClient, bPlatformCreate, bPlatformAccess,
    /// rgbFM and rgbFP.
    HeaderConstants,
    /// 2.2.2.6: bCryptMethod that this checker knows.
    HeaderEncoding,
    /// 2.2.2.5: ibFileEof is the size, and that of whole maps.
    FileEnd,
    /// 2.2.2.5: ibAMapLast.
    LastMap,
    /// 2.2.2.5: fAMapValid.
    MapsValid,
    /// 2.2.2.5: cbAMapFree is the sum of what the maps leave free.
    FreeBytes,
    /// 2.2.2.7.2: an allocation map in its place.
    AllocationMap,
    /// 2.2.2.7.3: a page map in its place.
    PageMap,
    /// 2.2.2.7.5: a free map in its place.
    FreeMap,
    /// 2.2.2.7.6: a free page map in its place.
    FreePageMap,
    /// 2.2.2.7.4: the density list.
    DensityList,
    /// 2.2.2.7.2: what is in use is marked.
    UsedMarkedFree,
    /// 2.2.2.7.2: what is marked is in use, or counted in cbPMapFree.
    FreeMarkedUsed,
    /// No two pages or blocks share bytes.
    Overlap,
    /// 2.6.1.1.2: nothing crosses a map.
    CrossesMap,
    /// 2.2.2.7.1: page type, twice.
    PageType,
    /// 2.2.2.7.1: page checksum.
    PageChecksum,
    /// 2.2.2.7.1: page signature.
    PageSignature,
    /// 2.2.2.7.1: a page bears the id it is known by, below bidNextP.
    PageId,
    /// 2.2.2.7.7.1: entry sizes and counts.
    TreeEntries,
    /// 2.2.2.7.7.1: one level less than the parent's.
    TreeLevel,
    /// 2.2.2.7.7: keys rise.
    TreeOrder,
    /// 2.2.2.7.7.2: a child's first key is the parent's.
    TreeFirstKey,
    /// 2.2.2.8: blocks lie on 64 bytes and carry at most 8176.
    BlockPlace,
    /// 2.2.2.8.1: the trailer's length.
    BlockLength,
    /// 2.2.2.8.1: checksum.
    BlockChecksum,
    /// 2.2.2.8.1: signature.
    BlockSignature,
    /// 2.2.2.8.1: a block bears the id it is known by, below bidNextB.
    BlockId,
    /// 2.2.2.7.7.3.1: cRef is one more than the references.
    ReferenceCount,
    /// Every id that is referred to is in the block tree.
    DanglingBlock,
    /// 2.2.2.8.3.2: XBLOCK and XXBLOCK.
    DataTree,
    /// 2.2.2.8.3.2: lcbTotal.
    DataTreeTotal,
    /// 2.2.2.8.3.2: leaves but the last are full.
    ShortLeaf,
    /// 2.2.2.8.3.3: SLBLOCK and SIBLOCK, in order of their ids.
    SubnodeTree,
    /// 2.2.2.6: rgnid is the highest index in use.
    NodeIndex,
    /// 2.2.2.7.7.4.1: nidParent is a node; the root is its own, and a table has none.
    NodeParent,
    /// 2.7.1: nodes that every store has.
    MandatoryNode,
    /// 2.4.4: each folder has its three tables.
    FolderTables,
    /// 2.3.1.2: heap header.
    HeapHeader,
    /// 2.3.1.5: page map.
    HeapMap,
    /// 2.3.1.2, 2.3.1.4: fill levels.
    HeapFill,
    /// 2.3.1.1: a heap id that the heap has.
    HeapId,
    /// 2.3.2.1: header of a B-tree on a heap.
    HeapTreeHeader,
    /// 2.3.2: its keys rise.
    HeapTreeOrder,
    /// 2.3.3.3: a property's type and where its value is.
    PropertyValue,
    /// 2.3.4.1, 2.3.4.2: columns, their places and bits.
    TableColumns,
    /// 2.3.4.3.1: row ids and indexes.
    TableIndex,
    /// 2.3.4.4: the row matrix.
    TableRows,
    /// 2.3.4.4.2: cells and the values that they point to.
    TableCell,
    /// 2.4.3.1: properties of the store.
    StoreProperties,
    /// 2.4.4.1: properties of a folder.
    FolderProperties,
    /// 2.4.4.4, 2.4.4.5, 2.4.5.3, 2.4.6.1: columns that a table must have.
    RequiredColumns,
    /// 2.4.4.4: rows and folders match, both ways.
    HierarchyRows,
    /// 2.4.4.5: rows and messages match, both ways.
    ContentsRows,
    /// A row repeats what its object says.
    RowDiffers,
    /// 2.4.4.1: PidTagContentCount and its like.
    FolderCounts,
    /// 2.4.5.1: properties of a message.
    MessageProperties,
    /// 2.4.5.3: every message has a recipient table.
    RecipientTable,
    /// 2.4.6.2: attachment rows and objects match, both ways.
    AttachmentRows,
    /// 2.4.6: properties of an attachment and its embedded object.
    AttachmentProperties,
    /// PidTagMessageSize is the size of the node.
    MessageSize,
    /// PidTagAttachSize is that of the values.
    AttachmentSize,
    /// 2.5.3.1.1.1: the subject's prefix is within it.
    SubjectPrefix,
    /// 2.4.7: entries, strings and hash buckets agree.
    NameMap,
}

/// One breach of a rule, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: Rule,
    pub place: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.place)
    }
}

/// Findings beyond this many are only counted.
const FINDINGS_MAX: usize = 10_000;

#[derive(Clone, Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    pub not_listed: u64,
    pub blocks: u64,
    pub nodes: u64,
    pub messages: u64,
    pub folders: u64,
}

impl Report {
    pub fn broke(&mut self, rule: Rule, place: impl fmt::Display) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { rule, place: place.to_string() });
        } else {
            self.not_listed += 1;
        }
    }

    /// Notes a breach unless `holds`.
    pub fn expect(&mut self, holds: bool, rule: Rule, place: impl fmt::Display) {
        if !holds {
            self.broke(rule, place);
        }
    }
}
