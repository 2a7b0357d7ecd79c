//! Deliveries read again, to doubt what was derived of them: who took part and when, by
//! which holds are decided.
//!
//! The record is opened and its messages are read in the worker, as the follower does,
//! but for their documents. Rows that say more than the record hold more, and are let
//! be; rows that say less, or another date, are named. What the rows say cannot be read
//! is held by its dates, and is not asked for more.
//!
//! A hold covers a message in all its deliveries, so those are read too: what another
//! delivery's envelope says counts for this one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::FollowError;
use super::derive::Item;
pub use super::read::About;
use super::read::{Reader, as_sealed};
use crate::base::clock::{Clock, Timestamp};
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, RecordId, SegmentId, SetId};
use crate::base::limits::DOUBT_DELIVERIES_KEPT;
use crate::catalog::delivery::{self, Delivery};
use crate::catalog::derived::{self, DerivedRows, SetRows};
use crate::catalog::set::Derived;
use crate::catalog::{Catalog, CatalogError, cursor};
use crate::vault::Vault;
use crate::vault::open::OpenRecord;
use crate::worker::Pool;

/// What a record says of itself.
#[derive(Debug)]
struct Sealed {
    record: RecordId,
    /// What keeps it from being read is the error.
    said: Result<Said, String>,
}

#[derive(Debug)]
struct Said {
    received_at: Timestamp,
    needs: Vec<SegmentId>,
    messages: Vec<Message>,
}

#[derive(Debug)]
struct Message {
    entry: u32,
    sha256: Digest,
    keys: [Digest; 2],
    /// Whether its header could be read.
    is_read: bool,
    header: BTreeSet<(String, String)>,
    envelope: BTreeSet<(String, String)>,
    sent_at: Option<Timestamp>,
}

/// Deliveries as their records say.
#[derive(Debug, Default)]
pub struct Read(BTreeMap<DeliverySeq, Arc<Sealed>>);

impl Read {
    /// The other segments that have parts of these deliveries.
    pub fn needs<'a>(
        &'a self,
        seqs: impl IntoIterator<Item = &'a DeliverySeq>,
    ) -> impl Iterator<Item = SegmentId> {
        let said = seqs.into_iter().filter_map(|seq| self.0.get(seq)?.said.as_ref().ok());
        said.flat_map(|said| said.needs.iter().copied())
    }
}

/// How rows and records compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    Same,
    /// Another delivery of the same messages came: it is to be read first.
    More,
    /// A record, and what its rows do not say as it does.
    Differs(RecordId, String),
}

/// Reads deliveries again, and keeps what it read of the last ones.
pub struct Doubter {
    reader: Reader,
    known: HashMap<DeliverySeq, Arc<Sealed>>,
}

impl Doubter {
    pub fn new(vault: Vault, catalog: Catalog, clock: Clock, pool: Arc<Pool>) -> Self {
        let reader = Reader { vault, catalog, clock, pool, segment: None };
        Self { reader, known: HashMap::new() }
    }

    /// Adds to `read` these deliveries.
    pub async fn read(&mut self, seqs: &[DeliverySeq], read: &mut Read) -> Result<(), FollowError> {
        let rows = delivery::with_seqs(&self.reader.catalog, seqs).await?;
        self.read_rows(rows, read).await
    }

    async fn read_rows(&mut self, rows: Vec<Delivery>, read: &mut Read) -> Result<(), FollowError> {
        for row in rows {
            if read.0.contains_key(&row.seq) {
                continue;
            }
            let known = self.known.get(&row.seq).filter(|known| known.record == row.record);
            if let Some(known) = known {
                read.0.insert(row.seq, known.clone());
                continue;
            }
            let said = self.reader.as_sealed(&row).await?;
            let said = said.map(|it| Said {
                received_at: it.received_at,
                needs: it.needs,
                messages: it.items.iter().map(message).collect(),
            });
            let sealed = Arc::new(Sealed { record: row.record, said });
            if self.known.len() >= DOUBT_DELIVERIES_KEPT {
                self.known.clear();
            }
            self.known.insert(row.seq, sealed.clone());
            read.0.insert(row.seq, sealed);
        }
        Ok(())
    }

    /// Other deliveries of the messages of `read` that are not in it yet.
    pub async fn others(&self, read: &Read) -> Result<Vec<DeliverySeq>, CatalogError> {
        others(&self.reader.catalog, read, &rows(&self.reader.catalog, read).await?).await
    }
}

/// A message of a record, as rows should have it.
#[derive(Debug)]
pub struct Outline {
    /// Of documents, only those are listed that are parts of it, and none is read.
    pub rows: Derived,
    /// The key of its set where it could not be read when it was derived.
    pub unread_key: Digest,
    /// Whether it could be read now.
    pub is_read: bool,
}

/// The messages of a record that is open, by what it says itself. What is wrong with the
/// record is the inner error.
pub async fn outlines(
    pool: &Pool,
    about: About,
    record: OpenRecord,
) -> Result<Result<Vec<Outline>, String>, FollowError> {
    let said = as_sealed(pool, about, record).await?;
    let outline = |item: &Item| Outline {
        rows: item.rows(),
        unread_key: item.unread_key(),
        is_read: item.found.is_ok(),
    };
    Ok(said.map(|said| said.items.iter().map(outline).collect()))
}

fn message(item: &Item) -> Message {
    let rows = item.rows();
    let people = |list: &[crate::catalog::set::NewParticipant]| {
        list.iter().map(|person| (person.address.clone(), person.role.to_owned())).collect()
    };
    Message {
        entry: item.entry,
        sha256: item.sha256,
        keys: [rows.set.key, item.unread_key()],
        is_read: item.found.is_ok(),
        header: people(&rows.header),
        envelope: people(&rows.envelope),
        sent_at: rows.set.sent_at,
    }
}

async fn rows(catalog: &Catalog, read: &Read) -> Result<DerivedRows, CatalogError> {
    let seqs: Vec<DeliverySeq> = read.0.keys().copied().collect();
    derived::of(catalog, &seqs).await
}

async fn others(
    catalog: &Catalog,
    read: &Read,
    rows: &DerivedRows,
) -> Result<Vec<DeliverySeq>, CatalogError> {
    let said = read.0.values().filter_map(|sealed| sealed.said.as_ref().ok());
    let messages: BTreeSet<Digest> =
        said.flat_map(|said| said.messages.iter().map(|message| message.sha256)).collect();
    let messages: Vec<Digest> = messages.into_iter().collect();
    let mut others = derived::with_messages(catalog, &messages).await?;
    others.extend(&rows.of_sets);
    // What comes after is held whatever it says.
    let derived = DeliverySeq(cursor::get(catalog, cursor::DERIVE).await?);
    others.retain(|seq| *seq <= derived && !read.0.contains_key(seq));
    Ok(others.into_iter().collect())
}

/// Compares the rows of all that was read with it, as they are now.
pub async fn compare(catalog: &Catalog, read: &Read) -> Result<Compared, CatalogError> {
    let rows = rows(catalog, read).await?;
    if !others(catalog, read, &rows).await?.is_empty() {
        return Ok(Compared::More);
    }
    let mut oldest: BTreeMap<SetId, Timestamp> = BTreeMap::new();
    for ((seq, _), sets) in &rows.sets_of {
        let Some(Ok(said)) = read.0.get(seq).map(|sealed| &sealed.said) else { continue };
        let at = said.received_at;
        for set in sets {
            oldest.entry(*set).and_modify(|oldest| *oldest = at.min(*oldest)).or_insert(at);
        }
    }
    for (seq, sealed) in &read.0 {
        // It was erased or destroyed since.
        let Some(received_at) = rows.received_at.get(seq) else { continue };
        if let Some(what) = differs(*seq, sealed, *received_at, &rows, &oldest) {
            return Ok(Compared::Differs(sealed.record, what));
        }
    }
    Ok(Compared::Same)
}

fn differs(
    seq: DeliverySeq,
    sealed: &Sealed,
    received_at: Timestamp,
    rows: &DerivedRows,
    oldest: &BTreeMap<SetId, Timestamp>,
) -> Option<String> {
    let is_unread = rows.unread.contains(&seq);
    let said = match &sealed.said {
        Ok(said) => said,
        Err(_) if is_unread => return None,
        Err(why) => return Some(format!("it was read once, and cannot be read again: {why}")),
    };
    if said.received_at != received_at {
        return Some("when it was received".into());
    }
    if rows.needs.get(&seq).map_or(&[][..], |needs| &needs[..]) != said.needs {
        return Some("which parts it needs".into());
    }
    if is_unread {
        return None;
    }
    for message in &said.messages {
        let sets = rows.sets_of.get(&(seq, message.entry)).into_iter().flatten();
        let mut wrong = Some("to which messages it belongs".to_owned());
        for set in sets {
            let Some(of_set) = rows.sets.get(set) else { continue };
            let oldest = oldest.get(set).copied().unwrap_or(said.received_at);
            wrong = differs_from_set(seq, message, of_set, oldest);
            if wrong.is_none() {
                break;
            }
        }
        if wrong.is_some() {
            return wrong;
        }
    }
    None
}

fn differs_from_set(
    seq: DeliverySeq,
    message: &Message,
    set: &SetRows,
    oldest: Timestamp,
) -> Option<String> {
    if !message.keys.iter().any(|key| key.0[..] == set.key) || set.first_seq > seq.0 {
        return Some("to which messages it belongs".into());
    }
    let lacks = |address: &str| format!("that {address} took part in it");
    for (address, role) in &message.envelope {
        if !set.envelope.contains(&(seq.0, address.clone(), role.clone())) {
            return Some(lacks(address));
        }
    }
    // Holds take it by its dates alone.
    let is_held_anyhow = set.is_held_anyhow || set.has_gap && set.header.is_empty();
    if !is_held_anyhow {
        if !message.is_read {
            return Some("that its header cannot be read".into());
        }
        if let Some((address, _)) = message.header.difference(&set.header).next() {
            return Some(lacks(address));
        }
    }
    let is_undated = set.has_gap && set.sent_at.is_none();
    if message.sent_at != set.sent_at && !is_undated {
        return Some("when it was sent".into());
    }
    (set.sent_at.is_none() && set.received_at < oldest).then(|| "when it was received".into())
}
