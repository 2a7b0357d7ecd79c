//! An empty store of ours beside the one that Outlook made.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use muniment::pst::check::{Rule, check};
use muniment::pst::{Options, Writer};

use super::assert_sound;
use crate::support::corpus;

/// What Outlook's has and ours has not, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("node 261", "NID_SEARCH_DOMAIN_OBJECT (MS-PST 2.4.1), empty: no search has been made"),
    ("node e01", "state of Outlook's search index"),
    ("node e41", "state of Outlook's search index"),
    ("node ee1", "state of Outlook's search index"),
    ("node f01", "state of Outlook's search index, with a time of its own"),
    ("node f21", "state of Outlook's search index"),
    ("store 66fa0003", "undocumented; a version of Outlook's own"),
    ("store 66fc0003", "undocumented; a counter of Outlook's own"),
    // Columns of the views that Outlook had open; the templates have none of them.
    ("table 12f", "columns of an Outlook view"),
    ("table 802d", "columns of an Outlook view"),
    ("table 802e", "columns of an Outlook view, ten of them for named properties"),
    ("table 804d", "columns of an Outlook view"),
    ("table 808f", "columns of an Outlook view"),
    // What is in the map is for the named properties that are in the store: of Outlook's
    // own tasks, flags and forms there, and of this archive here.
    ("names 00020102", "the sets of other names"),
    ("names 00030102", "other names"),
    ("names 00040102", "other names"),
    ("names buckets", "other names"),
];

#[test]
fn empty_store_is_the_golden_one() {
    let Some(golden) = corpus("attachments/outlook-pst-rs/Empty.pst") else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("Empty.pst");
    let options = Options::new("Empty", directory.path());
    let writer = Writer::create(std::fs::File::create(&file).unwrap(), options).unwrap();
    writer.finish(|file| file.sync_all()).unwrap();
    assert_sound(&file);
    let (Some(ours), Some(theirs)) = (outline(&file), outline(&golden)) else { return };
    let extra: Vec<_> = ours.keys().filter(|key| !theirs.contains_key(*key)).collect();
    assert!(extra.is_empty(), "ours alone: {extra:?}");
    let mut missing = Vec::new();
    for (key, value) in &theirs {
        let is_same = ours.get(key) == Some(value);
        if !is_same && !LEFT_OUT.iter().any(|(left, _)| left == key) {
            missing.push(format!("{key}: {value} but {:?}", ours.get(key)));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Stores that we did not write, and what our checker says of them all the same.
const OTHERS: &[(&str, &[Rule])] = &[
    ("outlook-pst-rs/Empty.pst", &[]),
    ("tika/testPST.pst", &[]),
    (
        "java-libpst/dist-list.pst",
        &[
            // What is no longer used was in use in the older versions that wrote this.
            Rule::HeaderFreeMap,
            Rule::HeaderFreePageMap,
            Rule::MapUnused,
            // What the program let go of and had not freed.
            Rule::BlockUnused,
            // Node 0x730 is a heap of a kind that is not documented.
            Rule::HeapClient,
            // Columns that came later.
            Rule::RequiredColumns,
        ],
    ),
    (
        "iped/test_sample.pst",
        &[
            Rule::HeaderFreeMap,
            Rule::HeaderFreePageMap,
            Rule::MapUnused,
            Rule::HeapClient,
            Rule::RequiredColumns,
            // Sizes are as they were before the program moved the messages here.
            Rule::RowDiffers,
            Rule::MessageSize,
        ],
    ),
    // Not Outlook's own: names are folded in lines, counts and sizes are guessed.
    (
        "pst-extractor/enron-mlokay-nonpriv.pst",
        &[
            Rule::DensityListChecksum,
            Rule::FreeMarkedUsed,
            Rule::HeapMapFree,
            Rule::HeapFill,
            Rule::StoreFolderMask,
            Rule::MessageSize,
            Rule::RecipientLine,
            Rule::AttachmentSize,
            Rule::NameBucket,
        ],
    ),
];

/// Else what it finds in a file of ours would say little.
#[test]
fn our_checker_says_of_other_stores_only_what_is_known() {
    for (name, known) in OTHERS {
        let Some(file) = corpus(&format!("attachments/{name}")) else { return };
        let report = check(Cursor::new(std::fs::read(file).unwrap())).unwrap();
        let found: BTreeSet<Rule> = report.findings.iter().map(|finding| finding.rule).collect();
        assert_eq!(found, known.iter().copied().collect(), "{name}");
    }
}

/// The columns of every table, with their number of rows, and the named property map.
const TABLES: &str = r#"
import sys
sys.path.insert(0, sys.argv[1])
import pstcheck, pstltp
pstcheck.run(sys.argv[2])
nodes = pstcheck.P.N
for nid in sorted(nodes):
    data, subnodes, _ = nodes[nid]
    try:
        client = pstltp.HN(data, subnodes).client
    except Exception:
        continue
    if client == 0x7C:
        columns, _, rows, _, _ = pstltp.tc(data, subnodes)
        print('table %x: %s, %d rows' % (nid, ' '.join('%08x' % one[0] for one in columns), len(rows)))
buckets = []
for tag, (kind, value, _) in sorted(pstltp.pc(*nodes[0x61][:2]).items()):
    shown = value.hex() if isinstance(value, bytes) else '%x' % value
    if tag < 0x1000:
        print('names %04x%04x: %s' % (tag, kind, shown))
    else:
        buckets.append('%04x=%s' % (tag, shown))
print('names buckets: ' + ' '.join(buckets))
"#;

/// Nodes with parents, properties of the store and folders, columns of tables, names.
fn outline(file: &Path) -> Option<BTreeMap<String, String>> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/tools");
    if !tools.exists() {
        eprintln!("SKIPPED: {} is not here", tools.display());
        return None;
    }
    let run = |tool: &str, verbose: &[&str]| {
        let output = Command::new("python3").arg(tools.join(tool)).arg(file).args(verbose).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let mut outline = BTreeMap::new();
    let structure = run("pstcheck.py", &["-v"]);
    let nodes = structure.lines().find_map(|line| line.trim().strip_prefix("nids ")).unwrap();
    for node in nodes.split(' ') {
        let (nid, parent) = node.split_once(':').unwrap_or((node, "0"));
        outline.insert(format!("node {nid}"), parent.to_owned());
    }
    for line in run("pstltp.py", &[]).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            // Values that differ from store to store are not compared.
            [tag, "heap", ..] => outline.insert(format!("store {tag}"), "heap".to_owned()),
            [tag, "inline", value] => outline.insert(format!("store {tag}"), (*value).to_owned()),
            ["FOLDER", nid, rest @ ..] => outline.insert(format!("folder {nid}"), rest.join(" ")),
            _ => None,
        };
    }
    let output = Command::new("python3").arg("-c").arg(TABLES).arg(&tools).arg(file).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (key, value) = line.split_once(": ").unwrap();
        outline.insert(key.to_owned(), value.to_owned());
    }
    Some(outline)
}
