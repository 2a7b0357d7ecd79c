//! Who goes with whom, as a reader is told: threads, near-duplicates and message sets,
//! through an archive that took the messages in.

use std::collections::{BTreeSet, HashMap};

use muniment::access::{Actor, Role};
use muniment::base::hash::Digest;
use muniment::base::ids::{MatterId, SetId, UserId};
use muniment::base::limits;
use muniment::catalog::{audit, set};
use muniment::ingest::Ingest;
use muniment::matter::{self, custodian};
use muniment::search::near::{Near, NotCompared, near};
use muniment::search::thread::{Evidence, Thread, thread};
use muniment::search::{Search, SearchError};

use super::follow::Following;
use super::retention::add;
use super::sets::{plainly, same_parts};
use super::support::{Scratch, corpus, deliver};

/// An archive, and who may read all of it.
pub struct Reading {
    pub scratch: Scratch,
    pub ingest: Ingest,
    pub following: Following,
    _lock: muniment::app::ServeLock,
}

pub fn counsel() -> Actor {
    let name = "cleo".to_owned();
    Actor { user_id: UserId(99), name, role: Role::Legal, is_archive_wide: true }
}

impl Reading {
    pub async fn new() -> Self {
        let scratch = Scratch::new().await;
        let (ingest, lock) = scratch.ingest().await;
        let following = Following::start(&scratch, &ingest);
        Self { scratch, ingest, following, _lock: lock }
    }

    /// Their sets are numbered in their order, if they are no copies.
    async fn take(&self, messages: &[Vec<u8>]) {
        for message in messages {
            deliver(&self.scratch.archive, &self.ingest, message).await;
        }
        self.following.catch_up(&self.scratch).await;
    }

    pub fn search(&self) -> Search {
        let archive = &self.scratch.archive;
        let index = self.following.index.clone();
        Search::new(archive.catalog.clone(), index, archive.clock.clone())
    }

    async fn thread(&self, set: i64) -> Vec<(i64, u32, Option<Evidence>)> {
        let found = thread(&counsel(), &self.search(), None, SetId(set)).await.unwrap();
        assert!(!found.is_cut);
        told(&found)
    }

    /// A member of a matter with one custodian.
    async fn member(&self, address: &str) -> (Actor, MatterId) {
        let archive = &self.scratch.archive;
        let member = Actor { is_archive_wide: false, ..add(archive, "ada", Role::Legal).await };
        let (catalog, clock) = (&archive.catalog, &archive.clock);
        let (name, reference, zone) = ("A v. B".to_owned(), String::new(), "UTC".to_owned());
        let new = matter::New { name, reference, zone };
        let matter = matter::create(&member, catalog, clock, new).await.unwrap().row.matter_id;
        let addresses = [address.to_owned()];
        custodian::add(&member, catalog, clock, matter, "One", &addresses).await.unwrap();
        (member, matter)
    }
}

fn told(thread: &Thread) -> Vec<(i64, u32, Option<Evidence>)> {
    thread.rows.iter().map(|it| (it.row.set.0, it.depth, it.evidence)).collect()
}

/// A message of a day in July, with fields beside these.
fn mail(day: u32, from: &str, to: &str, subject: &str, fields: &str) -> Vec<u8> {
    format!(
        "From: {from}@corp.example\r\nTo: {to}@corp.example\r\nSubject: {subject}\r\n\
         Date: {day} Jul 2025 10:00:00 +0000\r\n{fields}\r\nthe text of {subject} on day {day}\r\n"
    )
    .into_bytes()
}

const IDS: Option<Evidence> = Some(Evidence::Ids);
const CONVERSATION: Option<Evidence> = Some(Evidence::Conversation);
const SUBJECT: Option<Evidence> = Some(Evidence::Subject);

/// Outlook among its own kind names no ids; a telephone names ids alone; a third
/// program neither. Another thread of the same people has the same subject.
#[tokio::test(flavor = "multi_thread")]
async fn a_thread_goes_by_ids_then_conversation_and_weakly_by_subject() {
    let reading = Reading::new().await;
    let index = "Thread-Index: Adb5/OCCgBeh4rELQU+D2WzeOk7pTA==\r\n";
    let answer = "Thread-Index:\r\n\tAdb5/OCCgBeh4rELQU+D2WzeOk7p\r\n\tTAAShlQA\r\n";
    let by_phone = "Message-ID: <3@p>\r\nIn-Reply-To: <2@x>\r\nReferences: <2@x>\r\n";
    let other = "Message-ID: <6@x>\r\nIn-Reply-To: Your message of Monday <5@x>\r\n";
    reading
        .take(&[
            mail(1, "ann", "bob", "Budget", &format!("Message-ID: <1@x>\r\n{index}")),
            mail(2, "bob", "ann", "RE: Budget", &format!("Message-ID: <2@x>\r\n{answer}")),
            mail(3, "ann", "bob", "Re: Budget", by_phone),
            mail(4, "bob", "carl", "WG: Budget", "Message-ID: <4@x>\r\n"),
            mail(8, "ann", "bob", "Budget", "Message-ID: <5@x>\r\n"),
            mail(9, "bob", "ann", "AW: Budget", other),
            mail(9, "eve", "fay", "Re: Budget", "Message-ID: <7@y>\r\n"),
        ])
        .await;
    let whole = [(1, 0), (2, 1), (3, 2), (4, 3)];
    let of = |why: [Option<Evidence>; 4]| -> Vec<_> {
        whole.iter().zip(why).map(|((set, depth), why)| (*set, *depth, why)).collect()
    };
    let first = reading.thread(1).await;
    assert_eq!(first, of([None, CONVERSATION, CONVERSATION, SUBJECT]));
    assert_eq!(reading.thread(3).await, of([CONVERSATION, IDS, None, SUBJECT]));
    // Who is joined by a subject stands for all of what it joins.
    assert_eq!(reading.thread(4).await, of([SUBJECT, SUBJECT, SUBJECT, None]));
    assert_eq!(reading.thread(5).await, [(5, 0, None), (6, 1, IDS)]);
    assert_eq!(reading.thread(6).await, [(5, 0, IDS), (6, 1, None)]);
    assert_eq!(reading.thread(7).await, [(7, 0, None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_any_copy_is_an_answer_to_the_message() {
    let reading = Reading::new().await;
    reading
        .take(&[
            mail(1, "ann", "bob", "Plan", "Message-ID: <1@x>\r\n"),
            mail(1, "ann", "bob", "Plan", "Message-ID: <1@list>\r\n"),
            mail(2, "bob", "ann", "other words", "Message-ID: <2@x>\r\nReferences: <1@list>\r\n"),
        ])
        .await;
    assert_eq!(reading.thread(1).await, [(1, 0, None), (2, 1, IDS)]);
    assert_eq!(reading.thread(2).await, [(1, 0, IDS), (2, 1, None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_sight_is_in_no_thread_and_joins_none() {
    let reading = Reading::new().await;
    let (index, answer) =
        ("Adb5/OCCgBeh4rELQU+D2WzeOk7pTA==", "Adb5/OCCgBeh4rELQU+D2WzeOk7pTAAShlQA");
    reading
        .take(&[
            mail(
                1,
                "ann",
                "bob",
                "Plan",
                &format!("Message-ID: <1@x>\r\nThread-Index: {index}\r\n"),
            ),
            mail(2, "bob", "carl", "Fwd: Plan", "Message-ID: <2@x>\r\nReferences: <1@x>\r\n"),
            mail(3, "carl", "ann", "Re: Plan", "Message-ID: <3@x>\r\nReferences: <2@x>\r\n"),
            mail(4, "bob", "dora", "Re: Plan", &format!("Thread-Index: {answer}\r\n")),
            mail(5, "bob", "dora", "Re: Plan", "Message-ID: <5@x>\r\n"),
        ])
        .await;
    assert_eq!(reading.thread(1).await.len(), 5);
    let (member, matter) = reading.member("ann@corp.example").await;
    let found = thread(&member, &reading.search(), Some(matter), SetId(1)).await.unwrap();
    assert_eq!(told(&found), [(1, 0, None)]);
    assert!(thread(&member, &reading.search(), Some(matter), SetId(2)).await.is_err());
}

/// Exchange of 2003 and 2004, as it was sent.
#[tokio::test(flavor = "multi_thread")]
async fn real_conversations_are_found_by_their_index_alone() {
    let Some(root) = super::support::corpus("mime/zimbra") else { return };
    let of = |name: &str| std::fs::read(root.join(name)).unwrap();
    let reading = Reading::new().await;
    reading.take(&["KOR1", "KOR2", "KOR3", "43", "151"].map(of)).await;
    assert_eq!(reading.thread(1).await, [(1, 0, None), (2, 1, CONVERSATION), (3, 2, CONVERSATION)]);
    assert_eq!(reading.thread(4).await, [(4, 0, None), (5, 1, CONVERSATION)]);
}

fn long_mail(day: u32, to: &str, text: &str) -> Vec<u8> {
    let head = format!(
        "From: ann@corp.example\r\nTo: {to}@corp.example\r\nSubject: n\r\n\
         Date: {day} Jul 2025 10:00:00 +0000\r\n\r\n"
    );
    (head + text + "\r\n").into_bytes()
}

fn words(from: usize, to: usize) -> String {
    (from..to).map(|number| format!("word{number}\r\n")).collect()
}

/// In tenths of a percent.
fn shares(near: &Near) -> Vec<(i64, u64)> {
    near.rows.iter().map(|(row, share)| (row.set.0, share.permille())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn near_duplicates_are_told_with_their_exact_share_within_what_is_seen() {
    let reading = Reading::new().await;
    let text = words(0, 200);
    let long = words(0, limits::NEAR_TEXT_BYTES_MAX / 8);
    reading
        .take(&[
            long_mail(1, "bob", &text),
            // 191 of 201 shingles: below 95.1 percent.
            long_mail(2, "carl", &text.replace("word100\r\n", "other ")),
            // The same words to somebody else.
            long_mail(3, "bob", &text.replace("\r\n", " ").to_uppercase()),
            // 146 of 246, below any share that can be asked for.
            long_mail(4, "bob", &words(0, 150).replace("word0\r\n", &words(900, 950))),
            long_mail(5, "bob", "-- "),
            long_mail(6, "bob", &long),
        ])
        .await;
    let near_to = async |set, percent| {
        near(&counsel(), &reading.search(), None, SetId(set), percent).await.unwrap()
    };
    let found = near_to(1, 80).await;
    assert_eq!(shares(&found), [(3, 1000), (2, 950)]);
    assert!(!found.is_cut && found.why_not.is_none());
    assert_eq!(shares(&near_to(2, 95).await), [(1, 950), (3, 950)]);
    assert_eq!(shares(&near_to(2, 96).await), []);
    assert_eq!(near_to(5, 80).await.why_not, Some(NotCompared::NoText));
    assert_eq!(near_to(6, 80).await.why_not, Some(NotCompared::TooLong));

    let (member, matter) = reading.member("bob@corp.example").await;
    let within = async |set| near(&member, &reading.search(), matter.into(), SetId(set), 80).await;
    assert_eq!(shares(&within(1).await.unwrap()), [(3, 1000)]);
    assert!(matches!(within(2).await, Err(SearchError::Matter(_))));
}

/// What goes leaves no way to it.
#[tokio::test(flavor = "multi_thread")]
async fn what_left_the_index_is_near_to_nothing_and_in_no_thread() {
    let reading = Reading::new().await;
    let text = words(0, 200);
    let (bob, carl) = (long_mail(1, "bob", &text), long_mail(2, "carl", &text));
    let named =
        |id: &str, mail: &[u8]| [format!("Message-ID: <{id}>\r\n").as_bytes(), mail].concat();
    let answering =
        |id: &str, mail: &[u8]| [format!("References: <{id}>\r\n").as_bytes(), mail].concat();
    reading.take(&[named("1@x", &bob), answering("1@x", &carl)]).await;
    assert_eq!(reading.thread(1).await.len(), 2);
    let near_to = async || near(&counsel(), &reading.search(), None, SetId(1), 80).await.unwrap();
    assert_eq!(shares(&near_to().await), [(2, 1000)]);
    reading.following.index.diminish(SetId(2), None).unwrap();
    reading.following.index.commit_removed().unwrap();
    reading.following.index.expunge().unwrap();
    assert_eq!(reading.thread(1).await, [(1, 0, None)]);
    assert_eq!(shares(&near_to().await), []);
}

/// What is sent to everybody is compared with some, and that is said.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_newsletter_the_nearest_in_time_are_compared() {
    let directory = tempfile::tempdir().unwrap();
    let scratch = Scratch::new().await;
    let archive = &scratch.archive;
    let index = muniment::index::Index::open(directory.path(), 0).unwrap();
    let count = limits::NEAR_COMPARED_MAX + 200;
    for set in 1..=count {
        index.put(super::search_corpus::family(set, &words(0, 20))).unwrap();
    }
    index.commit(count as u64).unwrap();
    let search = Search::new(archive.catalog.clone(), index, archive.clock.clone());
    let found = near(&counsel(), &search, None, SetId(count as i64), 80).await.unwrap();
    assert!(found.is_cut);
    let filter = audit::Filter { limit: 10, ..audit::Filter::default() };
    let rows = audit::list(&archive.catalog, &audit::Visible::Everything, &filter).await.unwrap();
    let row = rows.iter().find(|row| row.action == "message.near").unwrap();
    let detail: serde_json::Value = serde_json::from_str(&row.detail).unwrap();
    let shown: BTreeSet<i64> =
        detail["shown"].as_array().unwrap().iter().map(|it| it.as_i64().unwrap()).collect();
    let nearest = (count - limits::NEAR_COMPARED_MAX) as i64..count as i64;
    assert_eq!(shown, nearest.collect());
}

/// Words as somebody else would cut them: whole, and by a table of blanks.
fn shingles_of(text: &str, numbers: &mut HashMap<Vec<String>, u32>) -> BTreeSet<u32> {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut number = |words: &[&str]| {
        let next = numbers.len() as u32;
        let key = words.iter().map(|word| (*word).to_owned()).collect();
        *numbers.entry(key).or_insert(next)
    };
    match words.len() {
        0 => BTreeSet::new(),
        1..5 => BTreeSet::from([number(&words)]),
        _ => words.windows(5).map(number).collect(),
    }
}

/// A mailbox of Enron as the archive takes it: sets against a comparison of what is
/// in the messages, and near-duplicates against a comparison of all with all.
#[tokio::test(flavor = "multi_thread")]
async fn sets_and_near_duplicates_of_a_mailbox_are_those_of_brute_force() {
    const PERCENT: usize = 70;
    let mut messages = corpus::mailbox("bulk/enron/derrick-j.mbox.zst");
    if messages.is_empty() {
        return;
    }
    messages.truncate(700);
    let reading = Reading::new().await;
    let deliveries = messages.chunks(32);
    for chunk in deliveries {
        let taken = chunk.iter().map(|it| deliver(&reading.scratch.archive, &reading.ingest, it));
        futures::future::join_all(taken).await;
    }
    reading.following.catch_up(&reading.scratch).await;
    let hashes: Vec<Digest> = messages.iter().map(|bytes| Digest::of(bytes)).collect();
    let sets = set::lookup(&reading.scratch.archive.catalog, &hashes).await.unwrap();
    let sets: Vec<SetId> = hashes.iter().map(|hash| sets[hash]).collect();
    let plain: Vec<_> = messages.iter().map(|bytes| plainly(bytes)).collect();
    let count = same_parts(&sets, &plain);
    assert!(count + 50 < messages.len(), "only {count} sets of {}", messages.len());

    // One text of each set, as it was read; ASCII, of which there are no two opinions.
    let mut numbers = HashMap::new();
    let texts: Vec<(SetId, BTreeSet<u32>)> = BTreeSet::from_iter(&sets)
        .into_iter()
        .filter_map(|set| {
            let body = reading.following.index.stored(*set).unwrap().unwrap().body;
            body.is_ascii().then(|| (*set, shingles_of(&body, &mut numbers)))
        })
        .collect();
    let known: BTreeSet<SetId> = texts.iter().map(|(set, _)| *set).collect();
    let search = reading.search();
    let mut pairs = 0;
    for (set, own) in &texts {
        let mut expected: Vec<(SetId, (u64, u64))> = Vec::new();
        for (other, others) in texts.iter().filter(|(other, _)| other != set) {
            let smaller = own.len().min(others.len());
            if smaller * 100 < own.len().max(others.len()) * PERCENT || smaller == 0 {
                continue;
            }
            let both = own.intersection(others).count();
            let either = own.len() + others.len() - both;
            if both * 100 >= either * PERCENT {
                expected.push((*other, (both as u64, either as u64)));
            }
        }
        let found = near(&counsel(), &search, None, *set, PERCENT as u8).await.unwrap();
        assert!(!found.is_cut);
        let mut shown: Vec<_> =
            found.rows.iter().map(|(row, it)| (row.set, (it.both, it.either))).collect();
        shown.retain(|(set, _)| known.contains(set));
        shown.sort_unstable();
        assert_eq!(shown, expected, "near to set {set}");
        pairs += shown.len();
    }
    println!("{count} sets of {} messages; {pairs} near pairs", messages.len());
    assert!(pairs > 50, "only {pairs} near pairs");
}
