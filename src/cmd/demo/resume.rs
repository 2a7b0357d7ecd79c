//! Going on where a run was cut off: what the archive has, by the bytes.

use std::cell::Cell;
use std::collections::HashMap;

use super::client::Outgoing;
use crate::base::hash::Digest;
use crate::base::ids::DeliverySeq;
use crate::catalog::{Catalog, CatalogError, delivery};

const PAGE_ROWS: u32 = 1000;

/// How often the archive has each delivery.
#[derive(Debug, Default)]
pub struct Kept(HashMap<Digest, u64>);

impl Kept {
    pub async fn of(catalog: &Catalog) -> Result<Self, CatalogError> {
        let mut kept = Self::default();
        let mut at = DeliverySeq(0);
        loop {
            let rows = delivery::after(catalog, at, PAGE_ROWS).await?;
            let Some(last) = rows.last() else { return Ok(kept) };
            at = last.seq;
            rows.iter().for_each(|row| *kept.0.entry(row.sha256).or_default() += 1);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> u64 {
        self.0.values().sum()
    }

    /// What of `mail` the archive lacks; the rest is counted in `there`. Mail
    /// that is meant to come twice is there only if it came twice.
    pub fn missing<'a>(
        mut self,
        mail: impl Iterator<Item = Outgoing> + 'a,
        there: &'a Cell<u64>,
    ) -> impl Iterator<Item = Outgoing> + 'a {
        mail.filter(move |outgoing| {
            if self.0.is_empty() {
                return true;
            }
            let digest = Digest::of(&outgoing.bytes);
            let Some(left) = self.0.get_mut(&digest) else { return true };
            *left -= 1;
            if *left == 0 {
                self.0.remove(&digest);
            }
            there.set(there.get() + 1);
            false
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_left_out() {
        let mail = |texts: &[&str]| -> Vec<Outgoing> {
            let outgoing = |text: &&str| Outgoing {
                reverse_path: String::new(),
                bytes: text.as_bytes().to_vec(),
            };
            texts.iter().map(outgoing).collect()
        };
        let kept = HashMap::from([(Digest::of(b"a"), 1), (Digest::of(b"c"), 2)]);
        let there = Cell::new(0);
        let missing = Kept(kept).missing(mail(&["a", "b", "a", "c", "c"]).into_iter(), &there);
        let missing: Vec<_> = missing.map(|outgoing| outgoing.bytes).collect();
        assert_eq!(missing, [b"b", b"a"]);
        assert_eq!(there.get(), 3);
    }
}
