//! What `serve` and `init` refuse, each with one sentence that names the thing
//! and the mend.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use super::support::binary;
use super::support::served::{Made, Sender, Served, init};

/// Runs `serve` until it refuses; what it said.
fn refused(config: &Path, environment: &[(&str, &str)]) -> String {
    let output = Command::new(binary())
        .args(["serve", "--config"])
        .arg(config)
        .env("MUNIMENT__SMTP__LISTEN", "[\"127.0.0.1:0\"]")
        .env("MUNIMENT__HTTP__LISTEN", "127.0.0.1:0")
        .env("MUNIMENT__LOG__LEVEL", "error")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "it was not refused");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("muniment: "), "{said}");
    said
}

fn check(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

fn path(made: &Made, name: &str) -> std::path::PathBuf {
    made.config.parent().unwrap().join(name)
}

#[test]
fn an_unknown_key_is_refused() {
    let made = init();
    let text = fs::read_to_string(&made.config).unwrap();
    fs::write(&made.config, text.replace("[http]", "[http]\nlisten_port = 80")).unwrap();
    check(&refused(&made.config, &[]), &["listen_port", "muniment.toml"]);
}

#[test]
fn a_missing_configuration_is_refused() {
    let said = refused(Path::new("/nonexistent/muniment.toml"), &[]);
    check(&said, &["/nonexistent/muniment.toml", "muniment init"]);
}

#[test]
fn a_wrong_master_key_is_refused() {
    let (made, other) = (init(), init());
    fs::copy(path(&other, "keys/master.key"), path(&made, "keys/master.key")).unwrap();
    check(
        &refused(&made.config, &[]),
        &["master key is not the one of this archive", "put the right"],
    );
}

#[test]
fn a_missing_master_key_is_refused() {
    let made = init();
    fs::remove_file(path(&made, "keys/master.key")).unwrap();
    check(&refused(&made.config, &[]), &["keys/master.key", "recovery copy"]);
}

#[test]
fn the_bucket_of_another_archive_is_refused() {
    let (made, other) = (init(), init());
    fs::remove_dir_all(path(&made, "bucket")).unwrap();
    fs::rename(path(&other, "bucket"), path(&made, "bucket")).unwrap();
    fs::copy(path(&other, "keys/master.key"), path(&made, "keys/master.key")).unwrap();
    check(&refused(&made.config, &[]), &["belongs to archive", "same archive"]);
}

#[test]
fn a_busy_port_is_refused() {
    let made = init();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(&made.config, &[("MUNIMENT__HTTP__LISTEN", &address)]);
    check(&said, &[&address, "http.listen"]);
    let list = format!("[\"{address}\"]");
    let said = refused(&made.config, &[("MUNIMENT__SMTP__LISTEN", &list)]);
    check(&said, &[&address, "smtp.listen"]);
}

#[test]
fn an_unwritable_directory_is_refused() {
    let made = init();
    // A file where the directory should be: refused for root too.
    let blocked = path(&made, "blocked");
    fs::write(&blocked, "").unwrap();
    let spool = blocked.join("spool");
    let said = refused(&made.config, &[("MUNIMENT__ARCHIVE__SPOOL", spool.to_str().unwrap())]);
    check(&said, &["blocked/spool", "permissions"]);
}

#[test]
fn a_required_write_once_is_refused_of_a_directory() {
    let made = init();
    let said = refused(&made.config, &[("MUNIMENT__VAULT__WORM", "required")]);
    check(&said, &["Object Lock", "optional"]);
}

#[test]
fn a_catalog_older_than_the_published_log_is_refused() {
    let made = init();
    let backup = path(&made, "catalog.backup");
    fs::copy(path(&made, "catalog.db"), &backup).unwrap();
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    sender.send(&made.said["journal"], b"Subject: kept\r\n\r\nbody\r\n").unwrap();
    // A stop publishes what is committed.
    served.stop();
    for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let _ = fs::remove_file(path(&made, name));
    }
    fs::copy(&backup, path(&made, "catalog.db")).unwrap();
    check(&refused(&made.config, &[]), &["catalog", "log", "put the newest copy"]);
}

#[test]
fn init_refuses_a_directory_that_has_an_archive() {
    let made = init();
    let output = Command::new(binary())
        .args(["init", "--data"])
        .arg(made.config.parent().unwrap())
        .output()
        .unwrap();
    assert!(!output.status.success());
    check(&String::from_utf8(output.stderr).unwrap(), &["exists", "another directory"]);
}
