//! What someone puts into the log who can write to the bucket and has no key: it is
//! named, and stops neither the server nor a rebuild.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::support::served::{Made, Sender, Served, init};
use super::support::{binary, until};

fn path(made: &Made, name: &str) -> PathBuf {
    made.config.parent().unwrap().join(name)
}

fn run(made: &Made, command: &str) -> (Option<i32>, String) {
    let mut process = Command::new(binary());
    process.args([command, "--config"]).arg(&made.config);
    process.env("MUNIMENT__SMTP__LISTEN", "[\"127.0.0.1:0\"]");
    process.env("MUNIMENT__HTTP__LISTEN", "127.0.0.1:0");
    let Output { status, stdout, stderr } = process.output().unwrap();
    (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

fn metric(served: &Served, name: &str) -> u64 {
    let said = served.get("/metrics");
    let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_default()
}

fn checkpoint(size: u64) -> String {
    format!("bucket/log/checkpoint/{size:020}")
}

#[test]
fn what_nobody_signed_is_no_checkpoint() {
    let made = init();
    let journal = &made.said["journal"];
    let send = |served: &Served, number: u64| {
        let message = format!("Subject: {number}\r\n\r\nboat\r\n").into_bytes();
        Sender::connect(served.smtp).unwrap().send(journal, &message).unwrap();
    };
    let served = Served::start(&made.config, &[]).unwrap();
    send(&served, 1);
    until("the log", || {
        let size = metric(&served, "muniment_log_entries");
        size > 1 && size == metric(&served, "muniment_log_published")
    });
    let size = metric(&served, "muniment_log_published");
    // In the way of the next ones, while it runs.
    for more in 1..=3 {
        fs::write(path(&made, &checkpoint(size + more)), "junk").unwrap();
    }
    (0..6).for_each(|number| send(&served, number));
    until("the log behind what is in the way", || {
        metric(&served, "muniment_log_published") > size + 3
    });
    served.stop();

    // What the archive signed itself, and is not what the name says.
    fs::copy(path(&made, &checkpoint(size)), path(&made, &checkpoint(88_888))).unwrap();
    fs::write(path(&made, &checkpoint(99_999)), "junk").unwrap();
    let served = Served::start(&made.config, &[]).unwrap();
    send(&served, 7);
    until("the log", || {
        let entries = metric(&served, "muniment_log_entries");
        entries == metric(&served, "muniment_log_published")
    });
    served.stop();
    let (code, said) = run(&made, "verify");
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(said.matches("checkpoint-damaged").count(), 5, "{said}");
    for named in [size + 1, size + 2, size + 3, 88_888, 99_999] {
        assert!(said.contains(&format!("{named:020}")), "{named} is not in: {said}");
    }
    let (code, said) = run(&made, "status");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 objects are called checkpoints and are none"), "{said}");
    assert!(said.contains(&format!("{:020}", 99_999)), "{said}");

    for file in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let _ = fs::remove_file(path(&made, file));
    }
    let (code, said) = run(&made, "rebuild");
    assert_eq!(code, Some(0), "{said}");
    for named in [size + 1, size + 2, size + 3, 88_888, 99_999] {
        fs::remove_file(path(&made, &checkpoint(named))).unwrap();
    }
    let (code, said) = run(&made, "verify");
    assert!([Some(0), Some(3)].contains(&code), "{said}");
}

/// What lies above the last checkpoint does not let a catalog of before go on.
#[test]
fn an_older_catalog_is_refused_whatever_lies_above_the_last_checkpoint() {
    let made = init();
    let journal = &made.said["journal"];
    let publish = || {
        let served = Served::start(&made.config, &[]).unwrap();
        Sender::connect(served.smtp).unwrap().send(journal, b"Subject: a\r\n\r\nb\r\n").unwrap();
        served.stop();
    };
    publish();
    let old = tempfile::tempdir().unwrap();
    copy_catalog(made.config.parent().unwrap(), old.path());
    publish();
    copy_catalog(old.path(), made.config.parent().unwrap());
    fs::write(path(&made, &checkpoint(99_999)), "junk").unwrap();
    let (code, said) = run(&made, "serve");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("put the newest copy of the catalog back"), "{said}");
}

/// In the place of what is there.
fn copy_catalog(from: &Path, to: &Path) {
    for file in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let _ = fs::remove_file(to.join(file));
        if from.join(file).exists() {
            fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }
}

/// As when a directory of data is copied and both are started.
#[test]
fn of_two_catalogs_on_one_bucket_the_second_takes_no_mail() {
    let made = init();
    let journal = &made.said["journal"];
    let send = |served: &Served| {
        Sender::connect(served.smtp).unwrap().send(journal, b"Subject: a\r\n\r\nb\r\n")
    };
    let served = Served::start(&made.config, &[]).unwrap();
    send(&served).unwrap();
    served.stop();
    let copy = tempfile::tempdir().unwrap();
    copy_catalog(made.config.parent().unwrap(), copy.path());
    let keys = Command::new("cp").arg("-rp").arg(path(&made, "keys")).arg(copy.path()).status();
    assert!(keys.unwrap().success());
    // The bucket is the first one's.
    let text = fs::read_to_string(&made.config).unwrap();
    let bucket = format!("path = \"{}\"", path(&made, "bucket").display());
    let config = copy.path().join("muniment.toml");
    fs::write(&config, text.replace("path = \"bucket\"", &bucket)).unwrap();

    let both = [&made.config, &config].map(|config| Served::start(config, &[]).unwrap());
    let is_closed = |served: &Served| served.get("/readyz").starts_with("HTTP/1.1 503");
    until("one that stops", || {
        both.iter().for_each(|served| drop(send(served)));
        both.iter().any(is_closed)
    });
    let loser = both.iter().find(|served| is_closed(served)).unwrap();
    let said = loser.get("/readyz");
    assert!(said.contains("not ready: the log is not published any more: "), "{said}");
    assert!(send(loser).unwrap_err().to_string().starts_with("451 "));
    let winner = both.iter().find(|served| !is_closed(served)).unwrap();
    send(winner).unwrap();
}
