//! What of the archive, or of a matter's part of it, could not be indexed.

use serde_json::json;

use super::{Desk, ReviewError};
use crate::access::Actor;
use crate::access::audit::Act;
use crate::base::ids::MatterId;
use crate::base::limits;
use crate::catalog::gap::{self, Count, Filter, Row};
use crate::matter;

pub struct Gaps {
    pub counts: Vec<Count>,
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
        let all = Filter { matter, ..Filter::default() };
        let counts = gap::counts(&self.catalog, &all).await?;
        let mut rows = gap::list(&self.catalog, &filter, after, limit + 1).await?;
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().map(|row| row.gap_id).filter(|_| is_more);
        let act = Act::new("gap.list", matter, "what could not be indexed").with(json!({
            "reason": filter.reason,
            "media_type": filter.media_type,
            "after": after,
            "gaps": rows.len(),
        }));
        self.record(actor, &act).await?;
        Ok(Gaps { counts, rows, next })
    }
}
