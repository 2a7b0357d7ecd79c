//! Each rule is proved to fire: a sound file is wounded in one place, once for
//! each thing that a rule asks for, and the rule says where. A rule that no
//! wound is for fails too.

mod fuzz;
mod header;
mod heaps;
mod names;
mod nodes;
mod objects;
mod patience;
mod patient;
mod tables;
mod trees;

use std::collections::BTreeSet;
use std::io::Cursor;

use self::patient::{Patient, Which};
use super::rule::Rule;
use super::{check, samples};

const FOLDER: u32 = 0x80A2;
const CONTENTS: u32 = 0x80AE;
/// A message with attachments, the second of which is a message.
const MESSAGE: u32 = 0x20_0024;
const ATTACHMENT: u32 = 0x8025;
const NESTED: u32 = 0x8045;
/// A message whose heap is one block that is nearly full.
const FULL: u32 = 0x20_0CA4;

/// Type and value in a property's record.
const TYPE: usize = 2;
const VALUE: usize = 4;

/// What is done to a file, and what must be said of it.
struct Wound {
    on: Which,
    rule: Rule,
    /// A part of where.
    place: String,
    cut: Box<dyn Fn(&mut Patient)>,
}

struct Wounds {
    on: Which,
    all: Vec<Wound>,
}

impl Wounds {
    fn of(fill: fn(&mut Self)) -> Vec<Wound> {
        let mut wounds = Self { on: Which::Sound, all: Vec::new() };
        fill(&mut wounds);
        wounds.all
    }

    /// From here on, wounds of that file.
    fn on(&mut self, which: Which) {
        self.on = which;
    }

    fn add(&mut self, rule: Rule, place: &str, cut: impl Fn(&mut Patient) + 'static) {
        self.all.push(Wound { on: self.on, rule, place: place.to_owned(), cut: Box::new(cut) });
    }
}

/// Fails unless each wound leads to its finding.
fn all_fire(fill: fn(&mut Wounds)) {
    let mut silent = Vec::new();
    for (number, wound) in Wounds::of(fill).iter().enumerate() {
        let mut patient = wound.on.patient();
        (wound.cut)(&mut patient);
        let report = check(Cursor::new(&patient.bytes)).unwrap();
        let place = wound.place.as_str();
        let fires =
            report.findings.iter().any(|it| it.rule == wound.rule && it.place.contains(place));
        if !fires {
            let some: Vec<_> = report.findings.iter().take(3).map(ToString::to_string).collect();
            silent.push(format!("{number}: {:?} at {place:?}, but {some:?}", wound.rule));
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn header_and_maps() {
    all_fire(header::wounds);
}

#[test]
fn trees_and_blocks() {
    all_fire(trees::wounds);
}

#[test]
fn nodes() {
    all_fire(nodes::wounds);
}

#[test]
fn heaps() {
    all_fire(heaps::wounds);
}

#[test]
fn tables() {
    all_fire(tables::wounds);
}

#[test]
fn objects() {
    all_fire(objects::wounds);
}

#[test]
fn names() {
    all_fire(names::wounds);
}

/// Places in a file that crosses the first free maps, and what breaks there.
const FAR: [(u64, &[Rule]); 9] = [
    (0x01F0_4800 + 496, &[Rule::FreeMap]),
    (0x01F0_4800 + 497, &[Rule::FreeMap]),
    (0x01F0_4800, &[Rule::MapChecksum, Rule::MapUnused]),
    (0x7C00_4800 + 496, &[Rule::FreePageMap]),
    (0x7C00_4800 + 497, &[Rule::FreePageMap]),
    (0x7C00_4800, &[Rule::MapChecksum, Rule::MapUnused]),
    (0x7C00_4800 + 498, &[Rule::MapSignature]),
    (0x7C00_4800 + 504, &[Rule::MapId]),
    // Half a kilobyte on, where some writers put it, there is none.
    (0x7C00_4A00, &[]),
];

#[test]
fn sparse_file_crosses_the_first_free_maps() {
    let mut sparse = samples::sparse(8200);
    let found = |sparse: &mut samples::Sparse| -> Vec<Rule> {
        check(sparse).unwrap().findings.iter().map(|finding| finding.rule).collect()
    };
    assert!(sparse.size() > 0x7C00_4800);
    assert_eq!(found(&mut sparse), []);
    for (at, rules) in FAR {
        sparse.flip(at);
        assert_eq!(found(&mut sparse), rules, "{at:#x}");
        sparse.flip(at);
    }
}

#[test]
fn every_rule_has_a_wound() {
    let fills: [fn(&mut Wounds); 7] = [
        header::wounds,
        trees::wounds,
        nodes::wounds,
        heaps::wounds,
        tables::wounds,
        objects::wounds,
        names::wounds,
    ];
    let mut wounded: BTreeSet<Rule> = FAR.iter().flat_map(|(_, rules)| *rules).copied().collect();
    wounded.insert(patience::RULE);
    for fill in fills {
        wounded.extend(Wounds::of(fill).iter().map(|wound| wound.rule));
    }
    let whole: Vec<&Rule> = Rule::ALL.iter().filter(|rule| !wounded.contains(rule)).collect();
    assert!(whole.is_empty(), "no wound is for {whole:?}");
}

#[test]
fn no_rule_fires_without_cause() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for which in [Which::Sound, Which::Deep, Which::Long] {
        let patient = which.patient();
        std::fs::write(&file, &patient.bytes).unwrap();
        samples::assert_others_agree(file.path());
        let report = check(Cursor::new(&patient.bytes)).unwrap();
        let some: Vec<_> = report.findings.iter().take(5).map(ToString::to_string).collect();
        assert!(some.is_empty(), "{which:?}: {some:?}");
    }
}
