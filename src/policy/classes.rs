//! Retention classes are lengthened, never shortened: what mail was taken for is
//! what it is kept for, whatever the configuration says later. With them the rules are
//! on record by which mail came into them.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::access::audit::{self, Act, Outcome};
use crate::base::clock::{Clock, Timestamp};
use crate::base::config::{Class, ClassMode, Config};
use crate::catalog::class::{self, ClassRow};
use crate::catalog::{Catalog, CatalogError, meta, roll};
use crate::vault::retention::Schedule;

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
/// others, and the rules. A class without mail may become anything, or go.
pub async fn keep(catalog: &Catalog, clock: &Clock, config: &Config) -> Result<(), ClassError> {
    check(catalog, config).await?;
    if catalog.is_shared() {
        roll::want_again(catalog, &clock.now().month()).await?;
    }
    let recorded = class::list(catalog).await?;
    let before = |name: &str| recorded.iter().find(|row| row.name == name);
    let configured = config.class.iter().map(|class| ClassRow {
        name: class.name.clone(),
        years: class.years,
        mode: class.mode,
    });
    let configured: Vec<ClassRow> = configured.collect();
    let new: Vec<_> = configured.iter().filter(|row| !recorded.contains(row)).collect();
    let gone = |row: &&ClassRow| configured.iter().all(|class| class.name != row.name);
    let gone: Vec<_> = recorded.iter().filter(gone).collect();
    let rules = rules_of(config);
    let rules_before = match meta::get(catalog, meta::RULES).await? {
        Some(text) => serde_json::from_str(&text)
            .map_err(|_| CatalogError::Corrupt("the rules of retention".into()))?,
        None => rules_of(&Config::default()),
    };
    if new.is_empty() && gone.is_empty() && rules == rules_before {
        return Ok(());
    }
    let now = clock.now();
    let lengthened = lengthened(catalog, &new, &recorded, now).await?;
    let mut tx = catalog.write().await?;
    for (unit, was, until) in lengthened {
        roll::want(&mut tx, &unit, was, until).await?;
    }
    for row in new {
        class::set(&mut tx, row).await?;
        let was = before(&row.name).map(|was| json!({ "years": was.years, "mode": was.mode }));
        let detail = json!({ "years": row.years, "mode": row.mode, "before": was });
        let act = Act::new("class.set", None, &row.name).with(detail);
        audit::record_in(&mut tx, now, "system", &act, Outcome::Done).await?;
    }
    for row in gone {
        class::remove(&mut tx, &row.name).await?;
        let act = Act::new("class.remove", None, &row.name)
            .with(json!({ "years": row.years, "mode": row.mode }));
        audit::record_in(&mut tx, now, "system", &act, Outcome::Done).await?;
    }
    if rules != rules_before {
        meta::set_in(&mut tx, meta::RULES, &rules.to_string()).await?;
        let act = Act::new("class.rules", None, "the rules of retention")
            .with(json!({ "rules": rules, "before": rules_before }));
        audit::record_in(&mut tx, now, "system", &act, Outcome::Done).await?;
    }
    Ok(catalog.commit(tx, "record the retention classes").await?)
}

/// The months of classes that keep their mail for longer from now on, or more firmly:
/// until when their locks were, and are to be.
async fn lengthened(
    catalog: &Catalog,
    new: &[&ClassRow],
    recorded: &[ClassRow],
    now: Timestamp,
) -> Result<Vec<(String, Timestamp, Timestamp)>, CatalogError> {
    let schedule = |row: &ClassRow| {
        let (name, years, mode) = (row.name.clone(), row.years, row.mode);
        Schedule::new(&[Class { name, years, mode }])
    };
    let mut found = Vec::new();
    for row in new.iter().copied() {
        let Some(was) = recorded.iter().find(|was| was.name == row.name) else { continue };
        let mut epochs = roll::epochs(catalog, &row.name).await?;
        if !epochs.is_empty() || catalog.is_shared() {
            // Its first mail of the month may be about to be committed.
            epochs.push(now.month());
            epochs.dedup();
        }
        for epoch in epochs {
            let due = |row: &ClassRow| schedule(row).due(&row.name, &epoch).unwrap_or(now);
            found.push((roll::unit_of(&row.name, &epoch), due(was), due(row)));
        }
    }
    Ok(found)
}

/// All by which a delivery comes into its class.
fn rules_of(config: &Config) -> Value {
    let of_sources = config
        .source
        .iter()
        .filter_map(|source| Some((source.name.clone(), Value::from(source.class.clone()?))));
    json!({
        "domains": config.organisation.domains,
        "sources": of_sources.collect::<serde_json::Map<_, _>>(),
        "rules": config.rule,
    })
}

/// Refuses classes that keep mail for less than it was taken for.
pub async fn check(catalog: &Catalog, config: &Config) -> Result<(), ClassError> {
    let recorded = class::list(catalog).await?;
    for name in class::with_mail(catalog).await? {
        check_one(config, &name, recorded.iter().find(|row| row.name == name))?;
    }
    Ok(())
}

fn check_one(config: &Config, name: &str, was: Option<&ClassRow>) -> Result<(), ClassError> {
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
        crate::catalog::db::query_as("SELECT actor, action, subject FROM audit ORDER BY audit_id")
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

    #[tokio::test]
    async fn rules_are_on_record_with_what_they_were_before() {
        let (catalog, _directory) = scratch().await;
        let clock = Clock::System;
        let plain = config(&[("a", 7, ClassMode::Strict)]);
        keep(&catalog, &clock, &plain).await.unwrap();
        let text = "[[rule]]\nname = 'r'\nclass = 'a'\nsender = ['@x.example']";
        let ruled = plain.drafted(text).unwrap();
        for config in [&ruled, &ruled, &plain] {
            keep(&catalog, &clock, config).await.unwrap();
        }
        let details: Vec<(String,)> = crate::catalog::db::query_as(
            "SELECT detail FROM audit WHERE action = 'class.rules' ORDER BY audit_id",
        )
        .fetch_all(catalog.read())
        .await
        .unwrap();
        let details: Vec<Value> =
            details.iter().map(|(text,)| serde_json::from_str(text).unwrap()).collect();
        assert_eq!(details.len(), 2, "{details:?}");
        assert_eq!(details[0]["rules"]["rules"][0]["sender"][0], "@x.example");
        assert_eq!(details[0]["rules"], details[1]["before"]);
        assert_eq!(details[1]["rules"], details[0]["before"]);
    }
}
