//! The whole program as one process: both doors open, and an orderly end.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::support::served::{Sender, Served, init};

#[test]
fn one_process_takes_mail_answers_the_web_and_stops() {
    let made = init();
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    sender.send(&made.said["journal"], b"Subject: one\r\n\r\ntext\r\n").unwrap();
    let address = served.http.trim_start_matches("http://").trim_end_matches('/');
    for (path, answer) in
        [("/healthz", "200"), ("/readyz", "200"), ("/api/v1/status", "401"), ("/metrics", "200")]
    {
        let said = get(address, path);
        assert!(said.starts_with(&format!("HTTP/1.1 {answer}")), "{path}: {said}");
    }
    let metrics = get(address, "/metrics");
    assert!(metrics.contains("muniment_smtp_deliveries_total{outcome=\"kept\"} 1"), "{metrics}");
    served.stop();
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}
