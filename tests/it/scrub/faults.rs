//! Faults one by one, each in a copy of its own of the same archive.

use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::base::hash::Digest;
use muniment::base::ids::SegmentId;
use muniment::ledger::checkpoint::Checkpoint;
use muniment::verify::scrub::finding::FAULTS;

use super::copy::{Copy, check, fixture, found};
use super::{said, verify};
use crate::rebuild::WITH_NOTE;
use crate::support::authority::Authority;

/// What a check must find: kinds and what they are of.
type Expected = Vec<(&'static str, String)>;

fn one(kind: &'static str, object: impl Into<String>) -> Expected {
    vec![(kind, object.into())]
}

/// The nth object below a prefix whose name ends so.
fn nth(copy: &Copy, prefix: &str, end: &str, n: usize) -> String {
    copy.names(prefix).into_iter().filter(|name| name.ends_with(end)).nth(n).unwrap()
}

fn full_tile() -> String {
    "log/tile/0/000".into()
}

fn full_entries() -> String {
    "log/tile/entries/000".into()
}

/// One that larger ones have superseded.
fn old_partial(copy: &Copy, of: &str) -> String {
    let sizes = copy.names("log/checkpoint");
    let width = sizes.iter().filter_map(|name| name.rsplit('/').next()?.parse::<u64>().ok());
    format!("log/tile/{of}/000.p/{}", width.filter(|size| *size < 256).max().unwrap())
}

/// Puts a stamp beside a checkpoint, of these bytes.
fn stamp(copy: &Copy, checkpoint: &str, bytes: &[u8]) -> String {
    let object = checkpoint.replace("checkpoint", "stamp") + ".tsr";
    copy.write(&object, Authority::start().stamp(bytes));
    object
}

const BUCKET: &[&str] = &[
    "flip body",
    "flip metadata",
    "flip table",
    "flip header",
    "truncate segment",
    "flip page",
    "flip key",
    "flip policy key",
    "flip full tile",
    "flip old tile",
    "flip tile of tiles",
    "flip entries",
    "flip old entries",
    "flip old checkpoint",
    "flip newest checkpoint",
    "rename checkpoint",
    "flip stamp",
    "stamp of another checkpoint",
    "stamp without its checkpoint",
    "remove stamp",
    "flip statement",
    "remove segment",
    "flip part",
    "remove part",
    "remove page",
    "remove key",
    "remove full tile",
    "remove old tile",
    "remove entries",
    "remove old entries",
    "remove old checkpoint",
    "remove newest checkpoint",
    "remove statement",
    "swap segments",
    "swap pages",
    "older page on a newer name",
    "garbage segment",
    "segment under another id",
    "second object of a segment",
    "garbage page",
    "garbage in the log",
    "garbage statement",
    "garbage key",
    "flip dictionary",
    "remove dictionary",
    "garbage dictionary",
    "segment in another class",
    "copy of the archive's key",
];

/// A fault of a segment, and one of each record of another that has a part in it.
async fn needed(copy: &Copy, own: &'static str, part: &'static str, object: String) -> Expected {
    let records = copy
        .ask(
            "SELECT group_concat(lower(hex(d.record_id))) FROM part_need n
             JOIN delivery d ON d.seq = n.seq",
        )
        .await;
    let of_record = |record| (part, format!("record {record}"));
    let mut expected = one(own, object);
    expected.extend(records.split(',').map(of_record));
    assert!(expected.len() > 10, "{records}");
    expected
}

async fn hurt_bucket(copy: &Copy, name: &str) -> Expected {
    let seg = |n| nth(copy, "seg", ".seg", n);
    let page = |n| nth(copy, "key", ".page", n);
    let policy = |n| nth(copy, "policy", ".policy", n);
    let key = "keyring/epoch/standard";
    let checkpoint = |n: usize| copy.names("log/checkpoint")[n].clone();
    let newest = copy.names("log/checkpoint").pop().unwrap();
    let flip = |object: String, kind: &'static str| {
        copy.flip_middle(&object);
        one(kind, object)
    };
    let remove = |object: String, kind: &'static str| {
        copy.remove(&object);
        one(kind, object)
    };
    let put = |object: String, bytes: &[u8]| {
        copy.write(&object, bytes);
        one("stray-object", object)
    };
    let id = SegmentId::generate();
    let month = seg(0).split('/').nth(2).unwrap().to_owned();
    match name {
        "flip body" => {
            let object = seg(3);
            copy.flip(&object, 90);
            one("segment-damaged", object)
        }
        "flip metadata" => {
            let object = seg(4);
            let bytes = copy.read(&object);
            let end = bytes.len() - 44;
            let footer = u32::from_be_bytes(bytes[end..end + 4].try_into().unwrap()) as usize;
            copy.flip(&object, end - footer - 3);
            one("segment-damaged", object)
        }
        "flip table" => {
            let object = seg(5);
            copy.flip(&object, copy.read(&object).len() - 60);
            one("segment-damaged", object)
        }
        "flip header" => {
            let object = seg(6);
            copy.flip(&object, 12);
            one("segment-damaged", object)
        }
        "truncate segment" => {
            let object = seg(7);
            let bytes = copy.read(&object);
            copy.write(&object, &bytes[..bytes.len() - 10]);
            one("segment-damaged", object)
        }
        "flip page" => flip(page(8), "page-damaged"),
        "flip key" => flip(nth(copy, key, "00000001", 0), "key-damaged"),
        "flip policy key" => {
            let object = nth(copy, "keyring/epoch/policy", "00000001", 0);
            flip(object, "key-damaged")
        }
        "flip full tile" => flip(full_tile(), "tile-damaged"),
        "flip old tile" => flip(old_partial(copy, "0"), "tile-damaged"),
        "flip tile of tiles" => flip(nth(copy, "log/tile/1", "1", 0), "tile-damaged"),
        "flip entries" => flip(full_entries(), "entries-damaged"),
        "flip old entries" => flip(old_partial(copy, "entries"), "entries-damaged"),
        "flip old checkpoint" => flip(checkpoint(1), "checkpoint-damaged"),
        "flip newest checkpoint" => flip(newest, "checkpoint-damaged"),
        "rename checkpoint" => {
            copy.write(&checkpoint(1), copy.read(&checkpoint(0)));
            one("checkpoint-damaged", checkpoint(1))
        }
        "flip stamp" => {
            let object = stamp(copy, &checkpoint(1), &copy.read(&checkpoint(1)));
            // The end of its signature.
            copy.flip(&object, copy.read(&object).len() - 1);
            one("stamp-damaged", object)
        }
        "stamp of another checkpoint" => {
            one("stamp-damaged", stamp(copy, &checkpoint(1), &copy.read(&checkpoint(2))))
        }
        "stamp without its checkpoint" => {
            one("stamp-damaged", stamp(copy, "log/checkpoint/00000000000000700000", b"none"))
        }
        "remove stamp" => {
            let size: u64 = checkpoint(1).rsplit('/').next().unwrap().parse().unwrap();
            let row = format!("INSERT INTO outside VALUES ('stamp', {size}, 1, 1, '')");
            copy.sql(&row).await;
            one("stamp-missing", format!("log/stamp/{size:020}.tsr"))
        }
        "flip statement" => flip(policy(1), "statement-damaged"),
        "remove segment" => remove(seg(9), "segment-missing"),
        "flip part" => {
            let object = seg(WITH_NOTE);
            // Behind the header, before the record that brings it.
            copy.flip(&object, 200);
            needed(copy, "segment-damaged", "part-damaged", object).await
        }
        "remove part" => {
            let object = seg(WITH_NOTE);
            copy.remove(&object);
            needed(copy, "segment-missing", "part-missing", object).await
        }
        "remove page" => remove(page(10), "page-missing"),
        "remove key" => remove(nth(copy, key, "00000001", 0), "key-missing"),
        "remove full tile" => remove(full_tile(), "tile-missing"),
        "remove old tile" => remove(old_partial(copy, "0"), "tile-missing"),
        "remove entries" => remove(full_entries(), "entries-missing"),
        "remove old entries" => remove(old_partial(copy, "entries"), "entries-missing"),
        "remove old checkpoint" => remove(checkpoint(2), "checkpoint-missing"),
        // Those that are newer than the last check are gone with it.
        "remove newest checkpoint" => {
            let newest = "SELECT CAST(json_extract(state, '$.heads.newest') AS TEXT) FROM scrub";
            let newest: u64 = copy.ask(newest).await.parse().unwrap();
            let seen = format!("log/checkpoint/{newest:020}");
            let later = copy.names("log/checkpoint").into_iter().filter(|name| *name > seen);
            later.for_each(|name| copy.remove(&name));
            remove(seen, "checkpoint-missing")
        }
        "remove statement" => remove(policy(2), "statement-missing"),
        "swap segments" => {
            copy.swap(&seg(11), &seg(12));
            [seg(11), seg(12)].map(|object| ("segment-damaged", object)).into()
        }
        "swap pages" => {
            copy.swap(&page(13), &page(14));
            [page(13), page(14)].map(|object| ("page-damaged", object)).into()
        }
        "older page on a newer name" => {
            copy.write(&page(16), copy.read(&page(15)));
            one("page-damaged", page(16))
        }
        "garbage segment" => {
            put(format!("seg/standard/{month}/{id}-{}.seg", Digest::of(b"garbage")), b"garbage")
        }
        "segment under another id" => {
            let bytes = copy.read(&seg(0));
            put(format!("seg/standard/{month}/{id}-{}.seg", Digest::of(&bytes)), &bytes)
        }
        "second object of a segment" => {
            let (head, _) = seg(0).rsplit_once('-').map(|(a, b)| (a.to_owned(), b.len())).unwrap();
            put(format!("{head}-{}.seg", Digest::of(b"other")), b"other")
        }
        "garbage page" => put(format!("key/standard/{month}/{id}.page"), b"garbage"),
        "garbage in the log" => put("log/tile/0/x001/000".into(), b"garbage"),
        "garbage statement" => {
            put(format!("policy/{month}/{}.policy", Digest::of(b"garbage")), b"garbage")
        }
        "flip dictionary" => flip("format/33001.dict".into(), "dictionary-damaged"),
        "remove dictionary" => remove("format/33002.dict".into(), "dictionary-missing"),
        "garbage dictionary" => put("format/1.dict".into(), b"garbage"),
        "segment in another class" => {
            let file = seg(0).rsplit('/').next().unwrap().to_owned();
            put(format!("seg/other/{month}/{file}"), &copy.read(&seg(0)))
        }
        "copy of the archive's key" => {
            let bytes = copy.read("keyring/archive/00000001");
            copy.write("keyring/archive/00000009", &bytes);
            put("keyring/archive/00000002".into(), &bytes);
            ["00000002", "00000009"]
                .map(|number| ("stray-object", format!("keyring/archive/{number}")))
                .into()
        }
        "garbage key" => put("keyring/epoch/standard/notes.txt".into(), b"garbage"),
        other => panic!("no such fault: {other}"),
    }
}

/// What is changed in the catalog; `{r}` is the record of delivery 20, `{l}` the
/// position of its leaf, `{s}` its segment, `{st}` a statement that tells an act.
const CATALOG: &[(&str, &[(&str, &str)])] = &[
    ("UPDATE delivery SET sha256 = zeroblob(32) WHERE seq = 20", RECORD_CHANGED),
    ("UPDATE delivery SET size_bytes = size_bytes + 1 WHERE seq = 20", RECORD_CHANGED),
    ("UPDATE delivery SET source = 'other' WHERE seq = 20", RECORD_CHANGED),
    ("UPDATE delivery SET class = 'short' WHERE seq = 20", RECORD_CHANGED),
    ("UPDATE delivery SET epoch = '1999-01' WHERE seq = 20", RECORD_CHANGED),
    ("UPDATE delivery SET received_at = received_at - 1 WHERE seq = 20", RECORD_CHANGED),
    ("UPDATE delivery SET envelope = '{}' WHERE seq = 20", RECORD_CHANGED),
    ("UPDATE delivery SET is_proven = 1 - is_proven WHERE seq = 20", RECORD_CHANGED),
    ("UPDATE delivery SET form = 'bounce' WHERE seq = 20", RECORD_CHANGED),
    ("UPDATE delivery SET defects = '[\"x\"]' WHERE seq = 20", RECORD_CHANGED),
    ("UPDATE delivery SET sha256 = 'text', size_bytes = 'text' WHERE seq = 20", RECORD_CHANGED),
    (
        "UPDATE delivery SET transaction_ = replace(transaction_, '127.0.0.1', '127.0.0.2')
         WHERE seq = 20",
        RECORD_CHANGED,
    ),
    ("UPDATE delivery_message SET sha256 = zeroblob(32) WHERE seq = 20", RECORD_CHANGED),
    ("DELETE FROM delivery_message WHERE seq = 20", RECORD_CHANGED),
    ("INSERT INTO part_need SELECT 20, segment_id FROM segment LIMIT 1", RECORD_CHANGED),
    (
        "DELETE FROM part_need WHERE seq = (SELECT MIN(seq) FROM part_need)",
        &[("delivery-row-changed", "record {p}")],
    ),
    (
        "UPDATE delivery SET segment_id = (SELECT segment_id FROM delivery WHERE seq = 21)
         WHERE seq = 20",
        RECORD_CHANGED,
    ),
    (
        "DELETE FROM delivery WHERE seq = 20; DELETE FROM delivery_message WHERE seq = 20",
        &[("delivery-row-missing", "record {r}"), ("derived-row-extra", "set_delivery {set} 20 0")],
    ),
    (
        "INSERT INTO delivery SELECT 100000, randomblob(16), segment_id, entry, source,
             received_at, class, epoch, size_bytes, sha256, form, is_proven, transaction_,
             envelope, defects FROM delivery WHERE seq = 20",
        &[("delivery-row-extra", "record {new}")],
    ),
    (
        "UPDATE delivery SET seq = 100000 WHERE seq = 20;
         UPDATE delivery_message SET seq = 100000 WHERE seq = 20;
         UPDATE delivery SET seq = 20 WHERE seq = 21;
         UPDATE delivery_message SET seq = 20 WHERE seq = 21;
         UPDATE delivery SET seq = 21 WHERE seq = 100000;
         UPDATE delivery_message SET seq = 21 WHERE seq = 100000",
        &[
            ("delivery-order", "record {r}"),
            ("derived-row-changed", "set_delivery {set} 20 0"),
            ("derived-row-changed", "set_delivery {next} 21 0"),
        ],
    ),
    ("DELETE FROM leaf WHERE position = {l}", &[("leaf-row-missing", "leaf of record {r}")]),
    (
        "UPDATE leaf SET body = (SELECT body FROM leaf WHERE position = {l} - 1)
         WHERE position = {l}",
        LEAF_CHANGED,
    ),
    ("UPDATE leaf SET hash = zeroblob(32) WHERE position = {l}", LEAF_CHANGED),
    (
        "UPDATE segment SET object = (SELECT object FROM segment WHERE segment_id <> x'{s}')
         WHERE segment_id = x'{s}'",
        SEGMENT_CHANGED,
    ),
    (
        "UPDATE segment SET page = (SELECT page FROM segment WHERE segment_id <> x'{s}')
         WHERE segment_id = x'{s}'",
        SEGMENT_CHANGED,
    ),
    ("UPDATE segment SET sha256 = zeroblob(32) WHERE segment_id = x'{s}'", SEGMENT_CHANGED),
    ("UPDATE segment SET class = 'short' WHERE segment_id = x'{s}'", SEGMENT_CHANGED),
    ("DELETE FROM segment WHERE segment_id = x'{s}'", &[("segment-row-missing", "segment {s}")]),
    (
        "DELETE FROM delivery_message WHERE seq = 20;
         DELETE FROM delivery WHERE seq = 20;
         DELETE FROM segment WHERE segment_id = x'{s}'",
        &[
            ("segment-row-missing", "segment {s}"),
            ("delivery-row-missing", "record {r}"),
            ("derived-row-extra", "set_delivery {set} 20 0"),
        ],
    ),
    ("UPDATE statement SET action = 'other' WHERE statement_id = {st}", STATEMENT_CHANGED),
    ("UPDATE statement SET at = at + 1 WHERE statement_id = {st}", STATEMENT_CHANGED),
    (
        "UPDATE statement SET object = (SELECT object FROM statement WHERE statement_id <> {st})
         WHERE statement_id = {st}",
        STATEMENT_CHANGED,
    ),
    ("DELETE FROM statement WHERE statement_id = {st}", &[("statement-row-missing", "leaf {stl}")]),
    (
        "UPDATE hold SET released_at = 5, released_by = 1 WHERE name = 'second'",
        &[("state-row-changed", "hold 2")],
    ),
    (
        "DELETE FROM hold_custodian WHERE hold_id = 2 AND custodian_id = 1",
        &[("state-row-missing", "hold_custodian 2 1")],
    ),
    (
        "UPDATE custodian_address SET address = 'other@example.com'
         WHERE address = 'bob0@example.com'",
        &[
            ("state-row-extra", "custodian_address 1 other@example.com"),
            ("state-row-missing", "custodian_address 1 bob0@example.com"),
        ],
    ),
    ("UPDATE matter SET is_closed = 1", &[("state-row-changed", "matter 1")]),
    (
        "UPDATE person SET role = 'administrator' WHERE name = 'alice'",
        &[("state-row-changed", "person {alice}")],
    ),
    ("INSERT INTO meta VALUES ('extra', '1')", &[("state-row-extra", "meta extra")]),
    (
        "INSERT INTO spare_page SELECT page, 0, 1 FROM segment WHERE segment_id = x'{s}'",
        &[("spare-page-live", "{page}")],
    ),
    (
        "INSERT INTO condemned SELECT object, 1 FROM segment WHERE segment_id = x'{s}'",
        &[("condemned-live", "{object}")],
    ),
    ("UPDATE audit SET actor = 'nobody' WHERE audit_id = 3", &[("audit-row-changed", "audit 3")]),
    ("DELETE FROM audit WHERE audit_id = 3", &[("audit-row-missing", "audit 3")]),
];

const RECORD_CHANGED: &[(&str, &str)] = &[("delivery-row-changed", "record {r}")];
const LEAF_CHANGED: &[(&str, &str)] = &[("leaf-row-changed", "leaf of record {r}")];
const SEGMENT_CHANGED: &[(&str, &str)] = &[("segment-row-changed", "segment {s}")];
const STATEMENT_CHANGED: &[(&str, &str)] = &[("statement-row-changed", "statement {st}")];

async fn filled(copy: &Copy, text: &str) -> String {
    let marks = [
        ("{r}", "SELECT lower(hex(record_id)) FROM delivery WHERE seq = 20"),
        (
            "{l}",
            "SELECT CAST(position AS TEXT) FROM leaf
             WHERE record_id = (SELECT record_id FROM delivery WHERE seq = 20)",
        ),
        (
            "{p}",
            "SELECT lower(hex(record_id)) FROM delivery WHERE seq = (SELECT MIN(seq) FROM part_need)",
        ),
        ("{set}", "SELECT CAST(set_id AS TEXT) FROM set_delivery WHERE seq = 20"),
        ("{next}", "SELECT CAST(set_id AS TEXT) FROM set_delivery WHERE seq = 21"),
        ("{s}", "SELECT lower(hex(segment_id)) FROM delivery WHERE seq = 20"),
        (
            "{page}",
            "SELECT s.page FROM segment s JOIN delivery d ON d.segment_id = s.segment_id
             WHERE d.seq = 20",
        ),
        (
            "{object}",
            "SELECT s.object FROM segment s JOIN delivery d ON d.segment_id = s.segment_id
             WHERE d.seq = 20",
        ),
        (
            "{st}",
            "SELECT CAST(MIN(statement_id) AS TEXT) FROM statement WHERE action = 'hold.place'",
        ),
        ("{stl}", "SELECT CAST(MIN(position) AS TEXT) FROM statement WHERE action = 'hold.place'"),
        (
            "{new}",
            "SELECT COALESCE(MAX(lower(hex(record_id))), '') FROM delivery WHERE seq = 100000",
        ),
        ("{alice}", "SELECT CAST(user_id AS TEXT) FROM person WHERE name = 'alice'"),
    ];
    let mut text = text.to_owned();
    for (mark, sql) in marks {
        if text.contains(mark) {
            text = text.replace(mark, &copy.ask(sql).await);
        }
    }
    text
}

async fn expect(copy: &Copy, what: &str, mut expected: Vec<(String, String)>) {
    let report = check(&copy.config).await;
    expected.sort();
    assert_eq!(found(&report), expected, "{what}: {:#?}", report.faults);
    for (kind, _) in &expected {
        assert!(FAULTS.contains(&kind.as_str()), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_found_and_named_and_nothing_else() {
    let made = fixture().await;
    expect(&Copy::of(&made), "nothing", Vec::new()).await;
    let owned = |expected: Expected| -> Vec<_> {
        expected.into_iter().map(|(kind, object)| (kind.to_owned(), object)).collect()
    };
    for name in BUCKET {
        let copy = Copy::of(&made);
        let expected = hurt_bucket(&copy, name).await;
        expect(&copy, name, owned(expected)).await;
    }
    for (sql, expected) in CATALOG {
        let copy = Copy::of(&made);
        let before = filled(&copy, sql).await;
        let mut objects = Vec::new();
        for (kind, object) in *expected {
            // Rows that are about to go are named before.
            let object = match object.contains("{new}") {
                true => (*object).to_owned(),
                false => filled(&copy, object).await,
            };
            objects.push(((*kind).to_owned(), object));
        }
        copy.sql(&before).await;
        for (_, object) in &mut objects {
            *object = filled(&copy, object).await;
        }
        expect(&copy, sql, objects).await;
    }
    // Who has the log's key signs what the entries do not give.
    let copy = Copy::of(&made);
    let newest = copy.names("log/checkpoint").pop().unwrap();
    let archive = Archive::open(Config::load(&copy.config).unwrap()).await.unwrap();
    let signer = archive.vault.log_signer();
    archive.catalog.close().await;
    let size = newest.rsplit('/').next().unwrap().parse().unwrap();
    let origin = signer.verifier().name().to_owned();
    let other = Checkpoint { origin, size, root: Digest::of(b"another history") };
    copy.write(&newest, other.sign(&signer).unwrap());
    expect(&copy, "sign another root", owned(one("checkpoint-differs", newest))).await;
}

/// A fault is named with what it touches, and the command ends with 1; the archive's
/// own keys are named before anything can be checked.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_names_faults_and_ends_with_one() {
    let made = fixture().await;
    let whole = verify(&made.config, &[]);
    assert_eq!(whole.status.code(), Some(0), "{}", said(&whole));
    assert!(said(&whole).contains("The archive is whole."), "{}", said(&whole));

    let copy = Copy::of(&made);
    let [(kind, object)] = &hurt_bucket(&copy, "flip body").await[..] else { panic!() };
    let output = verify(&copy.config, &["--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["result"], &told["fault_count"]), (&"faults".into(), &1.into()));
    let fault = &told["faults"][0];
    assert_eq!((fault["kind"].as_str(), fault["object"].as_str()), (Some(*kind), Some(&**object)));
    assert_eq!(fault["records"].as_array().map(Vec::len), Some(1), "{fault}");

    let copy = Copy::of(&made);
    copy.flip_middle("keyring/archive/00000001");
    let output = verify(&copy.config, &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}
