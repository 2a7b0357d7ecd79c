//! The account of the state: each change of a row that statements tell, with the acts
//! that the audit tells beside it. What a seal shows was true of the catalog, and not by
//! that of anybody's act: who changes a row beside the server has it sealed by the next
//! one. So a change counts as somebody's only where a row of the audit, told with it, is
//! of an act that makes exactly this of exactly this row.
//!
//! A seal shows tables and audit as of one instant, and an act writes its row of the audit
//! in its own transaction. So the acts between two seals account for what is between them.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde_json::json;

use super::effect::{Act, Effect, Left, REBUILD};
use super::restore::{content_of, row_of};
use super::{Content, PolicyError};
use crate::base::ids::ArchiveId;
use crate::base::limits::SEAL_AUDIT_ROWS;
use crate::catalog::disposition::State;
use crate::catalog::meta;
use crate::catalog::state::{Row, Rows, Snapshot, TABLES, Table, Value};
use crate::catalog::statement::{SEAL, StatementRow};
use crate::vault::statement::Opened;

/// What a job was asked for does not change; how far it is does, and no act says so.
const OF_JOB: [&str; 6] = ["job_id", "kind", "matter_id", "asked_by", "request", "created_at"];

/// A change that no act made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexplained {
    pub table: &'static str,
    pub key: Row,
    pub change: Change,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Made,
    /// These columns of it.
    Changed(Vec<&'static str>),
    Gone,
}

impl Unexplained {
    /// As a statement and the audit tell it.
    pub fn told(&self) -> serde_json::Value {
        let (change, columns) = match &self.change {
            Change::Made => ("made", &[][..]),
            Change::Changed(columns) => ("changed", &columns[..]),
            Change::Gone => ("gone", &[][..]),
        };
        json!({ "table": self.table, "key": self.key, "change": change, "columns": columns })
    }
}

/// As `hold_custodian 2 1`.
impl fmt::Display for Unexplained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.table)?;
        self.key.iter().try_for_each(|value| match value {
            Value::Integer(number) => write!(f, " {number}"),
            Value::Text(text) => write!(f, " {text}"),
            Value::Null => write!(f, " null"),
        })
    }
}

/// What the account makes of a statement.
#[derive(Debug, Default)]
pub struct Played {
    /// Rows of the audit that it tells.
    pub audit: Vec<Row>,
    pub unexplained: Vec<Unexplained>,
    /// Acts that were told, and no row of the audit is of them.
    pub without_audit: Vec<StatementRow>,
}

/// Which row of the state: its table, and its key.
type Name = (&'static str, Row);

/// A row's values; none of a column that the version that told it did not have.
type Cells = Vec<Option<Value>>;

/// An act that was told, until the audit of it is.
#[derive(Clone, Debug)]
struct Told {
    row: StatementRow,
    rows: HashMap<Name, Cells>,
}

#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The archive's id, which is in its rows from the start.
    archive: String,
    /// The rows as the last seal shows them.
    rows: HashMap<Name, Cells>,
    /// Rows that changed since all was accounted for, as they were then.
    before: HashMap<Name, Option<Cells>>,
    /// The acts since then, in their order.
    acts: Vec<Act>,
    told: Vec<Told>,
    last_audit: i64,
    is_begun: bool,
}

impl Account {
    /// One that begins where the log does.
    pub fn new(archive: ArchiveId) -> Self {
        Self { archive: archive.to_string(), ..Self::default() }
    }

    /// One that takes what is told now for granted.
    pub(super) fn from(tables: &[Rows]) -> Self {
        let mut account = Self { is_begun: true, ..Self::default() };
        account.take(tables);
        (account.before, account.acts) = Default::default();
        account
    }

    /// Whether the last seal shows the row so.
    pub(super) fn has(&self, table: &'static Table, row: &[Value]) -> bool {
        let known = self.rows.get(&(table.name, table.key_of(row).to_vec()));
        known.is_some_and(|known| known.iter().map(Option::as_ref).eq(row.iter().map(Some)))
    }

    /// The keys of a table's rows.
    pub(super) fn keys(&self, table: &'static Table) -> impl Iterator<Item = &Row> {
        self.rows.keys().filter(move |(name, _)| *name == table.name).map(|(_, key)| key)
    }

    /// The last row of the audit that was told.
    pub fn last_audit(&self) -> i64 {
        self.last_audit
    }

    /// Whether a seal was among what was played.
    pub fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Plays the next statement of the log.
    pub fn play(&mut self, opened: &Opened) -> Result<Played, PolicyError> {
        let content = content_of(opened)?;
        let row = row_of(opened, &content);
        let Content { tables, .. } = content;
        if row.action == SEAL {
            let audit = tables.iter().filter(|rows| rows.table == AUDIT);
            let audit: Vec<Row> = audit.flat_map(|rows| rows.rows.clone()).collect();
            let is_whole = audit.len() < SEAL_AUDIT_ROWS;
            return Ok(Played { audit, ..self.seal(row.follows, &tables, is_whole) });
        }
        let mut told = Told { row, rows: HashMap::new() };
        for (table, rows) in known(&tables) {
            let rows = rows.rows.iter().map(|row| (key(table, rows, row), cells(table, rows, row)));
            told.rows.extend(rows);
        }
        self.told.push(told);
        Ok(Played::default())
    }

    /// What a seal would show now, and of that what no act made. It is the last.
    pub fn close(mut self, found: Snapshot) -> Played {
        let whole = |(table, rows): (&'static Table, Vec<Row>)| Rows {
            is_whole: !table.is_appended,
            ..table.rows(rows)
        };
        let tables: Vec<Rows> = found.tables.into_iter().map(whole).collect();
        self.seal(found.follows, &tables, true)
    }

    /// What a seal shows; `is_accounted` where it has all of the audit until then.
    pub(super) fn seal(&mut self, follows: i64, tables: &[Rows], is_accounted: bool) -> Played {
        self.is_begun = true;
        self.take(tables);
        if !is_accounted {
            return Played::default();
        }
        let mut played = Played::default();
        let later = self.told.iter().position(|told| told.row.statement_id > follows);
        let later = self.told.split_off(later.unwrap_or(self.told.len()));
        let told = std::mem::replace(&mut self.told, later);
        let told_at = self.told_at(told, &mut played);
        let before = std::mem::take(&mut self.before);
        let was = |name: &Name| match before.get(name) {
            Some(was) => was.as_ref(),
            None => self.rows.get(name),
        };
        let mut unexplained: HashMap<Name, Change> = HashMap::new();
        for (at, told) in &told_at {
            // What an act told was so when it was done.
            for (name, row) in told.rows.iter().filter(|_| self.acts[*at].action != REBUILD) {
                let change = self.unexplained(name, was(name), Some(row), (*at + 1, &[]));
                unexplained.extend(change.map(|change| (name.clone(), change)));
            }
        }
        // What an act made and is not so is nobody's change as much as what none made.
        let told = told_at.iter().flat_map(|(_, told)| told.rows.keys().cloned());
        let mut names: HashSet<Name> = before.keys().cloned().chain(told).collect();
        names.extend(self.acts.iter().flat_map(Act::made));
        names.extend(self.touched());
        for name in names {
            let now = self.rows.get(&name);
            let change = self.unexplained(&name, was(&name), now, (self.acts.len(), &told_at));
            unexplained.extend(change.map(|change| (name, change)));
        }
        self.acts.clear();
        let unexplained = unexplained.into_iter();
        played.unexplained =
            unexplained.map(|((table, key), change)| Unexplained { table, key, change }).collect();
        played.unexplained.sort_by_key(|it| (it.table, format!("{:?}", it.key)));
        played
    }

    /// The rows that are there of which an act says something. Most seals tell of looks
    /// alone, and go through none.
    fn touched(&self) -> Vec<Name> {
        let mut touched = Vec::new();
        for table in TABLES {
            let acts: Vec<&Act> = self.acts.iter().filter(|act| act.concerns(table)).collect();
            if acts.is_empty() {
                continue;
            }
            let of_table = self.rows.iter().filter(|(name, _)| name.0 == table.name);
            let is_touched = |row: &[Option<Value>]| {
                let row = whole(row);
                acts.iter().any(|act| act.effect(table, &row).is_some())
            };
            let found = of_table.filter(|(_, row)| is_touched(row)).map(|(name, _)| name.clone());
            touched.extend(found);
        }
        touched
    }

    fn take(&mut self, tables: &[Rows]) {
        for (table, rows) in known(tables) {
            if table.is_appended {
                self.audit(&rows.rows);
                continue;
            }
            let mut shown = HashSet::new();
            for row in &rows.rows {
                let name = key(table, rows, row);
                let now = Some(cells(table, rows, row));
                if rows.is_whole {
                    shown.insert(name.clone());
                }
                self.put(name, now);
            }
            for gone in &rows.gone {
                self.put((table.name, gone.clone()), None);
            }
            if rows.is_whole {
                let is_gone = |name: &&Name| name.0 == table.name && !shown.contains(*name);
                let gone: Vec<Name> = self.rows.keys().filter(is_gone).cloned().collect();
                gone.into_iter().for_each(|name| self.put(name, None));
            }
        }
    }

    /// What a crash has told again is one act.
    fn audit(&mut self, rows: &[Row]) {
        for row in rows {
            let Some(Value::Integer(id)) = row.first() else { continue };
            if *id > self.last_audit {
                self.last_audit = *id;
                self.acts.extend(Act::of(row));
            }
        }
    }

    fn put(&mut self, name: Name, now: Option<Cells>) {
        let was = match &now {
            Some(now) => self.rows.insert(name.clone(), now.clone()),
            None => self.rows.remove(&name),
        };
        if was != now {
            self.before.entry(name).or_insert(was);
        }
    }

    /// The acts that were told, with their places among those of the audit. After a
    /// rebuild the audit's last minute is lost, and what was told of it is not.
    fn told_at(&self, told: Vec<Told>, played: &mut Played) -> Vec<(usize, Told)> {
        let mut found = Vec::new();
        let mut taken = HashSet::new();
        let rebuilt = self.acts.iter().position(|act| act.action == REBUILD);
        for told in told {
            let action = audited_as(&told.row.action);
            let is_it = |(at, act): &(usize, &Act)| {
                act.action == action && act.at == told.row.at.0 && !taken.contains(at)
            };
            let at = self.acts.iter().enumerate().find(is_it).map(|(at, _)| at);
            taken.extend(at);
            match at.or(rebuilt) {
                Some(at) => found.push((at, told)),
                None => played.without_audit.push(told.row),
            }
        }
        found
    }

    /// What the first `until` acts do not make of a row that was `was`.
    fn unexplained(
        &self,
        name: &Name,
        was: Option<&Cells>,
        now: Option<&Cells>,
        (until, told_at): (usize, &[(usize, Told)]),
    ) -> Option<Change> {
        if was == now && until == 0 {
            return None;
        }
        let table = Table::named(name.0)?;
        let of_told = || told_at.iter().find_map(|(_, told)| told.rows.get(name));
        let row = match was.or(now).or_else(of_told) {
            Some(row) => whole(row),
            None => table.with_key(&name.1),
        };
        let mut left = was.map(|was| was.iter().map(exactly).collect::<Vec<_>>());
        if self.is_archive(name) {
            // There before anybody acts.
            let values = [meta::ARCHIVE_ID, &self.archive[..]];
            left = Some(values.map(|text| Left::Exactly(Value::Text(text.to_owned()))).into());
        }
        for (at, act) in self.acts[..until].iter().enumerate() {
            match act.effect(table, &row) {
                None => {}
                Some(Effect::Gone) => left = None,
                Some(Effect::Is(columns)) => {
                    let of_row = left.get_or_insert_with(|| vec![Left::Nothing; row.len()]);
                    let names = table.names();
                    for (column, value) in columns {
                        let place = names.iter().position(|name| *name == column)?;
                        of_row[place] = value;
                    }
                }
            }
            let told = told_at.iter().filter(|(place, _)| *place == at);
            if let Some(told) = told.filter_map(|(_, told)| told.rows.get(name)).next_back() {
                left = Some(told.iter().map(exactly).collect());
            }
        }
        match (left, now) {
            (None, None) => None,
            (Some(_), None) => Some(Change::Gone),
            (None, Some(_)) => Some(Change::Made),
            (Some(left), Some(now)) => self.differing(table, &left, now, was.is_none()),
        }
    }

    fn is_archive(&self, (table, key): &Name) -> bool {
        let is_id = |value: &Value| *value == Value::Text(meta::ARCHIVE_ID.into());
        *table == "meta" && key.iter().all(is_id) && !self.archive.is_empty()
    }

    fn differing(&self, table: &Table, left: &[Left], now: &Cells, is_new: bool) -> Option<Change> {
        let names = table.names();
        let state = names.iter().position(|name| *name == "state").and_then(|at| now[at].as_ref());
        let is_under_way = state == Some(&Value::Text(State::Destroying.as_str().into()));
        let is_counted = |name: &str| match table.name {
            "job" => OF_JOB.contains(&name),
            // How far it is, is told once a minute.
            "disposition" => !is_under_way || name != "result",
            _ => true,
        };
        let columns = names.iter().zip(left.iter().zip(now));
        let differing: Vec<_> = columns
            .filter(|(name, (left, now))| is_counted(name) && !self.is_left(left, now.as_ref()))
            .map(|(name, _)| *name)
            .collect();
        match differing.is_empty() {
            true => None,
            false if is_new => Some(Change::Made),
            false => Some(Change::Changed(differing)),
        }
    }

    fn is_left(&self, left: &Left, now: Option<&Value>) -> bool {
        // Of a column that was not told nothing can be said.
        let Some(now) = now else { return true };
        match left {
            Left::Exactly(value) => value == now,
            Left::Saying(json) => match now {
                Value::Text(text) => {
                    serde_json::from_str(text).is_ok_and(|it: serde_json::Value| it == *json)
                }
                _ => false,
            },
            Left::Person(name) => self.number_of(name).is_none_or(|id| *now == id),
            Left::Anything => true,
            Left::Nothing => false,
        }
    }

    /// The number of a person who signs in with this name.
    fn number_of(&self, name: &str) -> Option<Value> {
        let people = self.rows.iter().filter(|((table, _), _)| *table == "person");
        let name = Some(Value::Text(name.to_owned()));
        people.filter(|(_, row)| row.get(1) == Some(&name)).find_map(|(_, row)| row[0].clone())
    }
}

const AUDIT: &str = "audit";

/// What the audit calls the act of a statement.
fn audited_as(action: &str) -> &str {
    match action {
        "disposition.done" => "disposition.run",
        "erasure.done" => "erasure.run",
        action => action,
    }
}

/// The tables that this version knows; of others it says nothing.
fn known(tables: &[Rows]) -> impl Iterator<Item = (&'static Table, &Rows)> {
    tables.iter().filter_map(|rows| Some((Table::named(&rows.table)?, rows)))
}

fn cells(table: &Table, rows: &Rows, row: &[Value]) -> Cells {
    let place = |name: &str| rows.columns.iter().position(|column| column == name);
    table.names().into_iter().map(|name| row.get(place(name)?).cloned()).collect()
}

fn key(table: &'static Table, rows: &Rows, row: &[Value]) -> Name {
    let row = whole(&cells(table, rows, row));
    (table.name, table.key_of(&row).to_vec())
}

fn whole(row: &[Option<Value>]) -> Row {
    row.iter().map(|value| value.clone().unwrap_or(Value::Null)).collect()
}

fn exactly(value: &Option<Value>) -> Left {
    value.clone().map_or(Left::Anything, Left::Exactly)
}
