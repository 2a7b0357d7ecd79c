use super::*;
use crate::vault::Vault;
use crate::vault::rotation::Epoch;
use std::path::PathBuf;

/// An archive with a key file.
struct Kept {
    vault: Vault,
    key_file: PathBuf,
    directory: tempfile::TempDir,
}

impl Kept {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key_file = directory.path().join("master.key");
        MasterKey::generate().store(&key_file).unwrap();
        std::fs::create_dir(directory.path().join("bucket")).unwrap();
        let bucket = Bucket::local(&directory.path().join("bucket")).unwrap();
        let master = MasterKey::load(&key_file).unwrap();
        let vault = Vault::create(bucket, master, Timestamp(5)).await.unwrap();
        Self { vault, key_file, directory }
    }

    async fn open(&self) -> Keyring {
        self.open_with(MasterKey::load(&self.key_file).unwrap()).await.unwrap()
    }

    async fn open_with(&self, master: MasterKey) -> Result<Keyring, KeyringError> {
        Keyring::open(self.vault.bucket().clone(), master).await
    }

    /// The vault as another process opens it, which begins a rotation.
    async fn announced(&self) -> Vault {
        let next = MasterKey::generate();
        next.store_next(&self.key_file).unwrap();
        let master = MasterKey::load(&self.key_file).unwrap();
        let vault = Vault::open(self.vault.bucket().clone(), master).await.unwrap();
        vault.announce(&next).await.unwrap();
        // Said twice, as after a crash, it is said once.
        vault.announce(&next).await.unwrap();
        assert_eq!(vault.master().await.id(), next.id());
        vault
    }

    async fn rotate(&self) {
        let old = MasterKey::load(&self.key_file).unwrap();
        let rotating = self.announced().await;
        self.wrap_all(&rotating).await;
        old.give_way(&self.key_file).unwrap();
    }

    async fn wrap_all(&self, rotating: &Vault) {
        for epoch in rotating.epochs().await.unwrap() {
            assert!(rotating.rewrap(&epoch).await.unwrap());
        }
    }

    fn numbers(&self, below: &str) -> Vec<String> {
        let folder = self.directory.path().join("bucket").join(below);
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn bytes(key: Result<Key, KeyringError>) -> [u8; 32] {
    *key.unwrap().as_bytes()
}

#[tokio::test]
async fn keys_come_back_from_bucket_and_master() {
    let kept = Kept::new().await;
    let (first, second) = (kept.open().await, kept.open().await);
    let made = bytes(first.sealing_key("standard", "2026-01").await);
    assert_eq!(bytes(second.opening_key("standard", "2026-01").await), made);
    assert_eq!(bytes(second.sealing_key("standard", "2026-01").await), made);
    assert_eq!(first.log_seed(), second.log_seed());
    assert_ne!(bytes(second.sealing_key("standard", "2026-02").await), made);
}

#[tokio::test]
async fn reading_makes_no_key() {
    let kept = Kept::new().await;
    let read = kept.open().await.opening_key("standard", "2026-01").await;
    assert!(matches!(read.err(), Some(KeyringError::Bucket(BucketError::Missing(_)))));
    assert!(kept.vault.epochs().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_master_key_is_named() {
    let kept = Kept::new().await;
    let opened = kept.open_with(MasterKey::generate()).await;
    assert!(matches!(opened.err(), Some(KeyringError::WrongMaster { .. })));
}

#[tokio::test]
async fn a_bucket_holds_one_archive() {
    let kept = Kept::new().await;
    let bucket = kept.vault.bucket().clone();
    let again = Keyring::create(bucket, MasterKey::generate(), Timestamp(6)).await;
    assert!(matches!(again.err(), Some(KeyringError::Occupied(id)) if id == kept.vault.archive()));
}

#[tokio::test]
async fn after_a_rotation_the_new_master_opens_all_and_the_old_what_was_before() {
    let kept = Kept::new().await;
    let old_text = MasterKey::load(&kept.key_file).unwrap().to_text();
    let before = kept.open().await;
    let made = bytes(before.sealing_key("standard", "2026-01").await);
    kept.rotate().await;
    let after = kept.open().await;
    after.check_newest().await.unwrap();
    assert_eq!(after.log_seed(), before.log_seed());
    assert_eq!(bytes(after.opening_key("standard", "2026-01").await), made);
    let later = bytes(after.sealing_key("standard", "2026-02").await);

    let old = kept.open_with(MasterKey::from_text(&old_text).unwrap()).await.unwrap();
    assert!(matches!(old.check_newest().await, Err(KeyringError::Superseded { .. })));
    assert_eq!(bytes(old.opening_key("standard", "2026-01").await), made);
    assert!(matches!(
        old.opening_key("standard", "2026-02").await,
        Err(KeyringError::Superseded { .. })
    ));
    // It makes no epoch that the new master could not open.
    assert!(matches!(
        old.sealing_key("standard", "2026-03").await,
        Err(KeyringError::Superseded { .. })
    ));
    assert_eq!(kept.numbers("keyring/archive"), ["00000001", "00000002"]);
    assert_eq!(kept.numbers("keyring/epoch/standard/2026-01"), ["00000001", "00000002"]);

    kept.rotate().await;
    let third = kept.open().await;
    assert_eq!(bytes(third.opening_key("standard", "2026-01").await), made);
    assert_eq!(bytes(third.opening_key("standard", "2026-02").await), later);
}

/// A server that has the old master goes on, and what it makes opens afterwards.
#[tokio::test]
async fn a_server_with_the_old_master_makes_epochs_for_the_new_one() {
    let kept = Kept::new().await;
    let server = kept.open().await;
    let january = bytes(server.sealing_key("standard", "2026-01").await);
    let rotating = kept.announced().await;
    // Made while the epochs are being wrapped, after they were listed.
    let listed = rotating.epochs().await.unwrap();
    let february = bytes(server.sealing_key("standard", "2026-02").await);
    assert_eq!(kept.numbers("keyring/epoch/standard/2026-02"), ["00000001"]);
    for epoch in listed {
        assert!(rotating.rewrap(&epoch).await.unwrap());
    }
    MasterKey::load(&kept.key_file).unwrap().give_way(&kept.key_file).unwrap();
    let march = bytes(server.sealing_key("standard", "2026-03").await);
    let fresh = kept.open().await;
    for (month, key) in [("2026-01", january), ("2026-02", february), ("2026-03", march)] {
        assert_eq!(bytes(fresh.opening_key("standard", month).await), key, "{month}");
    }
}

/// The same for one that was started while the rotation lay broken off.
#[tokio::test]
async fn a_server_starts_in_the_middle_of_a_rotation() {
    let kept = Kept::new().await;
    let january = bytes(kept.open().await.sealing_key("standard", "2026-01").await);
    let rotating = kept.announced().await;
    let server = kept.open().await;
    server.check_newest().await.unwrap();
    // Not wrapped again yet: the server sees to it before it seals.
    assert_eq!(bytes(server.sealing_key("standard", "2026-01").await), january);
    kept.wrap_all(&rotating).await;
    assert_eq!(kept.numbers("keyring/epoch/standard/2026-01"), ["00000001", "00000002"]);
    MasterKey::load(&kept.key_file).unwrap().give_way(&kept.key_file).unwrap();
    assert_eq!(bytes(kept.open().await.opening_key("standard", "2026-01").await), january);
}

/// Another machine, where the new key file was not brought yet.
#[tokio::test]
async fn a_server_without_the_new_key_reads_and_makes_no_epoch_until_it_is_there() {
    let kept = Kept::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("master.key");
    std::fs::copy(&kept.key_file, &file).unwrap();
    let server = kept.open_with(MasterKey::load(&file).unwrap()).await.unwrap();
    let january = bytes(kept.open().await.sealing_key("standard", "2026-01").await);
    kept.rotate().await;
    assert_eq!(bytes(server.opening_key("standard", "2026-01").await), january);
    let made = server.sealing_key("standard", "2026-02").await;
    assert!(matches!(made.err(), Some(KeyringError::Superseded { .. })));
    std::fs::remove_file(&file).unwrap();
    std::fs::copy(&kept.key_file, &file).unwrap();
    let made = bytes(server.sealing_key("standard", "2026-02").await);
    assert_eq!(bytes(kept.open().await.opening_key("standard", "2026-02").await), made);
}

/// Of the masters in between it never had one.
#[tokio::test]
async fn a_server_goes_on_after_several_rotations() {
    let kept = Kept::new().await;
    let server = kept.open().await;
    let before = bytes(server.sealing_key("standard", "2026-01").await);
    for _ in 0..3 {
        kept.rotate().await;
    }
    let made = bytes(server.sealing_key("standard", "2026-02").await);
    server.check_newest().await.unwrap();
    assert_eq!(bytes(server.opening_key("standard", "2026-01").await), before);
    assert_eq!(bytes(kept.open().await.opening_key("standard", "2026-02").await), made);
}

/// Whoever can write to the bucket puts objects of masters that nobody has.
#[tokio::test]
async fn a_strangers_keyring_objects_change_nothing() {
    let kept = Kept::new().await;
    let made = bytes(kept.open().await.sealing_key("standard", "2026-01").await);
    let objects = ArchiveObject::all(kept.vault.bucket()).await.unwrap();
    let (seed, stranger) = (Key::generate(), MasterKey::generate());
    let forged = objects[0].1.successor(2, &stranger, &MasterKey::generate(), &seed).encode();
    let epoch = wrap_epoch(kept.vault.archive(), "standard", "2026-01", &stranger, &seed, None);
    let bucket = kept.vault.bucket();
    for (name, object) in [
        ("keyring/archive/00000002", &forged[..]),
        ("keyring/archive/00000003", b"noise"),
        ("keyring/archive/other", b"noise"),
        ("keyring/epoch/standard/2026-01/00000002", &epoch),
        ("keyring/epoch/standard/2026-01/00000003", b"noise"),
        ("keyring/epoch/noise", b"noise"),
    ] {
        bucket.put_new(name, Bytes::copy_from_slice(object)).await.unwrap();
    }
    let opened = kept.open().await;
    opened.check_newest().await.unwrap();
    assert_eq!(bytes(opened.opening_key("standard", "2026-01").await), made);
    kept.rotate().await;
    let opened = kept.open().await;
    opened.check_newest().await.unwrap();
    assert_eq!(bytes(opened.sealing_key("standard", "2026-01").await), made);
    let epoch = Epoch { class: "standard".into(), month: "2026-01".into() };
    assert_eq!(kept.vault.epochs().await.unwrap(), [epoch]);
}

/// After a rotation, a key under the old master for a month to come is not taken.
#[tokio::test]
async fn the_old_master_cannot_plant_a_key() {
    let kept = Kept::new().await;
    let old = MasterKey::load(&kept.key_file).unwrap();
    kept.rotate().await;
    let planted = Key::generate();
    let object = wrap_epoch(kept.vault.archive(), "standard", "2027-01", &old, &planted, None);
    let name = "keyring/epoch/standard/2027-01/00000001";
    kept.vault.bucket().put_new(name, Bytes::from(object)).await.unwrap();
    let made = bytes(kept.open().await.sealing_key("standard", "2027-01").await);
    assert_ne!(made, *planted.as_bytes());
    assert_eq!(bytes(kept.open().await.opening_key("standard", "2027-01").await), made);
}

/// A disposition comes between what a rotation looks at and what it puts.
#[tokio::test]
async fn a_rotation_does_not_bring_a_destroyed_key_back() {
    let kept = Kept::new().await;
    let made = bytes(kept.open().await.sealing_key("standard", "2026-01").await);
    let rotating = kept.announced().await;
    let keyring = rotating.keyring();
    let found = keyring.find("standard", "2026-01").await.unwrap();
    kept.vault.destroy_epoch_key("standard", "2026-01").await.unwrap();
    let put = keyring.wrap_found("standard", "2026-01", found, false).await.unwrap();
    assert_eq!(put.unwrap().as_bytes(), &made);
    assert_eq!(kept.numbers("keyring/epoch/standard/2026-01"), ["00000002"]);

    // It holds the key, and no master opens it any more: neither now, nor after a look
    // at this epoch by the rotation, nor when the rotation is over.
    let epoch = Epoch { class: "standard".into(), month: "2026-01".into() };
    assert!(rotating.rewrap(&epoch).await.unwrap(), "what is destroyed is no fault");
    assert_eq!(rotating.epochs().await.unwrap(), []);
    MasterKey::load(&kept.key_file).unwrap().give_way(&kept.key_file).unwrap();
    let later = kept.open().await;
    for keyring in [keyring, &later] {
        let read = keyring.opening_key("standard", "2026-01").await;
        assert!(matches!(read.err(), Some(KeyringError::Bucket(BucketError::Missing(_)))));
    }
    let left = Place { name: "keyring/epoch/standard/2026-01/00000002".into(), version: None };
    later.check_object(&left).await.unwrap();
    let object = kept.vault.bucket().get_at(&left).await.unwrap();
    let object = WrappedEpoch::read(kept.vault.archive(), "standard", "2026-01", &object).unwrap();
    let master = later.newest().await;
    assert_eq!(object.master_id, master.id());
    assert!(object.open(&master, None).is_err() && object.open(&master, Some(&[])).is_err());
    kept.vault.destroy_epoch_key("standard", "2026-01").await.unwrap();
    assert!(kept.numbers("keyring/epoch/standard/2026-01").is_empty());
}
