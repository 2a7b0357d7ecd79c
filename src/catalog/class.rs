//! Retention classes as they were last configured: facts of the archive, which
//! come back from the bucket with it.

use super::{Catalog, CatalogError, During, WriteTransaction};
use crate::base::config::ClassMode;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassRow {
    pub name: String,
    pub years: u16,
    pub mode: ClassMode,
}

/// What their names in `meta` begin with.
const PREFIX: &str = "class:";

pub async fn list(catalog: &Catalog) -> Result<Vec<ClassRow>, CatalogError> {
    let rows: Vec<(String, String)> = sqlx::query_as(
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
    sqlx::query(
        "INSERT INTO meta (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(format!("{PREFIX}{}", class.name))
    .bind(format!("{} {}", class.years, class.mode.word()))
    .execute(&mut **tx)
    .await
    .during("write a retention class")?;
    Ok(())
}

pub async fn remove(tx: &mut WriteTransaction, name: &str) -> Result<(), CatalogError> {
    sqlx::query("DELETE FROM meta WHERE name = $1")
        .bind(format!("{PREFIX}{name}"))
        .execute(&mut **tx)
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
            sqlx::query_scalar("SELECT MIN(class) FROM delivery WHERE class > $1")
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
