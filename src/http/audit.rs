//! `/audit`: what was looked at and done.

use axum::Json;
use axum::extract::State;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::holds::day;
use super::input::{Params, rows};
use crate::access::audit;
use crate::base::clock::Timestamp;
use crate::base::ids::MatterId;
use crate::catalog::audit::{AuditRow, Filter};
use crate::matter;

#[derive(Serialize, ToSchema)]
pub struct AuditEntry {
    id: i64,
    at: String,
    /// A person's sign-in name, or `system`, `operator`, `nobody`.
    actor: String,
    /// A noun and a verb: `hold.place`.
    action: String,
    matter_id: Option<i64>,
    /// What it was done to, in words.
    subject: String,
    #[schema(value_type = Object)]
    detail: Value,
    outcome: Outcome,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Begun,
    Done,
    Refused,
    Failed,
    Cancelled,
}

#[derive(Serialize, ToSchema)]
pub struct Audit {
    rows: Vec<AuditEntry>,
    next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditParams {
    matter: Option<i64>,
    /// A sign-in name.
    actor: Option<String>,
    /// An action, or its first word: `hold` finds `hold.place`.
    action: Option<String>,
    /// First day, as `2026-01-31`: in the zone of the matter, or of UTC.
    from: Option<String>,
    /// Last day.
    until: Option<String>,
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

fn shown(row: AuditRow) -> AuditEntry {
    AuditEntry {
        id: row.audit_id,
        at: row.at.to_string(),
        actor: row.actor,
        action: row.action,
        matter_id: row.matter_id.map(|id| id.0),
        subject: row.subject,
        detail: serde_json::from_str(&row.detail).unwrap_or_default(),
        outcome: match row.outcome.as_str() {
            "begun" => Outcome::Begun,
            "refused" => Outcome::Refused,
            "failed" => Outcome::Failed,
            "cancelled" => Outcome::Cancelled,
            _ => Outcome::Done,
        },
    }
}

fn start_of(day: jiff::civil::Date, zone: &TimeZone) -> Result<Timestamp, ApiError> {
    let start = day.to_zoned_datetime(zone.clone());
    let start = start.map_err(|_| ApiError::invalid(format!("{day} is beyond the calendar")))?;
    Ok(Timestamp(start.timestamp().as_microsecond()))
}

/// The rows that the reader may see, newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditParams),
    responses((status = 200, body = Audit)))]
pub async fn list(
    State(context): State<Context>,
    Signed(actor): Signed,
    Params(params): Params<AuditParams>,
) -> Result<Json<Audit>, ApiError> {
    let matter_id = params.matter.map(MatterId);
    let zone = match matter_id {
        None => TimeZone::UTC,
        Some(id) => matter::zone(&matter::open(&actor, &context.catalog, id).await?.zone)?,
    };
    let before = match params.cursor.as_deref().map(str::parse) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return Err(ApiError::invalid("cursor: use the `next` of the page before")),
    };
    let until = day(params.until.as_deref())?.map(|day| day.tomorrow().unwrap_or(day));
    let filter = Filter {
        matter_id,
        actor: params.actor,
        action: params.action,
        from: day(params.from.as_deref())?.map(|day| start_of(day, &zone)).transpose()?,
        until: until.map(|day| start_of(day, &zone)).transpose()?,
        before,
        limit: rows(params.limit, 100)?,
    };
    let page = audit::list(&actor, &context.catalog, filter).await?;
    Ok(Json(Audit {
        rows: page.rows.into_iter().map(shown).collect(),
        next: page.next.map(|id| id.to_string()),
    }))
}
