//! Retention classes as they were last configured: facts of the archive, which
//! come back from the bucket with it.

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::config::ClassMode;
use crate::base::ids::{DeliverySeq, RecordId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassRow {
    pub name: String,
    pub years: u16,
    pub mode: ClassMode,
}

/// What their names in `meta` begin with.
const PREFIX: &str = "class:";

pub async fn list(catalog: &Catalog) -> Result<Vec<ClassRow>, CatalogError> {
    let rows: Vec<(String, String)> = db::query_as(
        "SELECT name, value FROM meta WHERE name >= 'class:' AND name < 'class;' ORDER BY name",
    )
    .fetch_all(catalog.read())
    .await
    .during("read the retention classes")?;
    let row = |(name, value): &(String, String)| {
        let (years, mode) = value.split_once(' ')?;
        let name = name.strip_prefix(PREFIX)?.to_owned();
        Some(ClassRow { name, years: years.parse().ok()?, mode: ClassMode::from_word(mode)? })
    };
    let damaged = |name: &str| CatalogError::Corrupt(format!("the retention {name}"));
    rows.iter().map(|said| row(said).ok_or_else(|| damaged(&said.0))).collect()
}

pub async fn set(tx: &mut WriteTransaction, class: &ClassRow) -> Result<(), CatalogError> {
    db::query(
        "INSERT INTO meta (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(format!("{PREFIX}{}", class.name))
    .bind(format!("{} {}", class.years, class.mode.word()))
    .execute(&mut *tx)
    .await
    .during("write a retention class")?;
    Ok(())
}

pub async fn remove(tx: &mut WriteTransaction, name: &str) -> Result<(), CatalogError> {
    db::query("DELETE FROM meta WHERE name = $1")
        .bind(format!("{PREFIX}{name}"))
        .execute(&mut *tx)
        .await
        .during("remove a retention class")?;
    Ok(())
}

/// The classes in which there is mail; each costs one look into an index.
pub async fn with_mail(catalog: &Catalog) -> Result<Vec<String>, CatalogError> {
    let mut found: Vec<String> = Vec::new();
    loop {
        let after = found.last().cloned().unwrap_or_default();
        let next: Option<String> =
            db::query_scalar("SELECT MIN(class) FROM delivery WHERE class > $1")
                .bind(after)
                .fetch_one(catalog.read())
                .await
                .during("look for mail of a retention class")?;
        match next {
            Some(class) => found.push(class),
            None => return Ok(found),
        }
    }
}

/// A delivery, and all by which rules know it.
#[derive(Clone, Debug)]
pub struct Ruled {
    pub seq: DeliverySeq,
    pub record: RecordId,
    pub source: String,
    pub received_at: Timestamp,
    pub class: String,
    pub size_bytes: u64,
    pub form: String,
    pub is_proven: bool,
    /// JSON, as the columns of the same names.
    pub transaction: String,
    pub envelope: Option<String>,
    pub defects: String,
}

/// Deliveries before `before` in commit order, newest first.
pub async fn ruled_before(
    catalog: &Catalog,
    before: DeliverySeq,
    limit: u32,
) -> Result<Vec<Ruled>, CatalogError> {
    let rows = db::query(
        "SELECT seq, record_id, source, received_at, class, size_bytes, form, is_proven,
             transaction_, envelope, defects
         FROM delivery WHERE seq < $1 ORDER BY seq DESC LIMIT $2",
    )
    .bind(before.0)
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during("read deliveries for rules")?;
    let read = |row: &db::Row| {
        let damaged = |_| CatalogError::Corrupt("a delivery's record id".into());
        Ok(Ruled {
            seq: DeliverySeq(row.get(0)),
            record: RecordId::try_from(row.get::<&[u8]>(1)).map_err(damaged)?,
            source: row.get(2),
            received_at: Timestamp(row.get(3)),
            class: row.get(4),
            size_bytes: row.get::<i64>(5).max(0) as u64,
            form: row.get(6),
            is_proven: row.get::<i64>(7) != 0,
            transaction: row.get(8),
            envelope: row.get(9),
            defects: row.get(10),
        })
    };
    rows.iter().map(read).collect()
}
