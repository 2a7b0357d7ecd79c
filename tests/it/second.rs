//! The archive as a program in another language reads it, that was written from
//! `src/vault/FORMAT.md` and `src/verify/BUNDLE.md`: what it finds is what the
//! product says, and a changed byte in any kind of object is named.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use muniment::app::Archive;
use muniment::base::hash::Digest;
use muniment::base::ids::DeliverySeq;
use muniment::catalog::{delivery, leaf};
use muniment::ingest::stamps;
use muniment::ledger::checkpoint::Checkpoint;
use serde_json::{Value, json};

use crate::retention::Kept;
use crate::support::authority::Authority;
use crate::support::binary;
use crate::support::munverify::{Said, munverify, python};
use crate::support::random::Random;

fn fixtures(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(of)
}

fn read_archive(bucket: &Path, masters: &[PathBuf], more: &[OsString]) -> Option<Said> {
    let mut arguments: Vec<OsString> = vec!["archive".into(), bucket.into()];
    for master in masters {
        arguments.extend(["--master-key".into(), master.into()]);
    }
    arguments.extend(more.iter().cloned());
    munverify(&arguments)
}

/// The bucket's files below `root`, as object names.
pub fn names(root: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
    }
    found.sort();
    found
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn the_second_reader_reads_every_golden_bucket() {
    for entry in fs::read_dir(fixtures("vault")).unwrap() {
        let fixture = entry.unwrap().path();
        let masters: Vec<_> = fs::read_dir(&fixture)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_str().unwrap().ends_with(".key.txt"))
            .collect();
        let Some(said) = read_archive(&fixture.join("bucket"), &masters, &[]) else { return };
        said.assert_whole();
        let records = said.json["records"].as_array().unwrap().iter();
        let mut found: Vec<_> = records
            .map(|it| format!("{} {}\n", it["sha256"].as_str().unwrap(), it["size"]))
            .collect();
        found.sort();
        assert_eq!(found.concat(), fs::read_to_string(fixture.join("records.txt")).unwrap());
    }
}

/// Recipes and segments that no archive has, made by hand.
#[test]
fn the_second_reader_refuses_hostile_recipes() {
    let Some(python) = python() else { return };
    let mut tests = Command::new(python);
    tests.args(["-B", "-m", "unittest", "test_recipe"]);
    tests.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/munverify"));
    let output = tests.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What the product says of every delivery, as the second reader tells it.
async fn told(archive: &Archive) -> Vec<Value> {
    let mut told = Vec::new();
    for row in delivery::after(&archive.catalog, DeliverySeq(0), 1000).await.unwrap() {
        let leaf = leaf::of_record(&archive.catalog, row.record).await.unwrap().unwrap();
        told.push(json!({
            "record": row.record.to_string(),
            "segment": row.segment.to_string(),
            "class": row.class,
            "epoch": row.epoch,
            "received_at": row.received_at.0,
            "position": leaf.position,
            "sha256": row.sha256.to_string(),
            "size": row.size_bytes,
        }));
    }
    told
}

fn by_position(records: &Value) -> Vec<Value> {
    let mut records = records.as_array().unwrap().clone();
    records.sort_by_key(|record| record["position"].as_u64());
    records
}

/// In a lane of its own, and more than one chunk when it is packed.
fn large() -> Vec<u8> {
    let mut large = b"Subject: large\r\nContent-Type: application/octet-stream\r\n\r\n".to_vec();
    let mut random = Random::new(7);
    large.extend((0..(1 << 20) + 5000).map(|_| random.next() as u8));
    large.resize(9 << 20, b'x');
    large
}

/// Held mail, an epoch that was destroyed, a large message, and another master key.
pub struct Used {
    pub kept: Kept,
    pub bucket: PathBuf,
    /// The newest first.
    pub masters: Vec<PathBuf>,
    pub authority: Authority,
}

impl Used {
    pub async fn new() -> Self {
        let kept = Kept::new().await;
        kept.hold(0).await;
        kept.approved().await;
        kept.work().await.unwrap();
        kept.publish().await;
        kept.deliver(&large()).await;
        kept.publish().await;

        let root = kept.archive().config.archive.data.clone();
        let mut rotate = Command::new(binary());
        rotate.args(["keys", "rotate", "--config"]).arg(root.join("muniment.toml"));
        let output = rotate.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        kept.deliver(b"Subject: after\r\n\r\nthe key was replaced\r\n").await;
        kept.publish().await;

        let key = kept.archive().config.archive.master_key.clone();
        let name = key.file_name().unwrap().to_str().unwrap().to_owned();
        let beside = fs::read_dir(key.parent().unwrap()).unwrap().map(|it| it.unwrap().path());
        let mut masters: Vec<_> = beside
            .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&name))
            .collect();
        masters.sort();
        let bucket = kept.archive().config.vault.path.clone();
        let (authority, log) = (Authority::start(), kept.log().published().unwrap());
        let stamp = authority.stamp(log.note.as_bytes());
        let put = stamps::put(kept.archive().vault.bucket(), log.size, stamp.into());
        put.await.unwrap();
        Self { kept, bucket, masters, authority }
    }

    fn stamps(&self) -> [OsString; 2] {
        ["--timestamp-ca".into(), self.authority.root().into()]
    }

    fn log_key(&self) -> [OsString; 2] {
        let key = self.kept.archive().vault.log_signer().verifier().to_string();
        ["--log-key".into(), key.into()]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_reader_says_what_the_product_says() {
    let used = Used::new().await;
    assert_eq!(used.masters.len(), 2);
    let Some(said) = read_archive(&used.bucket, &used.masters, &used.stamps()) else { return };
    said.assert_whole();
    let archive = used.kept.archive();
    let told = told(archive).await;
    assert_eq!(told.len(), 8, "four are held, two are of February, two came later");
    assert_eq!(by_position(&said.json["records"]), told);
    assert_eq!(said.json["log_key"], archive.vault.log_signer().verifier().to_string());
    let leaves = leaf::count(&archive.catalog).await.unwrap();
    assert_eq!(
        (said.json["log"]["size"].as_u64(), said.json["tables"]["hold"].as_u64()),
        (Some(leaves), Some(1))
    );

    // By the log's public key alone: everything but what is sealed.
    let Some(public) = read_archive(&used.bucket, &[], &[used.log_key(), used.stamps()].concat())
    else {
        return;
    };
    public.assert_whole();
    assert_eq!(public.json["log"], said.json["log"]);

    // A checkpoint that was kept outside, of this log and of another.
    let first = names(&used.bucket.join("log/checkpoint"))[0].clone();
    let kept = used.kept.scratch.directory.path().join("kept-checkpoint");
    fs::copy(used.bucket.join("log/checkpoint").join(first), &kept).unwrap();
    let with_checkpoint: [OsString; 2] = ["--checkpoint".into(), kept.clone().into()];
    read_archive(&used.bucket, &used.masters, &with_checkpoint).unwrap().assert_whole();
    let archive = archive.vault.archive();
    let root = Digest::of(b"another history");
    let other = Checkpoint { origin: format!("muniment/{archive}"), size: 1, root };
    let signer = used.kept.archive().vault.log_signer();
    fs::write(&kept, other.sign(&signer).unwrap()).unwrap();
    let forked = read_archive(&used.bucket, &used.masters, &with_checkpoint).unwrap();
    assert_eq!((forked.code, forked.faulty()), (1, vec![kept.to_str().unwrap()]));
}

/// Objects of every kind, and where a byte of each is changed; whether it shows
/// without the master key.
fn places(root: &Path) -> Vec<(String, usize, bool)> {
    let all = names(root);
    let length = |name: &str| fs::metadata(root.join(name)).unwrap().len() as usize;
    let mut places = Vec::new();
    let mut of = |prefix: &str, end: &str, is_public: bool, at: &dyn Fn(usize) -> Vec<usize>| {
        let fits = |name: &&String| name.starts_with(prefix) && name.ends_with(end);
        let found: Vec<_> = all.iter().filter(fits).collect();
        assert!(!found.is_empty(), "there is no {prefix}…{end}");
        // The first and the last: old and new ones, small and large.
        for name in [found[0], found[found.len() - 1]] {
            places.extend(at(length(name)).into_iter().map(|at| (name.clone(), at, is_public)));
        }
    };
    let middle = |length: usize| vec![length / 2];
    of("keyring/archive/", "1", false, &middle);
    of("keyring/archive/", "2", false, &|length| vec![length / 2, length - 1]);
    of("keyring/epoch/standard/2026-02/", "1", false, &|length| vec![length - 1]);
    of("keyring/epoch/standard/2026-02/", "2", false, &|length| vec![length - 1]);
    of("keyring/epoch/standard/held/", "", false, &|length| vec![length - 1]);
    of("keyring/epoch/policy/", "1", false, &|length| vec![length - 1]);
    let in_segment = |length: usize| vec![10, 70, length / 2, length - 60, length - 30, length - 1];
    of("seg/", ".seg", true, &in_segment);
    of("key/", ".page", false, &|length| vec![length / 2, length - 1]);
    of("key/", ".page", true, &|_| vec![10, 30]);
    of("key/", ".held", true, &middle);
    of("policy/", ".policy", true, &middle);
    of("log/tile/0/", "", true, &middle);
    of("log/tile/entries/", "", true, &middle);
    of("log/checkpoint/", "", true, &middle);
    of("log/stamp/", "", true, &|length| vec![length / 2, length - 1]);
    of("format/", ".dict", true, &middle);
    of("probe/", "", true, &middle);
    places
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_in_any_kind_of_object_is_named() {
    let used = Used::new().await;
    let Some(said) = read_archive(&used.bucket, &used.masters, &used.stamps()) else { return };
    said.assert_whole();
    for (name, at, is_public) in places(&used.bucket) {
        flip(&used.bucket.join(&name), at);
        let said = read_archive(&used.bucket, &used.masters, &used.stamps()).unwrap();
        assert_eq!((said.code, said.faulty()), (1, vec![&*name]), "byte {at}: {:#}", said.json);
        if is_public {
            let said =
                read_archive(&used.bucket, &[], &[used.log_key(), used.stamps()].concat()).unwrap();
            assert!(said.faulty().contains(&&*name), "{name}, byte {at}: {:#}", said.json);
        }
        flip(&used.bucket.join(&name), at);
    }
    // Under the name of its new hash, what lies deeper names it.
    for (prefix, end) in [("seg/", ".seg"), ("key/", ".held"), ("policy/", ".policy")] {
        let all = names(&used.bucket);
        let fits = |name: &&String| name.starts_with(prefix) && name.ends_with(end);
        let name = all.iter().find(fits).unwrap();
        let bytes = fs::read(used.bucket.join(name)).unwrap();
        for at in [2, 20, bytes.len() / 2, bytes.len() - 60, bytes.len() - 3] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let renamed =
                name.replace(&Digest::of(&bytes).to_string(), &Digest::of(&changed).to_string());
            fs::remove_file(used.bucket.join(name)).unwrap();
            fs::write(used.bucket.join(&renamed), changed).unwrap();
            let said = read_archive(&used.bucket, &used.masters, &used.stamps()).unwrap();
            let is_named = said.faulty().contains(&&*renamed)
                // Of a statement nobody knows any more that the log speaks of it.
                || prefix == "policy/" && said.faulty().iter().any(|it| it.starts_with("leaf "));
            assert!(is_named, "{renamed}, byte {at}: {:#}", said.json);
            fs::remove_file(used.bucket.join(&renamed)).unwrap();
            fs::write(used.bucket.join(name), &bytes).unwrap();
        }
    }
    // What is not there is missed.
    for (name, missed) in [
        ("seg/standard/2026-02/", "leaf "),
        ("key/standard/2026-02/", "seg/standard/2026-02/"),
        ("policy/", "leaf "),
        ("log/tile/0/", "log/tile/0/"),
        ("log/tile/entries/", "log/tile/entries/"),
    ] {
        let found = names(&used.bucket).into_iter().find(|it| it.starts_with(name)).unwrap();
        let (path, aside) = (used.bucket.join(&found), used.bucket.with_file_name("aside"));
        fs::rename(&path, &aside).unwrap();
        let said = read_archive(&used.bucket, &used.masters, &used.stamps()).unwrap();
        assert!(!said.faulty().is_empty(), "{found}: {:#}", said.json);
        let is_named = |it: &&str| it.starts_with(missed);
        assert!(said.faulty().iter().all(is_named), "{found}: {:#}", said.json);
        fs::rename(&aside, &path).unwrap();
    }
}

fn unzipped(zip: &Path, folder: &Path) {
    let mut zip = zip::ZipArchive::new(fs::File::open(zip).unwrap()).unwrap();
    zip.extract(folder).unwrap();
}

/// Golden bundles of each version, by the public key alone; and any file of them that
/// was changed is named.
#[test]
fn the_second_reader_checks_bundles() {
    for entry in fs::read_dir(fixtures("export")).unwrap() {
        let bundle = entry.unwrap().path();
        let directory = tempfile::tempdir().unwrap();
        let files = directory.path().join("files");
        unzipped(&bundle, &files);
        let key = fs::read_to_string(files.join("key.txt")).unwrap();
        let read = |bundle: &Path| {
            let log_key = OsString::from(key.trim());
            munverify(&["export".into(), bundle.into(), "--log-key".into(), log_key])
        };
        let Some(said) = read(&bundle) else { return };
        said.assert_whole();
        assert!(!said.json["items"].as_array().unwrap().is_empty());
        read(&files).unwrap().assert_whole();
        for name in names(&files) {
            let path = files.join(&name);
            flip(&path, fs::metadata(&path).unwrap().len() as usize / 2);
            let said = read(&files).unwrap();
            let named = if name == "manifest.json" { "manifest.note" } else { &*name };
            // Of a mbox the item in it is wrong too.
            assert!(said.faulty().contains(&named), "{name}: {:#}", said.json);
            flip(&path, fs::metadata(&path).unwrap().len() as usize / 2);
        }
    }
}
