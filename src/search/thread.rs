//! The thread of a message: families whose headers name each other's message ids
//! (RFC 5322 section 3.6.4), as far as the reader sees.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::{Search, SearchError};
use crate::access::audit::{self, Act, Outcome};
use crate::access::{Actor, Refused};
use crate::base::clock::Timestamp;
use crate::base::ids::{MatterId, SetId};
use crate::base::limits;
use crate::catalog::hit::{self, HitRow};
use crate::index::doc::FamilyDoc;
use crate::index::{Index, IndexError, Scope};
use crate::matter::{self, Reach};
use crate::query::ast::{Node, Piece, Query, Text, Word};
use crate::query::field::Field;

#[derive(Debug)]
pub struct Thread {
    /// Each below the one it answers; the depth of each.
    pub rows: Vec<(HitRow, u32)>,
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
    let reach = matter::reach(actor, &search.catalog, matter).await?;
    if !matter::sees(&search.catalog, &reach, set).await? {
        return Err(Refused::Hidden("message").into());
    }
    let addresses = match reach {
        Reach::Archive => None,
        Reach::Matter(scope) => Some(scope.addresses),
    };
    let turn = search.at_once.clone().acquire_owned().await.map_err(|_| SearchError::Stopped)?;
    let (index, scope) = (search.index.clone(), Scope { addresses, ..Scope::default() });
    let found = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        members(&index, set, &scope)
    });
    let (members, is_cut) = found.await.map_err(|_| SearchError::Stopped)??;
    let order = ordered(&members);
    let sets: Vec<SetId> = order.iter().map(|(set, _)| *set).collect();
    let depths: HashMap<SetId, u32> = order.into_iter().collect();
    let rows = hit::load(&search.catalog, &sets).await?;
    let rows: Vec<_> = rows.into_iter().map(|row| (depths[&row.set], row)).collect();
    let act = Act::new("message.thread", matter, format!("message {set}"))
        .with(json!({ "set": set, "shown": sets, "is_cut": is_cut }));
    audit::record(&search.catalog, &search.clock, actor, &act, Outcome::Done).await?;
    Ok(Thread { rows: rows.into_iter().map(|(depth, row)| (row, depth)).collect(), is_cut })
}

/// What of a family decides where it stands in a thread.
#[derive(Clone, Debug)]
struct Member {
    set: SetId,
    at: Timestamp,
    /// Without angle brackets; empty if it has none.
    id: String,
    /// Whom it answers, the nearest last.
    answers: Vec<String>,
}

impl Member {
    fn of(doc: &FamilyDoc) -> Self {
        // The message's own fields stand before those of what is in it.
        let field = |name: &str| {
            let line = doc.headers.iter().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.eq_ignore_ascii_case(name).then_some(value)
            });
            line.map(ids).unwrap_or_default()
        };
        let mut answers = field("References");
        for id in field("In-Reply-To") {
            if !answers.contains(&id) {
                answers.push(id);
            }
        }
        let at = doc.sent_at.unwrap_or(doc.received_at);
        Self { set: doc.set, at, id: doc.message_id.clone(), answers }
    }

    fn ids(&self) -> impl Iterator<Item = &String> {
        self.answers.iter().chain(Some(&self.id).filter(|id| !id.is_empty()))
    }
}

/// Ids as a field lists them. Some programs write words around them.
fn ids(value: &str) -> Vec<String> {
    let inside = value.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
    inside.map(|(id, _)| id.trim().to_owned()).filter(|id| !id.is_empty()).collect()
}

/// Whoever names an id that a member has or names is a member too.
fn members(index: &Index, set: SetId, scope: &Scope) -> Result<(Vec<Member>, bool), IndexError> {
    let Some(first) = index.stored(set)? else { return Ok((Vec::new(), false)) };
    let mut members = vec![Member::of(&first)];
    let mut known: HashSet<SetId> = HashSet::from([set]);
    let mut ids: Vec<String> = members[0].ids().cloned().collect();
    let mut asked = 0;
    while asked < ids.len() {
        let next = ids.len().min(asked + limits::THREAD_IDS_AT_ONCE);
        let query = naming(&ids[asked..next]);
        asked = next;
        let Some(query) = query else { continue };
        for hit in index.all(&query, scope)?.iter() {
            if !known.insert(hit.set) {
                continue;
            }
            let Some(doc) = index.stored(hit.set)? else { continue };
            let member = Member::of(&doc);
            // The words of an id can stand in other fields.
            if !member.ids().any(|id| ids.contains(id)) {
                known.remove(&hit.set);
                continue;
            }
            if members.len() == limits::THREAD_MESSAGES_MAX {
                return Ok((members, true));
            }
            for id in member.ids() {
                if !ids.contains(id) && ids.len() < limits::THREAD_IDS_MAX {
                    ids.push(id.clone());
                }
            }
            members.push(member);
        }
    }
    Ok((members, false))
}

/// Families that have any of the ids in a header field.
fn naming(ids: &[String]) -> Option<Query> {
    let is_searchable = |id: &&String| {
        !id.contains(|c: char| c.is_whitespace() || "\"*?".contains(c))
            && id.contains(char::is_alphanumeric)
    };
    let mut nodes: Vec<Node> = ids
        .iter()
        .filter(is_searchable)
        .map(|id| Word { pattern: vec![Piece::Literal(id.clone())] })
        .map(|word| Node::Text(Text { field: Field::Header, words: vec![word] }))
        .collect();
    let root = match nodes.len() {
        0 => return None,
        1 => nodes.remove(0),
        _ => Node::Or(nodes),
    };
    Some(Query { root: Some(root), zone: jiff::tz::TimeZone::UTC })
}

/// Each below the nearest that it answers, older ones first, with its depth.
fn ordered(members: &[Member]) -> Vec<(SetId, u32)> {
    let mut oldest: Vec<&Member> = members.iter().collect();
    oldest.sort_by_key(|member| (member.at, member.set));
    let mut by_id: HashMap<&str, SetId> = HashMap::new();
    for member in oldest.iter().filter(|member| !member.id.is_empty()) {
        by_id.entry(&member.id).or_insert(member.set);
    }
    let mut below: HashMap<Option<SetId>, Vec<SetId>> = HashMap::new();
    for member in &oldest {
        let answered = member.answers.iter().rev().filter_map(|id| by_id.get(id.as_str()));
        let above = answered.copied().find(|set| *set != member.set);
        below.entry(above).or_default().push(member.set);
    }
    let mut order: Vec<(SetId, u32)> = Vec::new();
    let mut placed: HashSet<SetId> = HashSet::new();
    let mut waiting: Vec<(SetId, u32)> = Vec::new();
    // Those that answer nobody begin; those that answer in a circle begin at their oldest.
    let roots = below.remove(&None).unwrap_or_default();
    let all = oldest.iter().map(|member| member.set);
    for root in roots.into_iter().chain(all) {
        waiting.push((root, 0));
        while let Some((set, depth)) = waiting.pop() {
            if placed.insert(set) {
                order.push((set, depth));
                let answers = below.remove(&Some(set)).unwrap_or_default();
                waiting.extend(answers.into_iter().rev().map(|answer| (answer, depth + 1)));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(set: i64, at: i64, id: &str, answers: &[&str]) -> Member {
        let answers = answers.iter().map(|id| (*id).to_owned()).collect();
        Member { set: SetId(set), at: Timestamp(at), id: id.to_owned(), answers }
    }

    #[track_caller]
    fn check(members: &[Member], order: &[(i64, u32)]) {
        let found: Vec<_> = ordered(members).into_iter().map(|(set, at)| (set.0, at)).collect();
        assert_eq!(found, order);
    }

    #[test]
    fn each_stands_below_the_nearest_that_it_answers() {
        let members = [
            member(4, 40, "d", &["a", "b", "gone"]),
            member(1, 10, "a", &[]),
            member(3, 30, "c", &["a"]),
            member(2, 20, "b", &["a"]),
            member(5, 50, "", &["a"]),
        ];
        check(&members, &[(1, 0), (2, 1), (4, 2), (3, 1), (5, 1)]);
    }

    #[test]
    fn a_circle_and_one_that_answers_itself_are_shown_once() {
        let circle = [member(1, 10, "a", &["b"]), member(2, 20, "b", &["a"])];
        check(&circle, &[(1, 0), (2, 1)]);
        check(&[member(1, 10, "a", &["a"])], &[(1, 0)]);
        let twins = [member(1, 10, "a", &[]), member(2, 20, "a", &[]), member(3, 30, "b", &["a"])];
        check(&twins, &[(1, 0), (3, 1), (2, 0)]);
    }

    #[test]
    fn ids_are_read_whatever_stands_around_them() {
        assert_eq!(ids(" <a@b>\t<c@d>"), ["a@b", "c@d"]);
        assert_eq!(ids("Your message of Monday <a@b> (Ann)"), ["a@b"]);
        assert_eq!(ids("none <> <open"), [""; 0]);
    }
}
