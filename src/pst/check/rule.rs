//! The rules, one for each condition, and what was found to break them.

use std::fmt;

use serde::Serialize;

macro_rules! rules {
    ($(#[doc = $doc:literal] $name:ident),* $(,)?) => {
        /// What the format asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Rule { $(#[doc = $doc] $name),* }

        impl Rule {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Where MS-PST says so, and what.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $doc.trim_ascii()),*
                }
            }
        }
    };
}

rules! {
    /// 2.2.2.6: a whole header.
    HeaderLength,
    /// 2.2.2.6: dwMagic.
    HeaderMagic,
    /// 2.2.2.6: wMagicClient.
    HeaderClientMagic,
    /// 2.2.2.6: wVer of a Unicode file.
    HeaderVersion,
    /// 2.2.2.6: dwCRCPartial over 471 bytes.
    HeaderPartialChecksum,
    /// 2.2.2.6: dwCRCFull over 516 bytes.
    HeaderFullChecksum,
    /// 2.2.2.6: bSentinel.
    HeaderSentinel,
    /// 2.2.2.6: wVerClient.
    HeaderClientVersion,
    /// 2.2.2.6: bPlatformCreate and bPlatformAccess.
    HeaderPlatform,
    /// 2.2.2.6: rgbFM, all ones.
    HeaderFreeMap,
    /// 2.2.2.6: rgbFP, all ones.
    HeaderFreePageMap,
    /// 2.2.2.6: bCryptMethod that this checker knows.
    HeaderEncoding,
    /// 2.2.2.5: ibFileEof is the size.
    FileEnd,
    /// 2.6.1.1.2: the file ends with a map's section.
    FileWhole,
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
    /// 2.2.2.7.1: a map's checksum.
    MapChecksum,
    /// 2.2.2.7.1: a map's signature is zero.
    MapSignature,
    /// 2.2.2.7.1: a map's id is its place.
    MapId,
    /// 2.2.2.7.3, 2.2.2.7.5, 2.2.2.7.6: the maps that are no longer used are all ones.
    MapUnused,
    /// 2.2.2.7.4: type of the density list, where there is one.
    DensityListType,
    /// 2.2.2.7.4: its checksum.
    DensityListChecksum,
    /// 2.2.2.7.4: its signature.
    DensityListSignature,
    /// 2.2.2.7.4: its id is no higher than bidNextP, which is what Outlook gives it.
    DensityListId,
    /// 2.2.2.7.2: what is in use is marked.
    UsedMarkedFree,
    /// 2.2.2.7.2: what is marked is in use, or counted in cbPMapFree.
    FreeMarkedUsed,
    /// Nothing lies in the header.
    InHeader,
    /// No two pages or blocks share bytes.
    Overlap,
    /// 2.6.1.1.2: nothing crosses a map.
    CrossesMap,
    /// 2.2.2.7: a page lies on 512 bytes.
    PagePlace,
    /// A page is within the file.
    PageBeyondEnd,
    /// 2.2.2.7.1: page type, twice.
    PageType,
    /// 2.2.2.7.1: page checksum.
    PageChecksum,
    /// 2.2.2.7.1: page signature.
    PageSignature,
    /// 2.2.2.7.1: a page bears the id it is known by.
    PageId,
    /// 2.2.2.6: which is below bidNextP.
    PageIdNext,
    /// 2.2.2.2: which no other page has.
    PageIdAgain,
    /// 2.2.2.7.7.1: cbEnt.
    TreeEntrySize,
    /// 2.2.2.7.7.1: cEntMax.
    TreeEntriesMax,
    /// 2.2.2.7.7.1: cEnt is no more than that.
    TreeEntries,
    /// 2.2.2.7.7.1: none but a root is empty.
    TreeEmpty,
    /// 2.2.2.7.7.1: one level less than the parent's.
    TreeLevel,
    /// No tree is deeper than any file could need.
    TreeDepth,
    /// 2.2.2.7.7: keys rise.
    TreeOrder,
    /// 2.2.2.7.7.2: a child's first key is the parent's.
    TreeFirstKey,
    /// 2.2.2.8: a block lies on 64 bytes.
    BlockPlace,
    /// 2.2.2.8: it carries at most 8176.
    BlockSize,
    /// 2.2.2.8: it carries something.
    BlockEmpty,
    /// A block is within the file.
    BlockBeyondEnd,
    /// 2.2.2.8.1: the trailer's length.
    BlockLength,
    /// 2.2.2.8.1: checksum.
    BlockChecksum,
    /// 2.2.2.8.1: signature.
    BlockSignature,
    /// 2.2.2.8.1: a block bears the id it is known by.
    BlockId,
    /// 2.2.2.6: which is below bidNextB.
    BlockIdNext,
    /// 2.2.2.7.7.3.1: cRef is one more than the references.
    ReferenceCount,
    /// 2.2.2.7.7.3.1: and something refers to it.
    BlockUnused,
    /// Every id that is referred to is in the block tree.
    DanglingBlock,
    /// 2.2.2.8.3.2: btype of an XBLOCK or XXBLOCK.
    DataTreeType,
    /// 2.2.2.8.3.2: its level, one below its parent's.
    DataTreeLevel,
    /// 2.2.2.8.3.2: it has entries.
    DataTreeEmpty,
    /// 2.2.2.8.3.2: as many as it says.
    DataTreeEntries,
    /// 2.2.2.8.3.2: which are ids.
    DataTreeNull,
    /// 2.2.2.8.3.2: of data below an XBLOCK, of XBLOCKs below an XXBLOCK.
    DataTreeChild,
    /// 2.2.2.8.3.2: lcbTotal.
    DataTreeTotal,
    /// 2.2.2.8.3.2: leaves but the last are full.
    ShortLeaf,
    /// 2.2.2.8.3.2: XBLOCKs of an XXBLOCK but the last are full.
    ShortBranch,
    /// 2.2.2.8.3.3: subnodes are in an internal block.
    SubnodeInternal,
    /// 2.2.2.8.3.3: btype of an SLBLOCK or SIBLOCK.
    SubnodeType,
    /// 2.2.2.8.3.3: its level.
    SubnodeLevel,
    /// 2.2.2.8.3.3: it has entries.
    SubnodeEmpty,
    /// 2.2.2.8.3.3: as many as it says.
    SubnodeEntries,
    /// 2.2.2.8.3.3: in order of their ids.
    SubnodeOrder,
    /// 2.2.2.8.3.3.2: the first of them is the parent's key.
    SubnodeFirstKey,
    /// 2.2.2.8.3.3: dwPadding.
    SubnodePadding,
    /// No file names its blocks again so often that a check comes to no end.
    NamedAgain,
    /// No node is within itself, nor deeper than any file needs.
    SubnodeLoop,
    /// 2.2.2.6: no index in use is above rgnid.
    NodeIndex,
    /// 2.2.2.6: rgnid is at least what it begins with.
    NodeIndexFloor,
    /// 2.2.2.7.7.4.1: the root is its own parent.
    RootParent,
    /// 2.2.2.7.7.4.1: a table has no parent.
    TableParent,
    /// 2.2.2.7.7.4.1: nidParent is a node.
    NodeParent,
    /// 2.4.4: each folder is below the root.
    FolderUnreachable,
    /// 2.7.1: nodes that every store has.
    MandatoryNode,
    /// 2.4.8: the list of search folders names such.
    SearchList,
    /// 2.7.1: and the one that every store has.
    SearchListed,
    /// 2.4.8.4.1: the queue of searches is of whole entries.
    SearchQueue,
    /// 2.4.4: each folder has its three tables.
    FolderTables,
    /// 2.4.4: which are tables.
    FolderTableEmpty,
    /// 2.3.1.2: a heap has a header.
    HeapLength,
    /// 2.3.1.2: bSig.
    HeapSignature,
    /// 2.3.1.2: bClientSig of what the messaging layer knows.
    HeapClient,
    /// 2.3.1.1: hidBlockIndex has 16 bits.
    HeapBlocks,
    /// 2.3.1.5: the page map is on an even place.
    HeapMapPlace,
    /// 2.3.1.5: it is within its block.
    HeapMapEnd,
    /// 2.3.1.5: the first allocation follows the header.
    HeapMapStart,
    /// 2.3.1.5: allocations rise.
    HeapMapOrder,
    /// 2.3.1.5: and end where the page map begins, but for a byte to make it even.
    HeapMapGap,
    /// 2.3.1.5: cFree is the number of those of no bytes.
    HeapMapFree,
    /// 2.3.1.1: no allocation is larger than 3580 bytes.
    HeapAllocation,
    /// 2.3.1.2: no fill level of the first eight blocks promises more than is free.
    HeapFill,
    /// 2.3.1.3: nor of those behind them.
    HeapBitmapFill,
    /// 2.3.1.2: no level is of a block that is not there.
    HeapFillAlone,
    /// 2.3.1.1: a heap id that the heap has.
    HeapId,
    /// 2.3.2.1: length of the header of a B-tree on a heap.
    HeapTreeLength,
    /// 2.3.2.1: bType.
    HeapTreeType,
    /// 2.3.2.1: cbKey.
    HeapTreeKeySize,
    /// 2.3.2.1: cbEnt.
    HeapTreeDataSize,
    /// 2.3.2.1: bIdxLevels.
    HeapTreeDepth,
    /// 2.3.2: no part of it is there twice.
    HeapTreeLoop,
    /// 2.3.2: whole records.
    HeapTreeRecords,
    /// 2.3.2: keys rise.
    HeapTreeOrder,
    /// 2.3.2.2: a child's first key is the parent's.
    HeapTreeFirstKey,
    /// 2.3.3: bClientSig of a property context.
    PropertyClient,
    /// 2.3.3.3: a type of MS-OXCDATA.
    PropertyType,
    /// 2.3.3.3: eight bytes where the type has so many.
    PropertyWidth,
    /// 2.3.3.3: a value in the heap.
    PropertyHeapValue,
    /// 2.3.3.3: a value in a node.
    PropertyNodeValue,
    /// 2.3.3.4: text of whole characters.
    PropertyText,
    /// MS-OXCDATA 2.11.1: a boolean is 0 or 1.
    PropertyBoolean,
    /// 2.3.3.4: a GUID of 16 bytes.
    PropertyGuid,
    /// 2.3.3.4: whole values of a property that has several.
    PropertyMultiple,
    /// 2.3.4: bClientSig of a table context.
    TableClient,
    /// 2.3.4.1: bType.
    TableType,
    /// 2.3.4.1: as many columns as it says.
    TableLength,
    /// 2.3.4.1: hidIndex.
    TableIndex,
    /// 2.3.4.1: rgib rises.
    TableEnds,
    /// 2.3.4.1: the bits of all columns, and nothing, between the last two.
    TableBitmapSize,
    /// 2.3.4.4: no row is larger than a block.
    TableRowSize,
    /// 2.3.4.2: columns in order of their tags.
    TableColumnOrder,
    /// 2.3.4.2: cbData is that of the type.
    TableColumnWidth,
    /// 2.3.4.2: ibData is within the group of that width.
    TableColumnPlace,
    /// 2.3.4.2: no two on the same bytes.
    TableColumnOverlap,
    /// 2.3.4.2: and no bytes without one.
    TableColumnGap,
    /// 2.3.4.2: iBit is within the bitmap, and of no two.
    TableColumnBit,
    /// 2.3.4.4.1: PidTagLtpRowId is the first.
    TableRowIdColumn,
    /// 2.3.4.4.1: PidTagLtpRowVer is the second.
    TableRowVersionColumn,
    /// 2.3.4.3.1: each row has an index of its own.
    TableRowIndex,
    /// 2.3.4.4.1: the row of an id bears it.
    TableRowId,
    /// 2.3.4.4.1: which is marked as there.
    TableRowIdCell,
    /// 2.3.4.4.1: and so is the version.
    TableRowVersionCell,
    /// 2.3.4.4.1: no cell is there without a column.
    TableRowBits,
    /// 2.3.4.4: blocks of rows but the last are full.
    TableRowBlocks,
    /// 2.3.4.4: the last has whole rows.
    TableRowWhole,
    /// 2.3.4.4: as many rows as ids.
    TableRowCount,
    /// 2.3.4.1: hnidRows in the heap.
    TableRowsHeap,
    /// 2.3.4.1: hnidRows as a node.
    TableRowsNode,
    /// 2.3.4.4.2: a cell whose value is in the heap.
    TableCellHeap,
    /// 2.3.4.4.2: a cell whose value is a node.
    TableCellNode,
    /// 2.4.3.1: the store has a name.
    StoreName,
    /// 2.4.3.1: and a key.
    StoreKey,
    /// 2.4.3.3: no password.
    StorePassword,
    /// What Outlook keeps of which folders are there.
    StoreFolderMask,
    /// 2.4.3.1: an entry id of the store is binary.
    StoreEntryType,
    /// 2.4.3.2: it has 24 bytes.
    StoreEntryLength,
    /// 2.4.3.2: its flags are zero.
    StoreEntryFlags,
    /// 2.4.3.2: it bears the store's key.
    StoreEntryKey,
    /// 2.4.3.2: and names a folder.
    StoreEntryFolder,
    /// 2.7.1: which is the one of this use.
    StoreEntryRole,
    /// Who receives messages is a folder.
    ReceiveFolder,
    /// 2.4.4.1: properties of a folder.
    FolderProperties,
    /// 2.4.4.4, 2.4.4.5, 2.4.5.3, 2.4.6.1: columns that a table must have.
    RequiredColumns,
    /// 2.4.4.4: each folder has a row.
    HierarchyRowMissing,
    /// 2.4.4.4: each row has a folder.
    HierarchyRowUnknown,
    /// A message is in a folder.
    MessageOutside,
    /// 2.4.4.5: each message has a row.
    ContentsRowMissing,
    /// 2.4.4.5: each row has a message.
    ContentsRowUnknown,
    /// 2.4.4.6: each hidden message has a row.
    AssociatedRowMissing,
    /// 2.4.4.6: each such row has a message.
    AssociatedRowUnknown,
    /// A row has what its object has.
    RowLacks,
    /// And the same of it.
    RowDiffers,
    /// In a property of the same type.
    RowType,
    /// And nothing besides.
    RowAlone,
    /// 2.4.4.1: PidTagContentCount.
    FolderCount,
    /// 2.4.4.1: PidTagContentUnreadCount.
    FolderUnreadCount,
    /// 2.4.4.1: PidTagSubfolders.
    FolderSubfolders,
    /// 2.4.5.1: properties of a message.
    MessageProperties,
    /// 2.4.5.1: a search key of 16 bytes.
    MessageSearchKey,
    /// PidTagMessageSize is the size of the node.
    MessageSize,
    /// Which has 31 bits.
    MessageSizeSign,
    /// 2.5.3.1.1.1: a subject's prefix is marked by at least one.
    SubjectPrefixNone,
    /// 2.5.3.1.1.1: and is within the subject.
    SubjectPrefixLong,
    /// 2.5.3.1.1.1: PidTagNormalizedSubject, where it is there, is what follows.
    SubjectNormal,
    /// 2.4.5.3: every message has a recipient table.
    RecipientTable,
    /// 2.4.5.3: in it names.
    RecipientName,
    /// 2.4.5.3: and kinds that there are.
    RecipientKind,
    /// The display lines name the recipients of their kinds.
    RecipientLine,
    /// In text.
    RecipientLineType,
    /// MSGFLAG_HASATTACH and PidTagHasAttachments say whether there are attachments.
    AttachmentFlag,
    /// 2.4.6.1: a message with attachments has their table.
    AttachmentTable,
    /// 2.4.6.2: each attachment has a row.
    AttachmentRowMissing,
    /// 2.4.6.2: each row has an attachment.
    AttachmentRowUnknown,
    /// 2.4.6: properties of an attachment.
    AttachmentProperties,
    /// 2.4.6: what is attached by value is bytes.
    AttachmentData,
    /// 2.3.3.5: a message that is attached is an object.
    AttachmentObject,
    /// 2.3.3.5: which names the message's node.
    AttachmentObjectNode,
    /// 2.3.3.5: and the size that the message states.
    AttachmentObjectSize,
    /// PidTagAttachSize is that of the values.
    AttachmentSize,
    /// Which has 31 bits.
    AttachmentSizeSign,
    /// 2.4.7: a property from 8000 on is in the map of names.
    NameKnown,
    /// 2.4.7.1: 251 buckets.
    NameBuckets,
    /// 2.4.7: GUIDs, entries, names and buckets are binary.
    NameType,
    /// 2.4.7.2: whole GUIDs.
    NameGuids,
    /// 2.4.7.3: whole entries.
    NameEntries,
    /// 2.4.7.1: wPropIdx is the entry's number.
    NameNumber,
    /// 2.4.7.1: wGuid is within the GUIDs.
    NameGuid,
    /// 2.4.7.4: a name is within the strings.
    NameString,
    /// 2.4.7.4: and of whole characters.
    NameText,
    /// 2.4.7.5: each entry is in its bucket.
    NameBucket,
    /// 2.4.7.5: and nothing else in any.
    NameHashed,
}

/// One breach of a rule, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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

#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub findings: Vec<Finding>,
    pub not_listed: u64,
    pub blocks: u64,
    pub nodes: u64,
    pub messages: u64,
    pub folders: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { blocks, nodes, folders, messages, .. } = self;
        write!(f, "{folders} folders, {messages} messages, {nodes} nodes, {blocks} blocks: ")?;
        if self.findings.is_empty() {
            return writeln!(f, "all is as MS-PST has it");
        }
        writeln!(f, "not as MS-PST has it")?;
        for Finding { rule, place } in &self.findings {
            writeln!(f, "  {place}: {rule:?} ({})", rule.text().trim_end_matches('.'))?;
        }
        match self.not_listed {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
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

/// Notes each breach; whether there was none.
pub fn hold(rules: &[(bool, Rule)], place: impl fmt::Display, report: &mut Report) -> bool {
    for (holds, rule) in rules {
        report.expect(*holds, *rule, &place);
    }
    rules.iter().all(|(holds, _)| *holds)
}
