//! Documents that end anywhere and have any bit turned: our own readers take them, and
//! say what is missing.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use muniment::extract::readers::{names, read_as};
use muniment::extract::{Parsed, Reason, parse_message};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use super::support::random::Random;
use super::support::samples::samples;
use super::support::{attach, corpus};

/// Libraries read these. What they make of broken bytes, a panic or worse, costs a
/// child, and other tests are of that.
const LIBRARIES: [&str; 3] = ["pdf", "pst", "seven_zip"];

/// What one reader is given in one test takes no longer.
fn time() -> Duration {
    let is_long = std::env::var_os("MUNIMENT_TEST_LONG").is_some();
    Duration::from_secs(if is_long { 20 } else { 1 })
}

/// Of each format that is read by our own code, small ones.
const SAMPLES: &[&str] = &[
    "tika/test.doc",
    "tika/testWordPerfect_42.doc",
    "tika/testEXCEL_5.xls",
    "tika/testEXCEL_extra_metadata.xls",
    "tika/testPPT.ppt",
    "tika/testMSG_StickyNote.msg",
    "tika/testMSG_Task.msg",
    "tika/testRTFTIKA_2150.rtf",
    "tika/testRTF_nestedHyperlinkPageRef.rtf",
    "tika/testMailMerge.docx",
    "tika/testEXCEL_poi.xlsx",
    "tika/testEXCEL.xlsb",
    "tika/testODT_svgTitleInStyledSpan.odt",
    "tika/test-columnar.ods",
    "tika/test-zip-of-zip.zip",
    "hoover/box.zip",
    "tika/test-nested-tarball.tar",
    "mimekit/one-file.tnef",
    "mimekit/rtf.tnef",
    "mimekit/multi-name-property.tnef",
];

fn ours() -> impl Iterator<Item = &'static str> {
    names().filter(|name| !LIBRARIES.contains(name))
}

/// A document that is listed, and is no more than it was: it has text or says why not.
fn is_told(name: &str, content: &[u8]) -> Result<(), String> {
    let read = read_as(name, content, "heron").unwrap();
    for file in &read.attachments {
        let is_gap = read.gaps.iter().any(|gap| gap.ordinal == Some(file.ordinal));
        if file.text.is_none() && !is_gap {
            return Err(format!("{name}: document {} is silent", file.ordinal));
        }
    }
    match read.attachments.first() {
        Some(first) if first.size == content.len() as u64 => Ok(()),
        _ => Err(format!("{name}: the document is not listed")),
    }
}

#[test]
fn a_sample_of_each_kind_is_read() {
    for name in names() {
        let samples = samples(name);
        assert!(!samples.is_empty(), "{name}");
        for sample in samples {
            assert_eq!(is_told(name, &sample), Ok(()));
        }
    }
    // That they are what they are made for: words are found in those that have some.
    for name in ours().filter(|name| *name != "picture") {
        let read = read_as(name, &samples(name)[0], "heron").unwrap();
        let has_words = read.attachments.iter().filter_map(|file| file.text.as_deref());
        let words: String = has_words.collect();
        assert!(words.trim().len() >= 3, "{name}: {read:?}");
    }
}

#[test]
fn a_document_that_ends_at_any_byte_fails_no_reader() {
    for name in ours() {
        let until = Instant::now() + time();
        for sample in samples(name) {
            // From both ends on, so that of a long one the time is for what matters.
            let outward = (0..sample.len().div_ceil(2)).flat_map(|at| [at, sample.len() - 1 - at]);
            for end in outward.take_while(|_| Instant::now() < until) {
                assert_eq!(is_told(name, &sample[..end]), Ok(()), "cut at {end}");
            }
        }
    }
}

/// A change of a document, at places that are shares of its length.
#[derive(Clone, Debug)]
enum Change {
    Turn { at: f64, bit: u8 },
    Set { at: f64, bytes: Vec<u8> },
    Insert { at: f64, bytes: Vec<u8> },
    Repeat { from: f64, len: usize, times: usize },
    Cut { at: f64 },
}

fn change() -> impl Strategy<Value = Change> {
    let place = || prop_oneof![0.0..1.0, 0.0..0.05, 0.95..1.0];
    // Lengths, counts and places that readers calculate with.
    let number = select(vec![0u32, 1, 0x7f, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_fff8, 0xffff_ffff]);
    let number = number.prop_map(|number| number.to_le_bytes().to_vec());
    let some = proptest::collection::vec(any::<u8>(), 1..9);
    let bytes = prop_oneof![number, some].boxed();
    prop_oneof![
        3 => (place(), 0..8u8).prop_map(|(at, bit)| Change::Turn { at, bit }),
        3 => (place(), bytes.clone()).prop_map(|(at, bytes)| Change::Set { at, bytes }),
        1 => (place(), bytes).prop_map(|(at, bytes)| Change::Insert { at, bytes }),
        1 => (place(), 1..64usize, 1..40usize)
            .prop_map(|(from, len, times)| Change::Repeat { from, len, times }),
        1 => place().prop_map(|at| Change::Cut { at }),
    ]
}

fn changed(mut content: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let len = content.len();
        let place = |share: f64| ((len as f64 * share) as usize).min(len.saturating_sub(1));
        match change {
            _ if len == 0 => {}
            Change::Turn { at, bit } => content[place(*at)] ^= 1 << bit,
            Change::Set { at, bytes } => {
                for (old, new) in content[place(*at)..].iter_mut().zip(bytes) {
                    *old = *new;
                }
            }
            Change::Insert { at, bytes } => {
                let at = place(*at);
                content.splice(at..at, bytes.iter().copied());
            }
            Change::Repeat { from, len: taken, times } => {
                let from = place(*from);
                let part = content[from..(from + taken).min(len)].repeat(*times);
                content.splice(from..from, part);
            }
            Change::Cut { at } => content.truncate(place(*at)),
        }
    }
    content
}

/// What fails is told as a sample and its changes, so that it can be done again.
#[test]
fn a_document_that_is_changed_in_any_way_fails_no_reader() {
    let changes = proptest::collection::vec(change().boxed(), 1..6);
    let noise = proptest::collection::vec(any::<u8>(), 0..600);
    let config = || Config { cases: 32, failure_persistence: None, ..Config::default() };
    for name in ours() {
        let any =
            prop_oneof![8 => select(samples(name)), 1 => noise.clone(), 1 => Just(Vec::new())];
        let until = Instant::now() + time();
        while Instant::now() < until {
            let mut runner = TestRunner::new(config());
            let ran = runner.run(&(any.clone(), changes.clone()), |(content, changes)| {
                is_told(name, &changed(content, &changes))
                    .map_err(proptest::test_runner::TestCaseError::fail)
            });
            if let Err(error) = ran {
                panic!("{name}: {error}");
            }
        }
    }
}

/// Whoever adds a reader adds its target, and none drives what is not there.
#[test]
fn each_reader_has_a_fuzz_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let mut targets = BTreeSet::new();
    for file in std::fs::read_dir(root.join("fuzz_targets")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let call = format!("muniment::extract::readers::read_as(\"{name}\", bytes, \"heron\")");
        assert!(text.contains(&call), "{name}: {text}");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        targets.insert(name);
    }
    assert_eq!(targets, names().map(String::from).collect());
}

const CUTS: usize = 100;
const TURNS: usize = 100;

fn read(content: &[u8]) -> Parsed {
    let headers = "From: ann@corp.example\r\nTo: bob@corp.example\r\nSubject: s\r\n";
    parse_message(&attach(headers, "see it", content))
}

#[track_caller]
fn check(content: &[u8], what: &str) {
    let read = read(content);
    let crashed = read.gaps.iter().find(|gap| gap.reason == Reason::Crashed);
    assert!(crashed.is_none(), "{what}: {crashed:?}");
    assert!(!read.attachments.is_empty(), "{what}: the document is not listed");
}

#[test]
fn a_document_that_is_cut_or_changed_anywhere_fails_no_reader() {
    let Some(root) = corpus("attachments") else { return };
    let seed = Random::seed();
    println!("MUNIMENT_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let mut below = |end: usize| (random.next() % end.max(1) as u64) as usize;
    for name in SAMPLES {
        let whole = std::fs::read(root.join(name)).unwrap();
        check(&whole, name);
        // Every place of a short one, and of a longer one some by chance.
        let is_short = whole.len() <= CUTS;
        for at in 0..CUTS.min(whole.len()) {
            let end = if is_short { at } else { below(whole.len()) };
            check(&whole[..end], &format!("{name} cut at {end}"));
        }
        for _ in 0..TURNS {
            let mut changed = whole.clone();
            // Most of a format's structure is at its beginning and its end.
            let at = match below(3) {
                0 => below(whole.len().min(600)),
                1 => whole.len() - 1 - below(whole.len().min(600)),
                _ => below(whole.len()),
            };
            let bit = below(8);
            changed[at] ^= 1 << bit;
            check(&changed, &format!("{name} with bit {bit} of byte {at} turned"));
        }
    }
}
