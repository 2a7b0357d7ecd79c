//! `/classes`: the retention classes with what is in them, and the trial of rules.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::input::Body;
use crate::base::config::{ClassMode, Direction, Flag, Rule};
use crate::base::limits::CLASSES_TESTED;
use crate::policy::rules;
use crate::retention::classes::{self, Applied, ClassOf, Counted, EpochOf, TestedDelivery, Trial};

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nobody can destroy it before its date.
    Strict,
    /// Two people can, on a recorded ground.
    Erasable,
}

/// A month of a class.
#[derive(Serialize, ToSchema)]
pub struct ClassEpoch {
    epoch: String,
    deliveries: u64,
    bytes_received: u64,
    bytes_stored: u64,
    /// From when on it may be destroyed.
    due_at: Option<String>,
    is_due: bool,
}

#[derive(Serialize, ToSchema)]
pub struct RetentionClass {
    name: String,
    years: u16,
    mode: Mode,
    /// Whether the bucket itself keeps to it.
    is_enforced: bool,
    /// What the bucket was found to do, in plain words.
    enforcement: String,
    /// For what no rule speaks of.
    is_default: bool,
    /// For what is in doubt.
    is_longest: bool,
    deliveries: u64,
    bytes_received: u64,
    bytes_stored: u64,
    epochs: Vec<ClassEpoch>,
}

/// A rule as the configuration has it; a condition without entries asks for nothing.
#[derive(Serialize, ToSchema)]
pub struct RetentionRule {
    name: String,
    class: String,
    source: Vec<String>,
    sender: Vec<String>,
    recipient: Vec<String>,
    domain: Vec<String>,
    /// `inbound`, `outbound`, `internal`.
    direction: Vec<String>,
    /// `unproven`, `report`, `copy`.
    flag: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct RetentionClasses {
    classes: Vec<RetentionClass>,
    rules: Vec<RetentionRule>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestRulesRequest {
    /// `[organisation]`, `[[class]]` and `[[rule]]` as the configuration would have them
    /// (TOML); what it lacks, and without it all, is as the configuration has it.
    rules: Option<String>,
    /// On how many of the newest deliveries; 1000 unless said.
    last: Option<u32>,
}

/// How many deliveries are in a class, and how many would be.
#[derive(Serialize, ToSchema)]
pub struct ClassCount {
    class: String,
    now: u64,
    would_be: u64,
}

#[derive(Serialize, ToSchema)]
pub struct RuleCount {
    rule: String,
    class: String,
    decided: u64,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Because {
    /// No rule speaks of it.
    Default,
    /// Its source's own class.
    Source,
    Rule,
    /// It is not known whether the rule applies, and its class is the longer one.
    Unsure,
    /// Something was found wrong in it.
    Doubt,
    /// It is over 8 MiB.
    Size,
}

#[derive(Serialize, ToSchema)]
pub struct TestedRecord {
    record: String,
    received_at: String,
    source: String,
    class: String,
    would_be: String,
    because: Because,
    rule: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct TestedRules {
    deliveries: u64,
    /// Of those, how many would have got another class.
    changed: u64,
    classes: Vec<ClassCount>,
    rules: Vec<RuleCount>,
    /// Why the archive would not start with these classes.
    refusal: Option<String>,
    /// Newest first.
    tested: Vec<TestedRecord>,
}

/// The retention classes, what is in them, and the rules.
#[utoipa::path(get, path = "/classes", tag = "classes",
    responses((status = 200, body = RetentionClasses)))]
pub async fn list(
    State(context): State<Context>,
    Signed(actor): Signed,
) -> Result<Json<RetentionClasses>, ApiError> {
    let on = (&context.catalog, &context.clock);
    let enforcement = context.review.vault.bucket().enforcement();
    let found = classes::list(&actor, on, &context.config, &enforcement).await?;
    Ok(Json(RetentionClasses {
        classes: found.classes.into_iter().map(class).collect(),
        rules: found.rules.into_iter().map(rule).collect(),
    }))
}

/// Which class recent deliveries would have got. It changes nothing.
#[utoipa::path(post, path = "/classes/test", tag = "classes", request_body = TestRulesRequest,
    responses((status = 200, body = TestedRules)))]
pub async fn test(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<TestRulesRequest>,
) -> Result<Json<TestedRules>, ApiError> {
    let on = (&context.catalog, &context.clock);
    let trial = Trial { rules: body.rules.as_deref(), last: body.last.unwrap_or(CLASSES_TESTED) };
    let found = classes::test(&actor, on, &context.config, &trial).await?;
    Ok(Json(TestedRules {
        deliveries: found.deliveries,
        changed: found.changed,
        classes: found
            .classes
            .into_iter()
            .map(|Counted { class, now, would_be }| ClassCount { class, now, would_be })
            .collect(),
        rules: found
            .rules
            .into_iter()
            .map(|Applied { rule, class, decided }| RuleCount { rule, class, decided })
            .collect(),
        refusal: found.refusal,
        tested: found.tested.into_iter().map(tested).collect(),
    }))
}

fn class(class: ClassOf) -> RetentionClass {
    RetentionClass {
        name: class.name,
        years: class.years,
        mode: match class.mode {
            ClassMode::Strict => Mode::Strict,
            ClassMode::Erasable => Mode::Erasable,
        },
        is_enforced: class.is_enforced,
        enforcement: class.enforcement,
        is_default: class.is_default,
        is_longest: class.is_longest,
        deliveries: class.deliveries,
        bytes_received: class.bytes_received,
        bytes_stored: class.bytes_stored,
        epochs: class.epochs.into_iter().map(epoch).collect(),
    }
}

fn epoch(epoch: EpochOf) -> ClassEpoch {
    ClassEpoch {
        epoch: epoch.epoch,
        deliveries: epoch.deliveries,
        bytes_received: epoch.bytes_received,
        bytes_stored: epoch.bytes_stored,
        due_at: epoch.due_at,
        is_due: epoch.is_due,
    }
}

fn rule(rule: Rule) -> RetentionRule {
    let direction = |it| match it {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
        Direction::Internal => "internal",
    };
    let flag = |it| match it {
        Flag::Unproven => "unproven",
        Flag::Report => "report",
        Flag::Copy => "copy",
    };
    RetentionRule {
        name: rule.name,
        class: rule.class,
        source: rule.source,
        sender: rule.sender,
        recipient: rule.recipient,
        domain: rule.domain,
        direction: rule.direction.into_iter().map(|it| direction(it).to_owned()).collect(),
        flag: rule.flag.into_iter().map(|it| flag(it).to_owned()).collect(),
    }
}

fn tested(it: TestedDelivery) -> TestedRecord {
    TestedRecord {
        record: it.record.to_string(),
        received_at: it.received_at,
        source: it.source,
        class: it.class,
        would_be: it.would_be,
        because: match it.because {
            rules::Because::Default => Because::Default,
            rules::Because::Source => Because::Source,
            rules::Because::Rule => Because::Rule,
            rules::Because::Unsure => Because::Unsure,
            rules::Because::Doubt => Because::Doubt,
            rules::Because::Size => Because::Size,
        },
        rule: it.rule,
    }
}
