//! What the reading pane shows of one message set, as it was derived.

use super::{Catalog, CatalogError, During, db};
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, HoldId, MatterId, SetId, UserId};

/// A message of a set, in one delivery that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    pub seq: DeliverySeq,
    /// Its place in the delivery's entries.
    pub entry: u32,
    pub sha256: Digest,
    pub size_bytes: u64,
}

/// The set's messages with the deliveries that carry them, oldest first.
pub async fn carried(catalog: &Catalog, set: SetId) -> Result<Vec<Carried>, CatalogError> {
    let rows = db::query_as::<(i64, i64, Vec<u8>, i64)>(
        "SELECT m.seq, m.entry, m.sha256, m.size_bytes
         FROM set_delivery s JOIN delivery_message m ON m.seq = s.seq AND m.entry = s.entry
         WHERE s.set_id = $1 ORDER BY m.seq, m.entry",
    )
    .bind(set.0)
    .fetch_all(catalog.read())
    .await
    .during("list a set's messages")?;
    rows.into_iter()
        .map(|(seq, entry, sha256, size)| {
            let damaged = |what: &str| CatalogError::Corrupt(format!("delivery {seq}: {what}"));
            Ok(Carried {
                seq: DeliverySeq(seq),
                entry: u32::try_from(entry).map_err(|_| damaged("a message's entry"))?,
                sha256: Digest::try_from(&sha256[..]).map_err(|_| damaged("a message's hash"))?,
                size_bytes: size.max(0) as u64,
            })
        })
        .collect()
}

/// The sets whose messages a delivery carries.
pub async fn sets_in(catalog: &Catalog, seq: DeliverySeq) -> Result<Vec<SetId>, CatalogError> {
    let sets = "SELECT DISTINCT set_id FROM set_delivery WHERE seq = $1";
    let sets: Vec<i64> = db::query_scalar(sets)
        .bind(seq.0)
        .fetch_all(catalog.read())
        .await
        .during("list a delivery's sets")?;
    Ok(sets.into_iter().map(SetId).collect())
}

#[derive(Clone, Debug)]
pub struct ParticipantRow {
    pub address: String,
    pub name: String,
    pub role: String,
    /// `header` or `envelope`.
    pub source: String,
    pub seq: DeliverySeq,
    /// The delivery showed what its source must show.
    pub is_proven: bool,
}

pub async fn participants(
    catalog: &Catalog,
    set: SetId,
    limit: usize,
) -> Result<Vec<ParticipantRow>, CatalogError> {
    let rows = db::query_as::<(String, String, String, String, i64, i64)>(
        "SELECT a.address, p.name, p.role, p.source, p.seq, d.is_proven
         FROM participant p JOIN address a ON a.address_id = p.address_id
         JOIN delivery d ON d.seq = p.seq
         WHERE p.set_id = $1
         ORDER BY CASE p.role WHEN 'from' THEN 0 WHEN 'sender' THEN 1 WHEN 'on-behalf-of' THEN 2
                 WHEN 'to' THEN 3 WHEN 'cc' THEN 4 WHEN 'bcc' THEN 5 WHEN 'recipient' THEN 6
                 ELSE 7 END, a.address, p.source DESC, p.seq
         LIMIT $2",
    )
    .bind(set.0)
    .bind(limit as i64)
    .fetch_all(catalog.read())
    .await
    .during("list participants")?;
    Ok(rows
        .into_iter()
        .map(|(address, name, role, source, seq, is_proven)| ParticipantRow {
            address,
            name,
            role,
            source,
            seq: DeliverySeq(seq),
            is_proven: is_proven != 0,
        })
        .collect())
}

#[derive(Clone, Debug)]
pub struct AttachmentRow {
    pub ordinal: u32,
    pub parent: Option<u32>,
    pub name: String,
    pub media_type: String,
    pub size_bytes: u64,
    pub sha256: Digest,
    pub has_text: bool,
    /// As `invoice.xlsx in Q3.zip`.
    pub path: String,
    /// Of the mail itself, not of an archive or office file in it.
    pub is_part: bool,
    /// ISO 639-3; none where it is not known.
    pub language: Option<String>,
    /// Some of its text was read by its looks.
    pub is_ocred: bool,
    /// Title, author and the like, as JSON of name and value.
    pub about: String,
}

pub async fn attachments(
    catalog: &Catalog,
    set: SetId,
) -> Result<Vec<AttachmentRow>, CatalogError> {
    let rows = db::query(
        "SELECT ordinal, parent, name, media_type, size_bytes, sha256, has_text, path, is_part,
             language, is_ocred, about
         FROM attachment
         WHERE set_id = $1 ORDER BY ordinal",
    )
    .bind(set.0)
    .fetch_all(catalog.read())
    .await
    .during("list attachments")?;
    rows.iter()
        .map(|row| {
            let damaged = || CatalogError::Corrupt(format!("an attachment of set {set}"));
            let parent: Option<i64> = row.get(1);
            Ok(AttachmentRow {
                ordinal: u32::try_from(row.get::<i64>(0)).map_err(|_| damaged())?,
                parent: parent.map(u32::try_from).transpose().map_err(|_| damaged())?,
                name: row.get(2),
                media_type: row.get(3),
                size_bytes: row.get::<i64>(4).max(0) as u64,
                sha256: Digest::try_from(&row.get::<Vec<u8>>(5)[..]).map_err(|_| damaged())?,
                has_text: row.get::<i64>(6) != 0,
                path: row.get(7),
                is_part: row.get::<i64>(8) != 0,
                language: row.get(9),
                is_ocred: row.get::<i64>(10) != 0,
                about: row.get(11),
            })
        })
        .collect()
}

#[derive(Clone, Debug)]
pub struct GapRow {
    pub ordinal: Option<u32>,
    pub reason: String,
    pub detail: String,
}

pub async fn gaps(catalog: &Catalog, set: SetId) -> Result<Vec<GapRow>, CatalogError> {
    let rows = db::query_as::<(Option<i64>, String, String)>(
        "SELECT DISTINCT ordinal, reason, detail FROM gap WHERE set_id = $1
         ORDER BY ordinal NULLS FIRST, reason, detail",
    )
    .bind(set.0)
    .fetch_all(catalog.read())
    .await
    .during("list gaps")?;
    Ok(rows
        .into_iter()
        .map(|(ordinal, reason, detail)| GapRow {
            ordinal: ordinal.and_then(|ordinal| u32::try_from(ordinal).ok()),
            reason,
            detail,
        })
        .collect())
}

/// Name and matter of each of `holds`, of those in matters of which `member` is
/// one.
pub async fn holds(
    catalog: &Catalog,
    holds: &[HoldId],
    member: UserId,
) -> Result<Vec<(HoldId, String, MatterId)>, CatalogError> {
    if holds.is_empty() {
        return Ok(Vec::new());
    }
    let mut query =
        db::QueryBuilder::new("SELECT hold_id, name, matter_id FROM hold WHERE hold_id IN (");
    let mut list = query.separated(", ");
    for hold in holds {
        list.push_bind(hold.0);
    }
    query
        .push(") AND matter_id IN (SELECT matter_id FROM matter_member WHERE user_id = ")
        .push_bind(member.0)
        .push(") ORDER BY hold_id");
    let rows = query
        .build_query_as::<(i64, String, i64)>()
        .fetch_all(catalog.read())
        .await
        .during("name holds")?;
    Ok(rows.into_iter().map(|(id, name, matter)| (HoldId(id), name, MatterId(matter))).collect())
}

/// Addresses that begin with `prefix`, of participants that a matter's
/// custodians share a message with, or of the whole archive.
pub async fn addresses_from(
    catalog: &Catalog,
    matter: Option<MatterId>,
    prefix: &str,
    limit: usize,
) -> Result<Vec<String>, CatalogError> {
    // A range, so that the index on addresses is used.
    let mut query = db::QueryBuilder::new("SELECT a.address FROM address a WHERE a.address >= ");
    query.push_bind(prefix.to_owned()).push(" AND a.address < ");
    query.push_bind(format!("{prefix}\u{10ffff}"));
    match matter {
        None => {
            query.push(
                " AND EXISTS (SELECT 1 FROM participant p WHERE p.address_id = a.address_id)",
            );
        }
        Some(matter) => {
            query
                .push(
                    " AND EXISTS (SELECT 1 FROM participant p
                          JOIN participant q ON q.set_id = p.set_id
                          JOIN address b ON b.address_id = q.address_id
                          JOIN custodian_address ca ON ca.address = b.address
                          JOIN custodian c ON c.custodian_id = ca.custodian_id
                          WHERE p.address_id = a.address_id AND c.matter_id = ",
                )
                .push_bind(matter.0)
                .push(")");
        }
    }
    query.push(" ORDER BY a.address LIMIT ").push_bind(limit as i64);
    query.build_query_scalar().fetch_all(catalog.read()).await.during("complete an address")
}
