//! The SMTP server over loopback: dialogues from files, smuggling, STARTTLS,
//! limits, stopping, and clients that others wrote.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use muniment::base::clock::Clock;
use muniment::smtp::listener::Server;

use crate::follow::Following;
use crate::support::dialogue::{Client, Dialogue, unescape};
use crate::support::mail_server::{JOURNAL, MailServer};
use crate::support::random::Random;
use crate::support::transaction;

async fn check(path: &Path) {
    let dialogue = Dialogue::parse(&std::fs::read_to_string(path).unwrap());
    let server = MailServer::start(&dialogue.settings).await;
    let address = server.address;
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let kept = dialogue.kept.clone();
    eprintln!("dialogue {name}");
    tokio::task::spawn_blocking(move || dialogue.speak(address)).await.unwrap();
    assert_eq!(server.kept().await, kept, "{name}");
}

/// Runs blocking client code beside the server.
pub async fn client<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn dialogues_go_as_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/smtp");
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 20);
    for file in files {
        check(&file).await;
    }
}

/// Every published end-of-data variant, over a real connection: the attacker's
/// second transaction stays inside the first message.
#[tokio::test(flavor = "multi_thread")]
async fn smuggled_transactions_stay_content() {
    let variants = [
        r"\n.\n",
        r"\n.\r\n",
        r"\n.\r",
        r"\r.\r",
        r"\r.\r\n",
        r"\r.\n",
        r"\r\n.\r",
        r"\r\n.\n",
        r"\r\n.\r\r\n",
        r"\r\n\r.\r\n",
        r"\r\n\n.\r\n",
        r"\n\n.\r\n",
        r"\r\r.\r\n",
        r"\n\r.\r\n",
        r"\r\n.\r\0\n",
        r"\r\n\0.\r\n",
        r"\r\n.\0\r\n",
        r"\r\0\n.\r\n",
        r"\0\n.\r\n",
        r"\r\n.\n\r\n",
        r"\r\n. \r\n",
        r"\r\n .\r\n",
        r"\r\n..\r\n",
        r"\x85.\x85",
    ];
    let server = MailServer::start("").await;
    let address = server.address;
    let smuggled = format!("MAIL FROM:<evil@example.com>\r\nRCPT TO:<{JOURNAL}>\r\nDATA\r\n");
    let sent = smuggled.clone();
    client(move || {
        let mut client = Client::connect(address);
        client.reply();
        client.ask("EHLO client.test");
        for variant in variants {
            assert!(client.ask("MAIL FROM:<a@example.com>").starts_with("250"), "{variant}");
            assert!(client.ask(&format!("RCPT TO:<{JOURNAL}>")).starts_with("250"), "{variant}");
            assert!(client.ask("DATA").starts_with("354"), "{variant}");
            let content = [b"first", &unescape(variant)[..], sent.as_bytes(), b"x\r\n.\r\n"];
            client.send(&content.concat());
            assert!(client.reply().starts_with("250 2.0.0"), "{variant}");
        }
        assert!(client.ask("QUIT").starts_with("221"));
    })
    .await;
    let kept = server.kept().await;
    assert_eq!(kept.len(), variants.len());
    for (content, variant) in kept.iter().zip(variants) {
        assert!(content.ends_with(format!("{smuggled}x\r\n").as_bytes()), "{variant}");
    }
}

/// Against RFC 2920, and what is kept is what was sent all the same.
#[tokio::test(flavor = "multi_thread")]
async fn content_that_comes_before_it_is_asked_for_is_kept_exactly() {
    let server = MailServer::start("").await;
    let address = server.address;
    client(move || {
        let mut client = Client::connect(address);
        client.open_transaction(JOURNAL);
        client.send(b"DATA\r\nSubject: early\r\n\r\nfirst part of ");
        assert!(client.reply().starts_with("354"));
        client.send(b"the message\r\n.\r\nNOOP\r\n");
        assert!(client.reply().starts_with("250 2.0.0"));
        assert!(client.reply().starts_with("250"));
    })
    .await;
    let kept = server.kept().await;
    let kept: Vec<_> = kept.iter().map(|content| String::from_utf8_lossy(content)).collect();
    assert_eq!(kept, ["Subject: early\r\n\r\nfirst part of the message\r\n"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_lost_in_data_keeps_nothing() {
    let server = MailServer::start("").await;
    let address = server.address;
    client(move || {
        let mut client = Client::connect(address);
        client.open_transaction(JOURNAL);
        assert!(client.ask("DATA").starts_with("354"));
        client.send(b"whole in all but its end\r\n.\r");
    })
    .await;
    assert!(server.kept().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn large_delivery_comes_back_exact() {
    let server = MailServer::start("size_bytes_max = 41943040").await;
    let address = server.address;
    let mut content: Vec<u8> = (0..33_000_000u32).map(|n| (n ^ (n >> 7)) as u8).collect();
    content.extend_from_slice(b"\r\n");
    let sent = content.clone();
    client(move || {
        let mut client = Client::connect(address);
        client.open_transaction(JOURNAL);
        client.send(format!("BDAT {} LAST\r\n", sent.len()).as_bytes());
        client.send(&sent);
        assert!(client.reply().starts_with("250 2.0.0"));
    })
    .await;
    let kept = server.kept().await;
    assert!(kept.len() == 1 && kept[0] == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_counted() {
    let server = MailServer::start("").await;
    let address = server.address;
    client(move || {
        let mut client = Client::connect(address);
        client.reply();
        for _ in 0..muniment::base::limits::SMTP_ERRORS_MAX {
            assert!(client.ask("FROB").starts_with("500 5.5.1"));
        }
        assert!(client.rest().starts_with("421 4.7.0"));
    })
    .await;
    server.kept().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recipients_are_counted() {
    let server = MailServer::start("").await;
    let address = server.address;
    client(move || {
        let mut client = Client::connect(address);
        client.open_transaction(JOURNAL);
        for _ in 1..muniment::base::limits::SMTP_RECIPIENTS_MAX {
            assert!(client.ask(&format!("RCPT TO:<{JOURNAL}>")).starts_with("250 2.1.5"));
        }
        assert!(client.ask(&format!("RCPT TO:<{JOURNAL}>")).starts_with("452 4.5.3"));
        assert!(client.ask("DATA").starts_with("354"));
        assert!(client.ask("x\r\n.").starts_with("250"));
    })
    .await;
    assert_eq!(server.kept().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_line_is_answered_and_the_session_goes_on() {
    let server = MailServer::start("").await;
    let address = server.address;
    client(move || {
        let mut client = Client::connect(address);
        client.reply();
        let long = "x".repeat(200_000);
        assert!(client.ask(&format!("NOOP {long}")).starts_with("500 5.5.2"));
        assert!(client.ask("NOOP").starts_with("250"));
    })
    .await;
    server.kept().await;
}

/// A peer that never ends its line is not read for ever.
#[tokio::test(flavor = "multi_thread")]
async fn line_without_end_closes_the_connection() {
    let server = MailServer::start("").await;
    let address = server.address;
    client(move || {
        let mut client = Client::connect(address);
        client.reply();
        client.send(&vec![b'x'; muniment::base::limits::SMTP_LINE_DROPPED_BYTES_MAX + (64 << 10)]);
        assert!(client.rest().starts_with("500 5.5.2"));
    })
    .await;
    server.kept().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded() {
    let server = MailServer::start("connections_max = 2\nconnections_per_peer_max = 2").await;
    let address = server.address;
    client(move || {
        let mut first = Client::connect(address);
        let mut second = Client::connect(address);
        assert!(first.reply().starts_with("220"));
        assert!(second.reply().starts_with("220"));
        let mut third = Client::connect(address);
        assert!(third.reply().starts_with("421 4.7.0"));
        assert_eq!(third.rest(), "");
        assert!(first.ask("QUIT").starts_with("221"));
        first.rest();
        drop(first);
        // The place is free once the server has seen the connection end.
        let served = (0..1000).any(|_| Client::connect(address).reply().starts_with("220"));
        assert!(served);
    })
    .await;
    server.kept().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_finishes_the_transaction_in_flight() {
    let server = MailServer::start("").await;
    let address = server.address;
    let (mut sending, mut idle) = client(move || {
        let mut sending = Client::connect(address);
        sending.open_transaction(JOURNAL);
        assert!(sending.ask("DATA").starts_with("354"));
        sending.send(b"begun before the stop\r\n");
        let mut idle = Client::connect(address);
        assert!(idle.reply().starts_with("220"));
        (sending, idle)
    })
    .await;
    server.stop();
    client(move || {
        assert!(idle.reply().starts_with("421 4.3.2"));
        assert_eq!(idle.rest(), "");
        sending.send(b"ended after it\r\n.\r\n");
        assert!(sending.reply().starts_with("250 2.0.0"));
        assert!(sending.reply().starts_with("421 4.3.2"));
        assert_eq!(sending.rest(), "");
    })
    .await;
    assert_eq!(server.kept().await, [b"begun before the stop\r\nended after it\r\n"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_port_is_named() {
    let server = MailServer::start("").await;
    let mut config = (*server.scratch.archive.config).clone();
    config.smtp.listen = vec![server.address];
    let bound = Server::bind(&config, server.ingest.clone(), Clock::System);
    let error = bound.await.err().unwrap().to_string();
    assert!(error.contains(&server.address.to_string()) && error.contains("smtp.listen"));
    server.kept().await;
}

/// The rule that no wait is silent: with no room left, DATA is refused at once,
/// and taken again when there is room.
#[tokio::test(flavor = "multi_thread")]
async fn full_archive_answers_451_at_data() {
    let server = MailServer::start("").await;
    let address = server.address;
    let mut waiting = Vec::new();
    while let Ok(incoming) = server.ingest.begin(transaction(&server.scratch.archive)) {
        waiting.push(incoming);
    }
    let mut sender = client(move || {
        let mut sender = Client::connect(address);
        sender.open_transaction(JOURNAL);
        assert!(sender.ask("DATA").starts_with("451 4.3.1"));
        sender
    })
    .await;
    drop(waiting);
    client(move || sender.deliver(JOURNAL, b"now there is room\r\n")).await;
    assert_eq!(server.kept().await, [b"now there is room\r\n"]);
}

/// A bucket that cannot be written gives 451, and mail is taken again as soon
/// as it can, without a restart. (Permissions would not stop root, so the
/// directory is replaced.)
#[tokio::test(flavor = "multi_thread")]
async fn failing_bucket_answers_451_and_recovers() {
    let server = MailServer::start("").await;
    let address = server.address;
    let bucket = server.scratch.archive.config.vault.path.clone();
    let away = bucket.with_extension("away");
    std::fs::rename(&bucket, &away).unwrap();
    std::fs::write(&bucket, b"not a directory").unwrap();
    let mut sender = client(move || {
        let mut sender = Client::connect(address);
        sender.open_transaction(JOURNAL);
        assert!(sender.ask("DATA").starts_with("354"));
        let reply = sender.ask("lost, if this were answered 250\r\n.");
        assert!(reply.starts_with("451 4.3.1"), "{reply}");
        sender
    })
    .await;
    std::fs::remove_file(&bucket).unwrap();
    std::fs::rename(&away, &bucket).unwrap();
    client(move || sender.deliver(JOURNAL, b"sent again\r\n")).await;
    assert_eq!(server.kept().await, [b"sent again\r\n"]);
}

/// A report of 128 MiB leaves this process, server and all, small, from its
/// first byte until it is found. A third of its size is left for what the
/// allocator keeps of threads that a busy machine made wait.
#[tokio::test(flavor = "multi_thread")]
async fn large_mail_does_not_live_in_memory() {
    if std::env::var_os("NEXTEST").is_none() {
        eprintln!("SKIPPED: other tests in this process would be measured too; use nextest");
        return;
    }
    const PIECES: usize = 128;
    const GROWTH_BYTES_MAX: u64 = 88 << 20;
    let server = MailServer::start("size_bytes_max = 209715200").await;
    let following = Following::start(&server.scratch, &server.ingest);
    let address = server.address;
    let before = peak_memory_bytes();
    client(move || {
        let head = "From: exchange@example.com\r\nX-MS-Journal-Report:\r\nContent-Type: \
                    multipart/mixed; boundary=j\r\n\r\n--j\r\n\r\nSender: \
                    a@example.com\r\nRecipient: b@example.com\r\n\r\n--j\r\nContent-Type: \
                    message/rfc822\r\n\r\nSubject: behemoth\r\nContent-Type: \
                    application/octet-stream; name=large.bin\r\nContent-Transfer-Encoding: \
                    base64\r\n\r\n";
        let tail = "\r\n--j--\r\n";
        let mut random = Random::new(7);
        let mut client = Client::connect(address);
        client.open_transaction(JOURNAL);
        let size = head.len() + PIECES * lines(&mut random).len() + tail.len();
        client.send(format!("BDAT {size} LAST\r\n{head}").as_bytes());
        for _ in 0..PIECES {
            client.send(lines(&mut random).as_bytes());
        }
        client.send(tail.as_bytes());
        assert!(client.reply().starts_with("250 2.0.0"));
    })
    .await;
    let growth = peak_memory_bytes() - before;
    assert!(growth < GROWTH_BYTES_MAX, "the peak grew by {growth} bytes until it was kept");
    following.catch_up(&server.scratch).await;
    // No envelope says this word: the message was read.
    assert_eq!(following.find("behemoth").len(), 1);
    let growth = peak_memory_bytes() - before;
    assert!(growth < GROWTH_BYTES_MAX, "the peak grew by {growth} bytes until it was found");
    following.stop().await;
}

/// A mebibyte of an encoded file that does not compress.
fn lines(random: &mut Random) -> String {
    const LINES: usize = (1 << 20) / 78;
    let bytes: Vec<u8> =
        (0..LINES * 57 / 8 + 1).flat_map(|_| random.next().to_le_bytes()).collect();
    let mut text = String::with_capacity(1 << 20);
    for line in bytes.chunks_exact(57) {
        base64::prelude::BASE64_STANDARD.encode_string(line, &mut text);
        text.push_str("\r\n");
    }
    text
}

fn peak_memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Sends `piece` again and again, each time when nothing was answered for a moment;
/// what is answered in the end, and how often it was sent.
fn drip(address: std::net::SocketAddr, start: &[&str], piece: &[u8]) -> (String, usize) {
    let mut client = Client::connect(address);
    client.reply();
    for command in start {
        client.ask(command);
    }
    let mut stream = client.into_stream();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut said = Vec::new();
    for count in 1..100 {
        stream.write_all(piece).unwrap();
        let mut answer = [0; 512];
        loop {
            match stream.read(&mut answer) {
                Ok(0) => break,
                Ok(length) => said.extend_from_slice(&answer[..length]),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    break;
                }
            }
        }
        let said = String::from_utf8_lossy(&said);
        if let Some(at) = said.find("421 ") {
            return (said[at..].to_owned(), count);
        }
    }
    panic!("it is heard for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_by_drops_keeps_no_seat() {
    let server = MailServer::start("idle_seconds = 1").await;
    let address = server.address;
    let (data, chunk, chunks, noop) = client(move || {
        let rcpt = format!("RCPT TO:<{JOURNAL}>");
        let opened = ["EHLO client.test", "MAIL FROM:<a@example.com>", rcpt.as_str()];
        let data = [&opened[..], &["DATA"]].concat();
        (
            drip(address, &data, b"x"),
            // The first brings the command, the others are of its chunk.
            drip(address, &opened, b"BDAT 9999\r\n"),
            drip(address, &opened, b"BDAT 1\r\nx"),
            drip(address, &opened[..1], b"NOOP\r\n"),
        )
    })
    .await;
    for ((said, count), (least, most)) in
        [(data, (3, 9)), (chunk, (3, 9)), (chunks, (5, 30)), (noop, (5, 30))]
    {
        assert!(said.starts_with("421 4.4.2"), "{said}");
        assert!((least..=most).contains(&count), "{count}");
    }
    assert!(server.kept().await.is_empty());
}
