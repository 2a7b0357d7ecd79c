//! The minute's seal: what changed in the tables of the state since the last one,
//! and the audit since then.

use super::account::Account;
use super::{Content, tell_unexplained};
use crate::base::clock::Timestamp;
use crate::base::limits::SEAL_AUDIT_ROWS;
use crate::catalog::state::{self, Row, Rows, Table, Value};
use crate::catalog::statement::{self, SEAL};
use crate::catalog::{Catalog, CatalogError, cursor};

/// The audit is in the bucket up to this row.
pub const CURSOR: &str = "seal";

/// Knows what the last seal told. A new one tells everything once.
#[derive(Default)]
pub struct Sealer {
    /// None before the first seal.
    told: Option<Account>,
    next: Option<Next>,
}

/// What came of a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// There was nothing new.
    Nothing,
    All,
    /// More of the audit waits.
    Part,
}

struct Next {
    told: Account,
    audited: i64,
}

impl Sealer {
    /// Adds the statement of what is new, and of what of it is nobody's act. When it is
    /// in the bucket, [`Self::confirm`] makes it what is told.
    pub async fn seal(&mut self, catalog: &Catalog, at: Timestamp) -> Result<Sealed, CatalogError> {
        if self.next.take().is_some() {
            // It may be in the bucket or not: what is told is not known any more.
            self.told = None;
        }
        let since = cursor::get(catalog, CURSOR).await?;
        let found = state::snapshot(catalog, since, SEAL_AUDIT_ROWS).await?;
        let (mut audited, mut is_more) = (since, false);
        let mut tables = Vec::new();
        for (table, rows) in found.tables {
            let new = match table.is_appended {
                true => {
                    if let Some([Value::Integer(last)]) = rows.last().map(|row| table.key_of(row)) {
                        audited = *last;
                    }
                    is_more |= rows.len() == SEAL_AUDIT_ROWS;
                    table.rows(rows)
                }
                false => self.changes(table, rows),
            };
            if new.is_whole || !new.rows.is_empty() || !new.gone.is_empty() {
                tables.push(new);
            }
        }
        if tables.is_empty() {
            return Ok(Sealed::Nothing);
        }
        let (told, unexplained) = match self.told.clone() {
            Some(mut told) => {
                let played = told.seal(found.follows, &tables, !is_more);
                (told, played.unexplained)
            }
            None => (Account::from(&tables), Vec::new()),
        };
        let content = Content { last_set: found.last_set, tables, ..Content::default() };
        let (count, bytes) = (content.row_count(), content.encode());
        let mut tx = catalog.write().await?;
        statement::add(&mut tx, at, SEAL, Some(found.follows), count, &bytes).await?;
        if !unexplained.is_empty() {
            tell_unexplained(&mut tx, at, &unexplained).await?;
        }
        catalog.commit(tx, "seal the audit").await?;
        self.next = Some(Next { told, audited });
        Ok(if is_more { Sealed::Part } else { Sealed::All })
    }

    /// The last statement is in the bucket. Before that, a crash tells the same
    /// again, which changes nothing.
    pub async fn confirm(&mut self, catalog: &Catalog) -> Result<(), CatalogError> {
        let Some(Next { audited, .. }) = self.next else { return Ok(()) };
        let mut tx = catalog.write().await?;
        cursor::set(&mut tx, CURSOR, audited).await?;
        catalog.commit(tx, "seal the audit").await?;
        self.told = self.next.take().map(|next| next.told);
        Ok(())
    }

    fn changes(&self, table: &'static Table, mut rows: Vec<Row>) -> Rows {
        let Some(told) = &self.told else { return Rows { is_whole: true, ..table.rows(rows) } };
        let keys: std::collections::HashSet<&[Value]> =
            rows.iter().map(|row| table.key_of(row)).collect();
        let gone = told.keys(table).filter(|key| !keys.contains(&key[..])).cloned().collect();
        rows.retain(|row| !told.has(table, row));
        Rows { gone, ..table.rows(rows) }
    }
}
