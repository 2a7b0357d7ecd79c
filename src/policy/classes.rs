//! Retention classes are lengthened, never shortened: what mail was taken for is
//! what it is kept for, whatever the configuration says later.

use std::path::PathBuf;

use serde_json::json;

use crate::access::audit::{self, Act, Outcome};
use crate::base::clock::Clock;
use crate::base::config::{ClassMode, Config};
use crate::catalog::class::{self, ClassRow};
use crate::catalog::{Catalog, CatalogError};

#[derive(Debug, thiserror::Error)]
pub enum ClassError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(
        "the configuration {file}: [[class]] {name:?}: years is {years}, and its mail was taken for \
         {was}; set years = {was}, or more"
    )]
    Shorter { file: PathBuf, name: String, years: u16, was: u16 },
    #[error(
        "the configuration {file}: [[class]] {name:?}: mode is \"erasable\", and its mail was taken \
         as \"strict\"; set mode = \"strict\""
    )]
    Weaker { file: PathBuf, name: String },
    #[error(
        "the configuration {file}: [[class]] {name:?} is missing, and there is mail in it; add it \
         again{with}"
    )]
    Missing { file: PathBuf, name: String, with: String },
}

/// Refuses classes that keep mail for less than it was taken for, and records the
/// others. A class without mail may become anything, or go.
pub async fn keep(catalog: &Catalog, clock: &Clock, config: &Config) -> Result<(), ClassError> {
    let recorded = class::list(catalog).await?;
    let with_mail = class::with_mail(catalog).await?;
    let before = |name: &str| recorded.iter().find(|row| row.name == name);
    for name in &with_mail {
        check(config, name, before(name))?;
    }
    let configured = config.class.iter().map(|class| ClassRow {
        name: class.name.clone(),
        years: class.years,
        mode: class.mode,
    });
    let configured: Vec<ClassRow> = configured.collect();
    let new: Vec<_> = configured.iter().filter(|row| !recorded.contains(row)).collect();
    let gone = |row: &&ClassRow| configured.iter().all(|class| class.name != row.name);
    let gone: Vec<_> = recorded.iter().filter(gone).collect();
    if new.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let mut tx = catalog.write().await?;
    for row in new {
        class::set(&mut tx, row).await?;
        let was = before(&row.name).map(|was| json!({ "years": was.years, "mode": was.mode }));
        let detail = json!({ "years": row.years, "mode": row.mode, "before": was });
        let act = Act::new("class.set", None, &row.name).with(detail);
        audit::record_in(&mut tx, clock.now(), "system", &act, Outcome::Done).await?;
    }
    for row in gone {
        class::remove(&mut tx, &row.name).await?;
        let act = Act::new("class.remove", None, &row.name)
            .with(json!({ "years": row.years, "mode": row.mode }));
        audit::record_in(&mut tx, clock.now(), "system", &act, Outcome::Done).await?;
    }
    Ok(catalog.commit(tx, "record the retention classes").await?)
}

fn check(config: &Config, name: &str, was: Option<&ClassRow>) -> Result<(), ClassError> {
    let (file, name) = (config.file.clone(), name.to_owned());
    let Some(now) = config.class.iter().find(|class| class.name == name) else {
        let with = was.map(|was| {
            format!(", with years = {} or more and mode = \"{}\"", was.years, was.mode.word())
        });
        return Err(ClassError::Missing { file, name, with: with.unwrap_or_default() });
    };
    let Some(was) = was else { return Ok(()) };
    if now.years < was.years {
        return Err(ClassError::Shorter { file, name, years: now.years, was: was.years });
    }
    if was.mode == ClassMode::Strict && now.mode == ClassMode::Erasable {
        return Err(ClassError::Weaker { file, name });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::config::Class;
    use crate::catalog::tests::scratch;

    fn config(classes: &[(&str, u16, ClassMode)]) -> Config {
        let class = |(name, years, mode): &(&str, u16, ClassMode)| Class {
            name: (*name).into(),
            years: *years,
            mode: *mode,
        };
        Config { class: classes.iter().map(class).collect(), ..Config::default() }
    }

    async fn acts(catalog: &Catalog) -> Vec<(String, String, String)> {
        sqlx::query_as("SELECT actor, action, subject FROM audit ORDER BY audit_id")
            .fetch_all(catalog.read())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn what_changes_is_recorded_and_audited_once() {
        use ClassMode::{Erasable, Strict};
        let (catalog, _directory) = scratch().await;
        let clock = Clock::System;
        let mut said: Vec<&str> = Vec::new();
        for (classes, acted) in [
            (&[("a", 7, Strict)][..], &["class.set"][..]),
            (&[("a", 7, Strict)], &[]),
            (&[("a", 5, Erasable), ("b", 1, Strict)], &["class.set", "class.set"]),
            (&[("b", 1, Strict)], &["class.remove"]),
        ] {
            keep(&catalog, &clock, &config(classes)).await.unwrap();
            said.extend(acted);
            let found = acts(&catalog).await;
            assert!(found.iter().all(|(actor, ..)| actor == "system"));
            let found: Vec<_> = found.iter().map(|(_, action, _)| action.as_str()).collect();
            assert_eq!(found, said);
        }
        let left = class::list(&catalog).await.unwrap();
        assert_eq!(left, [ClassRow { name: "b".into(), years: 1, mode: Strict }]);
    }
}
