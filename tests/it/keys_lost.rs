//! A key of the keyring that is gone: no other takes its place, everybody who looks is
//! told, and with the right one back all goes on by itself.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use futures::future::join_all;
use muniment::base::clock::Timestamp;
use muniment::vault::Vault;
use muniment::vault::bucket::Bucket;
use muniment::vault::master::MasterKey;
use muniment::vault::statement::Head;

use super::support::served::{Made, Sender, Served, init};
use super::support::{binary, until};

/// The only object with the key of the class's month.
fn key_of(made: &Made, class: &str) -> PathBuf {
    let below = made.config.parent().unwrap().join("bucket/keyring/epoch").join(class);
    let months: Vec<_> = fs::read_dir(below).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(months.len(), 1);
    months[0].join("00000001")
}

fn verified(made: &Made) -> (Option<i32>, String) {
    let output =
        Command::new(binary()).args(["verify", "--config"]).arg(&made.config).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn a_lost_key_is_not_replaced_and_goes_on_when_it_is_back() {
    let made = init();
    let journal = &made.said["journal"];
    let message = |number: u32| format!("Subject: {number}\r\n\r\nboat\r\n").into_bytes();
    let served = Served::start(&made.config, &[]).unwrap();
    Sender::connect(served.smtp).unwrap().send(journal, &message(1)).unwrap();
    until("the index", || served.is_settled());
    served.stop();
    for (class, status, words) in [
        ("standard", 503, "not ready: mail of class standard cannot be sealed: "),
        ("policy", 200, "ready\nkeys: what is decided cannot be sealed: "),
    ] {
        let key = key_of(&made, class);
        let kept = fs::read(&key).unwrap();
        fs::remove_file(&key).unwrap();

        let served = Served::start(&made.config, &[]).unwrap();
        let ready = served.get("/readyz");
        assert!(ready.starts_with(&format!("HTTP/1.1 {status}")), "{ready}");
        for words in [words, "00000001", "put the object back"] {
            assert!(ready.contains(words), "{words:?} is not in: {ready}");
        }
        if class == "standard" {
            let sent = Sender::connect(served.smtp).unwrap().send(journal, &message(2));
            assert!(sent.unwrap_err().to_string().starts_with("451 "));
        }
        assert!(!key.exists(), "another was made");
        served.stop();
        assert!(!key.exists(), "another was made at the end");
        let (code, said) = verified(&made);
        assert!(code == Some(1) && said.contains("key-missing"), "{said}");
        assert!(!key.exists(), "the check made another");

        let served = Served::start(&made.config, &[]).unwrap();
        fs::write(&key, kept).unwrap();
        until("readiness", || served.get("/readyz").ends_with("\r\n\r\nready\n"));
        Sender::connect(served.smtp).unwrap().send(journal, &message(3)).unwrap();
        until("the index", || served.is_settled());
        served.stop();
        let (code, said) = verified(&made);
        assert!([Some(0), Some(3)].contains(&code), "{said}");
    }
}

/// Each puts what it seals as soon as it has the key, so that the others find something
/// in the month while they look for its key.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_begin_a_month_together_have_one_key() {
    let directory = tempfile::tempdir().unwrap();
    let (key, path) = (directory.path().join("master.key"), directory.path().join("bucket"));
    MasterKey::generate().store(&key).unwrap();
    fs::create_dir(&path).unwrap();
    let (load, bucket) = (|| MasterKey::load(&key).unwrap(), Bucket::local(&path).unwrap());
    Vault::create(bucket.clone(), load(), Timestamp(5)).await.unwrap();
    let nodes = join_all((0..6).map(|_| Vault::open(bucket.clone(), load()))).await;
    let nodes: Vec<Vault> = nodes.into_iter().map(Result::unwrap).collect();
    for month in 0..20 {
        let at = Timestamp::from_seconds(1_700_000_000 + month * 31 * 86_400);
        let puts = nodes.iter().zip(0..).map(|(vault, number)| {
            let vault = vault.clone();
            let head = Head { number, follows: number, at, action: "seal".into() };
            tokio::spawn(async move { vault.put_statement(&head, b"content").await })
        });
        for put in join_all(puts).await {
            let place = put.unwrap().unwrap().place;
            nodes[0].open_statement(&place.name).await.unwrap();
        }
    }
}
