//! `muniment demo` as a person runs it: again, over what is there, and after it
//! was cut off.

use std::io::{BufRead, BufReader, Lines, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::catalog::delivery;
use muniment::cmd::demo::company::Company;

use super::support::binary;

const MESSAGES: usize = 300;
const UNTIL: &str = "2026-09-21";

/// One run, as far as it has spoken.
struct Demo {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(binary());
    command.args(["demo", "--http", "0", "--smtp", "0", "--data"]).arg(data);
    command.stdin(Stdio::null());
    command
}

impl Demo {
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut command = command(data);
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, said: String::new() }
    }

    /// Reads on to the line that begins so; gives what follows there.
    fn until(&mut self, start: &str) -> String {
        loop {
            let line = self.lines.next();
            let line = line.unwrap_or_else(|| panic!("no {start:?} in: {}", self.said)).unwrap();
            self.said += &format!("{line}\n");
            if let Some(rest) = line.strip_prefix(start) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Reads to the end of the greeting: address and the password of `legal`.
    fn presented(&mut self) -> (String, String) {
        let address = self.until("open: ");
        assert_eq!(self.until("login: "), "legal (legal)");
        let password = self.until("password: ");
        self.until("Ctrl-C");
        (address, password)
    }

    fn interrupt(mut self) -> String {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        self.until("stopping");
        assert!(self.child.wait().unwrap().success());
        self.said
    }
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(said.lines().count(), 1, "not one sentence: {said}");
    said
}

/// The answer to a sign-in as `legal`.
fn sign_in(address: &str, password: &str) -> String {
    let host = address.trim_start_matches("http://").trim_end_matches('/');
    let body = format!("{{\"name\":\"legal\",\"password\":\"{password}\"}}");
    let request = format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn every_run_says_a_password_that_signs_in() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("demo");
    let mut first = Demo::start(&data, &["--messages", "5"]);
    let (address, password) = first.presented();
    let answer = sign_in(&address, &password);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"must_change\":false"), "{answer}");
    first.interrupt();
    let mode = std::fs::metadata(data.join("demo.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others can read the passwords");

    let mut second = Demo::start(&data, &[]);
    let (address, again) = second.presented();
    assert_eq!(again, password);
    assert!(sign_in(&address, &again).starts_with("HTTP/1.1 200"));
    assert!(!second.interrupt().contains("journaled"), "nothing was sent again");

    // Somebody has another password now: the one in the notes is no use.
    let config = data.join("muniment.toml");
    let reset = |name: &str| {
        let mut command = Command::new(binary());
        command.args(["user", "reset", name, "--config"]).arg(&config).output().unwrap()
    };
    let output = reset("LEGAL");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let new = printed.lines().find_map(|line| line.strip_prefix("password: ")).unwrap();
    let mut third = Demo::start(&data, &[]);
    let (address, said) = third.presented();
    assert!(said.contains("chosen since") && said.contains("user reset --config"), "{said}");
    assert!(said.ends_with("muniment.toml legal"), "{said}");
    assert!(sign_in(&address, &password).starts_with("HTTP/1.1 401"));
    assert!(sign_in(&address, new).contains("\"must_change\":true"));
    third.interrupt();
    let said = refused(&reset("nobody-here"));
    assert!(said.contains("nobody-here") && said.contains("no such person"), "{said}");
}

#[test]
fn a_run_that_was_cut_off_is_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("demo");
    let number = MESSAGES.to_string();
    let made = ["--messages", &number, "--until", UNTIL];
    let mut first = Demo::start(&data, &made);
    first.until("journaled: ");
    first.child.kill().unwrap();
    first.child.wait().unwrap();

    let mut second = Demo::start(&data, &[]);
    second.presented();
    let said = second.interrupt();
    assert!(said.contains(&format!("{number} messages of a made-up company until {UNTIL}")));
    assert!(said.contains("going on: "), "{said}");

    // All of it is there, and nothing twice that was not meant to be.
    let all = Company::new(1, UNTIL.parse().unwrap(), MESSAGES).count();
    assert!(said.contains(&format!("journaled: {all}\n")), "{said}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kept = runtime.block_on(async {
        let config = Config::load(&data.join("muniment.toml")).unwrap();
        let archive = Archive::open(config).await.unwrap();
        delivery::totals(&archive.catalog).await.unwrap().deliveries
    });
    assert_eq!(kept, all as u64);
}

#[test]
fn a_stop_is_heard_while_it_still_speaks() {
    let directory = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(&directory.path().join("demo"), &["--messages", "5"]);
    demo.until("open: ");
    // It now looks up whether the passwords are still good, which takes a while.
    demo.interrupt();
}

#[test]
fn it_goes_on_where_nobody_reads_what_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(&directory.path().join("demo"), &["--messages", "5"]);
    let (address, password) = demo.presented();
    let Demo { mut child, lines, .. } = demo;
    drop(lines);
    assert!(sign_in(&address, &password).starts_with("HTTP/1.1 200"));
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn other_mail_over_a_demonstration_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (data, mail) = (directory.path().join("demo"), directory.path().join("a.eml"));
    std::fs::write(&mail, "From: a@x.example\nTo: b@x.example\nSubject: s\n\ntext\n").unwrap();
    let mail = mail.to_str().unwrap();
    let mut own = Demo::start(&data, &[mail]);
    own.presented();
    assert!(own.interrupt().contains("the mail in "));
    // However it is written.
    let beside = directory.path().join("./demo/../a.eml");
    let mut again = Demo::start(&data, &[beside.to_str().unwrap()]);
    again.presented();
    again.interrupt();
    for arguments in [&["--seed", "2"][..], &["--until", UNTIL], &[data.to_str().unwrap()]] {
        let said = refused(&command(&data).args(arguments).output().unwrap());
        for words in ["holds a demonstration of the mail in", mail, "DEMO_DATA=DIR", "remove"] {
            assert!(said.contains(words), "{words:?} is not in: {said}");
        }
    }
}

#[test]
fn what_stands_in_the_way_is_named_before_anything_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("demo");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (flag, variable) in [("--http", "make demo HTTP=PORT"), ("--smtp", "make demo SMTP=PORT")] {
        let other = if flag == "--http" { "--smtp" } else { "--http" };
        let mut command = Command::new(binary());
        command.args(["demo", other, "0", flag, &port, "--data"]).arg(&data);
        let said = refused(&command.output().unwrap());
        for words in ["cannot listen for", &port, variable, flag] {
            assert!(said.contains(words), "{words:?} is not in: {said}");
        }
    }
    let said = refused(&command(&data).arg("/nonexistent/mail").output().unwrap());
    assert!(said.contains("cannot read /nonexistent/mail; give an mbox"), "{said}");
    let said = refused(&command(&data).arg(binary()).output().unwrap());
    assert!(said.contains("is not mail; give an mbox"), "{said}");
    assert!(!data.exists(), "something was made");

    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("muniment.toml"), "").unwrap();
    let said = refused(&command(&data).output().unwrap());
    assert!(said.contains("is no demonstration") && said.contains("another directory"), "{said}");
}
