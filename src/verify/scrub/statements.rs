//! Statements: the object opens, and row, leaf and object say the same.

use super::finding::{
    STATEMENT_DAMAGED, STATEMENT_MISSING, STATEMENT_ROW_CHANGED, STATEMENT_ROW_MISSING,
};
use super::{ScrubError, Work};
use crate::base::config::POLICY;
use crate::base::limits::SCRUB_FINDINGS_SHOWN;
use crate::catalog::doubt::{self, RawStatement};
use crate::catalog::scrub;
use crate::catalog::statement::{SEAL, StatementRow};
use crate::ingest::rebuild::Progress;
use crate::ledger::leaf::Leaf;
use crate::policy::restore::row_told;
use crate::vault::VaultError;
use crate::vault::bucket::BucketError;
use crate::vault::keyring::epoch_object;
use crate::vault::statement::{Opened, object_name};

const ROWS_AT_ONCE: u32 = 200;

impl<P: Progress> Work<'_, P> {
    pub(super) async fn statements(&mut self) -> Result<(), ScrubError> {
        let mut id = self.row.position.parse().unwrap_or(0);
        loop {
            let rows = doubt::statements(&self.on.catalog, id, ROWS_AT_ONCE).await?;
            for found in &rows {
                id = found.row.statement_id;
                self.state.counts.statements += 1;
                self.statement(found).await?;
                self.at(self.state.counts.statements, 0).await?;
            }
            if rows.is_empty() {
                break;
            }
            self.done(id.to_string()).await?;
        }
        let lone = doubt::lone_leaves(&self.on.catalog, SCRUB_FINDINGS_SHOWN as u32).await?;
        for position in lone {
            let object = format!("leaf {position}");
            // A row that was changed, or a leaf that was, is named already.
            if !self.is_named(&object).await? {
                let what = "the log has it, and the catalog has no statement of it";
                self.fault(STATEMENT_ROW_MISSING, object, what, &[]);
            }
        }
        Ok(())
    }

    pub(super) async fn is_named(&self, object: &str) -> Result<bool, ScrubError> {
        let is_waiting = self.found.iter().any(|found| found.is_fault && found.object == object);
        Ok(is_waiting || scrub::is_named(&self.on.catalog, self.row.scrub_id, object).await?)
    }

    async fn statement(&mut self, found: &RawStatement) -> Result<(), ScrubError> {
        let object = format!("statement {}", found.row.statement_id);
        let leaf = match found.position {
            Some(at) => {
                let rows = doubt::leaves(&self.on.catalog, at as u64, at as u64 + 1).await?;
                rows.into_iter().next()
            }
            None => None,
        };
        let decoded = leaf.as_ref().and_then(|leaf| Leaf::decode(&leaf.body).ok());
        let by_leaf = match decoded {
            Some(Leaf::Event { at, object, .. } | Leaf::Seal { at, object, .. }) => {
                Some(object_name(at, &object))
            }
            _ => None,
        };
        let is_leaf_named = match found.position {
            Some(at) => self.is_named(&format!("leaf {at}")).await?,
            None => false,
        };
        let name = match &by_leaf {
            Some(name) if !is_leaf_named => name,
            _ => &found.object,
        };
        let Some((opened, told)) = self.open_statement(name).await? else { return Ok(()) };
        let mut changed = differences(&found.row, &told);
        if found.object != *name {
            changed.push("object");
        }
        let expected = opened.stated.leaf(&opened.head, told.action == SEAL, told.row_count);
        let is_same = leaf.is_some_and(|leaf| leaf.body == expected.encode());
        if !is_same && !is_leaf_named {
            changed.push("position");
        }
        if !changed.is_empty() {
            let what = format!("not as in the bucket: {}", changed.join(", "));
            self.fault(STATEMENT_ROW_CHANGED, object, what, &[]);
        }
        Ok(())
    }

    /// None where it is missing or damaged, which is noted.
    pub(super) async fn open_statement(
        &mut self,
        name: &str,
    ) -> Result<Option<(Opened, StatementRow)>, ScrubError> {
        let error = match self.on.vault.open_statement(name).await {
            Ok(opened) => {
                self.read(opened.content.len() as u64).await;
                match row_told(&opened) {
                    Ok(told) => return Ok(Some((opened, told))),
                    Err(error) => {
                        self.fault(STATEMENT_DAMAGED, name, error.to_string(), &[]);
                        return Ok(None);
                    }
                }
            }
            Err(error) => error,
        };
        let month = name.split('/').nth(1).unwrap_or_default();
        match self.as_key_fault(error, &epoch_object(POLICY, month)).await? {
            None => {}
            Some(VaultError::Bucket(BucketError::Missing(name))) => {
                let what = "the log speaks of it, and it is not in the bucket";
                self.fault(STATEMENT_MISSING, name, what, &[]);
            }
            Some(VaultError::Damaged { what, .. }) => {
                self.fault(STATEMENT_DAMAGED, name, what, &[]);
            }
            Some(error) => return Err(error.into()),
        }
        Ok(None)
    }
}

fn differences(row: &StatementRow, told: &StatementRow) -> Vec<&'static str> {
    let fields = [
        ("statement_id", row.statement_id != told.statement_id),
        ("follows", row.follows != told.follows),
        ("at", row.at != told.at),
        ("action", row.action != told.action),
        ("row_count", row.row_count != told.row_count),
    ];
    fields.into_iter().filter(|(_, is_other)| *is_other).map(|(name, _)| name).collect()
}
