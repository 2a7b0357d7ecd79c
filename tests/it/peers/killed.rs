//! What other archives lost when they were killed, and what they did not find
//! again: the real binary, over SMTP, ended with SIGKILL.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::base::hash::Digest;
use muniment::base::ids::DeliverySeq;
use muniment::catalog::delivery;
use muniment::index::Scope;
use muniment::mail::delivery::{Envelope, Kind, Recipient};
use muniment::mail::wrap::{Original, Style, report};
use muniment::query::{self, Dialect};

use super::message;
use crate::support::corpus::messages;
use crate::support::dialogue::Client;
use crate::support::mail_server::deliveries;
use crate::support::served::{Made, Served, init};
use crate::support::until;

/// Bichon 1.5.3: 599 messages were acknowledged, it was killed, and 0 of them
/// were there. Its sessions and one worker also ended on mail of these lists.
#[test]
fn all_599_acknowledged_are_there_after_sigkill() {
    let mut sent = messages("bulk/usrp-users");
    sent.extend(messages("bulk/linux-parisc"));
    sent.truncate(599);
    for number in sent.len()..599 {
        let mut made = message(&format!("Subject: n{number}\r\n"), "8-bit: ");
        made.extend(128..=255u8);
        sent.push(made);
    }
    let made = init();
    let served = Served::start(&made.config, &[]).unwrap();
    let mut client = greeted(&served);
    for content in &sent {
        client.deliver(&made.said["journal"], content);
    }
    served.kill();
    let served = Served::start(&made.config, &[]).unwrap();
    caught_up(&served);
    served.stop();
    check(&made, &sent, &[]);
}

/// piler 1.4.9: its workers were killed, 600 messages were acknowledged, and 598
/// were archived: those in flight were taken for duplicates of themselves.
#[test]
fn all_600_are_archived_once_though_workers_are_killed() {
    let made = init();
    let mut served = Served::start(&made.config, &[]).unwrap();
    let mut client = greeted(&served);
    let sent: Vec<Vec<u8>> = (0..600)
        .map(|number| message(&format!("Subject: flight{number}x\r\n"), "in flight"))
        .collect();
    let mut killed = Vec::new();
    for (number, content) in sent.iter().enumerate() {
        client.deliver(&made.said["journal"], content);
        // Each of its workers once, and the whole in the middle.
        if number % 150 == 149 {
            for worker in served.children() {
                if !killed.contains(&worker) {
                    let _ = rustix::process::kill_process(
                        rustix::process::Pid::from_raw(worker).unwrap(),
                        rustix::process::Signal::KILL,
                    );
                    killed.push(worker);
                }
            }
        }
        if number == 300 {
            served.kill();
            served = Served::start(&made.config, &[]).unwrap();
            client = greeted(&served);
        }
    }
    assert!(killed.len() > 3, "hardly a worker was killed: {killed:?}");
    caught_up(&served);
    served.stop();
    let queries: Vec<String> = (0..600).map(|number| format!("subject:flight{number}x")).collect();
    let queries: Vec<(&str, usize)> = queries.iter().map(|query| (query.as_str(), 1)).collect();
    check(&made, &sent, &queries);
}

/// piler 1.4.9: the second report of a split message added its recipients to the
/// database and not to the index, and with "Bcc:" lines to neither.
#[test]
fn hidden_recipients_of_a_split_report_are_found() {
    let made = init();
    let served = Served::start(&made.config, &[]).unwrap();
    let original = message("Subject: split\r\nMessage-ID: <split@example.com>\r\n", "to some");
    let journaled = |recipients: &[(Kind, &str)]| {
        let recipients = recipients.iter().map(|(kind, address)| Recipient {
            kind: *kind,
            address: (*address).into(),
            via: None,
        });
        let envelope = Envelope {
            sender: "a@example.com".into(),
            subject: Some("split".into()),
            message_id: Some("<split@example.com>".into()),
            recipients: recipients.collect(),
            ..Envelope::default()
        };
        report(&envelope, &[Original::message(&original)], &Style::default())
    };
    let sent = vec![
        journaled(&[(Kind::To, "b@example.com")]),
        journaled(&[(Kind::Recipient, "hidden-1@example.com")]),
        journaled(&[(Kind::Bcc, "hidden-2@example.com")]),
    ];
    let mut client = greeted(&served);
    for content in &sent {
        client.deliver(&made.said["journal"], content);
        // Each comes when the index has what was before it.
        caught_up(&served);
    }
    served.stop();
    let both = "participants:hidden-1@example.com AND bcc:hidden-2@example.com AND subject:split";
    check(&made, &sent, &[("subject:split", 1), (both, 1)]);
}

fn greeted(served: &Served) -> Client {
    let mut client = Client::connect(served.smtp);
    assert!(client.reply().starts_with("220"));
    assert!(client.ask("EHLO client.test").starts_with("250"));
    client
}

/// Waits until all that is committed can be searched.
fn caught_up(served: &Served) {
    until("the index has caught up", || served.is_settled());
}

/// Everything sent is kept as often as it was sent, nothing is lost to a gap, and
/// each query finds as many messages as said.
fn check(made: &Made, sent: &[Vec<u8>], queries: &[(&str, usize)]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
        let mut counts: HashMap<Digest, i64> = HashMap::new();
        for content in sent {
            *counts.entry(Digest::of(content)).or_default() += 1;
        }
        for (_, content) in deliveries(&archive).await {
            *counts.entry(Digest::of(&content)).or_default() -= 1;
        }
        counts.retain(|_, count| *count != 0);
        assert!(counts.is_empty(), "kept more or less often than sent: {counts:?}");
        let gaps: i64 = muniment::catalog::db::query_scalar(
            "SELECT COUNT(*) FROM gap WHERE set_id IS NULL OR reason IN ('crashed', 'timed-out')",
        )
        .fetch_one(archive.catalog.read())
        .await
        .unwrap();
        assert_eq!(gaps, 0, "messages that were not read");
        let last = delivery::last_seq(&archive.catalog).await.unwrap();
        let index = archive.open_index().unwrap();
        assert_eq!(DeliverySeq(index.cursor() as i64), last, "the index is behind");
        for (text, count) in queries {
            let query = query::parse(text, Dialect::Kql, &TimeZone::UTC).unwrap().query;
            let hits = index.all(&query, &Scope::default()).unwrap();
            assert_eq!(hits.len(), *count, "{text}");
        }
    });
}
