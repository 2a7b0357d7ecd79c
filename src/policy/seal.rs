//! The minute's seal: what changed in the tables of the state since the last one,
//! and the audit since then.

use std::collections::HashMap;

use super::Content;
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::limits::SEAL_AUDIT_ROWS;
use crate::catalog::state::{self, Row, Rows, Table, Value};
use crate::catalog::statement::{self, SEAL};
use crate::catalog::{Catalog, CatalogError, cursor};

/// The audit is in the bucket up to this row.
pub(super) const CURSOR: &str = "seal";

/// Knows what the last seal told. A new one tells everything once.
#[derive(Default)]
pub struct Sealer {
    /// Hashes of rows by table and key; none before the first seal.
    told: Option<HashMap<(&'static str, Row), Digest>>,
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
    told: HashMap<(&'static str, Row), Digest>,
    audited: i64,
}

impl Sealer {
    /// Adds the statement of what is new. When it is in the bucket,
    /// [`Self::confirm`] makes it what is told.
    pub async fn seal(&mut self, catalog: &Catalog, at: Timestamp) -> Result<Sealed, CatalogError> {
        let since = cursor::get(catalog, CURSOR).await?;
        let found = state::snapshot(catalog, since, SEAL_AUDIT_ROWS).await?;
        let (mut audited, mut is_more) = (since, false);
        let mut told = HashMap::new();
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
                false => self.changes(table, rows, &mut told),
            };
            if new.is_whole || !new.rows.is_empty() || !new.gone.is_empty() {
                tables.push(new);
            }
        }
        if tables.is_empty() {
            return Ok(Sealed::Nothing);
        }
        let content = Content { last_set: found.last_set, tables, verified: None };
        let (count, bytes) = (content.row_count(), content.encode());
        let mut tx = catalog.write().await?;
        statement::add(&mut tx, at, SEAL, Some(found.follows), count, &bytes).await?;
        catalog.commit(tx, "seal the audit").await?;
        self.next = Some(Next { told, audited });
        Ok(if is_more { Sealed::Part } else { Sealed::All })
    }

    /// The last statement is in the bucket. Before that, a crash tells the same
    /// again, which changes nothing.
    pub async fn confirm(&mut self, catalog: &Catalog) -> Result<(), CatalogError> {
        let Some(Next { told, audited }) = self.next.take() else { return Ok(()) };
        let mut tx = catalog.write().await?;
        cursor::set(&mut tx, CURSOR, audited).await?;
        catalog.commit(tx, "seal the audit").await?;
        self.told = Some(told);
        Ok(())
    }

    fn changes(
        &self,
        table: &'static Table,
        rows: Vec<Row>,
        told: &mut HashMap<(&'static str, Row), Digest>,
    ) -> Rows {
        let is_whole = self.told.is_none();
        let mut new = Vec::new();
        for row in rows {
            let key = (table.name, table.key_of(&row).to_vec());
            let bytes = serde_json::to_vec(&row).expect("values are valid JSON");
            let digest = Digest::of(&bytes);
            let known = self.told.as_ref().and_then(|known| known.get(&key));
            if is_whole || known != Some(&digest) {
                new.push(row);
            }
            told.insert(key, digest);
        }
        let known = self.told.iter().flat_map(|known| known.keys());
        let gone = known
            .filter(|key| key.0 == table.name && !told.contains_key(*key))
            .map(|(_, key)| key.clone())
            .collect();
        Rows { gone, is_whole, ..table.rows(new) }
    }
}
