//! The order of a thread, and what a subject says of who belongs to it.
//!
//! Message ids and conversations say by themselves who goes together. A subject is
//! weak evidence: it counts only for a message whose subject is marked as an answer
//! and that names nobody whom it answers, and leads to one message, the nearest before
//! it. So two threads whose messages name each other are never joined by what they are
//! called.

use std::collections::{HashMap, HashSet};

use super::links::{ANSWER_CHARS, Links, conversation};
use super::subject::Subject;
use crate::base::clock::Timestamp;
use crate::base::ids::SetId;
use crate::base::limits::THREAD_SUBJECT_SECONDS_MAX;

/// What of a message set decides where it stands in a thread.
#[derive(Clone, Debug)]
pub struct Member {
    pub set: SetId,
    /// When it was sent, or else received.
    pub at: Timestamp,
    /// Of each of its versions that says something else.
    pub links: Vec<Links>,
    pub subject: Subject,
    /// Numbers of those who took part, ascending, and of those of them who wrote it.
    pub people: Vec<u32>,
    pub authors: Vec<u32>,
}

impl Member {
    fn answers(&self) -> impl DoubleEndedIterator<Item = &String> {
        self.links.iter().flat_map(|links| &links.answers)
    }

    fn ids(&self) -> impl Iterator<Item = &String> {
        self.links.iter().map(|links| &links.id).filter(|id| !id.is_empty())
    }

    fn indexes(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(|links| links.index.as_str()).filter(|index| !index.is_empty())
    }

    /// It answers something, and does not say what.
    fn is_orphan(&self) -> bool {
        self.subject.is_answer && self.answers().next().is_none()
    }

    /// Whether `self`, an orphan, may answer `other`, which is before it and of its
    /// subject.
    fn may_answer(&self, other: &Self) -> bool {
        let conversations = |member: &Self| -> Vec<String> {
            member.indexes().filter_map(conversation).map(str::to_owned).collect()
        };
        let (own, others) = (conversations(self), conversations(other));
        let is_apart =
            !own.is_empty() && !others.is_empty() && !own.iter().any(|it| others.contains(it));
        let took_part = |person: &u32| other.people.binary_search(person).is_ok();
        let shared = self.people.iter().filter(|person| took_part(person)).count();
        !is_apart
            && other.at.plus_seconds(THREAD_SUBJECT_SECONDS_MAX) >= self.at
            && (shared >= 2 || self.authors.iter().any(took_part))
    }
}

/// Of each message whose subject alone says what it answers: that one. It is the
/// nearest before it of the same subject, of a near date, in which its author, or two
/// of those who took part, took part too.
pub fn by_subject(members: &[Member]) -> HashMap<SetId, SetId> {
    let mut oldest: Vec<&Member> = members.iter().collect();
    oldest.sort_by_key(|member| (member.at, member.set));
    let mut of_subject: HashMap<&str, Vec<&Member>> = HashMap::new();
    let mut above = HashMap::new();
    for member in oldest.into_iter().filter(|member| !member.subject.base.is_empty()) {
        let before = of_subject.entry(&member.subject.base).or_default();
        if member.is_orphan()
            && let Some(answered) = before.iter().rev().find(|other| member.may_answer(other))
        {
            above.insert(member.set, answered.set);
        }
        before.push(member);
    }
    above
}

/// Each below the nearest that it answers, older ones first, with its depth.
pub fn ordered(members: &[Member], by_subject: &HashMap<SetId, SetId>) -> Vec<(SetId, u32)> {
    let mut oldest: Vec<&Member> = members.iter().collect();
    oldest.sort_by_key(|member| (member.at, member.set));
    let mut by_id: HashMap<&str, SetId> = HashMap::new();
    let mut by_index: HashMap<&str, SetId> = HashMap::new();
    let mut there: HashSet<SetId> = HashSet::new();
    for member in &oldest {
        there.insert(member.set);
        for id in member.ids() {
            by_id.entry(id).or_insert(member.set);
        }
        for index in member.indexes() {
            by_index.entry(index).or_insert(member.set);
        }
    }
    let mut below: HashMap<Option<SetId>, Vec<SetId>> = HashMap::new();
    for member in &oldest {
        let named = member.answers().rev().filter_map(|id| by_id.get(id.as_str()));
        let counted = member.indexes().flat_map(indexes_above).filter_map(|it| by_index.get(it));
        let called = by_subject.get(&member.set).filter(|set| there.contains(set));
        let above = named.chain(counted).chain(called).copied().find(|set| *set != member.set);
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

/// The indexes of those that an index says it answers, the nearest first.
fn indexes_above(index: &str) -> impl Iterator<Item = &str> {
    let lengths = (0..index.len()).rev().step_by(ANSWER_CHARS).skip(1);
    lengths.map_while(|last| index.get(..=last)).take_while(|above| conversation(above).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(set: i64, at: i64, links: Links) -> Member {
        let (people, authors) = (Vec::new(), Vec::new());
        let (set, at, subject) = (SetId(set), Timestamp(at), Subject::default());
        Member { set, at, links: vec![links], subject, people, authors }
    }

    fn member(set: i64, at: i64, id: &str, answers: &[&str]) -> Member {
        let answers = answers.iter().map(|id| (*id).to_owned()).collect();
        linked(set, at, Links { id: id.to_owned(), answers, index: String::new() })
    }

    fn indexed(set: i64, at: i64, answers: &str) -> Member {
        let index = format!("01{}{answers}", "23".repeat(21));
        linked(set, at, Links { index, ..Links::default() })
    }

    /// Of a day, from one to others.
    fn called(set: i64, day: i64, subject: &str, people: &[u32]) -> Member {
        let at = Timestamp::from_seconds(day * 86_400);
        let subject = Subject::of(subject);
        let authors = people[..1].to_vec();
        let mut people = people.to_vec();
        people.sort_unstable();
        let links = vec![Links { id: format!("{set}@x"), ..Links::default() }];
        Member { set: SetId(set), at, links, subject, people, authors }
    }

    #[track_caller]
    fn check(members: &[Member], order: &[(i64, u32)]) {
        let found = ordered(members, &by_subject(members));
        assert_eq!(found.into_iter().map(|(set, at)| (set.0, at)).collect::<Vec<_>>(), order);
    }

    #[track_caller]
    fn check_subjects(members: &[Member], above: &[(i64, i64)]) {
        let mut found: Vec<_> = by_subject(members).iter().map(|(a, b)| (a.0, b.0)).collect();
        found.sort_unstable();
        assert_eq!(found, above);
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
    fn any_version_s_id_is_the_message_s() {
        let mut first = member(1, 10, "a", &[]);
        first.links.push(Links { id: "other".into(), ..Links::default() });
        check(&[first, member(2, 20, "b", &["other"])], &[(1, 0), (2, 1)]);
    }

    #[test]
    fn an_index_says_whom_it_answers() {
        let (first, second) = ("0000000001", "0000000002");
        let members = [
            indexed(1, 10, ""),
            indexed(2, 20, first),
            indexed(3, 30, &format!("{first}{second}{second}")),
            indexed(4, 40, &format!("{first}{second}")),
            indexed(5, 50, second),
        ];
        check(&members, &[(1, 0), (2, 1), (4, 2), (3, 3), (5, 1)]);
        // What it answers is not there: it stands below what that answers.
        check(&[members[2].clone(), members[1].clone()], &[(2, 0), (3, 1)]);
    }

    #[test]
    fn an_answer_that_names_none_is_put_below_the_nearest_of_its_subject() {
        let members = [
            called(1, 1, "Budget", &[1, 2]),
            called(2, 2, "RE: Budget", &[2, 1]),
            called(3, 3, "Fwd: Budget", &[1, 7]),
            called(4, 4, "Budget", &[1, 2]),
        ];
        check_subjects(&members, &[(2, 1), (3, 2)]);
        check(&members, &[(1, 0), (2, 1), (3, 2), (4, 0)]);
    }

    #[test]
    fn a_subject_alone_needs_people_and_a_near_date() {
        let first = called(1, 1, "Budget", &[1, 2]);
        check_subjects(&[first.clone(), called(2, 2, "Re: Budget", &[3, 4])], &[]);
        // One that both were sent to wrote neither.
        check_subjects(&[first.clone(), called(2, 2, "Re: Budget", &[3, 2])], &[]);
        check_subjects(&[first.clone(), called(2, 32, "Re: Budget", &[2, 1])], &[]);
        check_subjects(&[first.clone(), called(2, 31, "Re: Budget", &[2, 1])], &[(2, 1)]);
        check_subjects(&[first.clone(), called(2, 0, "Re: Budget", &[2, 1])], &[]);
        check_subjects(&[first.clone(), called(2, 2, "Re: Budgets", &[2, 1])], &[]);
        check_subjects(&[called(1, 1, "Re:", &[1, 2]), called(2, 2, "Re:", &[2, 1])], &[]);
        // What a machine says each day answers nothing.
        check_subjects(&[first, called(2, 2, "Budget", &[1, 2])], &[]);
    }

    /// Two threads of one name among the same people, as each week brings one: an
    /// answer whose program names nobody goes to the nearer, and joins them not.
    #[test]
    fn what_ids_keep_apart_a_subject_does_not_join() {
        let mut members = vec![
            called(1, 1, "Status", &[1, 2]),
            called(2, 2, "Re: Status", &[2, 1]),
            called(3, 8, "Status", &[1, 2]),
            called(4, 9, "Re: Status", &[2, 1]),
            called(5, 10, "Re: Status", &[2, 1]),
        ];
        members[1].links[0].answers = vec!["1@x".into()];
        members[3].links[0].answers = vec!["3@x".into()];
        check_subjects(&members, &[(5, 4)]);
        // Nor what conversations keep apart.
        let index = |byte: &str| format!("01{}", byte.repeat(21));
        members[3].links[0].index = index("aa");
        members[4].links[0].index = index("bb");
        check_subjects(&members, &[(5, 3)]);
    }
}
