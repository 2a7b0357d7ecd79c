//! How the documents that terms find are spread: over years and custodians, and which
//! of them are shown.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use jiff::tz::TimeZone;
use tantivy::SegmentReader;
use tantivy::columnar::Column;

use crate::base::ids::SetId;
use crate::index::bits::Bits;
use crate::index::eval::{Found, Segment};
use crate::index::plan::{Expr, took_part};
use crate::index::schema::{self, Fields};
use crate::index::{IndexError, Order, Scope};
use crate::query::ast::Query;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    pub documents: u64,
    pub families: u64,
}

impl Sizes {
    pub(super) fn add(&mut self, documents: &Bits, families: &Bits) {
        self.documents += documents.count() as u64;
        self.families += families.count() as u64;
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    pub hits: Sizes,
    /// All documents of those families.
    pub with_family: u64,
    /// Hits by the year of their family's date, in the query's zone.
    pub years: BTreeMap<i16, u64>,
    /// Hits of families without that date, or of a year that no calendar has.
    pub undated: u64,
    /// Hits of families in which each custodian took part, in the order asked.
    pub custodians: Vec<u64>,
}

impl Spread {
    pub(super) fn add(&mut self, view: &View<'_>, hits: &Bits) {
        let families = hits.lifted(view.starts);
        self.hits.add(hits, &families);
        self.with_family += families.spread(view.starts).count() as u64;
        self.custodians.resize(view.custodians.len(), 0);
        for (count, theirs) in self.custodians.iter_mut().zip(&view.custodians) {
            let mut those = hits.clone();
            those.and(theirs);
            *count += those.count() as u64;
        }
        let found = Found { families, documents: hits.clone(), starts: Arc::clone(view.starts) };
        for (family, count) in found.families.iter().zip(found.documents_in_families()) {
            match view.year(family) {
                Some(year) => *self.years.entry(year).or_default() += u64::from(count),
                None => self.undated += u64::from(count),
            }
        }
    }
}

/// The years that are told apart.
const YEARS: std::ops::RangeInclusive<i16> = 1..=9998;

/// What is asked of every segment.
pub(super) struct Spreader {
    date: &'static str,
    zone: TimeZone,
    custodians: Vec<Expr>,
}

impl Spreader {
    pub fn new(fields: &Fields, base: &(Query, Scope), custodians: &[Vec<String>]) -> Self {
        let date = match base.1.order {
            Order::Received => schema::RECEIVED,
            Order::Sent => schema::SENT,
        };
        let custodians = custodians.iter().map(|it| took_part(fields, it)).collect();
        Self { date, zone: base.0.zone.clone(), custodians }
    }

    pub fn view<'a>(
        &'a self,
        reader: &SegmentReader,
        segment: &Segment<'_>,
        starts: &'a Arc<Bits>,
    ) -> Result<View<'a>, IndexError> {
        let columns = reader.fast_fields();
        let theirs = self.custodians.iter().map(|expr| segment.all_within(expr));
        Ok(View {
            starts,
            sets: columns.u64(schema::SET)?,
            dates: columns.i64(self.date)?,
            zone: &self.zone,
            custodians: theirs.collect::<Result<_, _>>()?,
        })
    }
}

/// A segment as its documents are counted.
pub(super) struct View<'a> {
    /// Where families begin.
    pub starts: &'a Arc<Bits>,
    sets: Column<u64>,
    dates: Column<i64>,
    zone: &'a TimeZone,
    /// The documents of each.
    custodians: Vec<Bits>,
}

impl View<'_> {
    fn year(&self, family: u32) -> Option<i16> {
        let at = jiff::Timestamp::from_microsecond(self.dates.first(family)?).ok()?;
        Some(self.zone.to_datetime(at).year()).filter(|year| YEARS.contains(year))
    }
}

/// The families of which a hash with the seed is least: any of them as likely as another.
pub(super) struct Sample {
    seed: u64,
    size: usize,
    /// The greatest on top.
    least: BinaryHeap<(u64, SetId)>,
}

impl Sample {
    pub fn new(seed: u64, size: usize) -> Self {
        Self { seed, size, least: BinaryHeap::new() }
    }

    pub fn draw(&mut self, view: &View<'_>, families: &Bits) {
        for family in families.iter() {
            let Some(set) = view.sets.first(family) else { continue };
            self.least.push((mixed(self.seed ^ mixed(set)), SetId(set.cast_signed())));
            if self.least.len() > self.size {
                self.least.pop();
            }
        }
    }

    pub fn drawn(self) -> Vec<SetId> {
        self.least.into_sorted_vec().into_iter().map(|(_, set)| set).collect()
    }
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
