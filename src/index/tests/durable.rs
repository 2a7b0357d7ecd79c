//! What is on disk: put again, reopened, damaged, cut off.

use super::*;

#[test]
fn a_family_put_again_replaces_itself() {
    let found = Fixture::new([body(1, "first"), body(2, "other")]);
    found.index.put(body(1, "second")).expect("put");
    assert_eq!(found.find("first"), [1]);
    let stored = found.index.stored(SetId(1)).expect("a look").expect("there");
    assert_eq!(stored.body, "second");
    found.index.put(body(1, "third")).expect("put");
    found.index.commit(7).expect("commit");
    assert_eq!(found.find("first OR second"), [0; 0]);
    assert_eq!(found.find("third"), [1]);
    assert_eq!(found.find("NOT third"), [2]);
    assert_eq!(found.index.cursor(), 7);
    assert_eq!(found.index.families().expect("a count"), 2);
    assert_eq!(found.index.stored(SetId(9)).expect("a look"), None);
}

#[test]
fn stored_family_is_as_it_was_put() {
    let mut doc = body(1, "line\r\n\u{FDD0} \u{0}end");
    doc.attachments = vec![attachment("a", "+text"), attachment("b", "")];
    doc.attachments.push(AttachmentDoc { text: None, ..attachment("c", "") });
    doc.participants = vec![person(Role::OnBehalfOf, "N", "a@b")];
    let found = Fixture::new([doc.clone()]);
    assert_eq!(found.index.stored(SetId(1)).expect("a look"), Some(doc));
}

#[test]
fn reopened_index_is_the_same() {
    let Fixture { index, _directory: directory } = Fixture::new([body(1, "word")]);
    index.put(body(2, "never committed")).expect("put");
    assert!(matches!(Index::open(directory.path(), MEMORY), Err(IndexError::Busy)));
    drop(index);
    let index = Index::open(directory.path(), MEMORY).expect("an index");
    assert_eq!((index.cursor(), index.families().expect("a count"), index.emptied()), (1, 1, None));
}

#[test]
fn damaged_or_foreign_index_is_emptied_and_says_why() {
    type Damage = fn(&std::path::Path);
    let damage: [(&str, Damage); 4] = [
        ("version", |path| std::fs::write(path.join("version"), "0").expect("write")),
        ("json", |path| std::fs::write(path.join("meta.json"), "{").expect("write")),
        ("not as written", |path| {
            let file = file_of(path, "store");
            let mut bytes = std::fs::read(&file).expect("read");
            bytes[0] ^= 1;
            std::fs::write(file, bytes).expect("write");
        }),
        ("", |path| std::fs::remove_file(file_of(path, "pos")).expect("remove")),
    ];
    for (why, damage) in damage {
        let Fixture { index, _directory: directory } = Fixture::new([body(1, "word")]);
        drop(index);
        damage(directory.path());
        let index = Index::open(directory.path(), MEMORY).expect("an index");
        let emptied = index.emptied().expect("a reason");
        assert!(emptied.to_lowercase().contains(why), "{emptied}");
        assert_eq!((index.cursor(), index.families().expect("a count")), (0, 0));
        index.put(body(1, "word")).expect("put");
        index.commit(3).expect("commit");
        index.reset("because").expect("reset");
        assert_eq!((index.cursor(), index.families().expect("a count")), (0, 0));
        index.put(body(1, "word")).expect("put");
        index.commit(3).expect("commit");
        drop(index);
        assert_eq!(Index::open(directory.path(), MEMORY).expect("an index").cursor(), 3);
    }
}

#[test]
fn after_a_failure_filling_goes_on_from_the_last_commit() {
    let Fixture { index, _directory: directory } = Fixture::new([body(1, "word")]);
    let elsewhere = directory.path().with_extension("away");
    std::fs::rename(directory.path(), &elsewhere).expect("rename");
    let failed = index.put(body(2, "word")).and_then(|()| index.commit(2));
    assert!(matches!(failed, Err(IndexError::Corrupt(_))), "{failed:?}");
    assert_eq!((index.cursor(), index.families().expect("a count")), (1, 1));
    assert!(index.commit(2).is_err());
    std::fs::rename(&elsewhere, directory.path()).expect("rename");
    index.put(body(2, "word")).expect("put");
    index.commit(2).expect("commit");
    assert_eq!((index.cursor(), index.families().expect("a count")), (2, 2));

    std::fs::remove_dir_all(directory.path()).expect("remove");
    let failed = index.put(body(3, "word")).and_then(|()| index.commit(3));
    assert!(matches!(failed, Err(IndexError::Corrupt(_))), "{failed:?}");
    let list =
        |index: &Index| index.all(&read("word"), &Scope::default()).expect("an answer").len();
    assert_eq!(list(&index), 2);
    index.reset("it was lost").expect("reset");
    assert_eq!((index.cursor(), list(&index)), (0, 0));
    index.put(body(3, "word")).expect("put");
    index.commit(3).expect("commit");
    assert_eq!(list(&index), 1);
}

/// Of a commit that takes something out, files are there before it is one; the same
/// commit after a restart is to write them again.
#[test]
fn a_commit_that_was_cut_off_is_made_again() {
    // So many that what is taken out is not merged away at once.
    let Fixture { index, _directory: directory } =
        Fixture::new((1..=12).map(|set| body(set, "word")));
    let meta = directory.path().join("meta.json");
    let before = std::fs::read(&meta).expect("read");
    index.diminish(SetId(1), None).expect("take out");
    index.commit(2).expect("commit");
    drop(index);
    let left = file_of(directory.path(), "del");
    std::fs::write(&meta, before).expect("write");

    let index = Index::open(directory.path(), MEMORY).expect("an index");
    assert_eq!((index.cursor(), index.emptied()), (1, None));
    assert!(!left.exists(), "it is kept, and nothing names it");
    index.diminish(SetId(1), None).expect("take out");
    index.commit(2).expect("commit");
    index.expunge().expect("expunge");
    assert_eq!(index.families().expect("a count"), 11);
}

fn file_of(path: &std::path::Path, extension: &str) -> std::path::PathBuf {
    std::fs::read_dir(path)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|it| it == extension))
        .expect("such a file")
}

#[test]
fn families_stay_whole_when_they_are_replaced_and_merged() {
    let family = |set: i64, round: i64| {
        let mut doc = body(set, &format!("body{round}"));
        doc.attachments =
            (0..set % 4).map(|at| attachment("-", &format!("part{at} round{round}"))).collect();
        doc
    };
    let found = Fixture::new((1..=9).map(|set| family(set, 0)));
    for round in 1..=12 {
        for set in (1..=9).filter(|set| (set + round) % 3 == 0) {
            found.index.put(family(set, round)).expect("put");
        }
        found.index.commit(round as u64).expect("commit");
    }
    found.index.expunge().expect("merged");
    let last = |set: i64| (1..=12).rev().find(|round| (set + round) % 3 == 0).expect("a round");
    for set in 1..=9 {
        for at in 0..set % 4 {
            let text = format!("part{at} and round{}", last(set));
            let hits = found_by(&found, Dialect::DtSearch, &text);
            assert!(hits.contains(&(set, 1)), "{text} {set} {hits:?}");
            let text = format!("body{} AND part{at}", last(set));
            let hits = found_by(&found, Dialect::Kql, &text);
            assert!(hits.contains(&(set, 1 + (set % 4) as u32)), "{text} {set} {hits:?}");
        }
    }
    assert_eq!(found.find("round0"), [0; 0]);
    assert_eq!(found.index.families().expect("a count"), 9);
}
