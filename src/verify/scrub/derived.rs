//! What was derived of records, against the records: each message is read again in the
//! worker, as the follower reads it but for its documents, and the rows must be what it
//! gives: in which set it is, what the set says of it, who took part, which documents it
//! has. What is in documents is not read again, since that costs a hundred times as much:
//! of those rows the form is checked (`sets`).
//!
//! Rows and how far the follower is are read as of one instant. What it has yet to come
//! to, and what waits to be read again, has no rows, and lacks none.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};

use super::finding::{DERIVED_ROW_CHANGED, DERIVED_ROW_EXTRA, DERIVED_ROW_MISSING, note};
use super::{ScrubError, Work};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, RecordId};
use crate::catalog::doubt::RawDelivery;
use crate::catalog::outline::{self, FileRow, GapRow, Outlined, PersonRow, SetRow};
use crate::catalog::pending;
use crate::catalog::set::{Derived, NewAttachment, NewParticipant};
use crate::extract::Reason;
use crate::ingest::follow::FollowError;
use crate::ingest::follow::doubt::{self, About, Outline};
use crate::ingest::rebuild::Progress;
use crate::vault::open::OpenRecord;
use crate::worker::Pool;

/// Deliveries that are compared at once.
const AT_ONCE: usize = 200;

/// Records that are read at once; the worker has its own bound.
const READ_AT_ONCE: usize = 8;

/// A delivery whose own row is as in the bucket, and its record.
pub(super) struct Sealed {
    pub row: RawDelivery,
    pub record: OpenRecord,
}

/// What a record gives.
struct Given {
    seq: i64,
    record: RecordId,
    received_at: i64,
    is_proven: bool,
    messages: Vec<Outline>,
}

/// A difference: its kind, the row and what is wrong with it.
type Found = (&'static str, String, String);

impl Sealed {
    /// What is wrong with the record is the inner error.
    async fn read(self, pool: &Pool) -> Result<Result<Given, (RecordId, String)>, FollowError> {
        let Self { row, record } = self;
        let (id, is_proven) = (record.id(), row.is_proven != 0);
        let about = About {
            seq: DeliverySeq(row.seq),
            source: row.source,
            class: row.class,
            received_at: Timestamp(row.received_at),
            is_proven,
        };
        let (seq, received_at) = (row.seq, row.received_at);
        let given = |messages| Given { seq, record: id, received_at, is_proven, messages };
        let read = doubt::outlines(pool, about, record).await?;
        Ok(read.map(given).map_err(|why| (id, why)))
    }
}

impl<P: Progress> Work<'_, P> {
    pub(super) async fn derived(&mut self, mut sealed: Vec<Sealed>) -> Result<(), ScrubError> {
        while !sealed.is_empty() {
            let rest = sealed.split_off(sealed.len().min(AT_ONCE));
            let last = sealed.last().map_or(0, |it| it.row.seq);
            let workers = self.on.workers.clone();
            let reading = std::mem::replace(&mut sealed, rest);
            let reading = reading.into_iter().map(|it| it.read(&workers).boxed());
            let read: Vec<_> = stream::iter(reading).buffered(READ_AT_ONCE).try_collect().await?;
            let mut given = Vec::new();
            for read in read {
                match read {
                    Ok(it) => given.push(it),
                    Err((id, why)) => {
                        self.note(note::DERIVED_NOT_COMPARED, format!("record {id}"), why);
                    }
                }
            }
            self.compare(&given).await?;
            self.at(last as u64, self.state.until_seq as u64).await?;
        }
        Ok(())
    }

    async fn compare(&mut self, given: &[Given]) -> Result<(), ScrubError> {
        let seqs: Vec<i64> = given.iter().map(|it| it.seq).collect();
        let messages = given.iter().flat_map(|it| &it.messages);
        let messages: Vec<Digest> = messages.map(|it| it.rows.message_sha256).collect();
        let rows = outline::of_deliveries(&self.on.catalog, &seqs, &messages).await?;
        let rows = Rows::from(&rows);
        let mut missing = Missing::default();
        for given in given {
            // Not derived yet, or destroyed meanwhile.
            if given.seq > rows.all.derived_to || !rows.all.deliveries.contains(&given.seq) {
                continue;
            }
            let (found, is_read) = rows.compare(given, &mut missing);
            if !is_read {
                let what = "a message of it could not be read again";
                self.note(note::DERIVED_NOT_COMPARED, format!("record {}", given.record), what);
            }
            for (kind, object, what) in found {
                self.fault(kind, object, what, &[given.record]);
            }
        }
        self.people(missing).await
    }

    /// People that records name and rows do not: where their address has no row any
    /// more, it is that row that was changed.
    async fn people(&mut self, missing: Missing) -> Result<(), ScrubError> {
        let addresses: BTreeSet<&String> = missing.people.iter().map(|it| &it.address).collect();
        let addresses: Vec<String> = addresses.into_iter().cloned().collect();
        let ids = outline::addresses(&self.on.catalog, &addresses).await?;
        let mut extra = missing.extra;
        for it in &missing.people {
            let Lacking { set, seq, role, source, .. } = *it;
            let what = "the record names somebody that no row does";
            let object = match ids.get(&it.address) {
                Some(id) => format!("participant {set} {id} {role} {source} {seq}"),
                None => {
                    let is_it = |(row, _): &(PersonRow, RecordId)| {
                        (row.set, row.seq, &row.role[..], &row.source[..])
                            == (set, seq, role, source)
                    };
                    if let Some(at) = extra.iter().position(is_it) {
                        let (row, record) = extra.remove(at);
                        // One that is gone is named with its set.
                        if row.address.is_some() {
                            let what = "records name another address under this number";
                            let object = format!("address {}", row.address_id);
                            self.fault(DERIVED_ROW_CHANGED, object, what, &[record]);
                        }
                        continue;
                    }
                    format!("participant {set} of record {} {role} {source} {seq}", it.record)
                }
            };
            self.fault(DERIVED_ROW_MISSING, object, what, &[it.record]);
        }
        for (row, record) in extra {
            let what = "the record does not name them so";
            self.fault(DERIVED_ROW_EXTRA, participant(&row), what, &[record]);
        }
        Ok(())
    }
}

/// Who is missing and who is too much, of several deliveries.
#[derive(Default)]
struct Missing {
    people: Vec<Lacking>,
    extra: Vec<(PersonRow, RecordId)>,
}

struct Lacking {
    record: RecordId,
    set: i64,
    seq: i64,
    role: &'static str,
    source: &'static str,
    address: String,
}

struct Rows<'a> {
    all: &'a Outlined,
    people: HashMap<i64, Vec<&'a PersonRow>>,
    gaps: HashMap<i64, Vec<&'a GapRow>>,
    lone_gaps: HashMap<i64, Vec<&'a GapRow>>,
}

impl<'a> From<&'a Outlined> for Rows<'a> {
    fn from(all: &'a Outlined) -> Self {
        let mut rows =
            Self { all, people: HashMap::new(), gaps: HashMap::new(), lone_gaps: HashMap::new() };
        for person in &all.people {
            rows.people.entry(person.set).or_default().push(person);
        }
        for gap in &all.gaps {
            match gap.set {
                Some(set) => rows.gaps.entry(set).or_default().push(gap),
                None => rows.lone_gaps.entry(gap.seq).or_default().push(gap),
            }
        }
        rows
    }
}

impl Rows<'_> {
    /// The differences, and whether all could be read.
    fn compare(&self, given: &Given, missing: &mut Missing) -> (Vec<Found>, bool) {
        let mut found = Vec::new();
        let mut is_read = true;
        let mut in_sets: BTreeMap<i64, Vec<&Outline>> = BTreeMap::new();
        let mut has_unplaced = given.messages.is_empty();
        for message in &given.messages {
            match self.place(given, message, &mut found) {
                Some(set) => in_sets.entry(set).or_default().push(message),
                None => has_unplaced = true,
            }
        }
        self.unread(given, has_unplaced, &mut found);
        for (set, messages) in &in_sets {
            let Some(row) = self.all.sets.get(set) else { continue };
            let gaps = self.gaps.get(set).map_or(&[][..], |gaps| &gaps[..]);
            let of_set = OfSet { set: *set, row, gaps, rows: self, given };
            if row.lowest_seq == given.seq {
                of_set.together(&mut found);
            }
            for message in messages {
                match message.is_read {
                    true => of_set.message(message, &mut found),
                    false => is_read &= of_set.is_failed(message),
                }
            }
            of_set.people(messages, missing, &mut found);
        }
        (found, is_read)
    }

    /// The set that a message is in, by its rows; what is wrong with these is found.
    fn place(&self, given: &Given, message: &Outline, found: &mut Vec<Found>) -> Option<i64> {
        let rows = &message.rows;
        let at = (given.seq, i64::from(rows.entry));
        let is_its = |set: &i64| {
            let key = self.all.sets.get(set).map(|row| &row.key[..]);
            key == Some(&rows.set.key.0[..]) || key == Some(&message.unread_key.0[..])
        };
        let in_sets = self.all.sets_of.get(&at).into_iter().flatten().copied();
        let by_bytes = self.all.set_of_message.get(&rows.message_sha256.0[..]).copied();
        let in_sets: Vec<i64> = in_sets.collect();
        // That it could not be read says nothing of the key that it had.
        let its = in_sets.iter().copied().find(is_its);
        let its = its.or_else(|| by_bytes.filter(|set| in_sets.contains(set)));
        for set in in_sets.iter().filter(|set| Some(**set) != its) {
            let what = "it is of another message";
            let object = format!("set_delivery {set} {} {}", at.0, at.1);
            let kind = if its.is_some() { DERIVED_ROW_EXTRA } else { DERIVED_ROW_CHANGED };
            found.push((kind, object, what.into()));
        }
        let Some(set) = its else {
            let waits = self.all.waiting.contains(&at);
            if in_sets.is_empty() && !waits {
                let what = "the record's message is in no set; where a gap says that it could not \
                            be read, have it read again";
                found.push((DERIVED_ROW_MISSING, set_delivery(given, at.1), what.into()));
            }
            return None;
        };
        if by_bytes != Some(set) {
            let object = format!("set_message {set} of record {}", given.record);
            let (kind, what) = match by_bytes {
                None => (DERIVED_ROW_MISSING, "the record's message has none"),
                Some(_) => (DERIVED_ROW_CHANGED, "the record's message is in another set"),
            };
            found.push((kind, object, what.into()));
        }
        if !self.all.sets.contains_key(&set) {
            let what = "a message is in it, and there is none";
            found.push((DERIVED_ROW_MISSING, message_set(set), what.into()));
        } else if !is_its(&set) && message.is_read {
            let what = "not as the record gives it: set_key";
            found.push((DERIVED_ROW_CHANGED, message_set(set), what.into()));
        }
        Some(set)
    }

    /// Gaps of the delivery itself: there while a message of it is in no set.
    fn unread(&self, given: &Given, has_unplaced: bool, found: &mut Vec<Found>) {
        let gaps = self.lone_gaps.get(&given.seq).map_or(&[][..], |gaps| &gaps[..]);
        if has_unplaced {
            let is_said = gaps.iter().any(|gap| gap.reason == Reason::Damaged.as_str());
            if given.messages.is_empty() && !is_said {
                let what = "the record carries no message, and nothing says so";
                found.push((
                    DERIVED_ROW_MISSING,
                    format!("gap of record {}", given.record),
                    what.into(),
                ));
            }
            return;
        }
        let waits = self.all.waits(DeliverySeq(given.seq));
        for gap in gaps.iter().filter(|gap| !waits || gap.reason != pending::REASON) {
            let what = "all messages of the record are in sets";
            found.push((DERIVED_ROW_EXTRA, format!("gap {}", gap.gap_id), what.into()));
        }
    }
}

/// A set, as one of its deliveries sees it.
struct OfSet<'a> {
    set: i64,
    row: &'a SetRow,
    gaps: &'a [&'a GapRow],
    rows: &'a Rows<'a>,
    given: &'a Given,
}

impl OfSet<'_> {
    /// Whether nothing could be read of the message when it was derived.
    fn is_failed(&self, message: &Outline) -> bool {
        self.row.key == message.unread_key.0 && self.failure().is_some()
    }

    fn failure(&self) -> Option<&GapRow> {
        let is_failure = |gap: &&&GapRow| {
            gap.ordinal.is_none()
                && ["timed-out", "crashed", "too-large"].contains(&gap.reason.as_str())
        };
        self.gaps.iter().find(is_failure).copied()
    }

    /// What its deliveries give together: looked at with the first.
    fn together(&self, found: &mut Vec<Found>) {
        let Self { row, given, .. } = self;
        let is_proven = given.is_proven || row.is_any_proven != 0;
        let received = [given.received_at, row.earliest];
        let fields = [
            ("first_seq", row.first_seq != given.seq),
            ("received_at", !received.contains(&row.received_at)),
            ("is_proven", row.is_proven != i64::from(is_proven)),
        ];
        self.changed(&fields, found);
    }

    fn changed(&self, fields: &[(&str, bool)], found: &mut Vec<Found>) {
        let changed: Vec<_> =
            fields.iter().filter(|(_, is_other)| *is_other).map(|(name, _)| *name).collect();
        if !changed.is_empty() {
            let what = format!("not as the records give it: {}", changed.join(", "));
            found.push((DERIVED_ROW_CHANGED, message_set(self.set), what));
        }
    }

    /// What the set says of one of its messages: its rows are those of the one that is
    /// shown, and another may differ in white space and line ends.
    fn message(&self, message: &Outline, found: &mut Vec<Found>) {
        let Derived { set, attachments, gaps, message_sha256, .. } = &message.rows;
        let has = |reason: &str| gaps.iter().any(|gap| gap.reason == reason);
        if self.row.key == set.key.0
            && let Some(gap) = self.failure().filter(|gap| !has(&gap.reason))
        {
            let what = "the record's message could be read when it was derived";
            found.push((DERIVED_ROW_EXTRA, format!("gap {}", gap.gap_id), what.into()));
        }
        let row = self.row;
        if self.is_failed(message) || row.message != message_sha256.0 {
            return;
        }
        // The version that was shown first was destroyed, and its rows stand.
        let is_first = !row.message_id.is_empty() || set.message_id.is_empty();
        let fields = [
            ("subject", is_first && row.subject != set.subject),
            ("from_text", is_first && row.from_text != set.from_text),
            ("sent_at", row.sent_at != set.sent_at.map(|at| at.0)),
            ("message_id", is_first && row.message_id != set.message_id),
            ("size_bytes", row.size_bytes != set.size_bytes as i64),
            ("attachment_count", !self.files(attachments, is_first, found)),
        ];
        self.changed(&fields, found);
        for gap in gaps.iter().filter(|gap| gap.ordinal.is_none()) {
            let is_it = |row: &&GapRow| row.ordinal.is_none() && row.reason == gap.reason;
            if !self.gaps.iter().any(is_it) {
                let what =
                    format!("the record's message has one, and no row says so: {}", gap.reason);
                found.push((DERIVED_ROW_MISSING, format!("gap of set {}", self.set), what));
            }
        }
    }

    /// The documents that are parts of the message itself, in their order. Whether the set
    /// says how many parts of the mail its rows are, where these are all there.
    /// The bytes of parts are asked for where they are of the first version.
    fn files(&self, given: &[NewAttachment], is_first: bool, found: &mut Vec<Found>) -> bool {
        let rows = self.rows.all.files.get(&self.set).map_or(&[][..], |files| &files[..]);
        let parts = rows.iter().filter(|file| file.is_part != 0).count() as i64;
        let rows: Vec<&FileRow> = rows.iter().filter(|row| row.parent.is_none()).collect();
        let given: Vec<&NewAttachment> = given.iter().filter(|it| it.parent.is_none()).collect();
        for (row, given) in rows.iter().zip(&given) {
            let fields = [
                ("name", row.name != given.name),
                ("path", row.path != given.path),
                ("media_type", row.media_type != given.media_type),
                ("size_bytes", is_first && row.size_bytes != given.size_bytes as i64),
                ("sha256", is_first && row.sha256 != given.sha256.0),
                ("is_part", row.is_part != i64::from(given.is_part)),
                ("md5", is_first && row.md5.as_ref().is_some_and(|md5| *md5 != given.md5)),
            ];
            let changed = fields.iter().filter(|(_, is_other)| *is_other);
            let changed: Vec<_> = changed.map(|(name, _)| *name).collect();
            if !changed.is_empty() {
                let what = format!("not as the record gives it: {}", changed.join(", "));
                found.push((DERIVED_ROW_CHANGED, attachment(self.set, row.ordinal), what));
            }
        }
        for row in rows.iter().skip(given.len()) {
            let what = "the record's message has no such part";
            found.push((DERIVED_ROW_EXTRA, attachment(self.set, row.ordinal), what.into()));
        }
        if given.len() > rows.len() {
            let what = format!(
                "the record's message has {} parts, and the rows {}",
                given.len(),
                rows.len()
            );
            found.push((DERIVED_ROW_MISSING, format!("attachment {}", self.set), what));
        }
        given.len() != rows.len() || self.row.attachment_count == parts
    }

    /// Who took part, by the messages of this delivery that are in the set.
    fn people(&self, messages: &[&Outline], missing: &mut Missing, found: &mut Vec<Found>) {
        let rows = self.rows.people.get(&self.set).map_or(&[][..], |people| &people[..]);
        let is_all_read = messages.iter().all(|message| message.is_read);
        let has_failed = messages.iter().any(|message| self.is_failed(message));
        let header: Vec<_> = messages.iter().flat_map(|it| &it.rows.header).collect();
        let envelope: Vec<_> = messages.iter().flat_map(|it| &it.rows.envelope).collect();
        let seq = self.given.seq;
        for (source, given, is_said) in
            [("header", header, is_all_read), ("envelope", envelope, true)]
        {
            let of_source = || rows.iter().filter(move |row| row.source == source);
            let of_own = || of_source().filter(move |row| row.seq == seq);
            for row in of_own().filter(|_| is_said) {
                self.person(row, &given, missing, found);
            }
            // What a header says stands with the delivery that brought it first.
            let is_one = |row: &&&PersonRow, it: &NewParticipant| {
                row.address.as_deref() == Some(&it.address) && row.role == it.role
            };
            let mut known = BTreeSet::new();
            let lacks = |it: &&NewParticipant| match source {
                "header" => !of_source().any(|row| is_one(&row, it)),
                _ => !of_own().any(|row| is_one(&row, it)),
            };
            let lacking = given.into_iter().filter(lacks);
            for it in lacking.filter(|_| source != "header" || !has_failed) {
                if known.insert((&it.address, it.role)) {
                    missing.people.push(Lacking {
                        record: self.given.record,
                        set: self.set,
                        seq: self.given.seq,
                        role: it.role,
                        source,
                        address: it.address.clone(),
                    });
                }
            }
        }
    }

    fn person(
        &self,
        row: &PersonRow,
        given: &[&NewParticipant],
        missing: &mut Missing,
        found: &mut Vec<Found>,
    ) {
        let is_it = |it: &&&NewParticipant| {
            Some(&it.address) == row.address.as_ref() && it.role == row.role
        };
        let mut same = given.iter().filter(is_it).peekable();
        if same.peek().is_none() {
            missing.extra.push((row.clone(), self.given.record));
        } else if !same.any(|it| it.name == row.name) {
            let what = "not as the record gives it: name";
            found.push((DERIVED_ROW_CHANGED, participant(row), what.into()));
        }
    }
}

fn message_set(set: i64) -> String {
    format!("message_set {set}")
}

fn set_delivery(given: &Given, entry: i64) -> String {
    format!("set_delivery of record {} {entry}", given.record)
}

fn attachment(set: i64, ordinal: i64) -> String {
    format!("attachment {set} {ordinal}")
}

/// By its key: whom it names, only the catalog says.
pub(super) fn participant(row: &PersonRow) -> String {
    let PersonRow { set, address_id, role, source, seq, .. } = row;
    format!("participant {set} {address_id} {role} {source} {seq}")
}
