//! What was decided: the tables of people, matters, holds and jobs, and the audit,
//! against what the statements give, played into a catalog of their own.
//!
//! A change is told within a minute, and its audit row with it. So a difference is
//! excused only by an audit row that is not told yet and of an act that could have
//! made it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::finding::{
    AUDIT_ROW_CHANGED, AUDIT_ROW_MISSING, STATE_ROW_CHANGED, STATE_ROW_EXTRA, STATE_ROW_MISSING,
    note,
};
use super::{ScrubError, Work, remove_scratch};
use crate::catalog::disposition::State;
use crate::catalog::state::{self, Row, Table, Value};
use crate::catalog::{Catalog, doubt, scrub};
use crate::ingest::rebuild::Progress;
use crate::ledger::leaf::Leaf;
use crate::policy::restore::Replay;
use crate::vault::statement::object_name;

const LEAVES_AT_ONCE: u32 = 200;
const AUDIT_AT_ONCE: usize = 1000;
/// How often statements that came meanwhile are played too.
const TRIES: usize = 5;
/// What a job was asked for does not change; how far it is does.
const OF_JOB: [&str; 6] = ["job_id", "kind", "matter_id", "asked_by", "request", "created_at"];

const DESTROYING: &str = State::Destroying.as_str();

impl<P: Progress> Work<'_, P> {
    pub(super) async fn decisions(&mut self) -> Result<(), ScrubError> {
        let id = self.row.scrub_id;
        if scrub::has_fault_of(&self.on.catalog, id, "statement").await? {
            let what = "statements are missing or damaged";
            self.note(note::STATE_NOT_COMPARED, "people, matters and holds", what);
            return Ok(());
        }
        std::fs::create_dir_all(&self.on.work)
            .map_err(|source| ScrubError::Scratch { path: self.on.work.clone(), source })?;
        let path = self.on.work.join(format!("check-{id}.db"));
        remove_scratch(&path)?;
        let compared = self.compare_in(&path).await;
        remove_scratch(&path)?;
        compared
    }

    async fn compare_in(&mut self, path: &Path) -> Result<(), ScrubError> {
        let told = Catalog::create(path).await?;
        let compared = self.compare(&told).await;
        told.close().await;
        compared
    }

    async fn compare(&mut self, told: &Catalog) -> Result<(), ScrubError> {
        let mut replay = Replay::default();
        let mut next = 0;
        for _ in 0..TRIES {
            next = self.play(&mut replay, told, next).await?;
            let is_more = doubt::leaves_of_statements(&self.on.catalog, next, 1).await?;
            if is_more.is_empty() {
                break;
            }
        }
        if !replay.is_sealed {
            let what = "nothing was told to the bucket yet";
            self.note(note::STATE_NOT_COMPARED, "people, matters and holds", what);
            return Ok(());
        }
        // What the statements give is read first: what is told meanwhile has its
        // audit rows after these.
        let expected = state::snapshot(told, 0, 0).await?;
        let untold = self.audit(told).await?;
        let found = state::snapshot(&self.on.catalog, 0, 0).await?;
        for ((table, expected), (_, found)) in expected.tables.into_iter().zip(found.tables) {
            if !table.is_appended && !is_excused(table.name, &untold) {
                self.table_of_state(table, &expected, &found);
            }
        }
        Ok(())
    }

    async fn play(
        &mut self,
        replay: &mut Replay,
        told: &Catalog,
        mut next: u64,
    ) -> Result<u64, ScrubError> {
        loop {
            let leaves =
                doubt::leaves_of_statements(&self.on.catalog, next, LEAVES_AT_ONCE).await?;
            for leaf in &leaves {
                next = leaf.position + 1;
                let name = match Leaf::decode(&leaf.body) {
                    Ok(Leaf::Event { at, object, .. } | Leaf::Seal { at, object, .. }) => {
                        object_name(at, &object)
                    }
                    _ => continue,
                };
                if let Some((opened, _)) = self.open_statement(&name).await? {
                    replay.play(&opened, told).await?;
                }
                self.at(next, self.state.counts.leaves.max(next)).await?;
            }
            if leaves.is_empty() {
                return Ok(next);
            }
        }
    }

    /// Compares the audit that was told; gives the acts that are not told yet.
    async fn audit(&mut self, told: &Catalog) -> Result<HashSet<String>, ScrubError> {
        let mut last = 0;
        loop {
            let expected = state::audit_after(told, last, AUDIT_AT_ONCE).await?;
            let Some(until) = expected.last().map(|row| number(&row[0])) else { break };
            let found = state::audit_after(&self.on.catalog, last, AUDIT_AT_ONCE).await?;
            let found: HashMap<i64, &Row> =
                found.iter().map(|row| (number(&row[0]), row)).collect();
            for row in &expected {
                let object = format!("audit {}", number(&row[0]));
                match found.get(&number(&row[0])) {
                    Some(found) if *found == row => {}
                    Some(_) => {
                        let what = "not as it was told to the bucket";
                        self.fault(AUDIT_ROW_CHANGED, object, what, &[]);
                    }
                    None => {
                        let what = "it was told to the bucket, and the catalog does not have it";
                        self.fault(AUDIT_ROW_MISSING, object, what, &[]);
                    }
                }
            }
            last = until;
        }
        let mut untold = HashSet::new();
        loop {
            let rows = state::audit_after(&self.on.catalog, last, AUDIT_AT_ONCE).await?;
            let Some(until) = rows.last().map(|row| number(&row[0])) else { return Ok(untold) };
            untold.extend(rows.iter().map(|row| text(&row[3])));
            last = until;
        }
    }

    fn table_of_state(&mut self, table: &'static Table, expected: &[Row], found: &[Row]) {
        let mut found: HashMap<&[Value], &Row> =
            found.iter().map(|row| (table.key_of(row), row)).collect();
        for row in expected {
            let key = table.key_of(row);
            let object = object(table, key);
            match found.remove(key) {
                None => {
                    let what = "it was told to the bucket, and the catalog does not have it";
                    self.fault(STATE_ROW_MISSING, object, what, &[]);
                }
                Some(found) => {
                    let names = table.names();
                    let is_under_way = names
                        .iter()
                        .position(|name| table.name == "disposition" && *name == "state")
                        .is_some_and(|at| text(&found[at]) == DESTROYING);
                    let is_compared = |name: &str| match table.name {
                        "job" => OF_JOB.contains(&name),
                        // How far it is, is told once a minute.
                        _ => !is_under_way || name != "result",
                    };
                    let columns = names.iter().enumerate().filter(|(_, name)| is_compared(name));
                    let changed: Vec<_> = columns
                        .filter(|(at, _)| found[*at] != row[*at])
                        .map(|(_, name)| *name)
                        .collect();
                    if !changed.is_empty() {
                        let what =
                            format!("not as it was told to the bucket: {}", changed.join(", "));
                        self.fault(STATE_ROW_CHANGED, object, what, &[]);
                    }
                }
            }
        }
        let mut extra: Vec<_> = found.into_keys().collect();
        extra.sort_by_key(|key| format!("{key:?}"));
        for key in extra {
            let what = "no statement told it, and no act that is yet to be told made it";
            self.fault(STATE_ROW_EXTRA, object(table, key), what, &[]);
        }
    }
}

fn object(table: &Table, key: &[Value]) -> String {
    let key: Vec<String> = key
        .iter()
        .map(|value| match value {
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            Value::Null => "null".to_owned(),
        })
        .collect();
    format!("{} {}", table.name, key.join(" "))
}

/// Whether an act that is not told yet may have changed a table.
fn is_excused(table: &str, untold: &HashSet<String>) -> bool {
    let rooms: &[&str] = match table {
        "meta" => &[],
        "person" => &["person.", "session.password"],
        "matter" | "matter_member" => &["matter.", "person."],
        "custodian" | "custodian_address" => &["custodian.", "matter."],
        "hold" | "hold_custodian" => &["hold.place", "hold.release", "custodian."],
        "document_password" => &["password.", "matter."],
        "job" => {
            &["export.", "archive.rebuild", "import.", "disposition.", "erasure.", "gap.retry"]
        }
        // What later versions keep there: looking alone changes nothing of it.
        _ => return untold.iter().any(|act| !act.starts_with("search") && act != "message.view"),
    };
    untold.iter().any(|act| rooms.iter().any(|room| act.starts_with(room)))
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Integer(number) => *number,
        _ => 0,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        _ => String::new(),
    }
}
