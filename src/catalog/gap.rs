//! The gaps: documents that could not be indexed in full, counted and listed.

use super::{Catalog, CatalogError, During, db};
use crate::base::ids::{CustodianId, DeliverySeq, MatterId, RecordId, SetId};

/// Which gaps are asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of messages in which a custodian of the matter took part; none: of all.
    pub matter: Option<MatterId>,
    pub reason: Option<String>,
    pub media_type: Option<String>,
    /// Of what this source delivered.
    pub source: Option<String>,
    /// Of messages in which this custodian took part.
    pub custodian: Option<CustodianId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub reason: String,
    pub media_type: String,
    pub gaps: u64,
}

/// How many there are of a source, or of a custodian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Of {
    /// None of a source.
    pub custodian: Option<CustodianId>,
    pub name: String,
    pub gaps: u64,
}

/// Where a gap is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub gap_id: i64,
    pub seq: DeliverySeq,
    pub set: Option<SetId>,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub gap_id: i64,
    pub record: RecordId,
    /// None where the delivery gave no message.
    pub set: Option<SetId>,
    /// None for the message itself.
    pub ordinal: Option<u32>,
    pub path: String,
    pub media_type: String,
    pub reason: String,
    pub detail: String,
}

/// By reason and type, the most first.
pub async fn counts(catalog: &Catalog, filter: &Filter) -> Result<Vec<Count>, CatalogError> {
    let mut query =
        db::QueryBuilder::new("SELECT g.reason, g.media_type, COUNT(*) FROM gap g WHERE 1 = 1");
    push_filter(&mut query, filter);
    query.push(" GROUP BY g.reason, g.media_type ORDER BY 3 DESC, 1, 2");
    let rows = query
        .build_query_as::<(String, String, i64)>()
        .fetch_all(catalog.read())
        .await
        .during("count gaps")?;
    let count = |(reason, media_type, gaps): (String, String, i64)| Count {
        reason,
        media_type,
        gaps: gaps.max(0) as u64,
    };
    Ok(rows.into_iter().map(count).collect())
}

/// By source, the most first.
pub async fn by_source(catalog: &Catalog, filter: &Filter) -> Result<Vec<Of>, CatalogError> {
    let mut query = db::QueryBuilder::new(
        "SELECT d.source, COUNT(*) FROM gap g JOIN delivery d ON d.seq = g.seq WHERE 1 = 1",
    );
    push_filter(&mut query, filter);
    query.push(" GROUP BY d.source ORDER BY 2 DESC, 1");
    let rows = query
        .build_query_as::<(String, i64)>()
        .fetch_all(catalog.read())
        .await
        .during("count gaps by source")?;
    let of = |(name, gaps): (String, i64)| Of { custodian: None, name, gaps: gaps.max(0) as u64 };
    Ok(rows.into_iter().map(of).collect())
}

/// By custodian of the filter's matter, the most first; a gap counts for each who
/// took part. Nothing without a matter.
pub async fn by_custodian(catalog: &Catalog, filter: &Filter) -> Result<Vec<Of>, CatalogError> {
    let Some(matter) = filter.matter else { return Ok(Vec::new()) };
    let mut query = db::QueryBuilder::new(
        "SELECT c.custodian_id, c.name, COUNT(DISTINCT g.gap_id) FROM custodian c
         JOIN custodian_address ca ON ca.custodian_id = c.custodian_id
         JOIN address a ON a.address = ca.address
         JOIN participant p ON p.address_id = a.address_id
         JOIN gap g ON g.set_id = p.set_id WHERE c.matter_id = ",
    );
    query.push_bind(matter.0);
    push_filter(&mut query, filter);
    query.push(" GROUP BY c.custodian_id, c.name ORDER BY 3 DESC, 1");
    let rows = query
        .build_query_as::<(i64, String, i64)>()
        .fetch_all(catalog.read())
        .await
        .during("count gaps by custodian")?;
    let of = |(id, name, gaps): (i64, String, i64)| Of {
        custodian: Some(CustodianId(id)),
        name,
        gaps: gaps.max(0) as u64,
    };
    Ok(rows.into_iter().map(of).collect())
}

/// How many there are.
pub async fn total(catalog: &Catalog, filter: &Filter) -> Result<u64, CatalogError> {
    let mut query = db::QueryBuilder::new("SELECT COUNT(*) FROM gap g WHERE 1 = 1");
    push_filter(&mut query, filter);
    let count: i64 =
        query.build_query_scalar().fetch_one(catalog.read()).await.during("count gaps")?;
    Ok(count.max(0) as u64)
}

/// Where those after `after` are, in the order in which they were found.
pub async fn places(
    catalog: &Catalog,
    filter: &Filter,
    after: i64,
    limit: usize,
) -> Result<Vec<Place>, CatalogError> {
    let mut query =
        db::QueryBuilder::new("SELECT g.gap_id, g.seq, g.set_id FROM gap g WHERE g.gap_id > ");
    query.push_bind(after);
    push_filter(&mut query, filter);
    query.push(" ORDER BY g.gap_id LIMIT ").push_bind(limit as i64);
    let rows = query
        .build_query_as::<(i64, i64, Option<i64>)>()
        .fetch_all(catalog.read())
        .await
        .during("find gaps")?;
    let place = |(gap_id, seq, set): (i64, i64, Option<i64>)| Place {
        gap_id,
        seq: DeliverySeq(seq),
        set: set.map(SetId),
    };
    Ok(rows.into_iter().map(place).collect())
}

/// Those after `after`, in the order in which they were found.
pub async fn list(
    catalog: &Catalog,
    filter: &Filter,
    after: i64,
    limit: usize,
) -> Result<Vec<Row>, CatalogError> {
    let mut query = db::QueryBuilder::new(
        "SELECT g.gap_id, d.record_id, g.set_id, g.ordinal, g.path, g.media_type, g.reason,
             g.detail
         FROM gap g JOIN delivery d ON d.seq = g.seq WHERE g.gap_id > ",
    );
    query.push_bind(after);
    push_filter(&mut query, filter);
    query.push(" ORDER BY g.gap_id LIMIT ").push_bind(limit as i64);
    type Columns = (i64, Vec<u8>, Option<i64>, Option<i64>, String, String, String, String);
    let rows =
        query.build_query_as::<Columns>().fetch_all(catalog.read()).await.during("list gaps")?;
    rows.into_iter()
        .map(|(gap_id, record, set, ordinal, path, media_type, reason, detail)| {
            let damaged = || CatalogError::Corrupt(format!("the record of gap {gap_id}"));
            Ok(Row {
                gap_id,
                record: RecordId::try_from(&record[..]).map_err(|_| damaged())?,
                set: set.map(SetId),
                ordinal: ordinal.and_then(|ordinal| u32::try_from(ordinal).ok()),
                path,
                media_type,
                reason,
                detail,
            })
        })
        .collect()
}

fn push_filter(query: &mut db::QueryBuilder, filter: &Filter) {
    if let Some(matter) = filter.matter {
        query
            .push(
                " AND g.set_id IN (SELECT p.set_id FROM participant p
                      JOIN address a ON a.address_id = p.address_id
                      JOIN custodian_address ca ON ca.address = a.address
                      JOIN custodian c ON c.custodian_id = ca.custodian_id
                      WHERE c.matter_id = ",
            )
            .push_bind(matter.0)
            .push(")");
    }
    if let Some(custodian) = filter.custodian {
        query
            .push(
                " AND g.set_id IN (SELECT p.set_id FROM participant p
                      JOIN address a ON a.address_id = p.address_id
                      JOIN custodian_address ca ON ca.address = a.address
                      WHERE ca.custodian_id = ",
            )
            .push_bind(custodian.0)
            .push(")");
    }
    if let Some(source) = &filter.source {
        query
            .push(" AND g.seq IN (SELECT seq FROM delivery WHERE source = ")
            .push_bind(source.clone())
            .push(")");
    }
    if let Some(reason) = &filter.reason {
        query.push(" AND g.reason = ").push_bind(reason.clone());
    }
    if let Some(media_type) = &filter.media_type {
        query.push(" AND g.media_type = ").push_bind(media_type.clone());
    }
}
