//! What kills leave by themselves is no fault, and a check that is killed goes on.

use std::process::Command;

use muniment::base::crash::CRASH_AT;

use super::copy::{check, found};
use super::{said, verify};
use crate::rebuild::used;
use crate::support::binary;
use crate::support::served::{Sender, Served, init};

/// At each of these points the server dies while mail comes in.
const POINTS: &[&str] = &[
    "seal.before_put:3",
    "seal.after_segment:3",
    "seal.after_page:3",
    "commit.before:3",
    "commit.after:3",
    "publish.after_tiles:1",
    "publish.after_checkpoint:1",
    "policy.before_put:1",
    "policy.after_put:1",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_kills_leave_is_no_fault() {
    let made = init();
    let mut left = 0;
    for point in POINTS {
        if let Some(served) = Served::start(&made.config, &[(CRASH_AT, point)]) {
            if let Ok(mut sender) = Sender::connect(served.smtp) {
                let message = b"Subject: a paper boat\r\n\r\nsails\r\n";
                while sender.send(&made.said["journal"], message).is_ok() {}
            }
            served.died();
        }
        let report = check(&made.config).await;
        assert_eq!(found(&report), [], "{point}: {:#?}", report.faults);
        left += report.notes.len();
    }
    Served::start(&made.config, &[]).unwrap().stop();
    let report = check(&made.config).await;
    assert_eq!(found(&report), [], "{:#?}", report.faults);
    assert!(left > 0, "the kills left nothing: this shows nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_killed_goes_on() {
    let made = init();
    used(&made).await;
    for point in ["scrub.after_step:1", "scrub.after_part:20", "scrub.after_step:2"] {
        let mut command = Command::new(binary());
        command.env(CRASH_AT, point).args(["verify", "--config"]).arg(&made.config);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), None, "{point}: {}", said(&output));
        // Its lease is a dead process's.
        expire(&made.config).await;
    }
    let output = verify(&made.config, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = said(&output);
    assert!(text.contains("200 records") && !text.contains("keys:"), "from its start: {text}");
}

async fn expire(config: &std::path::Path) {
    let path = config.with_file_name("catalog.db");
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let done = sqlx::query("UPDATE scrub SET lease_until = 0 WHERE ended_at IS NULL");
    assert_eq!(done.execute(&pool).await.unwrap().rows_affected(), 1);
    pool.close().await;
}
