//! The worker pool against mail that is made to hurt.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use muniment::base::{config, limits};
use muniment::extract::{Reason, parse_message};
use muniment::mail::delivery::{Form, Role};
use muniment::worker::confine::{Confinement, as_user};
use muniment::worker::trial::{Act, Trial};
use muniment::worker::{Failure, Found, Input, Pool, protocol};

use super::support::{binary, hanging, hanging_mail};

fn pool(change: impl FnOnce(&mut config::Worker)) -> Pool {
    let mut settings = config::Worker::default();
    change(&mut settings);
    Pool::new(env!("CARGO_BIN_EXE_muniment").into(), settings)
}

fn plain(text: &str) -> Bytes {
    Bytes::from(format!("Subject: {text}\r\n\r\n{text}\r\n"))
}

/// Each message as the archive reads it in the end: on a busy machine the time
/// that others can wait may be too short for any of them.
async fn read(pool: &Pool, messages: &[Bytes]) -> Vec<Result<Found, Failure>> {
    let mut answers = pool.parse(messages).await.unwrap();
    for (message, answer) in messages.iter().zip(&mut answers) {
        if answer.as_ref().is_err_and(|failure| failure.reason == Reason::Pending) {
            *answer = pool.parse_one(&message.clone().into()).await.unwrap();
        }
    }
    answers
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
    for (at, answer) in read(&pool, &messages).await.into_iter().enumerate() {
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
    let answers = read(&pool(|_| {}), &[nested, plain("after")]).await;
    let gaps = &answers[0].as_ref().unwrap().message.gaps;
    assert!(gaps.iter().any(|gap| gap.reason == Reason::TooDeep), "{gaps:?}");
    assert_eq!(answers[1].as_ref().unwrap().message.subject, "after");
}

#[tokio::test]
async fn a_poison_message_costs_its_child_and_neighbours_proceed() {
    // A child that may use 64 MiB beside its 64 MiB stack dies of a large mail.
    let pool = pool(|settings| settings.memory_bytes_max = 200 << 20);
    let poison = Bytes::from([b"Subject: p\r\n\r\n".to_vec(), vec![b'x'; 150 << 20]].concat());
    let messages = [plain("before"), poison.clone(), plain("after")];
    let answers = pool.parse(&messages).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap().message.subject, "before");
    assert_eq!(answers[1].as_ref().unwrap_err().reason, Reason::Pending);
    assert_eq!(answers[2].as_ref().unwrap().message.subject, "after");
    let answer = pool.parse_one(&poison.into()).await.unwrap();
    assert_eq!(answer.unwrap_err().reason, Reason::Crashed);
}

#[tokio::test]
async fn a_hanging_child_is_killed_at_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let settings = config::Worker { seconds_max: 1, ..config::Worker::default() };
    let pool = Pool::new(hanging(folder.path()), settings);
    let answers = pool.parse(&[plain("a")]).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap_err().reason, Reason::Pending);
    let answer = pool.parse_one(&plain("a").into()).await.unwrap();
    assert_eq!(answer.unwrap_err().reason, Reason::TimedOut);
}

/// Those that travel with them are read, and so is the rest of their families.
#[tokio::test]
async fn documents_that_take_longer_are_left_for_later() {
    let pool = pool(|_| {});
    let hangs = |number: usize| Bytes::from(hanging_mail(&format!("hangs{number}"), 1));
    let twice = Bytes::from(hanging_mail("twice", 3));
    let messages =
        [plain("first"), hangs(1), hangs(2), plain("between"), hangs(3), twice, plain("last")];
    let begun = std::time::Instant::now();
    let answers = pool.parse(&messages).await.unwrap();
    let one = Duration::from_secs(2 * limits::DOCUMENT_SECONDS_MAX);
    assert!(begun.elapsed() < one, "{:?}", begun.elapsed());
    let read: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().message).collect();
    let pending = |at: usize| {
        let gaps = read[at].gaps.iter().filter(|gap| gap.reason == Reason::Pending);
        gaps.filter_map(|gap| gap.ordinal).collect::<Vec<_>>()
    };
    let subjects: Vec<_> = read.iter().map(|message| message.subject.as_str()).collect();
    assert_eq!(subjects, ["first", "hangs1", "hangs2", "between", "hangs3", "twice", "last"]);
    for at in [1, 2, 4] {
        assert_eq!(pending(at), [0], "{at}");
        assert_eq!(read[at].attachments[1].text.as_deref(), Some("word beside"), "{at}");
    }
    // After the second one nothing of the family is tried.
    assert_eq!(pending(5), [0, 1, 2, 3]);
}

/// As one finds out in its own skin, and as the kernel says of it.
#[tokio::test]
async fn a_child_can_do_nothing_but_read() {
    let trial = pool(|_| {}).trial().await.unwrap().clone();
    println!("{}", trial.words());
    let Confinement { user_id, landlock, is_filtered } = trial.confinement;
    if landlock.is_none() && !is_filtered {
        eprintln!("SKIPPED: this kernel has neither Landlock nor seccomp");
        return;
    }
    assert_eq!(trial.open, [], "{}", trial.words());
    let mut child = worker(60);
    let mut stdin = child.stdin.take().unwrap();
    protocol::send(&mut stdin, &protocol::Request::Try, &[]).await.unwrap();
    let answer = protocol::receive(child.stdout.as_mut().unwrap()).await.unwrap().0;
    assert!(matches!(answer, protocol::Response::Tried(again) if again == trial));
    // It waits for the next request: this is the state that it reads mail in.
    let state = std::fs::read_to_string(format!("/proc/{}/status", child.id().unwrap())).unwrap();
    let is = |line: &str| state.lines().any(|it| it.split_whitespace().eq(line.split(' ')));
    assert!(is("NoNewPrivs: 1") && (is("Seccomp: 2") || !is_filtered), "{state}");
    if rustix::process::getuid().is_root() {
        assert_eq!(user_id, Some(limits::NOBODY));
        assert!(is("Uid: 65534 65534 65534 65534"), "{state}");
        assert!(is("Gid: 65534 65534 65534 65534") && is("Groups:"), "{state}");
        assert!(is("CapEff: 0000000000000000") && is("Threads: 2"), "{state}");
    }
}

/// A child that is told nothing by a pool.
fn worker(seconds: u64) -> tokio::process::Child {
    let start = || {
        let mut command = tokio::process::Command::new(binary());
        command
            .arg("worker")
            .env_clear()
            .env("MUNIMENT_WORKER_MEMORY_BYTES", (1u64 << 30).to_string())
            .env("MUNIMENT_WORKER_SECONDS", seconds.to_string())
            .env("MUNIMENT_WORKER_USER", limits::NOBODY.to_string())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .kill_on_drop(true);
        command
    };
    as_user(limits::NOBODY, start).unwrap()
}

/// What the trial finds in a process that nothing keeps from anything.
#[test]
fn a_trial_tells_what_is_open() {
    let trial = Trial::run(Confinement::default());
    let free = [
        Act::OpenSocket,
        Act::OpenLocalSocket,
        Act::WriteFile,
        Act::ReadFile,
        Act::StartProcess,
        Act::StartThread,
    ];
    for act in free {
        assert!(trial.open.contains(&act), "{act:?}: {trial:?}");
    }
    assert!(trial.words().contains("they can open a socket"), "{}", trial.words());
}

/// One whose parent is gone, or hangs, ends of its own limit of processor time.
#[tokio::test]
async fn a_child_ends_when_it_has_used_its_time() {
    let mut child = worker(1);
    let mail = Input::from(Bytes::from(hanging_mail("hangs", 1)));
    let messages = vec![(mail.size_bytes(), muniment::extract::Care::default())];
    let request = protocol::Request::Parse { messages };
    let mut stdin = child.stdin.take().unwrap();
    protocol::send(&mut stdin, &request, &[mail]).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), child.wait()).await;
    let status = ended.expect("it goes on for ever").unwrap();
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    assert_eq!(signal, Some(rustix::process::Signal::XCPU.as_raw()), "{status}");
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
    let answers = read(&pool(|_| {}), &messages).await;
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
