//! What a list shows of message sets.

use std::collections::HashMap;

use super::{Catalog, CatalogError, During, db, hold};
use crate::base::clock::Timestamp;
use crate::base::ids::SetId;

/// A message set as a row of a list.
#[derive(Clone, Debug)]
pub struct HitRow {
    pub set: SetId,
    pub received_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub from: String,
    /// The first few recipients, blind ones included.
    pub to: Vec<String>,
    pub to_count: u64,
    pub subject: String,
    pub attachments: u64,
    pub size_bytes: u64,
    pub is_held: bool,
    pub is_proven: bool,
    pub deliveries: u64,
    /// Of those, how many did not show what their source must show.
    pub unproven: u64,
}

const TO_SHOWN: usize = 5;
/// Keeps each statement's bound values few.
const SETS_PER_STATEMENT: usize = 500;

/// The rows of `sets`, in their order; a set that is gone is left out.
pub async fn load(catalog: &Catalog, sets: &[SetId]) -> Result<Vec<HitRow>, CatalogError> {
    let mut hits = Vec::with_capacity(sets.len());
    for sets in sets.chunks(SETS_PER_STATEMENT) {
        let mut rows = sets_of(catalog, sets).await?;
        recipients(catalog, sets, &mut rows).await?;
        for (_, set) in hold::in_force_on(catalog, sets).await? {
            if let Some(row) = rows.get_mut(&set) {
                row.is_held = true;
            }
        }
        hits.extend(sets.iter().filter_map(|set| rows.remove(set)));
    }
    Ok(hits)
}

type Columns = (i64, i64, Option<i64>, String, String, i64, i64, i64, i64, i64);

async fn sets_of(
    catalog: &Catalog,
    sets: &[SetId],
) -> Result<HashMap<SetId, HitRow>, CatalogError> {
    if sets.is_empty() {
        return Ok(HashMap::new());
    }
    let mut query = db::QueryBuilder::new(
        "SELECT s.set_id, s.received_at, s.sent_at, s.from_text, s.subject, s.attachment_count,
             s.size_bytes, s.is_proven,
             (SELECT COUNT(DISTINCT d.seq) FROM set_delivery d WHERE d.set_id = s.set_id),
             (SELECT COUNT(DISTINCT d.seq) FROM set_delivery m JOIN delivery d ON d.seq = m.seq
              WHERE m.set_id = s.set_id AND d.is_proven = 0)
         FROM message_set s WHERE s.set_id IN (",
    );
    push_ids(&mut query, sets);
    query.push(")");
    let rows = query
        .build_query_as::<Columns>()
        .fetch_all(catalog.read())
        .await
        .during("load message sets")?;
    let row = |row: Columns| HitRow {
        set: SetId(row.0),
        received_at: Timestamp(row.1),
        sent_at: row.2.map(Timestamp),
        from: row.3,
        to: Vec::new(),
        to_count: 0,
        subject: row.4,
        attachments: row.5.max(0) as u64,
        size_bytes: row.6.max(0) as u64,
        is_held: false,
        is_proven: row.7 != 0,
        deliveries: row.8.max(0) as u64,
        unproven: row.9.max(0) as u64,
    };
    Ok(rows.into_iter().map(|columns| (SetId(columns.0), row(columns))).collect())
}

async fn recipients(
    catalog: &Catalog,
    sets: &[SetId],
    rows: &mut HashMap<SetId, HitRow>,
) -> Result<(), CatalogError> {
    if sets.is_empty() {
        return Ok(());
    }
    let mut query = db::QueryBuilder::new(
        "SELECT set_id, shown, place, total FROM (
             SELECT set_id, shown, total,
                 ROW_NUMBER() OVER (PARTITION BY set_id ORDER BY rank, shown) AS place
             FROM (
                 SELECT p.set_id AS set_id, a.address_id,
                     COALESCE(NULLIF(MAX(p.name), ''), a.address) AS shown,
                     MIN(CASE p.role WHEN 'to' THEN 0 WHEN 'cc' THEN 1 WHEN 'bcc' THEN 2
                         ELSE 3 END) AS rank,
                     COUNT(*) OVER (PARTITION BY p.set_id) AS total
                 FROM participant p JOIN address a ON a.address_id = p.address_id
                 WHERE p.role IN ('to', 'cc', 'bcc', 'recipient') AND p.set_id IN (",
    );
    push_ids(&mut query, sets);
    query.push(
        ") GROUP BY p.set_id, a.address_id, a.address) r
         ) numbered WHERE place <= ",
    );
    query.push_bind(TO_SHOWN as i64).push(" ORDER BY set_id, place");
    let found = query
        .build_query_as::<(i64, String, i64, i64)>()
        .fetch_all(catalog.read())
        .await
        .during("load recipients")?;
    for (set, shown, _, total) in found {
        if let Some(row) = rows.get_mut(&SetId(set)) {
            row.to.push(shown);
            row.to_count = total.max(0) as u64;
        }
    }
    Ok(())
}

fn push_ids(query: &mut db::QueryBuilder, sets: &[SetId]) {
    let mut list = query.separated(", ");
    for set in sets {
        list.push_bind(set.0);
    }
}
