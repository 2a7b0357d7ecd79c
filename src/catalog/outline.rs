//! What was derived of deliveries, row by row and as of one instant, for who compares it
//! with what they are derived from. Nothing is left out that is odd: a row that refers to
//! nothing is given too.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::delivery::ROWS_PER_STATEMENT;
use super::derived::list;
use super::doubt::value;
use super::{Catalog, CatalogError, During, cursor, db};
use crate::base::hash::Digest;
use crate::base::ids::DeliverySeq;

const DURING: &str = "read derived rows to check them";

/// A row of `message_set`, and what its deliveries give together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetRow {
    pub key: Vec<u8>,
    pub message: Vec<u8>,
    pub first_seq: i64,
    pub subject: String,
    pub from_text: String,
    pub message_id: String,
    pub sent_at: Option<i64>,
    pub received_at: i64,
    pub size_bytes: i64,
    pub attachment_count: i64,
    pub is_proven: i64,
    /// Of its deliveries.
    pub lowest_seq: i64,
    pub earliest: i64,
    pub is_any_proven: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    pub set: i64,
    pub address_id: i64,
    /// None where there is no such address.
    pub address: Option<String>,
    pub role: String,
    pub source: String,
    pub seq: i64,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    pub ordinal: i64,
    pub parent: Option<i64>,
    pub name: String,
    pub path: String,
    pub media_type: String,
    pub size_bytes: i64,
    pub sha256: Vec<u8>,
    pub has_text: i64,
    pub is_part: i64,
    pub md5: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapRow {
    pub gap_id: i64,
    pub seq: i64,
    pub set: Option<i64>,
    pub ordinal: Option<i64>,
    pub path: String,
    pub media_type: String,
    pub reason: String,
}

/// Of some deliveries, and of the sets that they are in.
#[derive(Clone, Debug, Default)]
pub struct Outlined {
    /// The follower has come so far.
    pub derived_to: i64,
    /// Those of the deliveries that are there.
    pub deliveries: BTreeSet<i64>,
    /// Messages of which nothing is known yet, and somebody will read them.
    pub waiting: BTreeSet<(i64, i64)>,
    /// The sets of a message of a delivery.
    pub sets_of: BTreeMap<(i64, i64), BTreeSet<i64>>,
    /// Which set the messages of these bytes are in.
    pub set_of_message: HashMap<Vec<u8>, i64>,
    pub sets: BTreeMap<i64, SetRow>,
    /// As headers say, of all deliveries of the sets; as envelopes say, of these.
    pub people: Vec<PersonRow>,
    pub files: BTreeMap<i64, Vec<FileRow>>,
    /// Of the sets, and of the deliveries without a set.
    pub gaps: Vec<GapRow>,
}

/// Deliveries and messages are at most [`ROWS_PER_STATEMENT`].
pub async fn of_deliveries(
    catalog: &Catalog,
    seqs: &[i64],
    messages: &[Digest],
) -> Result<Outlined, CatalogError> {
    let mut tx = catalog.read().snapshot().await.during(DURING)?;
    let mut found = Outlined::default();
    if seqs.is_empty() {
        return Ok(found);
    }
    found.derived_to = cursor::get_in(&mut tx, cursor::DERIVE).await?;
    let mut query = list("SELECT seq FROM delivery WHERE seq IN (", seqs);
    for row in rows(&mut tx, &mut query).await? {
        found.deliveries.insert(value(&row, 0));
    }
    found.waiting = waiting(&mut tx, seqs).await?;
    let mut query = list("SELECT set_id, seq, entry FROM set_delivery WHERE seq IN (", seqs);
    for row in rows(&mut tx, &mut query).await? {
        let (set, at) = (value::<i64>(&row, 0), (value(&row, 1), value(&row, 2)));
        found.sets_of.entry(at).or_default().insert(set);
    }
    let messages: Vec<Vec<u8>> = messages.iter().map(|sha256| sha256.0.to_vec()).collect();
    for messages in messages.chunks(ROWS_PER_STATEMENT) {
        let text = "SELECT message_sha256, set_id FROM set_message WHERE message_sha256 IN (";
        for row in rows(&mut tx, &mut list(text, messages)).await? {
            found.set_of_message.insert(value(&row, 0), value(&row, 1));
        }
    }
    let text = "SELECT gap_id, seq, set_id, ordinal, path, media_type, reason FROM gap
                WHERE set_id IS NULL AND seq IN (";
    for row in rows(&mut tx, &mut list(text, seqs)).await? {
        found.gaps.push(gap(&row));
    }
    let sets: BTreeSet<i64> = found.sets_of.values().flatten().copied().collect();
    let sets: Vec<i64> = sets.into_iter().collect();
    for sets in sets.chunks(ROWS_PER_STATEMENT) {
        of_sets(&mut tx, sets, &mut found).await?;
        let span = (seqs.iter().min().copied(), seqs.iter().max().copied());
        let span = (span.0.unwrap_or_default(), span.1.unwrap_or_default());
        found.people.extend(people(&mut tx, sets, Some(span)).await?);
    }
    Ok(found)
}

/// Of sets after `after`, at most `limit`: all that there is of them.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    /// In the order of their ids.
    pub ids: Vec<i64>,
    pub found: Outlined,
    /// Messages of a set.
    pub messages: Vec<(i64, Vec<u8>)>,
    /// Deliveries of a set, with what lies at their place: record and message.
    pub placed: Vec<Placed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub set: i64,
    pub seq: i64,
    pub entry: i64,
    /// None where there is no such delivery.
    pub record: Option<Vec<u8>>,
    pub message: Option<Vec<u8>>,
}

impl Placed {
    /// The row's name, by its key.
    pub fn object(&self) -> String {
        format!("set_delivery {} {} {}", self.set, self.seq, self.entry)
    }
}

pub async fn sets(catalog: &Catalog, after: i64, limit: u32) -> Result<Sets, CatalogError> {
    let mut tx = catalog.read().snapshot().await.during(DURING)?;
    let mut sets = Sets::default();
    sets.found.derived_to = cursor::get_in(&mut tx, cursor::DERIVE).await?;
    sets.ids = db::query_scalar(
        "SELECT set_id FROM message_set WHERE set_id > $1 ORDER BY set_id LIMIT $2",
    )
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(&mut tx)
    .await
    .during(DURING)?;
    for ids in sets.ids.chunks(ROWS_PER_STATEMENT) {
        of_sets(&mut tx, ids, &mut sets.found).await?;
        sets.found.people.extend(people(&mut tx, ids, None).await?);
        let text = "SELECT set_id, message_sha256 FROM set_message WHERE set_id IN (";
        for row in rows(&mut tx, &mut list(text, ids)).await? {
            sets.messages.push((value(&row, 0), value(&row, 1)));
        }
        let text = "SELECT sd.set_id, sd.seq, sd.entry, d.record_id, m.sha256 FROM set_delivery sd
                    LEFT JOIN delivery d ON d.seq = sd.seq
                    LEFT JOIN delivery_message m ON m.seq = sd.seq AND m.entry = sd.entry
                    WHERE sd.set_id IN (";
        for row in rows(&mut tx, &mut list(text, ids)).await? {
            sets.placed.push(Placed {
                set: value(&row, 0),
                seq: value(&row, 1),
                entry: value(&row, 2),
                record: value(&row, 3),
                message: value(&row, 4),
            });
        }
    }
    Ok(sets)
}

/// The ids of these addresses, where they have one.
pub async fn addresses(
    catalog: &Catalog,
    addresses: &[String],
) -> Result<HashMap<String, i64>, CatalogError> {
    let mut found = HashMap::new();
    for addresses in addresses.chunks(ROWS_PER_STATEMENT) {
        let text = "SELECT address, address_id FROM address WHERE address IN (";
        let rows = list(text, addresses).build().fetch_all(catalog.read()).await.during(DURING)?;
        found.extend(rows.iter().map(|row| (value(row, 0), value(row, 1))));
    }
    Ok(found)
}

/// Rows of sets that are not there: what they are rows of, and the set.
pub async fn lone(catalog: &Catalog, limit: u32) -> Result<Vec<(String, i64)>, CatalogError> {
    let mut found = Vec::new();
    for table in ["set_message", "set_delivery", "participant", "attachment", "gap"] {
        let text = format!(
            "SELECT set_id FROM {table} WHERE set_id IS NOT NULL
             EXCEPT SELECT set_id FROM message_set ORDER BY set_id LIMIT $1"
        );
        let sets: Vec<i64> = db::query_scalar(db::AssertSqlSafe(text))
            .bind(i64::from(limit))
            .fetch_all(catalog.read())
            .await
            .during(DURING)?;
        found.extend(sets.into_iter().map(|set| (table.to_owned(), set)));
    }
    Ok(found)
}

/// Gaps of no set, of deliveries that are not there.
pub async fn lone_gaps(catalog: &Catalog, limit: u32) -> Result<Vec<i64>, CatalogError> {
    db::query_scalar(
        "SELECT gap_id FROM gap WHERE set_id IS NULL
             AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.seq = gap.seq)
         ORDER BY gap_id LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during(DURING)
}

/// The highest id of a set.
pub async fn last_set(catalog: &Catalog) -> Result<i64, CatalogError> {
    db::query_scalar("SELECT COALESCE(MAX(set_id), 0) FROM message_set")
        .fetch_one(catalog.read())
        .await
        .during(DURING)
}

/// By a node that is there: what another waits for, nobody reads.
async fn waiting(
    tx: &mut db::Transaction,
    seqs: &[i64],
) -> Result<BTreeSet<(i64, i64)>, CatalogError> {
    let text = match tx.engine() {
        db::Engine::Sqlite => {
            "SELECT seq, entry FROM pending_reading WHERE set_id IS NULL AND node = ''
                 AND seq IN ("
        }
        db::Engine::Postgres => {
            "SELECT p.seq, p.entry FROM pending_reading p JOIN node n ON n.node_id = p.node
             WHERE p.set_id IS NULL AND p.seq IN ("
        }
    };
    let found = rows(tx, &mut list(text, seqs)).await?;
    Ok(found.iter().map(|row| (value(row, 0), value(row, 1))).collect())
}

async fn of_sets(
    tx: &mut db::Transaction,
    sets: &[i64],
    found: &mut Outlined,
) -> Result<(), CatalogError> {
    let text = "SELECT set_id, set_key, message_sha256, first_seq, subject, from_text, message_id,
                    sent_at, received_at, size_bytes, attachment_count, is_proven
                FROM message_set WHERE set_id IN (";
    for row in rows(tx, &mut list(text, sets)).await? {
        let set = SetRow {
            key: value(&row, 1),
            message: value(&row, 2),
            first_seq: value(&row, 3),
            subject: value(&row, 4),
            from_text: value(&row, 5),
            message_id: value(&row, 6),
            sent_at: value(&row, 7),
            received_at: value(&row, 8),
            size_bytes: value(&row, 9),
            attachment_count: value(&row, 10),
            is_proven: value(&row, 11),
            ..SetRow::default()
        };
        found.sets.insert(value(&row, 0), set);
    }
    let mut query = list(
        "SELECT sd.set_id, MIN(sd.seq), MIN(d.received_at), MAX(d.is_proven)
         FROM set_delivery sd JOIN delivery d ON d.seq = sd.seq WHERE sd.set_id IN (",
        sets,
    );
    query.push(" GROUP BY sd.set_id");
    for row in rows(tx, &mut query).await? {
        if let Some(set) = found.sets.get_mut(&value(&row, 0)) {
            set.lowest_seq = value(&row, 1);
            set.earliest = value(&row, 2);
            set.is_any_proven = value(&row, 3);
        }
    }
    let mut query = list(
        "SELECT set_id, ordinal, parent, name, path, media_type, size_bytes, sha256, has_text,
             is_part, md5
         FROM attachment WHERE set_id IN (",
        sets,
    );
    query.push(" ORDER BY set_id, ordinal");
    for row in rows(tx, &mut query).await? {
        let file = FileRow {
            ordinal: value(&row, 1),
            parent: value(&row, 2),
            name: value(&row, 3),
            path: value(&row, 4),
            media_type: value(&row, 5),
            size_bytes: value(&row, 6),
            sha256: value(&row, 7),
            has_text: value(&row, 8),
            is_part: value(&row, 9),
            md5: value(&row, 10),
        };
        found.files.entry(value(&row, 0)).or_default().push(file);
    }
    let text = "SELECT gap_id, seq, set_id, ordinal, path, media_type, reason FROM gap
                WHERE set_id IN (";
    for row in rows(tx, &mut list(text, sets)).await? {
        found.gaps.push(gap(&row));
    }
    Ok(())
}

/// What envelopes say is of one delivery: of those in `span` alone where there is one.
async fn people(
    tx: &mut db::Transaction,
    sets: &[i64],
    span: Option<(i64, i64)>,
) -> Result<Vec<PersonRow>, CatalogError> {
    let text = "SELECT p.set_id, p.address_id, a.address, p.role, p.source, p.seq, p.name
                FROM participant p LEFT JOIN address a ON a.address_id = p.address_id
                WHERE p.set_id IN (";
    let mut query = list(text, sets);
    if let Some((first, last)) = span {
        query.push(" AND (p.source = 'header' OR (p.seq >= ").push_bind(first);
        query.push(" AND p.seq <= ").push_bind(last).push("))");
    }
    query.push(" ORDER BY p.set_id, p.seq, p.source, p.role, p.address_id");
    let found = rows(tx, &mut query).await?;
    let person = |row: &db::Row| PersonRow {
        set: value(row, 0),
        address_id: value(row, 1),
        address: value(row, 2),
        role: value(row, 3),
        source: value(row, 4),
        seq: value(row, 5),
        name: value(row, 6),
    };
    Ok(found.iter().map(person).collect())
}

fn gap(row: &db::Row) -> GapRow {
    GapRow {
        gap_id: value(row, 0),
        seq: value(row, 1),
        set: value(row, 2),
        ordinal: value(row, 3),
        path: value(row, 4),
        media_type: value(row, 5),
        reason: value(row, 6),
    }
}

async fn rows(
    tx: &mut db::Transaction,
    query: &mut db::QueryBuilder,
) -> Result<Vec<db::Row>, CatalogError> {
    query.build().fetch_all(tx).await.during(DURING)
}

impl Outlined {
    /// The record's messages that wait, or any that does.
    pub fn waits(&self, seq: DeliverySeq) -> bool {
        self.waiting.range((seq.0, i64::MIN)..=(seq.0, i64::MAX)).next().is_some()
    }
}
