//! The tables whose rows exist nowhere but here: people, matters, holds, jobs and
//! the audit. Their rows are told as values, so that they can be sealed into the
//! bucket and written back from there, without anyone else knowing their columns.

use serde::{Deserialize, Serialize};

use super::{Catalog, CatalogError, During, WriteTransaction, db, schema};
use crate::base::ids::{DispositionId, ErasureId, MatterId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Integer,
    Text,
}

/// A table that is told row by row.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    /// The first `key` of them are its primary key.
    columns: &'static [(&'static str, Kind)],
    key: usize,
    /// Its rows are appended under growing numbers and never changed.
    pub is_appended: bool,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Integer(i64),
    Text(String),
    Null,
}

pub type Row = Vec<Value>;

/// Rows of one table, as a statement carries them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    pub table: String,
    pub columns: Vec<String>,
    /// Rows that are so now.
    pub rows: Vec<Row>,
    /// Keys of rows that are no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Row>,
    /// `rows` are all that there are.
    #[serde(default)]
    pub is_whole: bool,
}

macro_rules! table {
    ($name:literal, $key:literal, [$($column:literal $kind:ident),+ $(,)?]) => {
        Table {
            name: $name,
            key: $key,
            columns: &[$(($column, Kind::$kind)),+],
            is_appended: false,
        }
    };
}

/// Every such table, each after those that it refers to.
pub const TABLES: &[Table] = &[
    table!("meta", 1, ["name" Text, "value" Text]),
    table!("person", 1, [
        "user_id" Integer, "name" Text, "display_name" Text, "password_hash" Text, "role" Text,
        "is_archive_wide" Integer, "must_change" Integer, "is_disabled" Integer,
        "created_at" Integer,
    ]),
    table!("person_ask", 1, [
        "user_id" Integer, "what" Text, "asked_by" Integer, "asked_at" Integer,
    ]),
    table!("matter", 1, [
        "matter_id" Integer, "name" Text, "reference" Text, "zone" Text, "is_closed" Integer,
        "created_at" Integer, "created_by" Integer,
    ]),
    table!("matter_member", 2, ["matter_id" Integer, "user_id" Integer]),
    table!("custodian", 1, ["custodian_id" Integer, "matter_id" Integer, "name" Text]),
    table!("custodian_address", 2, ["custodian_id" Integer, "address" Text]),
    table!("hold", 1, [
        "hold_id" Integer, "matter_id" Integer, "name" Text, "date_kind" Text,
        "from_at" Integer, "until_at" Integer, "is_ongoing" Integer, "placed_at" Integer,
        "placed_by" Integer, "placed_seq" Integer, "released_at" Integer,
        "released_by" Integer, "release_reason" Text,
    ]),
    table!("hold_custodian", 2, ["hold_id" Integer, "custodian_id" Integer]),
    table!("document_password", 1, [
        "password_id" Integer, "matter_id" Integer, "sealed" Text, "added_at" Integer,
        "added_by" Integer,
    ]),
    table!("disposition", 1, [
        "disposition_id" Integer, "class" Text, "epoch" Text, "due_at" Integer, "state" Text,
        "figures" Text, "proposed_at" Integer, "proposed_by" Integer, "decided_at" Integer,
        "decided_by" Integer, "reason" Text, "ended_at" Integer, "result" Text,
    ]),
    table!("erasure", 1, [
        "erasure_id" Integer, "state" Text, "ground" Text, "figures" Text,
        "proposed_at" Integer, "proposed_by" Integer, "decided_at" Integer,
        "decided_by" Integer, "reason" Text, "ended_at" Integer, "result" Text,
    ]),
    table!("job", 1, [
        "job_id" Integer, "kind" Text, "matter_id" Integer, "asked_by" Text, "request" Text,
        "state" Text, "is_cancel_asked" Integer, "done" Integer, "total" Integer,
        "result" Text, "created_at" Integer, "started_at" Integer, "ended_at" Integer,
        "lease_owner" Text, "lease_until" Integer,
    ]),
    Table {
        name: "audit",
        key: 1,
        columns: &[
            ("audit_id", Kind::Integer),
            ("at", Kind::Integer),
            ("actor", Kind::Text),
            ("action", Kind::Text),
            ("matter_id", Kind::Integer),
            ("subject", Kind::Text),
            ("detail", Kind::Text),
            ("outcome", Kind::Text),
        ],
        is_appended: true,
    },
];

impl Table {
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// The part of a row that says which one it is.
    pub fn key_of<'a>(&self, row: &'a [Value]) -> &'a [Value] {
        &row[..self.key]
    }

    /// A row of which no more is known than which one it is.
    pub fn with_key(&self, key: &[Value]) -> Row {
        let others = self.columns.len().saturating_sub(key.len());
        key.iter().cloned().chain(std::iter::repeat_n(Value::Null, others)).collect()
    }

    /// The columns of its rows, in their order.
    pub fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|(name, _)| *name).collect()
    }

    fn kind_of(&self, column: &str) -> Kind {
        let named = self.columns.iter().find(|(name, _)| *name == column);
        named.map_or(Kind::Text, |(_, kind)| *kind)
    }

    pub fn rows(&self, rows: Vec<Row>) -> Rows {
        let columns = self.names().into_iter().map(str::to_owned).collect();
        Rows { table: self.name.to_owned(), columns, rows, gone: Vec::new(), is_whole: false }
    }

    fn select(&self, condition: &str) -> db::AssertSqlSafe<String> {
        let key = self.names()[..self.key].join(", ");
        let columns = self.names().join(", ");
        db::AssertSqlSafe(format!("SELECT {columns} FROM {} {condition} ORDER BY {key}", self.name))
    }

    fn read(&self, rows: &[db::Row]) -> Result<Vec<Row>, CatalogError> {
        let read = |row: &db::Row| {
            let values = self.columns.iter().enumerate().map(|(at, (_, kind))| {
                Ok(match kind {
                    Kind::Integer => row.try_get::<Option<i64>>(at)?.map(Value::Integer),
                    Kind::Text => row.try_get::<Option<String>>(at)?.map(Value::Text),
                }
                .unwrap_or(Value::Null))
            });
            values.collect::<Result<Row, db::Error>>()
        };
        rows.iter().map(read).collect::<Result<_, _>>().during("read the archive's state")
    }
}

/// All that the tables hold, and what they follow, as of one instant.
#[derive(Debug)]
pub struct Snapshot {
    /// Rows of each of [`TABLES`]; of an appended one those after `since`, at most `limit`.
    pub tables: Vec<(&'static Table, Vec<Row>)>,
    /// The last statement whose effects the rows show.
    pub follows: i64,
    /// The highest id that a message set was given.
    pub last_set: i64,
}

/// Reads the tables; of the audit what comes after row `since`.
pub async fn snapshot(
    catalog: &Catalog,
    since: i64,
    limit: usize,
) -> Result<Snapshot, CatalogError> {
    const DURING: &str = "read the archive's state";
    let mut tx = catalog.read().snapshot().await.during(DURING)?;
    // The first statement fixes what the transaction sees.
    let (follows, last_set): (i64, i64) = db::query_as(
        "SELECT (SELECT COALESCE(MAX(statement_id), 0) FROM statement),
                (SELECT COALESCE(MAX(set_id), 0) FROM message_set)",
    )
    .fetch_one(&mut tx)
    .await
    .during(DURING)?;
    let mut tables = Vec::new();
    for table in TABLES {
        let rows = match table.is_appended {
            false => db::query(table.select("")).fetch_all(&mut tx).await,
            true => {
                let (key, _) = table.columns[0];
                let db::AssertSqlSafe(text) = table.select(&format!("WHERE {key} > $1"));
                let text = db::AssertSqlSafe(format!("{text} LIMIT $2"));
                db::query(text).bind(since).bind(limit as i64).fetch_all(&mut tx).await
            }
        };
        tables.push((table, table.read(&rows.during(DURING)?)?));
    }
    Ok(Snapshot { tables, follows, last_set })
}

/// Rows of the audit after `since`, in their order.
pub async fn audit_after(
    catalog: &Catalog,
    since: i64,
    limit: usize,
) -> Result<Vec<Row>, CatalogError> {
    const DURING: &str = "read the audit";
    let table = Table::named("audit").expect("a table of the state");
    let db::AssertSqlSafe(text) = table.select("WHERE audit_id > $1");
    let text = db::AssertSqlSafe(format!("{text} LIMIT $2"));
    let found = db::query(text).bind(since).bind(limit as i64).fetch_all(catalog.read()).await;
    table.read(&found.during(DURING)?)
}

/// A matter with its people, custodians and holds, as the transaction has them:
/// what one must know to understand an act in it.
pub async fn of_matter(
    tx: &mut WriteTransaction,
    matter: MatterId,
) -> Result<Vec<Rows>, CatalogError> {
    const OF_MATTER: &str = "WHERE matter_id = $1";
    const OF_CUSTODIANS: &str =
        "WHERE custodian_id IN (SELECT custodian_id FROM custodian WHERE matter_id = $1)";
    const OF_HOLDS: &str = "WHERE hold_id IN (SELECT hold_id FROM hold WHERE matter_id = $1)";
    let wanted = [
        ("person", ""),
        ("matter", OF_MATTER),
        ("matter_member", OF_MATTER),
        ("custodian", OF_MATTER),
        ("custodian_address", OF_CUSTODIANS),
        ("hold", OF_MATTER),
        ("hold_custodian", OF_HOLDS),
    ];
    told(tx, &wanted, matter.0).await
}

/// A disposition, with the people who may have had to do with it.
pub async fn of_disposition(
    tx: &mut WriteTransaction,
    id: DispositionId,
) -> Result<Vec<Rows>, CatalogError> {
    let wanted = [("person", ""), ("disposition", "WHERE disposition_id = $1")];
    told(tx, &wanted, id.0).await
}

/// An erasure, with the people who may have had to do with it.
pub async fn of_erasure(
    tx: &mut WriteTransaction,
    id: ErasureId,
) -> Result<Vec<Rows>, CatalogError> {
    let wanted = [("person", ""), ("erasure", "WHERE erasure_id = $1")];
    told(tx, &wanted, id.0).await
}

/// Rows of tables, each under a condition on `id` or none.
async fn told(
    tx: &mut WriteTransaction,
    wanted: &[(&str, &str)],
    id: i64,
) -> Result<Vec<Rows>, CatalogError> {
    let mut told = Vec::new();
    for (name, condition) in wanted {
        let table = Table::named(name).expect("a table of the state");
        let mut query = db::query(table.select(condition));
        if !condition.is_empty() {
            query = query.bind(id);
        }
        let rows = query.fetch_all(&mut *tx).await.during("read a part of the state")?;
        told.push(table.rows(table.read(&rows)?));
    }
    Ok(told)
}

/// The row of a table with this number; no row where there is none.
pub async fn row(catalog: &Catalog, table: &str, id: i64) -> Result<Rows, CatalogError> {
    let table = Table::named(table).expect("a table of the state");
    let (key, _) = table.columns[0];
    let query = db::query(table.select(&format!("WHERE {key} = $1"))).bind(id);
    let found = query.fetch_all(catalog.read()).await.during("read a row of the state")?;
    Ok(table.rows(table.read(&found)?))
}

/// Makes the tables what a statement says that they are.
///
/// # Errors
/// Corruption where it speaks of a table or a column that this version does not
/// know.
pub async fn apply(tx: &mut WriteTransaction, told: &[Rows]) -> Result<(), CatalogError> {
    let mut known = Vec::new();
    for rows in told {
        let table = Table::named(&rows.table).ok_or_else(|| unknown(&rows.table))?;
        let names = table.names();
        if let Some(column) = rows.columns.iter().find(|name| !names.contains(&name.as_str())) {
            return Err(unknown(&format!("{}.{column}", rows.table)));
        }
        let fits = |row: &&Row| row.len() != rows.columns.len();
        if rows.rows.iter().any(|row| fits(&row))
            || rows.gone.iter().any(|key| key.len() != table.key)
        {
            return Err(CatalogError::Corrupt(format!("a row told of {}", table.name)));
        }
        known.push((table, rows));
    }
    let place = |name| TABLES.iter().position(|table| table.name == name);
    known.sort_by_key(|(table, _)| place(table.name));
    for (table, rows) in &known {
        for row in &rows.rows {
            upsert(tx, table, &rows.columns, row).await?;
        }
    }
    for (table, rows) in &known {
        let (key, kind) = table.columns[0];
        let numbers = rows.rows.iter().filter_map(|row| match &row[..] {
            [Value::Integer(number), ..] => Some(*number),
            _ => None,
        });
        if let (1, Kind::Integer, Some(last)) = (table.key, kind, numbers.max())
            && rows.columns.first().is_some_and(|column| column == key)
        {
            schema::keep_ids(tx, table.name, key, last).await.during(DURING_APPLY)?;
        }
    }
    // What refers to others goes before them.
    for (table, rows) in known.iter().rev() {
        for key in &rows.gone {
            remove(tx, table, key).await?;
        }
        if rows.is_whole {
            let kept: std::collections::HashSet<&[Value]> =
                rows.rows.iter().map(|row| table.key_of(row)).collect();
            let found = db::query(table.select("")).fetch_all(&mut *tx).await;
            for row in table.read(&found.during("read the archive's state")?)? {
                if !kept.contains(table.key_of(&row)) {
                    remove(tx, table, table.key_of(&row)).await?;
                }
            }
        }
    }
    Ok(())
}

fn unknown(what: &str) -> CatalogError {
    CatalogError::Corrupt(format!(
        "a statement speaks of {what}, which this version does not know; a newer one wrote it"
    ))
}

const DURING_APPLY: &str = "write the archive's state back";

async fn upsert(
    tx: &mut WriteTransaction,
    table: &Table,
    columns: &[String],
    row: &[Value],
) -> Result<(), CatalogError> {
    let mut query: db::QueryBuilder = db::QueryBuilder::new(format!(
        "INSERT INTO {} ({}) VALUES (",
        table.name,
        columns.join(", ")
    ));
    let mut values = query.separated(", ");
    for (name, value) in columns.iter().zip(row) {
        match (value, table.kind_of(name)) {
            (Value::Null, Kind::Integer) => values.push_bind(None::<i64>),
            (Value::Null, Kind::Text) => values.push_bind(None::<String>),
            (Value::Integer(number), _) => values.push_bind(*number),
            (Value::Text(text), _) => values.push_bind(text),
        };
    }
    let names = table.names();
    let (key, others) = names.split_at(table.key);
    query.push(format!(") ON CONFLICT ({}) DO ", key.join(", ")));
    let set: Vec<_> = others
        .iter()
        .filter(|name| columns.iter().any(|column| column == *name))
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    match set.is_empty() {
        true => query.push("NOTHING"),
        false => query.push(format!("UPDATE SET {}", set.join(", "))),
    };
    query.build().execute(&mut *tx).await.during(DURING_APPLY)?;
    Ok(())
}

async fn remove(
    tx: &mut WriteTransaction,
    table: &Table,
    key: &[Value],
) -> Result<(), CatalogError> {
    let mut query: db::QueryBuilder =
        db::QueryBuilder::new(format!("DELETE FROM {} WHERE 1 = 1", table.name));
    for (name, value) in table.names().into_iter().zip(key) {
        query.push(format!(" AND {name} = "));
        match value {
            Value::Null => return Err(CatalogError::Corrupt(format!("a key of {}", table.name))),
            Value::Integer(number) => query.push_bind(*number),
            Value::Text(text) => query.push_bind(text.clone()),
        };
    }
    query.build().execute(&mut *tx).await.during(DURING_APPLY)?;
    Ok(())
}

#[cfg(test)]
mod tests;
