//! The thread of a message, as far as the reader sees: families that name each other's
//! message ids, those of the same conversation, and those that a subject puts there,
//! told apart.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::around::around;
use super::{Search, SearchError};
use crate::access::Actor;
use crate::access::audit::{self, Act, Outcome};
use crate::base::clock::Timestamp;
use crate::base::ids::{MatterId, SetId};
use crate::base::limits;
use crate::catalog::hit::{self, HitRow};
use crate::index::doc::{FamilyDoc, Role};
use crate::index::{Index, IndexError, Keys, Scope, Sharing};
use crate::mail::address;
use crate::similar::links::{self, conversation, conversation_name};
use crate::similar::subject::Subject;
use crate::similar::thread::{Member, by_subject, ordered};

/// Why a message is shown in the thread of another: the strongest that is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// They, or others of the thread, name each other's message ids.
    Ids,
    /// Programs counted it to the same conversation.
    Conversation,
    /// It, or one that it goes with, has the subject, shares people and is of a near
    /// date, and nothing else says so: weak.
    Subject,
}

#[derive(Debug)]
pub struct Placed {
    pub row: HitRow,
    pub depth: u32,
    /// None of the message that was asked for.
    pub evidence: Option<Evidence>,
}

#[derive(Debug)]
pub struct Thread {
    /// Each below the one it answers.
    pub rows: Vec<Placed>,
    /// There are more than are shown.
    pub is_cut: bool,
}

/// The thread of `set`. The audit's row is durable before it is returned.
pub async fn thread(
    actor: &Actor,
    search: &Search,
    matter: Option<MatterId>,
    set: SetId,
) -> Result<Thread, SearchError> {
    let found =
        around(actor, search, matter, set, move |index, scope| gathered(index, set, scope)).await?;
    let (order, is_cut) = found;
    let sets: Vec<SetId> = order.iter().map(|(set, ..)| *set).collect();
    let rows = hit::load(&search.catalog, &sets).await?;
    let mut places: HashMap<SetId, _> =
        order.into_iter().map(|(set, depth, evidence)| (set, (depth, evidence))).collect();
    let placed = |row: HitRow| {
        let (depth, evidence) = places.remove(&row.set)?;
        Some(Placed { row, depth, evidence })
    };
    let rows: Vec<Placed> = rows.into_iter().filter_map(placed).collect();
    let weak = rows.iter().filter(|it| it.evidence == Some(Evidence::Subject));
    let weak: Vec<SetId> = weak.map(|it| it.row.set).collect();
    let act = Act::new("message.thread", matter, format!("message {set}"))
        .with(json!({ "set": set, "shown": sets, "by_subject": weak, "is_cut": is_cut }));
    audit::record(&search.catalog, &search.clock, actor, &act, Outcome::Done).await?;
    Ok(Thread { rows, is_cut })
}

type Order = Vec<(SetId, u32, Option<Evidence>)>;

fn gathered(index: &Index, set: SetId, scope: &Scope) -> Result<(Order, bool), IndexError> {
    let mut gathering = Gathering {
        index,
        scope,
        members: Vec::new(),
        evidence: HashMap::from([(set, None)]),
        names: HashSet::new(),
        numbers: HashMap::new(),
        is_cut: false,
    };
    let Some(asked) = gathering.load(set)? else { return Ok((Vec::new(), false)) };
    let ids: Vec<String> = asked.links.iter().flat_map(links::Links::names).collect();
    let ids = ids.into_iter().filter(|name| !is_conversation(name)).collect();
    gathering.members.push(asked);
    gathering.follow(ids, Evidence::Ids)?;
    let conversations = gathering.members.iter().flat_map(|member| &member.links);
    let conversations = conversations.filter_map(|links| conversation(&links.index));
    let conversations = conversations.map(conversation_name).collect();
    gathering.follow(conversations, Evidence::Conversation)?;
    let above = gathering.follow_subjects()?;
    let placed = ordered(&gathering.members, &above);
    let evidence = |set| gathering.evidence.get(&set).copied().flatten();
    let order = placed.into_iter().map(|(set, depth)| (set, depth, evidence(set))).collect();
    Ok((order, gathering.is_cut))
}

fn is_conversation(name: &str) -> bool {
    name.starts_with(&conversation_name(""))
}

struct Gathering<'a> {
    index: &'a Index,
    scope: &'a Scope,
    members: Vec<Member>,
    /// Of each member.
    evidence: HashMap<SetId, Option<Evidence>>,
    /// What was asked for, or will be.
    names: HashSet<String>,
    /// Of addresses.
    numbers: HashMap<String, u32>,
    is_cut: bool,
}

impl Gathering<'_> {
    /// Whoever has a name that a member has is a member too.
    fn follow(&mut self, start: Vec<String>, evidence: Evidence) -> Result<(), IndexError> {
        let mut waiting: Vec<String> = Vec::new();
        let mut asked = 0;
        self.add_names(start, &mut waiting);
        while asked < waiting.len() {
            let next = waiting.len().min(asked + limits::THREAD_IDS_AT_ONCE);
            let keys = waiting[asked..next].iter().map(|name| links::key(name)).collect();
            asked = next;
            let most = 2 * limits::THREAD_MESSAGES_MAX;
            let (found, _) =
                self.index.sharing(&Keys::Thread(keys), self.scope, most, |it| it.set)?;
            for Sharing { set, .. } in found {
                if self.evidence.contains_key(&set) {
                    continue;
                }
                let Some(member) = self.load(set)? else { continue };
                let names = member.links.iter().flat_map(links::Links::names);
                // Conversations come when all ids have been followed.
                let is_told = |name: &String| evidence != Evidence::Ids || !is_conversation(name);
                let names: Vec<String> = names.filter(is_told).collect();
                if !names.iter().any(|name| self.names.contains(name)) {
                    continue;
                }
                if !self.add(member, evidence) {
                    return Ok(());
                }
                self.add_names(names, &mut waiting);
            }
        }
        Ok(())
    }

    fn add_names(&mut self, names: Vec<String>, waiting: &mut Vec<String>) {
        for name in names {
            if self.names.len() >= limits::THREAD_IDS_MAX {
                self.is_cut = true;
                return;
            }
            if self.names.insert(name.clone()) {
                waiting.push(name);
            }
        }
    }

    /// False where there is no room for it.
    fn add(&mut self, member: Member, evidence: Evidence) -> bool {
        if self.members.len() >= limits::THREAD_MESSAGES_MAX {
            self.is_cut = true;
            return false;
        }
        self.evidence.insert(member.set, Some(evidence));
        self.members.push(member);
        true
    }

    /// Adds those that a subject joins to members, and whoever names their ids. Gives
    /// what is above each of whom a subject alone says it.
    fn follow_subjects(&mut self) -> Result<HashMap<SetId, SetId>, IndexError> {
        let mut all = self.members.clone();
        all.extend(self.of_subjects()?);
        let above = by_subject(&all);
        let mut joined: HashSet<SetId> = self.members.iter().map(|member| member.set).collect();
        loop {
            let before = joined.len();
            for (set, answered) in &above {
                if joined.contains(set) || joined.contains(answered) {
                    joined.extend([*set, *answered]);
                }
            }
            if joined.len() == before {
                break;
            }
        }
        let new = |member: &Member| {
            joined.contains(&member.set) && !self.evidence.contains_key(&member.set)
        };
        let new: Vec<Member> = all.into_iter().filter(new).collect();
        let names = new.iter().flat_map(|member| &member.links).flat_map(links::Links::names);
        let names = names.collect();
        for member in new {
            self.add(member, Evidence::Subject);
        }
        self.follow(names, Evidence::Subject)?;
        Ok(above)
    }

    /// Others of the members' subjects and of a near date, the nearest to what was asked
    /// for.
    fn of_subjects(&mut self) -> Result<Vec<Member>, IndexError> {
        let Some(asked) = self.members.first().map(|member| member.at) else {
            return Ok(Vec::new());
        };
        let mut subjects: Vec<String> = Vec::new();
        for name in self.members.iter().filter_map(|member| member.subject.name()) {
            if !subjects.contains(&name) && subjects.len() < limits::THREAD_SUBJECTS_MAX {
                subjects.push(name);
            }
        }
        let mut times: Vec<Timestamp> = self.members.iter().map(|member| member.at).collect();
        times.sort_unstable();
        let window = limits::THREAD_SUBJECT_SECONDS_MAX;
        let is_near = |at: Timestamp| {
            let next = times.partition_point(|it| it.plus_seconds(window) < at);
            times.get(next).is_some_and(|it| *it <= at.plus_seconds(window))
        };
        let keys = Keys::Thread(subjects.iter().map(|name| links::key(name)).collect());
        let most = limits::THREAD_SUBJECT_MESSAGES_MAX;
        let rank = |it: &Sharing| (it.at.0.abs_diff(asked.0), it.set);
        let room = most + self.members.len() + 1;
        let (found, _) = self.index.sharing(&keys, self.scope, room, rank)?;
        let found = found.into_iter().filter(|it| is_near(it.at));
        let sets: Vec<SetId> =
            found.map(|it| it.set).filter(|set| !self.evidence.contains_key(set)).collect();
        self.is_cut |= sets.len() > most;
        let mut members = Vec::new();
        for set in sets.into_iter().take(most) {
            let member = self.load(set)?;
            let is_called = |member: &Member| {
                member.subject.name().is_some_and(|name| subjects.contains(&name))
            };
            members.extend(member.filter(is_called));
        }
        Ok(members)
    }

    fn load(&mut self, set: SetId) -> Result<Option<Member>, IndexError> {
        let Some(doc) = self.index.stored(set)? else { return Ok(None) };
        let mut numbers = |is_one: fn(Role) -> bool| -> Vec<u32> {
            let people = doc.participants.iter().filter(|it| is_one(it.role));
            let keys = people.map(|it| address::key(&it.address)).filter(|key| !key.is_empty());
            let mut numbers: Vec<u32> = keys.map(|key| number(&mut self.numbers, key)).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        let (people, authors) = (numbers(|_| true), numbers(|role| role == Role::From));
        Ok(Some(member(doc, people, authors)))
    }
}

fn number(numbers: &mut HashMap<String, u32>, address: String) -> u32 {
    let next = numbers.len() as u32;
    *numbers.entry(address).or_insert(next)
}

fn member(doc: FamilyDoc, people: Vec<u32>, authors: Vec<u32>) -> Member {
    Member {
        set: doc.set,
        at: doc.sent_at.unwrap_or(doc.received_at),
        subject: Subject::of(&doc.subject),
        links: doc.links.into_iter().map(|(links, _)| links).collect(),
        people,
        authors,
    }
}
