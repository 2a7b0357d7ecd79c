//! What `serve` and `init` refuse, each with one sentence that names the thing
//! and the mend.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::support::binary;
use super::support::served::{Made, Sender, Served, init};

/// Runs `serve` until it refuses; what it said.
fn refused(config: &Path, environment: &[(&str, &str)]) -> String {
    refusal(&mut serve(config, environment))
}

fn serve(config: &Path, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary());
    command.args(["serve", "--config"]).arg(config);
    command
        .env("MUNIMENT__SMTP__LISTEN", "[\"127.0.0.1:0\"]")
        .env("MUNIMENT__HTTP__LISTEN", "127.0.0.1:0")
        .env("MUNIMENT__LOG__LEVEL", "error")
        .envs(environment.iter().copied());
    command
}

fn refusal(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "it was not refused");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("muniment: "), "{said}");
    assert_eq!(said.lines().count(), 1, "not one sentence: {said}");
    let mut parts: Vec<&str> = said.trim().split(": ").filter(|part| part.len() > 9).collect();
    let all = parts.len();
    parts.sort_unstable();
    parts.dedup();
    assert!(parts.len() == all && said.matches("(os error").count() < 2, "said twice: {said}");
    said
}

/// Replaces `from` in the configuration.
fn change(made: &Made, from: &str, to: &str) {
    let text = fs::read_to_string(&made.config).unwrap();
    assert!(text.contains(from));
    fs::write(&made.config, text.replace(from, to)).unwrap();
}

fn check(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

fn path(made: &Made, name: &str) -> std::path::PathBuf {
    made.config.parent().unwrap().join(name)
}

#[test]
fn an_unknown_key_is_refused() {
    let made = init();
    change(&made, "[http]", "[http]\nlisten_port = 80");
    check(&refused(&made.config, &[]), &["listen_port", "muniment.toml", "line "]);
}

#[test]
fn a_missing_configuration_is_refused() {
    let said = refused(Path::new("/nonexistent/muniment.toml"), &[]);
    check(&said, &["/nonexistent/muniment.toml", "muniment init"]);
}

/// It is there: another archive beside it is not the mend.
#[test]
fn a_configuration_that_is_no_text_is_refused() {
    let made = init();
    let said = refused(made.config.parent().unwrap(), &[]);
    check(&said, &["cannot read the configuration", "UTF-8 text", "--config", "directory"]);
    assert!(!said.contains("muniment init"), "{said}");
    let text = fs::read(&made.config).unwrap();
    fs::write(&made.config, [&text[..], b"# \xff\n"].concat()).unwrap();
    let said = refused(&made.config, &[]);
    check(&said, &["cannot read the configuration", "muniment.toml", "UTF-8 text"]);
    assert!(!said.contains("muniment init"), "{said}");
}

#[test]
fn a_wrong_master_key_is_refused() {
    let (made, other) = (init(), init());
    fs::copy(path(&other, "keys/master.key"), path(&made, "keys/master.key")).unwrap();
    check(
        &refused(&made.config, &[]),
        &["master key is not the one of this archive", "put the right"],
    );
}

/// A directory enforces nothing, which is known before it is there.
#[test]
fn write_once_is_not_asked_of_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("archive");
    let mut init = Command::new(binary());
    let said = refusal(init.args(["init", "--worm-required", "--data"]).arg(&data));
    check(&said, &["not enforced", "local directory", "use a bucket with Object Lock"]);
    assert!(!data.exists(), "something was made");
}

/// A directory may be a volume's, or hold the credentials that the archive will use.
#[test]
fn what_a_new_archive_finds_in_its_directory_is_told_and_left() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("lost+found")).unwrap();
    let mut init = Command::new(binary());
    let made = init.args(["init", "--data"]).arg(directory.path().join("new")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&made.stderr), "");
    fs::write(directory.path().join("notes.txt"), "keep").unwrap();
    let mut init = Command::new(binary());
    let made = init.args(["init", "--data"]).arg(directory.path()).output().unwrap();
    let told = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success() && told.contains("\"new\" is in it"), "{told}");
    assert_eq!(fs::read_to_string(directory.path().join("notes.txt")).unwrap(), "keep");
}

#[test]
fn a_missing_master_key_is_refused() {
    let made = init();
    fs::remove_file(path(&made, "keys/master.key")).unwrap();
    check(&refused(&made.config, &[]), &["keys/master.key", "recovery copy"]);
}

/// Whether its key came with it or not: the key is not what is wrong.
#[test]
fn the_bucket_of_another_archive_is_refused() {
    let (made, other) = (init(), init());
    fs::remove_dir_all(path(&made, "bucket")).unwrap();
    fs::rename(path(&other, "bucket"), path(&made, "bucket")).unwrap();
    let (own, others) = (&made.said["archive"], &other.said["archive"]);
    let words = ["belongs to archive", own, others, "[vault] path", "same archive"];
    check(&refused(&made.config, &[]), &words);
    fs::copy(path(&other, "keys/master.key"), path(&made, "keys/master.key")).unwrap();
    check(&refused(&made.config, &[]), &words);
}

#[test]
fn a_bucket_without_an_archive_is_refused() {
    let made = init();
    fs::remove_dir_all(path(&made, "bucket")).unwrap();
    check(
        &refused(&made.config, &[]),
        &[
            "cannot write to the bucket",
            "/bucket",
            "it is not there",
            "put it back",
            "[vault] path",
        ],
    );
    fs::create_dir(path(&made, "bucket")).unwrap();
    check(&refused(&made.config, &[]), &["holds no archive", "[vault] path"]);
}

#[test]
fn what_is_no_catalog_is_refused() {
    let made = init();
    let catalog = path(&made, "catalog.db");
    fs::write(&catalog, "").unwrap();
    let mend = "put the newest copy of the catalog in its place";
    check(&refused(&made.config, &[]), &["catalog.db is not a catalog: it is empty", mend]);
    assert_eq!(fs::metadata(&catalog).unwrap().len(), 0, "it was written to");
    fs::write(&catalog, "From: a@x.example\n\nmail, and no database\n").unwrap();
    check(&refused(&made.config, &[]), &["no SQLite database", mend]);
    fs::write(&catalog, [&b"SQLite format 3\0"[..], &[0x7F; 8192]].concat()).unwrap();
    check(&refused(&made.config, &[]), &["cannot open the catalog", "its newest copy"]);
    fs::remove_file(&catalog).unwrap();
    check(&refused(&made.config, &[]), &["no catalog at", "put the newest copy"]);
}

#[test]
fn a_truncated_catalog_is_refused() {
    let made = init();
    let catalog = path(&made, "catalog.db");
    let whole = fs::read(&catalog).unwrap();
    for length in [50, 100, 4096, 8192, whole.len() / 2, whole.len() - 4096] {
        fs::write(&catalog, &whole[..length]).unwrap();
        let said = refused(&made.config, &[]);
        check(&said, &["catalog", catalog.to_str().unwrap(), "newest copy"]);
    }
}

#[test]
fn a_bad_variable_is_blamed_by_its_name() {
    let made = init();
    for (name, value, words) in [
        ("MUNIMENT__SMTP__IDLE_SECONDS", "soon", "a whole number"),
        ("MUNIMENT__SMTP__IDLE_SECONDS", "0", "give 1 to"),
        ("MUNIMENT__SMTP__IDLE", "1", "unknown key `idle`"),
        ("MUNIMENT__WORKER__PROCESSES", "0", "give 1 to"),
        ("MUNIMENT__LOG__LEVEL", "loud", "give a level"),
    ] {
        let said = refused(&made.config, &[(name, value)]);
        check(&said, &[&format!("environment variable {name} "), words]);
        assert!(!said.contains("muniment.toml"), "the file is blamed: {said}");
    }
}

#[test]
fn a_zero_and_a_wrong_type_are_refused() {
    let made = init();
    change(&made, "idle_seconds = 300", "idle_seconds = 0");
    check(&refused(&made.config, &[]), &["muniment.toml", "[smtp] idle_seconds: 0", "give 1 to"]);
    change(&made, "idle_seconds = 0", "idle_seconds = \"5 minutes\"");
    check(&refused(&made.config, &[]), &["muniment.toml", "idle_seconds", "a whole number"]);
}

#[test]
fn an_archive_that_would_accept_nothing_is_refused() {
    let made = init();
    let text = fs::read_to_string(&made.config).unwrap();
    let (before, source) = text.split_once("[[source]]").unwrap();
    let class = source.split_once("[[class]]").unwrap().1;
    fs::write(&made.config, format!("{before}[[class]]{class}")).unwrap();
    check(&refused(&made.config, &[]), &["[[source]] there is none", "add one"]);
    // It can be read: an archive whose mail has moved elsewhere is still evidence.
    let mut command = Command::new(binary());
    let reset = command.args(["user", "reset", "admin", "--config"]).arg(&made.config).output();
    assert!(reset.unwrap().status.success());
}

#[test]
fn what_mail_was_taken_for_cannot_become_less() {
    let made = init();
    // Nothing is kept for it yet.
    change(&made, "years = 7", "years = 5");
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    sender.send(&made.said["journal"], b"Subject: one\r\n\r\ntext\r\n").unwrap();
    served.stop();

    change(&made, "years = 5", "years = 4");
    let said = refused(&made.config, &[]);
    check(&said, &["muniment.toml", "\"standard\"", "years is 4", "taken for 5", "years = 5"]);
    change(&made, "years = 4", "years = 5");
    change(&made, "mode = \"strict\"", "mode = \"erasable\"");
    check(&refused(&made.config, &[]), &["muniment.toml", "\"standard\"", "mode = \"strict\""]);
    change(&made, "mode = \"erasable\"", "mode = \"strict\"");
    change(&made, "name = \"standard\"", "name = \"other\"");
    let words = ["muniment.toml", "\"standard\" is missing", "add it again", "years = 5"];
    check(&refused(&made.config, &[]), &words);

    change(&made, "name = \"other\"", "name = \"standard\"");
    change(&made, "years = 5", "years = 10");
    Served::start(&made.config, &[]).unwrap().stop();
    change(&made, "years = 10", "years = 5");
    check(&refused(&made.config, &[]), &["years is 5", "taken for 10"]);
}

#[test]
fn an_address_that_nobody_chose_is_not_listened_on() {
    let made = init();
    change(&made, "listen = \"127.0.0.1:8080\"", "");
    let output = Command::new(binary()).args(["serve", "--config"]).arg(&made.config).output();
    let said = String::from_utf8(output.unwrap().stderr).unwrap();
    check(&said, &["muniment.toml", "[http] listen: it is missing", "add it, as listen = "]);
}

#[test]
fn tls_without_its_files_is_refused() {
    let made = init();
    change(&made, "tls = \"off\"", "tls = \"required\"");
    check(&refused(&made.config, &[]), &["[smtp] tls", "set tls_certificate and tls_key"]);
    let files = [
        ("MUNIMENT__SMTP__TLS_CERTIFICATE", "/nonexistent/c.pem"),
        ("MUNIMENT__SMTP__TLS_KEY", "/nonexistent/k.pem"),
    ];
    check(&refused(&made.config, &files), &["smtp.tls_certificate", "/nonexistent/c.pem", "PEM"]);
}

#[test]
fn a_second_server_of_one_archive_is_refused() {
    let made = init();
    let served = Served::start(&made.config, &[]).unwrap();
    let said = refused(&made.config, &[]);
    check(&said, &["another muniment process", made.config.parent().unwrap().to_str().unwrap()]);
    // Also where it would find the ports taken.
    let http = served.http.trim_start_matches("http://").to_owned();
    check(&refused(&made.config, &[("MUNIMENT__HTTP__LISTEN", &http)]), &["another muniment"]);
    served.stop();
}

#[test]
fn a_busy_port_is_refused() {
    let made = init();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(&made.config, &[("MUNIMENT__HTTP__LISTEN", &address)]);
    check(&said, &[&address, "another program", "http.listen"]);
    let list = format!("[\"{address}\"]");
    let said = refused(&made.config, &[("MUNIMENT__SMTP__LISTEN", &list)]);
    check(&said, &[&address, "smtp.listen"]);
}

/// From a block that RFC 5737 keeps for documents, so that no machine has it.
#[test]
fn an_address_of_another_machine_is_refused() {
    let made = init();
    let (http, smtp) = ("192.0.2.1:8080", "[\"192.0.2.1:2525\"]");
    let said = refused(&made.config, &[("MUNIMENT__HTTP__LISTEN", http)]);
    check(&said, &["HTTP on 192.0.2.1:8080", "no such address", "http.listen"]);
    let said = refused(&made.config, &[("MUNIMENT__SMTP__LISTEN", smtp)]);
    check(&said, &["SMTP on 192.0.2.1:2525", "no such address", "smtp.listen"]);
}

#[test]
fn a_source_that_is_not_whole_is_refused() {
    let made = init();
    let whole = fs::read_to_string(&made.config).unwrap();
    let address = whole.lines().find(|line| line.starts_with("address = ")).unwrap();
    change(&made, address, "");
    check(&refused(&made.config, &[]), &["line ", "missing key `address`", "add it"]);
    fs::write(&made.config, &whole).unwrap();
    let peers = whole.lines().find(|line| line.starts_with("peers = ")).unwrap();
    change(&made, peers, "peers = [\"10.0.0.0/33\"]");
    check(&refused(&made.config, &[]), &["line ", "no network", "192.0.2.0/24"]);
    change(&made, "10.0.0.0/33", "10.0.0.1");
    check(&refused(&made.config, &[]), &["line ", "no network", "192.0.2.0/24"]);
}

/// As another user, since nothing is forbidden to root.
#[test]
fn an_unwritable_directory_is_refused() {
    let Some(other) = Other::user() else { return };
    for (name, what, setting) in [
        ("bucket", "the bucket", "[vault] path"),
        ("spool", "the spool", "[archive] spool"),
        ("work", "the work directory", "[archive] work"),
        ("index", "the search index", "[index] path"),
    ] {
        let made = init();
        other.give(made._directory.path());
        let subject = path(&made, name);
        set_mode(&subject, 0o555);
        let said = refusal(other.runs(&mut serve(&made.config, &[])));
        let path = subject.to_str().unwrap();
        check(&said, &["cannot write to", what, path, "mode 555", "chmod", setting]);
    }
}

/// What may not be read or written is not lost: no copy is to take its place.
#[test]
fn a_key_and_a_catalog_of_another_user_are_refused() {
    let Some(other) = Other::user() else { return };
    let made = init();
    other.give(made._directory.path());
    let key = path(&made, "keys/master.key");
    set_mode(&key, 0o000);
    let said = refusal(other.runs(&mut serve(&made.config, &[])));
    check(&said, &["cannot read the master key", "as user", "chown", key.to_str().unwrap()]);
    assert!(!said.contains("recovery copy"), "{said}");
    set_mode(&key, 0o600);
    for (name, mode) in [("catalog.db", 0o400), ("", 0o555)] {
        let subject = path(&made, name);
        set_mode(&subject, mode);
        let said = refusal(other.runs(&mut serve(&made.config, &[])));
        set_mode(&subject, 0o755);
        check(&said, &["cannot write to", "the catalog", "belongs to user", "chown"]);
        assert!(!said.contains("newest copy"), "{said}");
    }
}

#[test]
fn a_file_where_a_directory_should_be_is_refused() {
    let made = init();
    let blocked = path(&made, "blocked");
    fs::write(&blocked, "").unwrap();
    let inside = blocked.join("inside");
    for key in ["ARCHIVE__SPOOL", "ARCHIVE__WORK", "INDEX__PATH"] {
        for place in [&blocked, &inside] {
            let place = place.to_str().unwrap();
            let said = refused(&made.config, &[(&format!("MUNIMENT__{key}"), place)]);
            check(&said, &[place, "a file is where", "move that file away"]);
        }
    }
}

/// Deliveries would fail there later.
#[test]
fn an_unwritable_directory_in_the_bucket_is_refused() {
    let Some(other) = Other::user() else { return };
    let made = init();
    let inside = path(&made, "bucket/seg/standard");
    fs::create_dir_all(&inside).unwrap();
    other.give(made._directory.path());
    set_mode(&inside, 0o555);
    let said = refusal(other.runs(&mut serve(&made.config, &[])));
    check(&said, &["cannot write to the bucket", inside.to_str().unwrap(), "chown -R"]);
}

/// A user to whom things can be forbidden.
struct Other {
    /// None where the tests run as such a user themselves.
    id: Option<u32>,
}

impl Other {
    fn user() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return Some(Self { id: None });
        }
        let other = Self { id: Some(65534) };
        let tried = other.runs(Command::new(binary()).arg("version")).output();
        if !tried.is_ok_and(|output| output.status.success()) {
            eprintln!("SKIPPED: user 65534 cannot run {}", binary());
            return None;
        }
        Some(other)
    }

    fn runs<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self.id {
            Some(id) => command.uid(id).gid(id),
            None => command,
        }
    }

    /// Gives it all that is at `path`.
    fn give(&self, path: &Path) {
        std::os::unix::fs::lchown(path, self.id, self.id).unwrap();
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| self.give(&entry.unwrap().path()));
        }
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_required_write_once_is_refused_of_a_directory() {
    let made = init();
    let said = refused(&made.config, &[("MUNIMENT__VAULT__WORM", "required")]);
    check(&said, &["Object Lock", "optional"]);
}

#[test]
fn a_catalog_older_than_the_published_log_is_refused() {
    let made = init();
    let backup = path(&made, "catalog.backup");
    fs::copy(path(&made, "catalog.db"), &backup).unwrap();
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    sender.send(&made.said["journal"], b"Subject: kept\r\n\r\nbody\r\n").unwrap();
    // A stop publishes what is committed.
    served.stop();
    for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let _ = fs::remove_file(path(&made, name));
    }
    fs::copy(&backup, path(&made, "catalog.db")).unwrap();
    check(&refused(&made.config, &[]), &["catalog", "log", "put the newest copy"]);
}

#[test]
fn init_refuses_a_directory_that_has_an_archive() {
    let made = init();
    let output = Command::new(binary())
        .args(["init", "--data"])
        .arg(made.config.parent().unwrap())
        .output()
        .unwrap();
    assert!(!output.status.success());
    check(&String::from_utf8(output.stderr).unwrap(), &["exists", "another directory"]);
}
