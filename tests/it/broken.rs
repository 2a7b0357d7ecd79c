//! Documents that end anywhere and have any bit turned: our own readers take them, and
//! say what is missing.

use muniment::extract::{Parsed, Reason, parse_message};

use super::support::random::Random;
use super::support::{attach, corpus};

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
