//! What other archives were measured to get wrong, each under its own name.
//!
//! Every test delivers over SMTP and reads back from the vault.

mod killed;

use std::fmt::Write as _;

use muniment::base::hash::Digest;
use muniment::base::ids::DeliverySeq;
use muniment::catalog::delivery;
use muniment::mail::delivery::{Delivery, Form, Role, entry_bytes};

use crate::follow::Following;
use crate::smtp::client;
use crate::support::corpus::messages;
use crate::support::dialogue::Client;
use crate::support::mail_server::{JOURNAL, MailServer};
use crate::support::{Scratch, deliver};

/// Delivers `contents` in one session and returns what is kept of them.
async fn delivered(contents: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let server = MailServer::start("size_bytes_max = 52428800").await;
    send(&server, contents).await;
    server.kept().await
}

async fn send(server: &MailServer, contents: Vec<Vec<u8>>) {
    let address = server.address;
    client(move || {
        let mut client = Client::connect(address);
        assert!(client.reply().starts_with("220"));
        assert!(client.ask("EHLO client.test").starts_with("250"));
        for content in contents {
            client.deliver(JOURNAL, &content);
        }
    })
    .await;
}

/// What the scanner found in the one delivery `content`, and its bytes as kept.
async fn scanned(content: Vec<u8>) -> (Delivery, Vec<u8>) {
    let server = MailServer::start("size_bytes_max = 52428800").await;
    send(&server, vec![content]).await;
    let archive = &server.scratch.archive;
    let rows = delivery::after(&archive.catalog, DeliverySeq(0), 10).await.unwrap();
    let record = archive.vault.open_record(&rows[0].at()).await.unwrap();
    (record.meta().delivery.clone(), record.bytes().await.unwrap().to_vec())
}

fn message(headers: &str, body: &str) -> Vec<u8> {
    format!("From: a@example.com\r\nTo: b@example.com\r\n{headers}\r\n{body}\r\n").into_bytes()
}

/// piler kept one of three: its duplicate check saw "null" three times.
#[tokio::test(flavor = "multi_thread")]
async fn three_messages_without_message_id_are_all_kept() {
    let sent: Vec<_> =
        (1..=3).map(|n| message(&format!("Subject: number {n}\r\n"), "no id")).collect();
    assert_eq!(delivered(sent.clone()).await, sent);
}

/// piler, mail-archiver, OpenArchiver and early Bichon dropped the second.
#[tokio::test(flavor = "multi_thread")]
async fn two_messages_with_one_message_id_are_both_kept() {
    let sent = vec![
        message("Message-ID: <same@example.com>\r\n", "the first"),
        message("Message-ID: <same@example.com>\r\n", "quite another"),
    ];
    assert_eq!(delivered(sent.clone()).await, sent);
}

/// The same delivery again, as after a lost 250, is kept again.
#[tokio::test(flavor = "multi_thread")]
async fn same_delivery_twice_is_kept_twice() {
    let sent = vec![message("Message-ID: <same@example.com>\r\n", "again"); 2];
    assert_eq!(delivered(sent.clone()).await, sent);
}

/// piler stored 70 of 1,000 expanded recipients: an 8 KB buffer.
#[tokio::test(flavor = "multi_thread")]
async fn report_with_10_000_recipients_keeps_all() {
    let mut envelope = String::from("Sender: a@example.com\r\nSubject: all hands\r\n");
    for n in 0..10_000 {
        let _ = write!(envelope, "To: member-{n:05}@example.com, Expanded: all@example.com\r\n");
    }
    let original = String::from_utf8(message("Subject: all hands\r\n", "to everyone")).unwrap();
    let report = format!(
        "From: exchange@example.com\r\nX-MS-Journal-Report:\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"j1\"\r\n\r\n\
         --j1\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\r\n{envelope}\r\n\
         --j1\r\nContent-Type: message/rfc822\r\n\r\n{original}\r\n--j1--\r\n"
    );
    let (delivery, kept) = scanned(report.clone().into_bytes()).await;
    assert_eq!(kept, report.as_bytes());
    assert_eq!(delivery.form, Form::Report);
    let recipients = delivery.envelope.unwrap().recipients;
    assert_eq!(recipients.len(), 10_000);
    assert_eq!(recipients[9_999].address, "member-09999@example.com");
    assert_eq!(recipients[9_999].via.as_ref().unwrap().1, "all@example.com");
}

/// piler took a boundary for one wherever it was part of a line; 14 of 925
/// messages came back damaged.
#[tokio::test(flavor = "multi_thread")]
async fn short_boundary_bb_keeps_attachments_whole() {
    // Lines that hold the boundary, at their start, end and within.
    let attachment = "bb\r\n--b\r\nxx--bb\r\n-bb--\r\nrabbit\r\n --bb\r\nend".to_owned();
    let mail = message(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=bb\r\n",
        &format!(
            "--bb\r\nContent-Type: text/plain\r\n\r\nsee attached\r\n--bb\r\n\
             Content-Type: application/octet-stream; name=x.bin\r\n\
             Content-Disposition: attachment; filename=x.bin\r\n\r\n{attachment}\r\n--bb--"
        ),
    );
    let (delivery, kept) = scanned(mail.clone()).await;
    assert_eq!(kept, mail);
    let index = attachment_index(&delivery, "x.bin");
    assert_eq!(entry_bytes(&kept, &delivery.entries, index).unwrap(), attachment.as_bytes());
    assert_eq!(delivery.entries[index].sha256, Digest::of(attachment.as_bytes()));
}

fn attachment_index(delivery: &Delivery, name: &str) -> usize {
    let found = delivery
        .entries
        .iter()
        .position(|entry| entry.role == Role::Attachment && entry.name == name);
    found.unwrap_or_else(|| panic!("{name} is not among {:?}", delivery.entries))
}

/// piler lost the last line end of 58 messages in 60.
#[tokio::test(flavor = "multi_thread")]
async fn final_crlf_is_kept_and_none_is_added() {
    let mut sent = Vec::new();
    for end in ["", "\r\n", "\r\n\r\n", "\n", "\r", "\r\n.\r\n", "\r\n \r\n"] {
        sent.push([message("", "text"), end.as_bytes().to_vec()].concat());
        sent.push(format!("Subject: bare\r\n\r\nno line end{end}").into_bytes());
    }
    assert_eq!(delivered(sent.clone()).await, sent);
    let server = MailServer::start("").await;
    let address = server.address;
    let expected = message("", "over DATA\r\n\r\n");
    let content = expected.clone();
    client(move || {
        let mut client = Client::connect(address);
        client.open_transaction(JOURNAL);
        client.send_data(&content);
        assert!(client.reply().starts_with("250 2.0.0"));
    })
    .await;
    assert_eq!(server.kept().await, [expected]);
}

/// Every one of Bichon's sessions died on raw 8-bit mail.
#[tokio::test(flavor = "multi_thread")]
async fn raw_8bit_mail_is_accepted() {
    let all: Vec<u8> = (0..=255).collect();
    let every_pair: Vec<u8> =
        (0..=255u8).flat_map(|a| (0..=255u8).flat_map(move |b| [a, b])).collect();
    let mut sent = vec![
        [b"Subject: \xe9t\xe9 \xff\xfe\r\n\r\n".to_vec(), all].concat(),
        [b"\r\n".to_vec(), every_pair].concat(),
    ];
    sent.extend(messages("bulk/usrp-users").into_iter().take(200));
    sent.extend(messages("bulk/linux-parisc").into_iter().take(200));
    assert!(delivered(sent.clone()).await == sent);
}

/// Bichon ended the message at any line that trims to a period.
#[tokio::test(flavor = "multi_thread")]
async fn line_that_trims_to_dot_does_not_end_message() {
    let content = message("", ". \r\n .\r\n.\t\r\n\t.\r\n.\x0b\r\n\u{a0}.\r\n.\u{2003}\r\n..\r\n.");
    let server = MailServer::start("").await;
    let address = server.address;
    let sent = content.clone();
    client(move || {
        let mut client = Client::connect(address);
        client.open_transaction(JOURNAL);
        client.send_data(&sent);
        assert!(client.reply().starts_with("250 2.0.0"));
    })
    .await;
    assert_eq!(server.kept().await, [content]);
}

/// Bichon keyed an attachment by its decoded hash and kept one encoding of it:
/// the twin came back in the other's line lengths.
#[tokio::test(flavor = "multi_thread")]
async fn reencoded_twin_attachment_comes_back_exact() {
    use base64::Engine as _;
    let content: Vec<u8> = (0..5000u32).map(|n| (n * 7) as u8).collect();
    let text = base64::engine::general_purpose::STANDARD.encode(&content);
    let twins: Vec<Vec<u8>> = [(76, "\r\n"), (60, "\r\n"), (76, "\n"), (64, " \r\n")]
        .iter()
        .map(|(width, end)| {
            let lines: Vec<&str> = text
                .as_bytes()
                .chunks(*width)
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect();
            message(
                "MIME-Version: 1.0\r\nContent-Type: application/pdf; name=twin.pdf\r\n\
                 Content-Transfer-Encoding: base64\r\n",
                &lines.join(end),
            )
        })
        .collect();
    assert_eq!(delivered(twins.clone()).await, twins);
    for twin in twins {
        let delivery = muniment::mail::delivery::read(&twin);
        let decoded = delivery.entries.iter().any(|entry| entry.sha256 == Digest::of(&content));
        assert!(decoded, "{:?}", delivery.entries);
    }
}

/// piler indexes 128 KB of a body and fifteen attachments.
#[tokio::test(flavor = "multi_thread")]
async fn words_beyond_128_kb_and_fifteen_attachments_are_found() {
    let long =
        message("Subject: long\r\n", &format!("{}\r\nzanzibar", "filler text\r\n".repeat(60_000)));
    let parts: Vec<String> = (1..=20)
        .map(|n| {
            format!(
                "--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; \
                 filename=part{n}.txt\r\n\r\nwordofpart{n}\r\n"
            )
        })
        .collect();
    let many = message(
        "Subject: many\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n",
        &format!("{}--b--", parts.concat()),
    );
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    for content in [&long, &many] {
        deliver(&scratch.archive, &ingest, content).await;
    }
    let following = Following::start(&scratch, &ingest);
    following.catch_up(&scratch).await;
    for word in ["zanzibar", "wordofpart1", "wordofpart15", "wordofpart16", "wordofpart20"] {
        assert_eq!(following.find(word).len(), 1, "{word}");
    }
    following.stop().await;
}

/// Parsers panicked and overflowed on some of these; here none of them is
/// parsed before its 250, and what is scanned is bounded.
#[tokio::test(flavor = "multi_thread")]
async fn hard_and_hostile_mail_comes_back_exact() {
    let mut sent = vec![nested_messages(5_000), many_parts(20_000), long_header(4 << 20)];
    for part in ["mime", "hostile", "journal", "reports"] {
        sent.extend(messages(part));
    }
    let server = MailServer::start("size_bytes_max = 52428800").await;
    // Many at once, so that neighbours of a hard one are in its segment.
    let share = sent.len().div_ceil(16);
    futures::future::join_all(sent.chunks(share).map(|share| send(&server, share.to_vec()))).await;
    let mut kept = server.kept().await;
    assert_eq!(kept.len(), sent.len());
    kept.sort();
    sent.sort();
    let changed = kept.iter().zip(&sent).filter(|(kept, sent)| kept != sent).count();
    assert_eq!(changed, 0, "deliveries that came back otherwise");
}

fn nested_messages(depth: usize) -> Vec<u8> {
    "Content-Type: message/rfc822\r\n\r\n".repeat(depth).into_bytes()
}

fn many_parts(count: usize) -> Vec<u8> {
    let part = "--b\r\nContent-Type: text/plain; name=x\r\n\r\nx\r\n";
    let parts = part.repeat(count);
    format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n").into_bytes()
}

fn long_header(length: usize) -> Vec<u8> {
    format!("Subject: {}\r\n\r\nbody\r\n", "x".repeat(length)).into_bytes()
}
