//! What the bucket itself says of an act: its statements, each opened with its key and
//! compared with its leaf. Whoever changes rows of the catalog changes none of it.

use super::restore::content_of;
use super::{Content, PolicyError};
use crate::base::clock::Timestamp;
use crate::catalog::state::{Row, Rows, Value};
use crate::catalog::statement;
use crate::catalog::{Catalog, leaf};
use crate::vault::Vault;

/// A statement of an act that the log has.
#[derive(Debug)]
pub struct Told {
    pub action: String,
    tables: Vec<Rows>,
}

impl Told {
    /// The row of a table that it tells under this number.
    pub fn row(&self, table: &str, id: i64) -> Option<Fields<'_>> {
        let rows = self.tables.iter().find(|rows| rows.table == table)?;
        let row = rows.rows.iter().find(|row| row.first() == Some(&Value::Integer(id)))?;
        Some(Fields { columns: &rows.columns, row })
    }

    /// All rows of a table that it tells.
    pub fn rows(&self, table: &str) -> impl Iterator<Item = Fields<'_>> {
        let rows = self.tables.iter().filter(move |rows| rows.table == table);
        rows.flat_map(|rows| rows.rows.iter().map(|row| Fields { columns: &rows.columns, row }))
    }
}

/// A row with its columns' names.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    columns: &'a [String],
    row: &'a Row,
}

impl<'a> Fields<'a> {
    pub fn of(rows: &'a Rows) -> Option<Self> {
        Some(Self { columns: &rows.columns, row: rows.rows.first()? })
    }

    pub fn get(&self, column: &str) -> Option<&'a Value> {
        self.row.get(self.columns.iter().position(|name| name == column)?)
    }

    pub fn text(&self, column: &str) -> Option<&'a str> {
        match self.get(column)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Statements of these acts that were made from `from` to `until`, in their order. One
/// whose object is of another act, or whose leaf is not its own, is none.
///
/// # Errors
/// Where one cannot be read: what it says is not known then.
pub async fn told(
    vault: &Vault,
    catalog: &Catalog,
    actions: &[&str],
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<Told>, PolicyError> {
    let mut found = Vec::new();
    for (object, position) in statement::of_actions(catalog, actions, from, until).await? {
        let opened = vault.open_statement(&object).await?;
        if !actions.contains(&opened.head.action.as_str()) {
            continue;
        }
        let expected = opened.stated.leaf(&opened.head, false, 0).encode();
        let leaves = leaf::from(catalog, position, 1).await?;
        if leaves.first().is_none_or(|leaf| leaf.body != expected) {
            continue;
        }
        let Content { tables, .. } = content_of(&opened)?;
        found.push(Told { action: opened.head.action, tables });
    }
    Ok(found)
}
