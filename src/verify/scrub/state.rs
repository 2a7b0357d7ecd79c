//! What was decided: the tables of people, matters, holds and jobs, and the audit,
//! against what the statements tell, and each change in these against the audit.
//!
//! What a statement shows was so in the catalog, and no more: a row that somebody changed
//! past the program is in the next one. So each change, in the log or yet to be told, must
//! be what an act makes whose row of the audit is told with it (`policy::account`). Who
//! forges that row too leaves it in the log, for ever.

use std::collections::{BTreeSet, HashMap};

use super::finding::{
    AUDIT_ROW_CHANGED, AUDIT_ROW_EXTRA, AUDIT_ROW_MISSING, DERIVED_ROW_CHANGED, DERIVED_ROW_EXTRA,
    DERIVED_ROW_MISSING, STATE_CHANGE_UNEXPLAINED, STATE_ROW_CHANGED, STATE_ROW_EXTRA,
    STATE_ROW_MISSING, STATEMENT_WITHOUT_AUDIT, note,
};
use super::{ScrubError, Work};
use crate::base::ids::RecordId;
use crate::catalog::doubt::{self, RawErased};
use crate::catalog::state::{self, Row, Value};
use crate::catalog::{cursor, scrub};
use crate::ingest::rebuild::Progress;
use crate::ledger::leaf::Leaf;
use crate::policy::account::{Account, Change, Played};
use crate::policy::seal::CURSOR;
use crate::retention::erasure::Gone;
use crate::vault::statement::object_name;

const LEAVES_AT_ONCE: u32 = 200;
const AUDIT_AT_ONCE: usize = 1000;
/// How often statements that came meanwhile are played too.
const TRIES: usize = 5;
/// Rows of the audit that are not told yet: those of a minute.
const UNTOLD_MAX: usize = 1_000_000;

impl<P: Progress> Work<'_, P> {
    pub(super) async fn decisions(&mut self) -> Result<(), ScrubError> {
        let id = self.row.scrub_id;
        if scrub::has_fault_of(&self.on.catalog, id, "statement").await? {
            let what = "statements are missing or damaged";
            self.note(note::STATE_NOT_COMPARED, "people, matters and holds", what);
            return Ok(());
        }
        self.erased().await?;
        let sealed = cursor::get(&self.on.catalog, CURSOR).await?;
        let mut account = Account::new(self.on.vault.archive());
        let mut next = 0;
        for _ in 0..TRIES {
            next = self.play(&mut account, next).await?;
            let is_more = doubt::leaves_of_statements(&self.on.catalog, next, 1).await?;
            if is_more.is_empty() {
                break;
            }
        }
        if !account.is_begun() {
            let what = "nothing was told to the bucket yet";
            self.note(note::STATE_NOT_COMPARED, "people, matters and holds", what);
            return Ok(());
        }
        if sealed > account.last_audit() {
            let what = "the audit is not told up to there, and what is before it never would be";
            self.fault(DERIVED_ROW_CHANGED, "cursor seal", what, &[]);
        }
        // Tables and audit as of one instant, as a seal has them.
        let found = state::snapshot(&self.on.catalog, account.last_audit(), UNTOLD_MAX).await?;
        self.now(account.close(found));
        Ok(())
    }

    /// Which records are erased, the erasures say that were told.
    async fn erased(&mut self) -> Result<(), ScrubError> {
        let RawErased { results, records } = doubt::erased(&self.on.catalog).await?;
        let mut told: BTreeSet<(RecordId, i64)> = BTreeSet::new();
        for (id, result) in results {
            let gone: Gone = serde_json::from_str(&result).unwrap_or_default();
            told.extend(gone.records.into_iter().map(|record| (record, id)));
        }
        for (record, id) in records {
            let record = RecordId::try_from(&record[..]).unwrap_or(RecordId([0; 16]));
            if !told.remove(&(record, id)) {
                let what = format!("the erasure {id} did not erase it");
                self.fault(DERIVED_ROW_EXTRA, format!("erased {record}"), what, &[record]);
            }
        }
        for (record, id) in told {
            let what = format!("the erasure {id} erased it, and the catalog does not know that");
            self.fault(DERIVED_ROW_MISSING, format!("erased {record}"), what, &[record]);
        }
        Ok(())
    }

    async fn play(&mut self, account: &mut Account, mut next: u64) -> Result<u64, ScrubError> {
        loop {
            let leaves =
                doubt::leaves_of_statements(&self.on.catalog, next, LEAVES_AT_ONCE).await?;
            for leaf in &leaves {
                next = leaf.position + 1;
                let name = match Leaf::decode(&leaf.body) {
                    Ok(Leaf::Event { at, object, .. } | Leaf::Seal { at, object, .. }) => {
                        object_name(at, &object)
                    }
                    _ => continue,
                };
                if let Some((opened, _)) = self.open_statement(&name).await? {
                    let told = account.last_audit();
                    let played = account.play(&opened)?;
                    self.audit(told, &played.audit).await?;
                    self.then(&name, played);
                }
                self.at(next, self.state.counts.leaves.max(next)).await?;
            }
            if leaves.is_empty() {
                return Ok(next);
            }
        }
    }

    /// What the log tells of changes that nobody made.
    fn then(&mut self, name: &str, played: Played) {
        self.acts(&played);
        for it in played.unexplained {
            let change = match &it.change {
                Change::Made => "it is there since".to_owned(),
                Change::Changed(columns) => format!("changed with it: {}", columns.join(", ")),
                Change::Gone => "it is gone since".to_owned(),
            };
            let what = format!(
                "the statement {name} shows that somebody changed it past the program: {change}, \
                 and no act that the audit tells with it did that"
            );
            self.fault(STATE_CHANGE_UNEXPLAINED, it.to_string(), what, &[]);
        }
    }

    /// What the catalog says now, and no statement told, nor an act that is yet to be.
    fn now(&mut self, played: Played) {
        self.acts(&played);
        for it in played.unexplained {
            let (kind, what) = match &it.change {
                Change::Made => (
                    STATE_ROW_EXTRA,
                    "no statement told it, and no act that is yet to be told made it".to_owned(),
                ),
                Change::Changed(columns) => (
                    STATE_ROW_CHANGED,
                    format!("not as it was told to the bucket: {}", columns.join(", ")),
                ),
                Change::Gone => (
                    STATE_ROW_MISSING,
                    "it was told to the bucket, and the catalog does not have it".to_owned(),
                ),
            };
            self.fault(kind, it.to_string(), what, &[]);
        }
    }

    fn acts(&mut self, played: &Played) {
        for row in &played.without_audit {
            let what = format!("it tells of {}, and no row of the audit does", row.action);
            let object = format!("statement {}", row.statement_id);
            self.fault(STATEMENT_WITHOUT_AUDIT, object, what, &[]);
        }
    }

    /// Compares rows of the audit that were told, after `last`, with the catalog's.
    async fn audit(&mut self, last: i64, told: &[Row]) -> Result<(), ScrubError> {
        let mut after = told.first().map_or(last, |row| number(&row[0]) - 1).min(last);
        for told in told.chunks(AUDIT_AT_ONCE) {
            let until = told.last().map_or(last, |row| number(&row[0]));
            let mut expected: HashMap<i64, &Row> =
                told.iter().map(|row| (number(&row[0]), row)).collect();
            'rows: loop {
                let found = state::audit_after(&self.on.catalog, after, AUDIT_AT_ONCE).await?;
                for row in &found {
                    let id = number(&row[0]);
                    if id > until {
                        break 'rows;
                    }
                    after = id;
                    let (kind, what) = match expected.remove(&id) {
                        Some(told) if told == row => continue,
                        Some(_) => (AUDIT_ROW_CHANGED, "not as it was told to the bucket"),
                        // Told before, and told again from another one on after a crash.
                        None if id <= last => continue,
                        None => (
                            AUDIT_ROW_EXTRA,
                            "those beside it were told to the bucket, and it was not",
                        ),
                    };
                    self.fault(kind, format!("audit {id}"), what, &[]);
                }
                if found.len() < AUDIT_AT_ONCE {
                    break;
                }
            }
            let mut missing: Vec<i64> = expected.into_keys().collect();
            missing.sort_unstable();
            for id in missing {
                let what = "it was told to the bucket, and the catalog does not have it";
                self.fault(AUDIT_ROW_MISSING, format!("audit {id}"), what, &[]);
            }
        }
        Ok(())
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Integer(number) => *number,
        _ => 0,
    }
}
