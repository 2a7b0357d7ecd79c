//! Deliveries in commit order, those of one segment at a time: rows against what
//! lies in the bucket, and the segment against rows and leaves.

use super::finding::{DELIVERY_ROW_CHANGED, DELIVERY_ROW_EXTRA, DELIVERY_ROW_MISSING};
use super::{ScrubError, Work};
use crate::base::ids::{RecordId, SegmentId};
use crate::base::limits::SCRUB_FINDINGS_SHOWN;
use crate::catalog::doubt::{self, RawDelivery};
use crate::catalog::rebuild;
use crate::ingest::rebuild::Progress;

const ROWS_AT_ONCE: u32 = 500;
/// No segment holds as many records.
const RUN_ROWS_MAX: usize = 100_000;

impl<P: Progress> Work<'_, P> {
    pub(super) async fn records(&mut self) -> Result<(), ScrubError> {
        let until = self.state.until_seq;
        let mut run: Vec<RawDelivery> = Vec::new();
        let mut seq = self.row.position.parse().unwrap_or(0);
        loop {
            let catalog = &self.on.catalog;
            let rows = doubt::deliveries(catalog, seq, until, ROWS_AT_ONCE).await?;
            let is_last = rows.len() < ROWS_AT_ONCE as usize;
            for row in rows {
                seq = row.seq;
                let is_new = run.last().is_some_and(|last| last.segment != row.segment);
                if is_new || run.len() == RUN_ROWS_MAX {
                    self.run_of_rows(std::mem::take(&mut run)).await?;
                }
                run.push(row);
            }
            if is_last {
                break;
            }
        }
        if !run.is_empty() {
            self.run_of_rows(run).await?;
        }
        self.lone_rows().await
    }

    async fn run_of_rows(&mut self, run: Vec<RawDelivery>) -> Result<(), ScrubError> {
        let Some(last) = run.last().map(|row| row.seq) else { return Ok(()) };
        self.state.counts.deliveries += run.len() as u64;
        match run.first().and_then(|row| SegmentId::try_from(&row.segment[..]).ok()) {
            Some(id) => self.segment(id, &run).await?,
            None => {
                for row in &run {
                    self.of_no_segment(row).await?;
                }
            }
        }
        self.at(last as u64, self.state.until_seq as u64).await?;
        self.done(last.to_string()).await
    }

    /// A delivery that is not in the segment that it names.
    pub(super) async fn of_no_segment(&mut self, row: &RawDelivery) -> Result<(), ScrubError> {
        let Ok(record) = RecordId::try_from(&row.record[..]) else {
            let object = format!("delivery {}", row.seq);
            self.fault(DELIVERY_ROW_EXTRA, object, "it names no record", &[]);
            return Ok(());
        };
        let object = format!("record {record}");
        match doubt::leaf_of(&self.on.catalog, record).await? {
            Some(_) => {
                let what = "its row names a segment that does not hold it";
                self.fault(DELIVERY_ROW_CHANGED, object, what, &[record]);
            }
            None => {
                let what = "the catalog has a delivery of which there is no record and no leaf";
                self.fault(DELIVERY_ROW_EXTRA, object, what, &[record]);
            }
        }
        Ok(())
    }

    /// Rows that the way through the deliveries does not come by.
    async fn lone_rows(&mut self) -> Result<(), ScrubError> {
        let limit = SCRUB_FINDINGS_SHOWN as u32;
        for id in doubt::empty_segments(&self.on.catalog, limit).await? {
            if let Ok(id) = SegmentId::try_from(&id[..]) {
                self.segment(id, &[]).await?;
            }
        }
        let (_, missing) = rebuild::missing(&self.on.catalog, limit).await?;
        for record in missing {
            let what = "the log has its leaf, and the catalog has no delivery of it";
            self.fault(DELIVERY_ROW_MISSING, format!("record {record}"), what, &[record]);
        }
        for seq in doubt::lone_messages(&self.on.catalog, limit).await? {
            let what = "the catalog has messages of a delivery that it has no row of";
            self.fault(DELIVERY_ROW_CHANGED, format!("delivery {seq}"), what, &[]);
        }
        Ok(())
    }
}
