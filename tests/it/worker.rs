//! The worker pool against mail that is made to hurt.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use muniment::base::config;
use muniment::extract::{Reason, parse_message};
use muniment::mail::delivery::{Form, Role};
use muniment::worker::Pool;

use super::support::hanging;

fn pool(change: impl FnOnce(&mut config::Worker)) -> Pool {
    let mut settings = config::Worker::default();
    change(&mut settings);
    Pool::new(env!("CARGO_BIN_EXE_muniment").into(), settings)
}

fn plain(text: &str) -> Bytes {
    Bytes::from(format!("Subject: {text}\r\n\r\n{text}\r\n"))
}

fn corpus(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus").join(folder);
    if !path.is_dir() {
        eprintln!("SKIPPED: {} is not here", path.display());
        return None;
    }
    Some(path)
}

/// Every file under `folder`, with its name.
fn files(folder: &Path) -> Vec<(String, Bytes)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                found.push((name, Bytes::from(std::fs::read(&path).unwrap())));
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_messages() {
    let pool = pool(|_| {});
    let messages: Vec<Bytes> = (0..200).map(|number| plain(&number.to_string())).collect();
    let answers = pool.parse(&messages).await.unwrap();
    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap().message.subject, number.to_string());
    }
}

#[tokio::test]
async fn hostile_bodies_are_read_and_rendered_within_limits() {
    let Some(folder) = corpus("hostile") else { return };
    let files = files(&folder);
    let mut messages = Vec::new();
    for (_, content) in &files {
        // As a body: that is where HTML is taken apart.
        let head = b"Content-Type: text/html\r\n\r\n".to_vec();
        messages.push(Bytes::from([&head[..], content].concat()));
    }
    let pool = pool(|_| {});
    let started = std::time::Instant::now();
    for (at, answer) in pool.parse(&messages).await.unwrap().into_iter().enumerate() {
        assert!(answer.is_ok(), "{}: {answer:?}", files[at].0);
    }
    for message in messages {
        let rendered = pool.render(message.into()).await.unwrap();
        assert!(rendered.is_ok(), "{rendered:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[tokio::test]
async fn deeply_nested_messages_are_read_and_declared() {
    let nested = Bytes::from("Content-Type: message/rfc822\r\n\r\n".repeat(50_000) + "\r\nword");
    let answers = pool(|_| {}).parse(&[nested, plain("after")]).await.unwrap();
    let gaps = &answers[0].as_ref().unwrap().message.gaps;
    assert!(gaps.iter().any(|gap| gap.reason == Reason::TooDeep), "{gaps:?}");
    assert_eq!(answers[1].as_ref().unwrap().message.subject, "after");
}

#[tokio::test]
async fn a_poison_message_costs_its_child_and_neighbours_proceed() {
    // A child that may use 64 MiB beside its 64 MiB stack dies of a large mail.
    let pool = pool(|settings| settings.memory_bytes_max = 200 << 20);
    let poison = Bytes::from([b"Subject: p\r\n\r\n".to_vec(), vec![b'x'; 150 << 20]].concat());
    let messages = [plain("before"), poison, plain("after")];
    let answers = pool.parse(&messages).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap().message.subject, "before");
    assert_eq!(answers[1].as_ref().unwrap_err().reason, Reason::Crashed);
    assert_eq!(answers[2].as_ref().unwrap().message.subject, "after");
}

#[tokio::test]
async fn a_hanging_child_is_killed_at_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let settings = config::Worker { seconds_max: 1, ..config::Worker::default() };
    let pool = Pool::new(hanging(folder.path()), settings);
    let answers = pool.parse(&[plain("a")]).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap_err().reason, Reason::TimedOut);
}

#[tokio::test]
async fn a_missing_program_is_not_the_messages_fault() {
    let pool = Pool::new("/nonexistent/muniment".into(), config::Worker::default());
    let error = pool.parse(&[plain("a")]).await.unwrap_err();
    assert!(error.to_string().contains("/nonexistent/muniment"), "{error}");
}

#[tokio::test]
async fn every_hard_case_of_other_parsers_is_read() {
    let Some(folder) = corpus("mime") else { return };
    let files = files(&folder);
    let messages: Vec<Bytes> = files.iter().map(|(_, content)| content.clone()).collect();
    let answers = pool(|_| {}).parse(&messages).await.unwrap();
    for ((name, _), answer) in files.iter().zip(answers) {
        assert!(answer.is_ok(), "{name}: {answer:?}");
    }
}

#[test]
fn attachments_are_those_that_are_committed_to() {
    // Boundaries that one of the two readers does not follow.
    const DIFFER: &[&str] =
        &["very-very-long-boundary.msg", "msg_33.txt", "msg_39.txt", "mail0.eml"];
    let mut count = 0;
    for part in ["mime", "bulk", "crypto"] {
        let Some(folder) = corpus(part) else { return };
        for (name, content) in files(&folder) {
            let delivery = muniment::mail::delivery::read(&content);
            if delivery.form != Form::Bare || DIFFER.contains(&name.as_str()) {
                continue;
            }
            let entries = delivery.entries.iter().filter(|entry| entry.role == Role::Attachment);
            let committed: Vec<_> = entries.map(|entry| (entry.sha256, entry.size)).collect();
            let read = parse_message(&content).attachments;
            let parts = read.iter().filter(|file| file.is_part);
            let read: Vec<_> = parts.map(|file| (file.sha256, file.size)).collect();
            assert_eq!(read, committed, "{name}");
            count += 1;
        }
    }
    assert!(count > 5000, "only {count} messages");
}
