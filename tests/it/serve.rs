//! The whole program as one process: both doors open, and an orderly end.

use super::support::served::{Sender, Served, init};

#[test]
fn one_process_takes_mail_answers_the_web_and_stops() {
    let made = init();
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    sender.send(&made.said["journal"], b"Subject: one\r\n\r\ntext\r\n").unwrap();
    for (path, answer) in
        [("/healthz", "200"), ("/readyz", "200"), ("/api/v1/status", "401"), ("/metrics", "200")]
    {
        let said = served.get(path);
        assert!(said.starts_with(&format!("HTTP/1.1 {answer}")), "{path}: {said}");
    }
    let metrics = served.get("/metrics");
    assert!(metrics.contains("muniment_smtp_deliveries_total{outcome=\"kept\"} 1"), "{metrics}");
    served.stop();
}
