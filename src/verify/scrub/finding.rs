//! What a check of the archive can find. Words are stable: programs read them.

use serde::Serialize;

use crate::base::ids::RecordId;
use crate::base::limits::SCRUB_RECORDS_NAMED;
use crate::catalog::scrub::FindingRow;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal,)+) => {
        $($(#[doc = $doc])* pub const $name: &str = $word;)+
        /// Every kind of fault.
        pub const FAULTS: &[&str] = &[$($word),+];
    };
}

kinds! {
    /// A keyring object is not there; what it opens cannot be read.
    KEY_MISSING = "key-missing",
    /// A keyring object does not open with the master key.
    KEY_DAMAGED = "key-damaged",
    /// The catalog's segment is not in the bucket.
    SEGMENT_MISSING = "segment-missing",
    /// A segment's bytes are not those that its name or table says.
    SEGMENT_DAMAGED = "segment-damaged",
    /// A record is not what its leaf says, in a segment that is as it was put.
    RECORD_DAMAGED = "record-damaged",
    /// The segment that has a part of the record is not in the bucket.
    PART_MISSING = "part-missing",
    /// A part of the record is not what the record says that it is.
    PART_DAMAGED = "part-damaged",
    /// A record has no key in its page, and no erasure is known.
    RECORD_WITHOUT_KEY = "record-without-key",
    /// A record was erased, and its key is still in a page.
    KEY_NOT_ERASED = "key-not-erased",
    PAGE_MISSING = "page-missing",
    /// A key page does not open, or is of another segment.
    PAGE_DAMAGED = "page-damaged",
    SEGMENT_ROW_MISSING = "segment-row-missing",
    SEGMENT_ROW_CHANGED = "segment-row-changed",
    DELIVERY_ROW_MISSING = "delivery-row-missing",
    DELIVERY_ROW_CHANGED = "delivery-row-changed",
    /// A delivery of which there is no record and no leaf.
    DELIVERY_ROW_EXTRA = "delivery-row-extra",
    /// A delivery is not at the place that its leaf has in the log.
    DELIVERY_ORDER = "delivery-order",
    /// A row of what was derived of a record is not what the record gives.
    DERIVED_ROW_CHANGED = "derived-row-changed",
    DERIVED_ROW_MISSING = "derived-row-missing",
    /// A row that no record gives.
    DERIVED_ROW_EXTRA = "derived-row-extra",
    /// A table, column, index, trigger or view is not as the steps of the schema made it.
    STRUCTURE_CHANGED = "structure-changed",
    STRUCTURE_MISSING = "structure-missing",
    /// One that they did not make.
    STRUCTURE_EXTRA = "structure-extra",
    LEAF_ROW_MISSING = "leaf-row-missing",
    LEAF_ROW_CHANGED = "leaf-row-changed",
    ENTRIES_MISSING = "entries-missing",
    ENTRIES_DAMAGED = "entries-damaged",
    TILE_MISSING = "tile-missing",
    TILE_DAMAGED = "tile-damaged",
    CHECKPOINT_MISSING = "checkpoint-missing",
    /// A checkpoint that the log's key did not sign, or of another name.
    CHECKPOINT_DAMAGED = "checkpoint-damaged",
    /// A checkpoint that the log's entries do not give.
    CHECKPOINT_DIFFERS = "checkpoint-differs",
    /// The log does not extend a checkpoint that was kept outside.
    HISTORY_DIFFERS = "history-differs",
    /// A time stamp that the catalog says was put.
    STAMP_MISSING = "stamp-missing",
    /// A time stamp that is not of its checkpoint, or not by a trusted authority.
    STAMP_DAMAGED = "stamp-damaged",
    STATEMENT_MISSING = "statement-missing",
    STATEMENT_DAMAGED = "statement-damaged",
    STATEMENT_ROW_MISSING = "statement-row-missing",
    STATEMENT_ROW_CHANGED = "statement-row-changed",
    /// A row of people, matters, holds or jobs is not what the statements told.
    STATE_ROW_CHANGED = "state-row-changed",
    STATE_ROW_MISSING = "state-row-missing",
    /// A row that no statement told, and no act that is yet to be told explains.
    STATE_ROW_EXTRA = "state-row-extra",
    /// A change of such a row that was told, and that no act of the audit made.
    STATE_CHANGE_UNEXPLAINED = "state-change-unexplained",
    /// An act that was told, and no row of the audit is of it.
    STATEMENT_WITHOUT_AUDIT = "statement-without-audit",
    /// The catalog says that the key page of a segment goes.
    SPARE_PAGE_LIVE = "spare-page-live",
    /// The catalog says that an object goes that a segment has.
    CONDEMNED_LIVE = "condemned-live",
    /// The bucket's flag of a hold is off, and the catalog says that it was set.
    HOLD_FLAG_OFF = "hold-flag-off",
    AUDIT_ROW_MISSING = "audit-row-missing",
    AUDIT_ROW_CHANGED = "audit-row-changed",
    /// A row of the audit that was not told when those beside it were.
    AUDIT_ROW_EXTRA = "audit-row-extra",
    /// What records were packed with, and is needed to read them without this program.
    DICTIONARY_MISSING = "dictionary-missing",
    DICTIONARY_DAMAGED = "dictionary-damaged",
    /// Something in the archive's place in the bucket that the archive did not put.
    STRAY_OBJECT = "stray-object",
    /// A marker of deletion hides an object from who asks by its name.
    DELETE_MARKER = "delete-marker",
    /// Other bytes were put on top of an object.
    SHADOW_VERSION = "shadow-version",
    LOCK_MISSING = "lock-missing",
    /// A lock that ends before the class's date.
    LOCK_SHORT = "lock-short",
    /// A lock that who bypasses governance can take away, where nobody may.
    LOCK_WEAK = "lock-weak",
    /// `[vault] worm = "required"`, and the bucket does not enforce it.
    NOT_ENFORCED = "not-enforced",
}

/// Worth knowing; nothing is wrong.
pub mod note {
    /// A segment without a key page: a crash came before it, and nobody was told.
    pub const SEGMENT_UNACKNOWLEDGED: &str = "segment-unacknowledged";
    /// A segment that the catalog does not know yet; the next start adopts it.
    pub const SEGMENT_ORPHAN: &str = "segment-orphan";
    pub const PAGE_ALONE: &str = "page-alone";
    /// A statement that was sealed again after a crash.
    pub const STATEMENT_ALONE: &str = "statement-alone";
    /// Tiles of a size that no checkpoint is of: a crash came between.
    pub const TILES_ALONE: &str = "tiles-alone";
    /// A lock that ends too soon, as is known: it is being seen to.
    pub const LOCK_TO_BE_LONGER: &str = "lock-to-be-longer";
    /// Who signed time stamps was not checked, since no authorities are at hand.
    pub const STAMPS_NOT_TRUSTED: &str = "stamps-not-trusted";
    pub const DUPLICATE_VERSION: &str = "duplicate-version";
    /// The catalog's server does not let this user make tables of a session.
    pub const STRUCTURE_NOT_COMPARED: &str = "structure-not-compared";
    /// A record's messages could not be read in the time there is, and were once.
    pub const DERIVED_NOT_COMPARED: &str = "derived-not-compared";
    /// People, matters and holds could not be compared with the statements.
    pub const STATE_NOT_COMPARED: &str = "state-not-compared";
}

/// A fault or a note, as reports show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: String,
    /// An object of the bucket, or a row of the catalog.
    pub object: String,
    pub detail: String,
    /// The first records that it touches.
    pub records: Vec<String>,
    /// How many in all.
    pub touched: u64,
}

impl From<FindingRow> for Finding {
    fn from(row: FindingRow) -> Self {
        Self {
            kind: row.kind,
            object: row.object,
            detail: row.detail,
            records: serde_json::from_str(&row.records).unwrap_or_default(),
            touched: row.touched,
        }
    }
}

pub(super) fn row(
    is_fault: bool,
    kind: &str,
    object: impl Into<String>,
    detail: impl Into<String>,
    records: &[RecordId],
) -> FindingRow {
    let named: Vec<String> =
        records.iter().take(SCRUB_RECORDS_NAMED).map(ToString::to_string).collect();
    FindingRow {
        kind: kind.to_owned(),
        object: object.into(),
        is_fault,
        detail: detail.into(),
        records: serde_json::to_string(&named).expect("strings are valid JSON"),
        touched: records.len() as u64,
    }
}
