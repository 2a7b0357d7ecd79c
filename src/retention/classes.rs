//! The retention classes with what is in them, and the trial of rules: which class
//! recent deliveries would have got. Both show how mail is kept and nothing of what it
//! says, or of who wrote it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::RetentionError;
use crate::access::audit::{Act, Outcome, record};
use crate::access::{Actor, Refused};
use crate::base::clock::Clock;
use crate::base::config::{ClassMode, Config, Rule};
use crate::base::ids::{DeliverySeq, RecordId};
use crate::base::limits::{CLASSES_TESTED_AT_ONCE, CLASSES_TESTED_MAX, DELIVERY_MEMORY_BYTES_MAX};
use crate::catalog::class::{self, Ruled};
use crate::catalog::{Catalog, CatalogError, disposition as rows};
use crate::mail::delivery::{Envelope, Form};
use crate::mail::transaction::Transaction;
use crate::policy::classes::{self, ClassError};
use crate::policy::rules::{Because, Rules, Seen};
use crate::vault::enforcement::Enforcement;
use crate::vault::retention::Schedule;

/// A class, and what is in it.
#[derive(Clone, Debug, Serialize)]
pub struct ClassOf {
    pub name: String,
    pub years: u16,
    pub mode: ClassMode,
    /// Whether the bucket itself keeps to it.
    pub is_enforced: bool,
    /// What the bucket was found to do.
    pub enforcement: String,
    /// For what no rule speaks of.
    pub is_default: bool,
    /// For what is in doubt.
    pub is_longest: bool,
    pub deliveries: u64,
    pub bytes_received: u64,
    pub bytes_stored: u64,
    pub epochs: Vec<EpochOf>,
}

/// A calendar month of a class.
#[derive(Clone, Debug, Serialize)]
pub struct EpochOf {
    pub epoch: String,
    pub deliveries: u64,
    pub bytes_received: u64,
    pub bytes_stored: u64,
    /// From when on it may be destroyed; RFC 3339.
    pub due_at: Option<String>,
    pub is_due: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Classes {
    pub classes: Vec<ClassOf>,
    pub rules: Vec<Rule>,
}

pub async fn list(
    actor: &Actor,
    (catalog, clock): (&Catalog, &Clock),
    config: &Config,
    enforcement: &Enforcement,
) -> Result<Classes, RetentionError> {
    actor.require_keeping()?;
    let (schedule, now) = (Schedule::new(&config.class), clock.now());
    let rules = Rules::new(config);
    let longest = rules.of_large().class.name.clone();
    let mut classes: Vec<ClassOf> = config
        .class
        .iter()
        .enumerate()
        .map(|(at, class)| ClassOf {
            name: class.name.clone(),
            years: class.years,
            mode: class.mode,
            is_enforced: enforcement.is_enforced,
            enforcement: enforcement.words.clone(),
            is_default: at == 0,
            is_longest: class.name == longest,
            deliveries: 0,
            bytes_received: 0,
            bytes_stored: 0,
            epochs: Vec::new(),
        })
        .collect();
    for row in rows::epochs(catalog).await? {
        // A start refuses a configuration that lacks a class with mail in it.
        let Some(class) = classes.iter_mut().find(|class| class.name == row.class) else {
            continue;
        };
        let due_at = schedule.due(&row.class, &row.epoch);
        class.deliveries += row.deliveries;
        class.bytes_received += row.bytes_received;
        class.bytes_stored += row.bytes_stored;
        class.epochs.push(EpochOf {
            epoch: row.epoch,
            deliveries: row.deliveries,
            bytes_received: row.bytes_received,
            bytes_stored: row.bytes_stored,
            due_at: due_at.map(|at| at.to_string()),
            is_due: due_at.is_some_and(|at| at <= now),
        });
    }
    Ok(Classes { classes, rules: config.rule.clone() })
}

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct Trial<'a> {
    /// Classes and rules as the configuration would have them; without, its own.
    pub rules: Option<&'a str>,
    /// On how many of the newest deliveries.
    pub last: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct Tested {
    /// Deliveries that were looked at.
    pub deliveries: u64,
    /// Of those, how many would have got another class than they have.
    pub changed: u64,
    pub classes: Vec<Counted>,
    pub rules: Vec<Applied>,
    /// Why the archive would not start with these classes.
    pub refusal: Option<String>,
    /// Newest first.
    pub tested: Vec<TestedDelivery>,
}

/// How many of the deliveries are in a class, and how many would be.
#[derive(Clone, Debug, Serialize)]
pub struct Counted {
    pub class: String,
    pub now: u64,
    pub would_be: u64,
}

/// How many deliveries a rule decided.
#[derive(Clone, Debug, Serialize)]
pub struct Applied {
    pub rule: String,
    pub class: String,
    pub decided: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct TestedDelivery {
    pub record: RecordId,
    /// RFC 3339.
    pub received_at: String,
    pub source: String,
    pub class: String,
    pub would_be: String,
    pub because: Because,
    pub rule: Option<String>,
}

/// Shows which class recent deliveries would have got. It changes nothing.
pub async fn test(
    actor: &Actor,
    (catalog, clock): (&Catalog, &Clock),
    config: &Config,
    trial: &Trial<'_>,
) -> Result<Tested, RetentionError> {
    actor.require_keeping()?;
    if trial.last == 0 || trial.last > CLASSES_TESTED_MAX {
        let said = format!("{} deliveries: give 1 to {CLASSES_TESTED_MAX}", trial.last);
        return Err(Refused::Invalid(said).into());
    }
    let drafted = match trial.rules {
        Some(text) => config.drafted(text).map_err(|error| Refused::Invalid(error.to_string()))?,
        None => config.clone(),
    };
    let act = Act::new("class.test", None, "rules of retention, on recent deliveries")
        .with(json!({ "last": trial.last, "rules": trial.rules.map(|_| &drafted.rule) }));
    record(catalog, clock, actor, &act, Outcome::Done).await?;
    let refusal = match classes::check(catalog, &drafted).await {
        Ok(()) => None,
        Err(ClassError::Catalog(error)) => return Err(error.into()),
        Err(error) => Some(error.to_string()),
    };
    let rules = Rules::new(&drafted);
    let mut tested = Vec::new();
    let mut before = DeliverySeq(i64::MAX);
    while (tested.len() as u32) < trial.last {
        let limit = CLASSES_TESTED_AT_ONCE.min(trial.last - tested.len() as u32);
        let found = class::ruled_before(catalog, before, limit).await?;
        let Some(last) = found.last() else { break };
        before = last.seq;
        for row in found {
            tested.push(try_one(&rules, row)?);
        }
    }
    Ok(summed(&drafted, refusal, tested))
}

fn try_one(rules: &Rules, row: Ruled) -> Result<TestedDelivery, CatalogError> {
    let damaged = |what: &'static str| {
        move |_: serde_json::Error| CatalogError::Corrupt(format!("a delivery's {what}"))
    };
    let transaction: Transaction =
        serde_json::from_str(&row.transaction).map_err(damaged("transaction"))?;
    let envelope: Option<Envelope> = row
        .envelope
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(damaged("envelope"))?;
    let form: Form = serde_json::from_value(row.form.into()).map_err(damaged("form"))?;
    let defects: Vec<serde_json::Value> =
        serde_json::from_str(&row.defects).map_err(damaged("defects"))?;
    let decision = match row.size_bytes > DELIVERY_MEMORY_BYTES_MAX as u64 {
        true => rules.of_large(),
        false => rules.decide(&Seen {
            source: &row.source,
            form,
            is_proven: row.is_proven,
            is_doubtful: !defects.is_empty(),
            reverse_path: &transaction.reverse_path,
            envelope: envelope.as_ref(),
        }),
    };
    Ok(TestedDelivery {
        record: row.record,
        received_at: row.received_at.to_string(),
        class: row.class,
        would_be: decision.class.name.clone(),
        because: decision.by.because(),
        rule: decision.by.rule().map(str::to_owned),
        source: row.source,
    })
}

fn summed(config: &Config, refusal: Option<String>, tested: Vec<TestedDelivery>) -> Tested {
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut decided: BTreeMap<&str, u64> = BTreeMap::new();
    for class in &config.class {
        counts.insert(&class.name, (0, 0));
    }
    for it in &tested {
        counts.entry(&it.class).or_default().0 += 1;
        counts.entry(&it.would_be).or_default().1 += 1;
        if let Some(rule) = &it.rule {
            *decided.entry(rule).or_default() += 1;
        }
    }
    let classes = counts.iter().map(|(class, (now, would_be))| Counted {
        class: (*class).to_owned(),
        now: *now,
        would_be: *would_be,
    });
    let rules = config.rule.iter().map(|rule| Applied {
        rule: rule.name.clone(),
        class: rule.class.clone(),
        decided: decided.get(rule.name.as_str()).copied().unwrap_or_default(),
    });
    Tested {
        deliveries: tested.len() as u64,
        changed: tested.iter().filter(|it| it.class != it.would_be).count() as u64,
        classes: classes.collect(),
        rules: rules.collect(),
        refusal,
        tested,
    }
}
