//! Messages whose text is nearly that of another one, as far as the reader sees: the
//! index gives those that share a band with it, and their texts decide.

use std::cmp::Reverse;

use serde_json::json;

use super::around::around;
use super::{Search, SearchError};
use crate::access::Actor;
use crate::access::audit::{self, Act, Outcome};
use crate::base::ids::{MatterId, SetId};
use crate::base::limits;
use crate::catalog::hit::{self, HitRow};
use crate::index::{Index, IndexError, Keys, Scope, Sharing};
use crate::similar::near::{self, Shingles};

/// How much two texts have in common: shingles of both, and of either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub both: u64,
    pub either: u64,
}

impl Share {
    fn is_at_least(self, percent: u8) -> bool {
        self.both * 100 >= self.either * u64::from(percent)
    }

    /// In tenths of a percent, rounded down: all of them only where nothing differs.
    pub fn permille(self) -> u64 {
        self.both * 1000 / self.either.max(1)
    }
}

#[derive(Debug)]
pub struct Near {
    /// Those that are near enough, the nearest first. Never the message itself.
    pub rows: Vec<(HitRow, Share)>,
    /// More may be near than were compared.
    pub is_cut: bool,
    /// Why nothing is compared with its text.
    pub why_not: Option<NotCompared>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCompared {
    NoText,
    TooLong,
}

/// The messages that have at least `percent` of the text of both in common with `set`.
/// The audit's row is durable before it is returned.
pub async fn near(
    actor: &Actor,
    search: &Search,
    matter: Option<MatterId>,
    set: SetId,
    percent: u8,
) -> Result<Near, SearchError> {
    let found = around(actor, search, matter, set, move |index, scope| {
        compared(index, set, scope, percent)
    })
    .await?;
    let Compared { found, is_cut, why_not } = found;
    let sets: Vec<SetId> = found.iter().map(|(set, _)| *set).collect();
    let rows = hit::load(&search.catalog, &sets).await?;
    let share = |of: SetId| found.iter().find(|(set, _)| *set == of).map(|(_, share)| *share);
    let rows = rows.into_iter().filter_map(|row| Some((share(row.set)?, row)));
    let rows = rows.map(|(share, row)| (row, share)).collect();
    let act = Act::new("message.near", matter, format!("message {set}"))
        .with(json!({ "set": set, "percent": percent, "shown": sets, "is_cut": is_cut }));
    audit::record(&search.catalog, &search.clock, actor, &act, Outcome::Done).await?;
    Ok(Near { rows, is_cut, why_not })
}

#[derive(Default)]
struct Compared {
    found: Vec<(SetId, Share)>,
    is_cut: bool,
    why_not: Option<NotCompared>,
}

fn compared(index: &Index, set: SetId, scope: &Scope, percent: u8) -> Result<Compared, IndexError> {
    let not = |why| Ok(Compared { why_not: Some(why), ..Compared::default() });
    let Some(own) = index.stored(set)? else { return not(NotCompared::NoText) };
    if own.body.len() > limits::NEAR_TEXT_BYTES_MAX {
        return not(NotCompared::TooLong);
    }
    let shingles = Shingles::of(&own.body);
    if shingles.is_empty() {
        return not(NotCompared::NoText);
    }
    let at = own.sent_at.unwrap_or(own.received_at);
    let keys = Keys::Near(near::bands(&own.body));
    // Who shares the most bands is the nearest, as far as they tell.
    let rank = |it: &Sharing| (Reverse(it.keys), it.at.0.abs_diff(at.0), it.set);
    let most = limits::NEAR_COMPARED_MAX + 1;
    let (candidates, total) = index.sharing(&keys, scope, most, rank)?;
    let mut is_cut = total > candidates.len() as u64;
    let (mut found, mut read_bytes) = (Vec::new(), 0);
    for Sharing { set: other, .. } in candidates.into_iter().filter(|it| it.set != set) {
        if read_bytes > limits::NEAR_COMPARED_BYTES_MAX {
            is_cut = true;
            break;
        }
        let Some(doc) = index.stored(other)? else { continue };
        read_bytes += doc.body.len();
        let (both, either) = shingles.common(&doc.body);
        let share = Share { both: both as u64, either: either as u64 };
        if share.is_at_least(percent) {
            found.push((other, share));
        }
    }
    // By the quotients, exactly.
    found.sort_by(|(a, one), (b, other)| {
        (other.both * one.either).cmp(&(one.both * other.either)).then(a.cmp(b))
    });
    Ok(Compared { found, is_cut, why_not: None })
}
