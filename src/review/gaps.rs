//! What of the archive, or of a matter's part of it, could not be indexed.

use serde_json::json;

use super::{Desk, ReviewError};
use crate::access::audit::Act;
use crate::access::{Actor, Refused};
use crate::base::ids::MatterId;
use crate::base::limits;
use crate::catalog::gap::{self, Count, Filter, Of, Row};
use crate::matter;

pub struct Gaps {
    pub counts: Vec<Count>,
    pub sources: Vec<Of>,
    pub custodians: Vec<Of>,
    /// That the filter lets through.
    pub total: u64,
    pub rows: Vec<Row>,
    /// The last row's id, if there are more.
    pub next: Option<i64>,
}

impl Desk {
    /// Counts, and `limit` gaps after `after`. The audit's row is durable before
    /// they are returned: names of documents are words of mail.
    pub async fn gaps(
        &self,
        actor: &Actor,
        filter: Filter,
        after: i64,
        limit: usize,
    ) -> Result<Gaps, ReviewError> {
        let matter: Option<MatterId> = filter.matter;
        matter::reach(actor, &self.catalog, matter).await?;
        let limit = limit.clamp(1, limits::PAGE_ROWS_MAX);
        // What else could be chosen, beside what is chosen of other kinds.
        let of_any_kind = Filter { reason: None, media_type: None, ..filter.clone() };
        let counts = gap::counts(&self.catalog, &of_any_kind).await?;
        let of_any_source = Filter { source: None, ..filter.clone() };
        let sources = gap::by_source(&self.catalog, &of_any_source).await?;
        let of_any_custodian = Filter { custodian: None, ..filter.clone() };
        let custodians = gap::by_custodian(&self.catalog, &of_any_custodian).await?;
        let total = gap::total(&self.catalog, &filter).await?;
        let mut rows = gap::list(&self.catalog, &filter, after, limit + 1).await?;
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().map(|row| row.gap_id).filter(|_| is_more);
        let act = Act::new("gap.list", matter, "what could not be indexed").with(json!({
            "reason": filter.reason,
            "media_type": filter.media_type,
            "source": filter.source,
            "custodian": filter.custodian,
            "after": after,
            "gaps": rows.len(),
        }));
        self.record(actor, &act).await?;
        Ok(Gaps { counts, sources, custodians, total, rows, next })
    }

    /// All of them, for a file.
    pub async fn gap_list(&self, actor: &Actor, filter: Filter) -> Result<Vec<Row>, ReviewError> {
        let matter = filter.matter;
        matter::reach(actor, &self.catalog, matter).await?;
        let rows = gap::list(&self.catalog, &filter, 0, limits::GAP_LIST_ROWS_MAX + 1).await?;
        if rows.len() > limits::GAP_LIST_ROWS_MAX {
            let text = format!(
                "there are more than {} gaps; ask for one reason, type, source or custodian",
                limits::GAP_LIST_ROWS_MAX
            );
            return Err(Refused::Invalid(text).into());
        }
        let act = Act::new("gap.download", matter, "what could not be indexed").with(json!({
            "reason": filter.reason,
            "media_type": filter.media_type,
            "source": filter.source,
            "custodian": filter.custodian,
            "gaps": rows.len(),
        }));
        self.record(actor, &act).await?;
        Ok(rows)
    }
}
