//! Rows of the audit: appended, never changed, never removed.

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::ids::{MatterId, UserId};

#[derive(Clone, Debug)]
pub struct AuditRow {
    pub audit_id: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub matter_id: Option<MatterId>,
    pub subject: String,
    /// JSON.
    pub detail: String,
    pub outcome: String,
}

/// Appends a row; `audit_id` of the argument is not looked at.
pub async fn insert(tx: &mut WriteTransaction, row: &AuditRow) -> Result<i64, CatalogError> {
    db::query_scalar(
        "INSERT INTO audit (at, actor, action, matter_id, subject, detail, outcome) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING audit_id",
    )
    .bind(row.at.0)
    .bind(&row.actor)
    .bind(&row.action)
    .bind(row.matter_id.map(|id| id.0))
    .bind(&row.subject)
    .bind(&row.detail)
    .bind(&row.outcome)
    .fetch_one(&mut *tx)
    .await
    .during("write the audit")
}

/// The number of the last row; 0 when there is none.
pub async fn last_id(tx: &mut WriteTransaction) -> Result<i64, CatalogError> {
    db::query_scalar("SELECT COALESCE(MAX(audit_id), 0) FROM audit")
        .fetch_one(&mut *tx)
        .await
        .during("find the audit's end")
}

/// Whose rows the reader may see.
#[derive(Clone, Debug)]
pub enum Visible {
    Everything,
    /// The reader's own acts and those in the matters of which he is a member.
    MattersOf {
        user_id: UserId,
        name: String,
    },
    /// Acts that cannot speak of mail: those whose action starts with one of these.
    Actions(&'static [&'static str]),
}

#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub matter_id: Option<MatterId>,
    pub actor: Option<String>,
    /// An action, or the start of one up to a dot: `hold` finds `hold.place`.
    pub action: Option<String>,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Rows before this id only.
    pub before: Option<i64>,
    pub limit: usize,
}

/// The rows that fit, newest first.
pub async fn list(
    catalog: &Catalog,
    visible: &Visible,
    filter: &Filter,
) -> Result<Vec<AuditRow>, CatalogError> {
    let mut query = db::QueryBuilder::new(
        "SELECT audit_id, at, actor, action, matter_id, subject, detail, outcome \
         FROM audit WHERE 1 = 1",
    );
    push_visible(&mut query, visible);
    if let Some(matter) = filter.matter_id {
        query.push(" AND matter_id = ").push_bind(matter.0);
    }
    if let Some(actor) = &filter.actor {
        query.push(" AND actor = ").push_bind(actor.clone());
    }
    if let Some(action) = &filter.action {
        query.push(" AND (action = ").push_bind(action.clone());
        push_prefix(query.push(" OR "), &format!("{action}."));
        query.push(")");
    }
    if let Some(from) = filter.from {
        query.push(" AND at >= ").push_bind(from.0);
    }
    if let Some(until) = filter.until {
        query.push(" AND at < ").push_bind(until.0);
    }
    if let Some(before) = filter.before {
        query.push(" AND audit_id < ").push_bind(before);
    }
    query.push(" ORDER BY audit_id DESC LIMIT ").push_bind(filter.limit as i64);
    let rows = query
        .build_query_as::<(i64, i64, String, String, Option<i64>, String, String, String)>()
        .fetch_all(catalog.read())
        .await
        .during("read the audit")?;
    Ok(rows
        .into_iter()
        .map(|row| AuditRow {
            audit_id: row.0,
            at: Timestamp(row.1),
            actor: row.2,
            action: row.3,
            matter_id: row.4.map(MatterId),
            subject: row.5,
            detail: row.6,
            outcome: row.7,
        })
        .collect())
}

fn push_visible(query: &mut db::QueryBuilder, visible: &Visible) {
    match visible {
        Visible::Everything => {}
        Visible::MattersOf { user_id, name } => {
            query
                .push(" AND (actor = ")
                .push_bind(name.clone())
                .push(" OR matter_id IN (SELECT matter_id FROM matter_member WHERE user_id = ")
                .push_bind(user_id.0)
                .push("))");
        }
        Visible::Actions(prefixes) => {
            query.push(" AND (1 = 0");
            for prefix in *prefixes {
                push_prefix(query.push(" OR "), prefix);
            }
            query.push(")");
        }
    }
}

/// `action` starts with `prefix`, whatever is special to LIKE in it.
fn push_prefix(query: &mut db::QueryBuilder, prefix: &str) {
    query
        .push(format!("SUBSTR(action, 1, {}) = ", prefix.chars().count()))
        .push_bind(prefix.to_owned());
}
