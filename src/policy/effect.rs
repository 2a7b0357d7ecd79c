//! What an act makes of the rows of the state, by what its row in the audit says: which
//! rows, and what is in them after it. A change that is none of this, nobody's act made.

use serde_json::Value as Json;

use crate::catalog::meta;
use crate::catalog::state::{Row, Table, Value};

/// What an act leaves in a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Left {
    Exactly(Value),
    /// JSON that says the same, however it is written.
    Saying(Json),
    /// The person of this name.
    Person(String),
    /// What the audit does not say: a password's hash.
    Anything,
    /// Nothing that an act said: the row was not there.
    Nothing,
}

/// What an act leaves of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// These columns are so now; the others are as they were.
    Is(Vec<(&'static str, Left)>),
    Gone,
}

/// A row of the audit that may have changed rows of the state.
#[derive(Clone, Debug)]
pub struct Act {
    pub at: i64,
    pub action: String,
    actor: String,
    matter: Option<i64>,
    subject: String,
    detail: Json,
}

/// What a catalog that was made again leaves: the audit's last minute is lost with the
/// old one, and jobs that were under way are not.
pub const REBUILD: &str = "archive.rebuild";

impl Act {
    /// None of one that changed nothing: a look, or what was refused.
    pub fn of(row: &[Value]) -> Option<Self> {
        let [_, Value::Integer(at), Value::Text(actor), Value::Text(action), matter, rest @ ..] =
            row
        else {
            return None;
        };
        let [Value::Text(subject), Value::Text(detail), Value::Text(outcome)] = rest else {
            return None;
        };
        let is_done = matches!(outcome.as_str(), "done" | "begun");
        (is_done && !is_look(action)).then(|| Self {
            at: *at,
            action: action.clone(),
            actor: actor.clone(),
            matter: match matter {
                Value::Integer(matter) => Some(*matter),
                _ => None,
            },
            subject: subject.clone(),
            detail: serde_json::from_str(detail).unwrap_or_default(),
        })
    }

    /// Whether it can have changed rows of the table.
    pub fn concerns(&self, table: &Table) -> bool {
        let rooms: &[&str] = match table.name {
            "meta" => &["class."],
            "person" => &["person.", "session.password"],
            "person_ask" => &["person."],
            "matter" | "matter_member" => &["matter."],
            "custodian" | "custodian_address" => &["custodian."],
            "hold" | "hold_custodian" => &["hold."],
            "document_password" => &["password."],
            "disposition" => &["disposition."],
            "erasure" => &["erasure."],
            "job" => &["export.ask", "gap.retry", "disposition.", "erasure.", REBUILD],
            _ => &[],
        };
        rooms.iter().any(|room| self.action.starts_with(room))
    }

    /// The rows that were not there before it, where it says which.
    pub fn made(&self) -> Vec<(&'static str, Row)> {
        let id = |name: &str| self.detail[name].as_i64().map(Value::Integer);
        let listed = |table, id: Option<Value>, list: &Json| -> Vec<(&'static str, Row)> {
            let other = |it: &Json| match it {
                Json::Number(number) => number.as_i64().map(Value::Integer),
                it => it.as_str().map(|text| Value::Text(text.to_owned())),
            };
            let others = list.as_array().into_iter().flatten().filter_map(other);
            others.filter_map(|other| Some((table, vec![id.clone()?, other]))).collect()
        };
        let one = |table, id: Option<Value>| id.map(|id| (table, vec![id]));
        match self.action.as_str() {
            "matter.create" => one("matter", self.matter.map(Value::Integer)).into_iter().collect(),
            "custodian.add" => {
                let mut made =
                    listed("custodian_address", id("custodian"), &self.detail["addresses"]);
                made.extend(one("custodian", id("custodian")));
                made
            }
            "custodian.change" => {
                listed("custodian_address", id("custodian"), &self.detail["addresses"])
            }
            "hold.place" => {
                let custodians = &self.detail["extent"]["custodians"];
                let mut made = listed("hold_custodian", id("hold"), custodians);
                made.extend(one("hold", id("hold")));
                made
            }
            "matter.change" => {
                listed("matter_member", self.matter.map(Value::Integer), &self.detail["members"])
            }
            "person.ask" => one("person_ask", id("person")).into_iter().collect(),
            "password.add" => one("document_password", id("password")).into_iter().collect(),
            "disposition.propose" => one("disposition", id("disposition")).into_iter().collect(),
            "erasure.propose" => one("erasure", id("erasure")).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// What it made of this row of a table; none where it let it be.
    pub fn effect(&self, table: &Table, row: &[Value]) -> Option<Effect> {
        if !self.concerns(table) {
            return None;
        }
        let row = Of { table, row };
        match table.name {
            "meta" => self.on_fact(&row),
            "person" => self.on_person(&row),
            "person_ask" => self.on_ask(&row),
            "matter" | "matter_member" => self.on_matter(&row),
            "custodian" | "custodian_address" => self.on_custodian(&row),
            "hold" | "hold_custodian" => self.on_hold(&row),
            "document_password" => self.on_password(&row),
            "disposition" | "erasure" => self.on_destruction(&row),
            "job" => self.on_job(&row),
            _ => None,
        }
    }

    fn on_fact(&self, row: &Of<'_>) -> Option<Effect> {
        let name = row.text("name")?;
        let is_class = name.strip_prefix("class:").is_some_and(|class| class == self.subject);
        let named = ("name", row.same("name"));
        match self.action.as_str() {
            "class.set" if is_class => {
                let (years, mode) = (self.detail["years"].as_u64()?, self.detail["mode"].as_str()?);
                let value = Left::Exactly(Value::Text(format!("{years} {mode}")));
                Some(Effect::Is(vec![named, ("value", value)]))
            }
            "class.remove" if is_class => Some(Effect::Gone),
            "class.rules" if name == meta::RULES => {
                Some(Effect::Is(vec![named, ("value", Left::Saying(self.detail["rules"].clone()))]))
            }
            _ => None,
        }
    }

    fn on_person(&self, row: &Of<'_>) -> Option<Effect> {
        if row.text("name") != Some(&self.subject) {
            return None;
        }
        let rights = |name: &'static str| (name, self.flag(name));
        let columns = match self.action.as_str() {
            "person.create" => vec![
                ("user_id", row.same("user_id")),
                ("name", row.same("name")),
                ("display_name", Left::Anything),
                ("password_hash", Left::Anything),
                ("role", self.word("role")),
                rights("is_archive_wide"),
                ("must_change", number(1)),
                ("is_disabled", self.flag("is_disabled")),
                ("created_at", self.now()),
            ],
            "person.change" => vec![rights("is_disabled"), rights("is_archive_wide")],
            "person.reset" => {
                vec![("password_hash", Left::Anything), ("must_change", Left::Anything)]
            }
            "person.grant" => match self.detail["what"].as_str()? {
                "create" => vec![
                    ("password_hash", Left::Anything),
                    ("must_change", Left::Anything),
                    ("is_disabled", number(0)),
                ],
                "reset" => vec![("password_hash", Left::Anything), ("must_change", Left::Anything)],
                "enable" => vec![("is_disabled", number(0))],
                "archive-wide" => vec![("is_archive_wide", number(1))],
                _ => return None,
            },
            "session.password" if self.actor == self.subject => {
                vec![("password_hash", Left::Anything), ("must_change", number(0))]
            }
            _ => return None,
        };
        Some(Effect::Is(columns))
    }

    fn on_ask(&self, row: &Of<'_>) -> Option<Effect> {
        if !row.is("user_id", self.detail["person"].as_i64()?) {
            return None;
        }
        match self.action.as_str() {
            "person.ask" => Some(Effect::Is(vec![
                ("user_id", row.same("user_id")),
                ("what", self.word("what")),
                ("asked_by", Left::Person(self.actor.clone())),
                ("asked_at", self.now()),
            ])),
            "person.grant" | "person.deny" => Some(Effect::Gone),
            _ => None,
        }
    }

    fn on_matter(&self, row: &Of<'_>) -> Option<Effect> {
        if !row.is("matter_id", self.matter?) {
            return None;
        }
        let matter = ("matter_id", row.same("matter_id"));
        let words = |name: &'static str| (name, self.word(name));
        match (row.table.name, self.action.as_str()) {
            ("matter", "matter.create") => Some(Effect::Is(vec![
                matter,
                ("name", Left::Exactly(Value::Text(self.subject.clone()))),
                words("reference"),
                words("zone"),
                ("is_closed", number(0)),
                ("created_at", self.now()),
                ("created_by", Left::Person(self.actor.clone())),
            ])),
            ("matter", "matter.change") => Some(Effect::Is(vec![
                words("name"),
                words("reference"),
                words("zone"),
                ("is_closed", self.flag("is_closed")),
            ])),
            ("matter_member", "matter.create") => {
                Some(Effect::Is(vec![matter, ("user_id", Left::Person(self.actor.clone()))]))
            }
            ("matter_member", "matter.change") => {
                let members = self.detail["members"].as_array()?;
                Some(listed(row, members.iter().any(|id| id.as_i64() == row.number("user_id"))))
            }
            _ => None,
        }
    }

    fn on_custodian(&self, row: &Of<'_>) -> Option<Effect> {
        if !row.is("custodian_id", self.detail["custodian"].as_i64()?) {
            return None;
        }
        let name = || ("name", Left::Exactly(Value::Text(self.subject.clone())));
        match (row.table.name, self.action.as_str()) {
            ("custodian", "custodian.add") => Some(Effect::Is(vec![
                ("custodian_id", row.same("custodian_id")),
                ("matter_id", self.of_matter()),
                name(),
            ])),
            ("custodian", "custodian.change") => Some(Effect::Is(vec![name()])),
            (_, "custodian.remove") => Some(Effect::Gone),
            ("custodian_address", "custodian.add" | "custodian.change") => {
                let addresses = self.detail["addresses"].as_array()?;
                let address = row.text("address");
                Some(listed(row, addresses.iter().any(|it| it.as_str() == address)))
            }
            _ => None,
        }
    }

    fn on_hold(&self, row: &Of<'_>) -> Option<Effect> {
        if !row.is("hold_id", self.detail["hold"].as_i64()?) {
            return None;
        }
        let extent = &self.detail["extent"];
        match (row.table.name, self.action.as_str()) {
            ("hold", "hold.place") => Some(Effect::Is(vec![
                ("hold_id", row.same("hold_id")),
                ("matter_id", self.of_matter()),
                ("name", Left::Exactly(Value::Text(self.subject.clone()))),
                ("date_kind", text_or_null(&extent["date_kind"])),
                ("from_at", instant_or_null(&extent["from"])),
                ("until_at", instant_or_null(&extent["until_before"])),
                ("is_ongoing", number(i64::from(extent["is_ongoing"].as_bool()?))),
                ("placed_at", self.now()),
                ("placed_by", Left::Person(self.actor.clone())),
                ("placed_seq", Left::Anything),
                ("released_at", NULL),
                ("released_by", NULL),
                ("release_reason", NULL),
            ])),
            ("hold_custodian", "hold.place") => {
                let custodians = extent["custodians"].as_array()?;
                let custodian = row.number("custodian_id");
                Some(listed(row, custodians.iter().any(|id| id.as_i64() == custodian)))
            }
            ("hold", "hold.release") => Some(Effect::Is(vec![
                ("released_at", self.now()),
                ("released_by", Left::Person(self.actor.clone())),
                ("release_reason", self.word("reason")),
            ])),
            _ => None,
        }
    }

    fn on_password(&self, row: &Of<'_>) -> Option<Effect> {
        if !row.is("password_id", self.detail["password"].as_i64()?) {
            return None;
        }
        match self.action.as_str() {
            "password.add" => Some(Effect::Is(vec![
                ("password_id", row.same("password_id")),
                ("matter_id", self.of_matter()),
                ("sealed", Left::Anything),
                ("added_at", self.now()),
                ("added_by", Left::Person(self.actor.clone())),
            ])),
            "password.remove" => Some(Effect::Gone),
            _ => None,
        }
    }

    /// Dispositions and erasures go the same way.
    fn on_destruction(&self, row: &Of<'_>) -> Option<Effect> {
        let (key, verb) = (row.table.names()[0], self.action.strip_prefix(row.table.name)?);
        if !row.is(key, self.detail[row.table.name].as_i64()?) {
            return None;
        }
        let state = |word: &str| ("state", Left::Exactly(Value::Text(word.to_owned())));
        let decided = |word| {
            Effect::Is(vec![
                state(word),
                ("decided_at", self.now()),
                ("decided_by", Left::Person(self.actor.clone())),
                ("reason", self.word("reason")),
            ])
        };
        Some(match verb {
            ".propose" => Effect::Is(self.proposed(row)),
            ".approve" => decided("approved"),
            ".refuse" => decided("refused"),
            ".begin" => Effect::Is(vec![state("destroying")]),
            ".erase" => Effect::Is(vec![state("erasing"), ("result", Left::Anything)]),
            ".run" if self.detail.get("destroyed").is_some() => Effect::Is(vec![
                state("done"),
                ("ended_at", self.now()),
                ("result", Left::Anything),
            ]),
            ".run" if self.detail.get("erased").is_some() => {
                Effect::Is(vec![state("done"), ("ended_at", self.now())])
            }
            _ => return None,
        })
    }

    fn proposed(&self, row: &Of<'_>) -> Vec<(&'static str, Left)> {
        let key = row.table.names()[0];
        let mut columns = vec![
            (key, row.same(key)),
            ("state", Left::Exactly(Value::Text("proposed".to_owned()))),
            ("proposed_at", self.now()),
            ("proposed_by", Left::Person(self.actor.clone())),
        ];
        columns.extend(
            ["decided_at", "decided_by", "reason", "ended_at", "result"].map(|it| (it, NULL)),
        );
        match self.subject.split_once(", ") {
            Some((class, epoch)) if row.table.name == "disposition" => columns.extend([
                ("class", Left::Exactly(Value::Text(class.to_owned()))),
                ("epoch", Left::Exactly(Value::Text(epoch.to_owned()))),
                ("due_at", Left::Anything),
                ("figures", Left::Saying(self.detail["figures"].clone())),
            ]),
            _ => columns.extend([("ground", self.word("ground")), ("figures", Left::Anything)]),
        }
        columns
    }

    /// Of a job, what it was asked for: how far it is, is told once a minute.
    fn on_job(&self, row: &Of<'_>) -> Option<Effect> {
        let kind = row.text("kind")?;
        let request: Json = serde_json::from_str(row.text("request")?).unwrap_or_default();
        let is_named = || self.detail["job"].as_i64().is_some_and(|id| row.is("job_id", id));
        let is_decided = || {
            self.detail[kind].is_i64()
                && self.detail[kind] == request[kind]
                && row.is("created_at", self.at)
        };
        let (matter, request) = match (kind, self.action.as_str()) {
            ("export", "export.ask") if is_named() => {
                (self.of_matter(), self.detail["request"].clone())
            }
            ("gap.retry", "gap.retry") if is_named() => {
                (self.of_matter(), self.detail["gaps"].clone())
            }
            ("disposition", "disposition.approve" | "disposition.resume")
            | ("erasure", "erasure.approve" | "erasure.resume")
                if is_decided() =>
            {
                (NULL, request)
            }
            // What came back of an erased message is erased again.
            ("erasure", REBUILD) if row.text("asked_by") == Some(&self.actor) => (NULL, request),
            _ => return None,
        };
        Some(Effect::Is(vec![
            ("job_id", row.same("job_id")),
            ("kind", row.same("kind")),
            ("matter_id", matter),
            ("asked_by", Left::Exactly(Value::Text(self.actor.clone()))),
            ("request", Left::Saying(request)),
            ("created_at", if self.action == REBUILD { Left::Anything } else { self.now() }),
        ]))
    }

    fn now(&self) -> Left {
        number(self.at)
    }

    fn of_matter(&self) -> Left {
        self.matter.map_or(NULL, number)
    }

    fn word(&self, name: &str) -> Left {
        text_or_null(&self.detail[name])
    }

    fn flag(&self, name: &str) -> Left {
        number(i64::from(self.detail[name].as_bool().unwrap_or_default()))
    }
}

/// A row with its table.
struct Of<'a> {
    table: &'a Table,
    row: &'a [Value],
}

impl Of<'_> {
    fn get(&self, column: &str) -> Option<&Value> {
        let at = self.table.names().iter().position(|name| *name == column)?;
        self.row.get(at)
    }

    fn text(&self, column: &str) -> Option<&str> {
        match self.get(column)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn number(&self, column: &str) -> Option<i64> {
        match self.get(column)? {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    fn is(&self, column: &str, number: i64) -> bool {
        self.number(column) == Some(number)
    }

    /// What says which row it is.
    fn same(&self, column: &str) -> Left {
        Left::Exactly(self.get(column).cloned().unwrap_or(Value::Null))
    }
}

const NULL: Left = Left::Exactly(Value::Null);

fn number(number: i64) -> Left {
    Left::Exactly(Value::Integer(number))
}

fn text_or_null(json: &Json) -> Left {
    json.as_str().map_or(NULL, |text| Left::Exactly(Value::Text(text.to_owned())))
}

/// As the audit writes times, for people.
fn instant_or_null(json: &Json) -> Left {
    let at = json.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    at.map_or(NULL, |at| number(at.as_microsecond()))
}

/// A row that is all key: there if the act's list has it.
fn listed(row: &Of<'_>, is_listed: bool) -> Effect {
    match is_listed {
        true => Effect::Is(row.table.names().into_iter().map(|it| (it, row.same(it))).collect()),
        false => Effect::Gone,
    }
}

/// Acts that change nothing of the state.
fn is_look(action: &str) -> bool {
    const ROOMS: [&str; 5] = ["search.", "message.", "gap.list", "gap.download", "audit."];
    ROOMS.iter().any(|room| action.starts_with(room))
}
