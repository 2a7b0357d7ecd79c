//! The rows of a record: its delivery, its messages and its leaf.

use serde::de::DeserializeOwned;

use super::finding::{
    DELIVERY_ORDER, DELIVERY_ROW_CHANGED, DELIVERY_ROW_MISSING, LEAF_ROW_CHANGED, LEAF_ROW_MISSING,
};
use super::log::leaf_object;
use super::{ScrubError, Work};
use crate::base::ids::{RecordId, SegmentId};
use crate::catalog::doubt::{self, Messages, RawDelivery};
use crate::ingest::adopt::new_delivery;
use crate::ingest::rebuild::Progress;
use crate::mail::defect::Defect;
use crate::mail::journal::Envelope;
use crate::mail::transaction::Transaction;
use crate::vault::open::{OpenRecord, OpenSegment};
use crate::vault::record::RecordMeta;
use crate::vault::segment::Entry;

impl<P: Progress> Work<'_, P> {
    /// Compares a record's rows with what lies in the bucket; whether they are so.
    pub(super) async fn row_of_record(
        &mut self,
        open: &OpenSegment,
        index: u32,
        entry: &Entry,
        sealed: &OpenRecord,
        row: Option<(&RawDelivery, Option<&Messages>, &[SegmentId])>,
    ) -> Result<bool, ScrubError> {
        let (record, faults) = (entry.record, self.faults);
        let object = format!("record {record}");
        match row {
            Some((row, messages, told)) => {
                let mut changed = changed(open, index, entry, sealed.meta(), row, messages);
                if told != sealed.needs() {
                    changed.push("needs");
                }
                if !changed.is_empty() {
                    let what = format!("not as in the bucket: {}", changed.join(", "));
                    self.fault(DELIVERY_ROW_CHANGED, object, what, &[record]);
                }
            }
            None if doubt::seq_of(&self.on.catalog, record).await?.is_none() => {
                let what = "the bucket has it, and the catalog has no delivery of it";
                self.fault(DELIVERY_ROW_MISSING, object, what, &[record]);
            }
            // Among the rows of another segment, where it is named.
            None => {}
        }
        match doubt::leaf_of(&self.on.catalog, record).await? {
            None => {
                let what = "the catalog has no leaf of it";
                self.fault(LEAF_ROW_MISSING, leaf_object(0, Some(record)), what, &[record]);
            }
            Some(leaf) if leaf.body != entry.leaf => {
                let what = "the catalog's leaf is not the one in its segment";
                self.fault(LEAF_ROW_CHANGED, leaf_object(0, Some(record)), what, &[record]);
            }
            Some(_) => {}
        }
        Ok(self.faults == faults)
    }

    /// Deliveries stand in the order of their leaves.
    pub(super) async fn order(&mut self, rows: &[RawDelivery]) -> Result<(), ScrubError> {
        for row in rows {
            let Ok(record) = RecordId::try_from(&row.record[..]) else { continue };
            let Some(leaf) = doubt::leaf_of(&self.on.catalog, record).await? else { continue };
            let position = leaf.position as i64;
            if position < self.state.last_position {
                let what = "its place in commit order is not the one that its leaf has in the log";
                self.fault(DELIVERY_ORDER, format!("record {record}"), what, &[record]);
            }
            self.state.last_position = position;
        }
        Ok(())
    }
}

fn changed(
    open: &OpenSegment,
    index: u32,
    entry: &Entry,
    meta: &RecordMeta,
    row: &RawDelivery,
    messages: Option<&Messages>,
) -> Vec<&'static str> {
    let told = new_delivery(entry.record, index, meta, Vec::new(), entry.leaf.clone());
    let header = open.header();
    let of_record: Messages = told
        .messages
        .iter()
        .map(|it| (i64::from(it.entry), it.sha256.0.to_vec(), it.size_bytes as i64))
        .collect();
    let envelope = row.envelope.as_deref().map(read::<Envelope>);
    let fields = [
        ("entry", row.entry != i64::from(index)),
        ("source", row.source != told.source),
        ("received_at", row.received_at != told.received_at.0),
        ("class", row.class != header.class),
        ("epoch", row.epoch != header.epoch),
        ("size_bytes", row.size_bytes != told.size_bytes as i64),
        ("sha256", row.sha256 != told.sha256.0),
        ("form", row.form != told.form),
        ("is_proven", row.is_proven != i64::from(told.is_proven)),
        ("transaction", read::<Transaction>(&row.transaction).as_ref() != Some(&meta.transaction)),
        ("envelope", envelope != meta.delivery.envelope.clone().map(Some)),
        ("defects", read::<Vec<Defect>>(&row.defects).as_ref() != Some(&meta.delivery.defects)),
        ("messages", messages.map_or(&[][..], |it| &it[..]) != &of_record[..]),
    ];
    fields.into_iter().filter(|(_, is_other)| *is_other).map(|(name, _)| name).collect()
}

/// As an older version may have written it: fields can be absent.
fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}
