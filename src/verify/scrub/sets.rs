//! Message sets and all rows that hang on them, among themselves: rows that no record is
//! asked for, since they refer to nothing, and the form of what is in documents. What a
//! record gives is compared where it is read (`derived`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::derived::participant;
use super::finding::{DERIVED_ROW_CHANGED, DERIVED_ROW_EXTRA, DERIVED_ROW_MISSING};
use super::{ScrubError, Work};
use crate::base::hash::Digest;
use crate::base::ids::RecordId;
use crate::base::limits::{SCRUB_FINDINGS_SHOWN, SCRUB_SETS_AT_ONCE};
use crate::catalog::doubt;
use crate::catalog::outline::{self, FileRow, GapRow, PersonRow, Placed, Sets};
use crate::extract::{self, Attachment};
use crate::ingest::rebuild::Progress;

impl<P: Progress> Work<'_, P> {
    pub(super) async fn sets(&mut self) -> Result<(), ScrubError> {
        let last = outline::last_set(&self.on.catalog).await?;
        let mut after = self.row.position.parse().unwrap_or(0);
        loop {
            let sets = outline::sets(&self.on.catalog, after, SCRUB_SETS_AT_ONCE).await?;
            let Some(end) = sets.ids.last().copied() else { break };
            for set in each(&sets) {
                self.set(&set, sets.found.derived_to).await?;
            }
            after = end;
            self.at(end as u64, last.max(end) as u64).await?;
            self.done(after.to_string()).await?;
        }
        self.lone().await
    }

    async fn set(&mut self, set: &SetOf<'_>, derived_to: i64) -> Result<(), ScrubError> {
        let records = set.records();
        if set.placed.iter().any(|placed| placed.seq > derived_to) {
            let what = "deliveries behind it have rows: the follower has been further";
            self.fault(DERIVED_ROW_CHANGED, "cursor derive", what, &[]);
        }
        let mut found = set.extra();
        found.extend(set.gaps());
        found.extend(set.files());
        self.name(found, &records);
        // Where rows of a delivery itself are named, what hangs on these is theirs.
        if !self.is_any_named(set, &records).await? {
            self.name(set.messages(), &records);
        }
        Ok(())
    }

    fn name(&mut self, found: Vec<Found>, records: &[RecordId]) {
        for (kind, object, what) in found {
            self.fault(kind, object, what, records);
        }
    }

    async fn is_any_named(
        &self,
        set: &SetOf<'_>,
        records: &[RecordId],
    ) -> Result<bool, ScrubError> {
        let of_records = records.iter().map(|record| format!("record {record}"));
        let of_rows = set.placed.iter().map(|placed| placed.object());
        for object in of_records.chain(of_rows) {
            if self.is_named(&object).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Rows of sets and deliveries that are not there.
    async fn lone(&mut self) -> Result<(), ScrubError> {
        let limit = SCRUB_FINDINGS_SHOWN as u32;
        for (table, set) in outline::lone(&self.on.catalog, limit).await? {
            if self.is_named(&format!("message_set {set}")).await? {
                continue;
            }
            let what = "there is no such set of messages";
            self.fault(DERIVED_ROW_EXTRA, format!("{table} {set}"), what, &[]);
        }
        for segment in doubt::lone_parts(&self.on.catalog, limit).await? {
            let object = format!("part of segment {}", hex::encode(segment));
            self.fault(DERIVED_ROW_EXTRA, object, "there is no such segment", &[]);
        }
        for gap in outline::lone_gaps(&self.on.catalog, limit).await? {
            let what = "there is no such delivery";
            self.fault(DERIVED_ROW_EXTRA, format!("gap {gap}"), what, &[]);
        }
        Ok(())
    }
}

type Found = (&'static str, String, String);

/// A set with all its rows.
struct SetOf<'a> {
    set: i64,
    placed: Vec<&'a Placed>,
    messages: Vec<&'a [u8]>,
    /// The one that lists show.
    shown: &'a [u8],
    people: Vec<&'a PersonRow>,
    gaps: Vec<&'a GapRow>,
    files: &'a [FileRow],
}

fn each(sets: &Sets) -> impl Iterator<Item = SetOf<'_>> {
    fn by<T>(rows: impl Iterator<Item = (i64, T)>) -> HashMap<i64, Vec<T>> {
        let mut found: HashMap<i64, Vec<T>> = HashMap::new();
        rows.for_each(|(set, row)| found.entry(set).or_default().push(row));
        found
    }
    let mut placed = by(sets.placed.iter().map(|row| (row.set, row)));
    let mut messages = by(sets.messages.iter().map(|(set, sha256)| (*set, &sha256[..])));
    let mut people = by(sets.found.people.iter().map(|row| (row.set, row)));
    let mut gaps = by(sets.found.gaps.iter().filter_map(|row| Some((row.set?, row))));
    sets.ids.iter().map(move |set| SetOf {
        set: *set,
        placed: placed.remove(set).unwrap_or_default(),
        messages: messages.remove(set).unwrap_or_default(),
        shown: sets.found.sets.get(set).map_or(&[][..], |row| &row.message[..]),
        people: people.remove(set).unwrap_or_default(),
        gaps: gaps.remove(set).unwrap_or_default(),
        files: sets.found.files.get(set).map_or(&[][..], |files| &files[..]),
    })
}

impl SetOf<'_> {
    fn records(&self) -> Vec<RecordId> {
        let records = self.placed.iter().filter_map(|placed| placed.record.as_deref());
        let records = records.filter_map(|record| RecordId::try_from(record).ok());
        records.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What refers to deliveries that are not there, or not of the set.
    fn extra(&self) -> Vec<Found> {
        let set = self.set;
        let mut found = Vec::new();
        let mut extra = |object: String, what: &str| {
            found.push((DERIVED_ROW_EXTRA, object, what.to_owned()));
        };
        if self.placed.is_empty() {
            extra(format!("message_set {set}"), "no delivery is of it, with all that hangs on it");
            return found;
        }
        for placed in self.placed.iter().filter(|placed| placed.record.is_none()) {
            extra(placed.object(), "there is no such delivery, with all that is said of it");
        }
        let seqs: BTreeSet<i64> = self.placed.iter().map(|placed| placed.seq).collect();
        for person in &self.people {
            if !seqs.contains(&person.seq) {
                extra(participant(person), "the delivery is not one of the set");
            } else if !["header", "envelope"].contains(&person.source.as_str()) {
                extra(participant(person), "no record says it so");
            }
        }
        for gap in self.gaps.iter().filter(|gap| !seqs.contains(&gap.seq)) {
            extra(format!("gap {}", gap.gap_id), "the delivery is not one of the set");
        }
        let lost: BTreeSet<i64> = self
            .people
            .iter()
            .filter(|person| person.address.is_none())
            .map(|person| person.address_id)
            .collect();
        for id in lost {
            let what = "somebody took part under this number, and it has no address";
            found.push((DERIVED_ROW_MISSING, format!("address {id}"), what.to_owned()));
        }
        found
    }

    /// Messages that no delivery of the set carries.
    fn messages(&self) -> Vec<Found> {
        let set = self.set;
        // What they carried is not known.
        if self.placed.iter().all(|placed| placed.record.is_none()) {
            return Vec::new();
        }
        let mut found = Vec::new();
        let lacks = |placed: &&&Placed| placed.record.is_some() && placed.message.is_none();
        for placed in self.placed.iter().filter(lacks) {
            let object = placed.object();
            found.push((DERIVED_ROW_EXTRA, object, "the delivery carries no such message".into()));
        }
        let carried: BTreeSet<&[u8]> =
            self.placed.iter().filter_map(|placed| placed.message.as_deref()).collect();
        if self.messages.iter().any(|sha256| !carried.contains(sha256)) {
            let what = "no delivery of the set carries such a message";
            found.push((DERIVED_ROW_EXTRA, format!("set_message {set}"), what.to_owned()));
        }
        if !carried.contains(self.shown) {
            let what = "no delivery of the set carries what it shows: message_sha256";
            found.push((DERIVED_ROW_CHANGED, format!("message_set {set}"), what.to_owned()));
        }
        found
    }

    /// Gaps name documents as these are listed, and what has no words has one.
    fn gaps(&self) -> Vec<Found> {
        let files: BTreeMap<i64, &FileRow> =
            self.files.iter().map(|file| (file.ordinal, file)).collect();
        let mut found = Vec::new();
        for gap in &self.gaps {
            let Some(ordinal) = gap.ordinal else { continue };
            let is_same = files
                .get(&ordinal)
                .is_some_and(|file| (&file.path, &file.media_type) == (&gap.path, &gap.media_type));
            if !is_same {
                let what = "it names a document that is not listed so";
                found.push((DERIVED_ROW_CHANGED, format!("gap {}", gap.gap_id), what.to_owned()));
            }
        }
        for file in self.files.iter().filter(|file| file.has_text == 0) {
            let at = Some(file.ordinal);
            if !self.gaps.iter().any(|gap| gap.ordinal == at) {
                let what = "it has no words, and nothing says why";
                let object = format!("gap of attachment {} {}", self.set, file.ordinal);
                found.push((DERIVED_ROW_MISSING, object, what.to_owned()));
            }
        }
        found
    }

    /// Documents are listed without a break, each after what holds it, and under the path
    /// that their names give.
    fn files(&self) -> Vec<Found> {
        let mut found = Vec::new();
        let listed: Vec<Attachment> = self.files.iter().map(listed).collect();
        for (at, file) in (0..).zip(self.files) {
            if file.ordinal != at {
                let what = "those before it are not all there";
                let object = format!("attachment {} {at}", self.set);
                found.push((DERIVED_ROW_MISSING, object, what.to_owned()));
                return found;
            }
            let object = || format!("attachment {} {at}", self.set);
            if file.parent.is_some_and(|parent| parent < 0 || parent >= at) {
                let what = "not as a document gives it: parent";
                found.push((DERIVED_ROW_CHANGED, object(), what.to_owned()));
            } else if extract::path(&listed, &listed[at as usize]) != file.path {
                let what = "not as its names give it: path";
                found.push((DERIVED_ROW_CHANGED, object(), what.to_owned()));
            }
        }
        found
    }
}

/// As far as its path goes by it.
fn listed(file: &FileRow) -> Attachment {
    Attachment {
        ordinal: u32::try_from(file.ordinal).unwrap_or(u32::MAX),
        parent: file.parent.and_then(|parent| u32::try_from(parent).ok()),
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        size: file.size_bytes as u64,
        sha256: Digest([0; 32]),
        md5: Vec::new(),
        text: None,
        language: None,
        is_ocred: false,
        about: Vec::new(),
        is_part: file.is_part != 0,
    }
}
