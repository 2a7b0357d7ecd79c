//! Families by the keys that they share, in several segments, with what is taken out.

use std::collections::BTreeSet;

use super::*;
use crate::base::hash::Digest;
use crate::catalog::purge::Left;
use crate::similar::links::{Links, id_name, key};
use crate::similar::near;

fn sharing(index: &Index, keys: &Keys, scope: &Scope, most: usize) -> (Vec<(i64, u32)>, u64) {
    let (found, total) = index.sharing(keys, scope, most, |it| it.set).expect("an answer");
    (found.into_iter().map(|it| (it.set.0, it.keys)).collect(), total)
}

fn ids(ids: &[&str]) -> Keys {
    Keys::Thread(ids.iter().map(|id| key(&id_name(id))).collect())
}

fn links(id: &str) -> Links {
    Links { id: id.into(), answers: vec!["a@x".into()], index: String::new() }
}

#[test]
fn families_are_counted_by_the_keys_that_they_share() {
    let directory = tempfile::tempdir().expect("a directory");
    let index = Index::open(directory.path(), MEMORY).expect("an index");
    for set in 1..=6 {
        let participants = vec![person(Role::To, "", ["a@x.com", "b@x.com"][set as usize % 2])];
        let links = vec![(links(&format!("{set}@x")), vec![0])];
        index.put(FamilyDoc { links, participants, ..body(set, "text") }).expect("put");
        index.commit(set as u64).expect("commit");
    }
    let (all, some) = (Scope::default(), ids(&["a@x", "3@x", "gone@x"]));
    let found = [(1, 1), (2, 1), (3, 2), (4, 1), (5, 1), (6, 1)];
    assert_eq!(sharing(&index, &some, &all, 10), (found.to_vec(), 6));
    assert_eq!(sharing(&index, &some, &all, 2), (found[..2].to_vec(), 6));
    let within = Scope { addresses: Some(vec!["a@x.com".into()]), ..Scope::default() };
    assert_eq!(sharing(&index, &some, &within, 10), (vec![(2, 1), (4, 1), (6, 1)], 3));
    let nobody = Scope { addresses: Some(Vec::new()), ..Scope::default() };
    assert_eq!(sharing(&index, &some, &nobody, 10), (Vec::new(), 0));
    let bands = Keys::Near(near::bands("Text!"));
    assert_eq!(sharing(&index, &bands, &all, 1), (vec![(1, near::BANDS as u32)], 6));
    index.diminish(SetId(1), None).expect("take out");
    index.commit_removed().expect("commit");
    assert_eq!(sharing(&index, &bands, &all, 1), (vec![(2, near::BANDS as u32)], 5));
    assert_eq!(sharing(&index, &ids(&["1@x"]), &all, 1).1, 0);
}

#[test]
fn what_one_version_says_of_others_goes_with_it() {
    let (first, other) = (format!("{:064x}", 1), format!("{:064x}", 2));
    let mut doc = body(1, "text");
    assert!(doc.add_version(&first, &links("1@x"), std::iter::empty()));
    assert!(doc.add_version(&other, &links("2@x"), std::iter::empty()));
    assert!(!doc.add_version(&other, &links("2@x"), std::iter::empty()), "nothing is new");
    let fixture = Fixture::new([doc.clone()]);
    let index = &fixture.index;
    let total = |id: &str| sharing(index, &ids(&[id]), &Scope::default(), 9).1;
    assert_eq!((total("1@x"), total("2@x"), total("a@x")), (1, 1, 1));
    let left = Left {
        participants: BTreeSet::new(),
        messages: BTreeSet::from([first.parse::<Digest>().expect("a hash")]),
        sources: BTreeSet::new(),
        classes: BTreeSet::new(),
        received_at: Timestamp(1),
        received: BTreeSet::new(),
        is_proven: true,
        has_unproven: false,
    };
    index.diminish(SetId(1), Some(&left)).expect("take out");
    index.commit_removed().expect("commit");
    assert_eq!((total("1@x"), total("2@x"), total("a@x")), (1, 0, 1));
    doc.reduce(&left);
    assert_eq!(doc.links, [(links("1@x"), vec![0])]);
}

#[test]
fn what_very_many_versions_say_is_bounded_and_declared() {
    let mut doc = body(1, "text");
    let long = |at: usize| Links { id: format!("{at}{}", "a".repeat(900)), ..Links::default() };
    for at in 0..400 {
        doc.add_version(&format!("{at:064x}"), &long(at), std::iter::empty());
    }
    let bytes: usize = doc.links.iter().map(|(links, _)| links.size_bytes()).sum();
    assert!(bytes <= crate::base::limits::VERSION_LINKS_BYTES_MAX && bytes > 200_000);
    assert!(doc.is_partial && doc.are_headers_cut);
}
