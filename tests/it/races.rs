//! Holds placed and released, erasures, dispositions and compactions at once, each cut
//! off anywhere: what a hold in force covers can always be read, and what was erased
//! never again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use muniment::base::clock::{Clock, Timestamp};
use muniment::base::ids::{HoldId, RecordId};
use muniment::catalog::disposition::{self, State as Disposed};
use muniment::catalog::erasure::{self as rows, State};
use muniment::catalog::job::{self, Lease};
use muniment::catalog::lease::Turn;
use muniment::retention::{self, Retention, compact, erase, erasure};

use super::erasure::{Laid, version};
use super::support::random::Random;

/// In January 2030 what came in January 2026 may be destroyed in the shorter class.
const AFTER: i64 = 1_894_000_000;
const MESSAGES: usize = 8;

struct Race {
    laid: Laid,
    /// When dispositions are due.
    later: Retention,
    random: Random,
    seed: u64,
    /// What each hold in force has been seen to keep.
    holds: BTreeMap<HoldId, (usize, BTreeSet<RecordId>)>,
    /// Which message each record carries.
    messages: BTreeMap<RecordId, usize>,
}

impl Race {
    async fn new(seed: u64) -> Self {
        let groups: Vec<Vec<(usize, &str, &str)>> = (0..MESSAGES)
            .map(|number| {
                let next = (number + 1) % MESSAGES;
                vec![(number, "a", "default"), (next, "a", "default")]
            })
            .collect();
        let laid = Laid::of(&groups).await;
        let mut later = laid.retention.clone();
        later.clock = Clock::fixed(Timestamp::from_seconds(AFTER));
        let mut messages = BTreeMap::new();
        for row in laid.rows().await {
            let record = laid.archive().vault.open_record(&row.at()).await.unwrap();
            let bytes = record.bytes().await.unwrap();
            let number = (0..MESSAGES).find(|number| bytes == version(*number, "a")).unwrap();
            messages.insert(row.record, number);
        }
        assert_eq!(messages.len(), 2 * MESSAGES);
        Self { laid, later, random: Random::new(seed), seed, holds: BTreeMap::new(), messages }
    }

    fn pick(&mut self, below: usize) -> usize {
        (self.random.next() % below as u64) as usize
    }

    /// One thing that somebody does, while a job goes on until it is cut off.
    async fn step(&mut self) {
        let patience = Duration::from_micros(self.random.next() % 60_000);
        let (what, number) = (self.pick(14), self.pick(MESSAGES));
        let released = match what {
            3 | 4 if !self.holds.is_empty() => {
                let at = self.pick(self.holds.len());
                self.holds.keys().nth(at).copied()
            }
            _ => None,
        };
        if let Some(id) = released {
            // From here on it keeps nothing.
            self.holds.remove(&id);
        }
        let (laid, later) = (&self.laid, &self.later);
        let somebody = async {
            match what {
                0..=2 => return Some((laid.hold(number).await, number)),
                3 | 4 => {
                    if let Some(id) = released {
                        laid.release(id).await;
                    }
                }
                // Refused where it is held, gone or asked for already.
                5..=9 => {
                    if let Ok(id) = laid.propose(number).await {
                        let ron = &laid.people[1];
                        let _ = erasure::approve(ron, &laid.retention, id, "yes").await;
                    }
                }
                10 => dispose(laid, later).await,
                11 => {
                    let mut turn = Turn::new(laid.archive().catalog.clone(), "compact");
                    compact::run(later, &mut turn).await.unwrap();
                }
                _ => resume(laid, later).await,
            }
            None
        };
        let working = async {
            tokio::select! {
                () = work(laid, later) => {}
                () = tokio::time::sleep(patience) => {}
            }
        };
        let (placed, ()) = tokio::join!(somebody, working);
        if let Some((id, number)) = placed {
            self.holds.insert(id, (number, BTreeSet::new()));
        }
        self.check().await;
    }

    async fn check(&mut self) {
        let seed = self.seed;
        // First, since a commit that was under way when its job was cut off may come in
        // between.
        let mut gone = Vec::new();
        for row in rows::list(&self.laid.archive().catalog).await.unwrap() {
            if matches!(row.state, State::Erasing | State::Done) {
                let told: erasure::Gone = serde_json::from_str(&row.result.unwrap()).unwrap();
                gone.extend(told.records);
            }
        }
        // All that the catalog has can be read, and says what it said.
        let mut there = BTreeSet::new();
        for row in self.laid.rows().await {
            let record = self.laid.archive().vault.open_record(&row.at()).await;
            let record = record.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let bytes = record.bytes().await.unwrap();
            assert_eq!(bytes, version(self.messages[&row.record], "a"), "seed {seed}");
            there.insert(row.record);
        }
        for (number, kept) in self.holds.values_mut() {
            assert!(kept.is_subset(&there), "seed {seed}: something held is gone");
            let messages = &self.messages;
            kept.extend(there.iter().filter(|record| messages[record] == *number));
        }
        let is_there = gone.iter().any(|record| there.contains(record));
        assert!(!is_there, "seed {seed}: something erased is there");
        self.laid.no_key_is_left().await;
    }

    /// Nobody holds anything, and everything is gone on with to its end.
    async fn end(self) {
        for id in self.holds.keys() {
            self.laid.release(*id).await;
        }
        for _ in 0..3 {
            resume(&self.laid, &self.later).await;
            work(&self.laid, &self.later).await;
        }
        let catalog = &self.laid.archive().catalog;
        for row in rows::list(catalog).await.unwrap() {
            let is_over = !matches!(row.state, State::Approved | State::Erasing);
            let stops = erasure::stops(&self.laid.people[0], &self.laid.retention).await.unwrap();
            assert!(is_over, "seed {}: {:?}", self.seed, stops.get(&row.erasure_id));
        }
        self.laid.no_key_is_left().await;
        self.laid.publish().await;
        self.laid.check_whole().await;
        self.laid.rebuilt("again.db").await;
    }
}

async fn dispose(laid: &Laid, later: &Retention) {
    let [rita, ron, _] = &laid.people[..] else { panic!() };
    if let Ok(row) = retention::propose(rita, later, "hr", "2026-01").await {
        retention::approve(ron, later, row.disposition_id, "time").await.unwrap();
    }
}

/// Goes on with what stopped.
async fn resume(laid: &Laid, later: &Retention) {
    let (catalog, ron) = (&laid.archive().catalog, &laid.people[1]);
    for row in rows::list(catalog).await.unwrap() {
        if matches!(row.state, State::Approved | State::Erasing) {
            erasure::resume(ron, &laid.retention, row.erasure_id).await.unwrap();
        }
    }
    for row in disposition::list(catalog).await.unwrap() {
        if matches!(row.state, Disposed::Approved | Disposed::Destroying) {
            retention::resume(ron, later, row.disposition_id).await.unwrap();
        }
    }
}

/// Does the jobs that wait, while what was decided is told and published.
async fn work(laid: &Laid, later: &Retention) {
    let catalog = &laid.archive().catalog;
    let jobs = async {
        let now = laid.archive().clock.now();
        while let Some(found) = job::lease(catalog, &Lease::from("serve", now), now).await.unwrap()
        {
            match found.kind.as_str() {
                erasure::KIND => erase::run(&laid.retention, found, "serve").await.unwrap(),
                _ => retention::run::run(later, found, "serve").await.unwrap(),
            }
        }
    };
    let others = async {
        loop {
            laid.publish().await;
        }
    };
    tokio::select! {
        () = jobs => {}
        () = others => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_race_destroys_what_is_held_or_keeps_what_is_erased() {
    let (rounds, steps) =
        if std::env::var_os("MUNIMENT_TEST_LONG").is_some() { (120, 40) } else { (1, 36) };
    let seed = Random::seed();
    println!("seed {seed} (set MUNIMENT_TEST_SEED to repeat)");
    for round in 0..rounds {
        let mut race = Race::new(seed.wrapping_add(round)).await;
        for _ in 0..steps {
            race.step().await;
        }
        race.end().await;
    }
}
