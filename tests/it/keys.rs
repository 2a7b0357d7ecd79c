//! Copies of the master key, with the real binary and the stock `age`: each opens
//! what the other made, and what is wrong is refused in one sentence.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::catalog::audit::{AuditRow, Filter, Visible, list};

use super::support::binary;
use super::support::served::{Made, Served, init};

/// Runs `muniment keys …` on an archive.
pub fn keys(made: &Made, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.arg("keys").args(arguments).env("MUNIMENT_CONFIG", &made.config);
    command.stdin(Stdio::null()).output().unwrap()
}

/// What a command said that went well.
pub fn done(output: Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The one sentence of a command that ended with `code`.
pub fn refused(output: Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "not one sentence: {said}");
    said
}

pub fn said<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name}: {text}"))
}

pub fn key_file(made: &Made) -> PathBuf {
    made.config.parent().unwrap().join("keys/master.key")
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The audit's rows of acts on keys, from the first on.
pub async fn audited(made: &Made) -> Vec<AuditRow> {
    let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
    let filter = Filter { action: Some("keys".into()), limit: 100, ..Filter::default() };
    let mut rows = list(&archive.catalog, &Visible::Everything, &filter).await.unwrap();
    archive.catalog.close().await;
    rows.reverse();
    rows
}

fn status(made: &Made) -> String {
    let mut command = Command::new(binary());
    done(command.arg("status").env("MUNIMENT_CONFIG", &made.config).output().unwrap())
}

/// Stock programs; where they are not, what they would be used for is passed over.
fn stock(program: &str) -> Option<Command> {
    let is_there = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    if !is_there.unwrap().status.success() {
        eprintln!("SKIPPED: {program} is not installed");
        return None;
    }
    Some(Command::new(program))
}

/// Two identities of age: their files and public keys.
struct Holders {
    folder: tempfile::TempDir,
    public: Vec<String>,
}

impl Holders {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut public = Vec::new();
        for name in ["0", "1", "2"] {
            let output = stock("age-keygen")?.arg("-o").arg(folder.path().join(name)).output();
            let output = output.unwrap();
            assert!(output.status.success(), "{output:?}");
            let said = String::from_utf8(output.stderr).unwrap();
            public.push(said.trim().strip_prefix("Public key: ").unwrap().to_owned());
        }
        Some(Self { folder, public })
    }

    fn file(&self, number: usize) -> PathBuf {
        self.folder.path().join(number.to_string())
    }
}

#[tokio::test]
async fn init_leaves_a_recovery_copy_that_opens_with_the_passphrase_it_said() {
    let made = init();
    let recovery = PathBuf::from(&made.said["recovery"]);
    let sealed = fs::read_to_string(&recovery).unwrap();
    assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"), "{sealed}");
    assert!(status(&made).contains("never seen to open; try it: muniment keys check"));
    let passphrase = made.config.with_file_name("passphrase");
    fs::write(&passphrase, format!("{}\n", made.said["recovery passphrase"])).unwrap();
    let check = ["check", "--recovery", text(&recovery), "--passphrase-file"];
    let found = done(keys(&made, &[&check[..], &[text(&passphrase)]].concat()));
    assert!(found.contains("It opens, is the one in use"), "{found}");
    assert!(status(&made).contains(", seen to open "), "{}", status(&made));

    fs::write(&passphrase, "not the right passphrase").unwrap();
    let wrong = refused(keys(&made, &[&check[..], &[text(&passphrase)]].concat()), 2);
    assert!(wrong.contains(text(&recovery)) && wrong.contains("passphrase is not"), "{wrong}");
    let actions: Vec<_> = audited(&made).await.into_iter().map(|row| row.action).collect();
    assert_eq!(actions, ["keys.recovery", "keys.check"]);
}

/// By a passphrase from standard input, and one that is too short.
#[test]
fn a_copy_is_made_under_a_passphrase_of_ones_own() {
    let made = init();
    let out = made.config.with_file_name("copy.age");
    let run = |arguments: &[&str], input: &str| {
        let mut command = Command::new(binary());
        command.arg("keys").args(arguments).env("MUNIMENT_CONFIG", &made.config);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let make = ["recovery", "--out", text(&out), "--passphrase-file", "-"];
    let short = refused(run(&make, "short\n"), 1);
    assert!(short.contains("too short") && !out.exists(), "{short}");
    done(run(&make, "correct horse battery staple\n"));
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(refused(run(&make, "correct horse battery staple\n"), 1).contains("exists already"));
    done(run(&["check", "--recovery", text(&out)], "correct horse battery staple\n"));
}

#[tokio::test]
async fn either_holder_opens_the_escrow_and_no_other() {
    let (made, Some(holders)) = (init(), Holders::new()) else { return };
    let out = made.config.with_file_name("escrow.age");
    let [one, two, _] = &holders.public[..] else { panic!() };
    let make = ["escrow", "--out", text(&out), "--recipient", one];
    assert!(refused(keys(&made, &make), 1).contains("two or more holders"));
    let twice = refused(keys(&made, &[&make[..], &["--recipient", one]].concat()), 1);
    assert!(twice.contains("given twice"), "{twice}");
    let bad = refused(keys(&made, &[&make[..], &["--recipient", "age1notakey"]].concat()), 1);
    assert!(bad.contains("\"age1notakey\" is no recipient"), "{bad}");
    assert!(!out.exists());
    done(keys(&made, &[&make[..], &["--recipient", two]].concat()));

    let line = fs::read_to_string(key_file(&made)).unwrap();
    for holder in [0, 1] {
        let mut age = stock("age").unwrap();
        let opened = age.args(["-d", "-i"]).arg(holders.file(holder)).arg(&out).output().unwrap();
        let opened = done(opened);
        assert!(opened.contains(line.trim()), "{opened}");
        assert!(opened.contains(&made.said["archive"]), "the note says which archive: {opened}");
        let identity = holders.file(holder);
        let check = ["check", "--escrow", text(&out), "--identity", text(&identity)];
        done(keys(&made, &check));
    }
    let stranger = holders.file(2);
    let check = ["check", "--escrow", text(&out), "--identity", text(&stranger)];
    let wrong = refused(keys(&made, &check), 2);
    assert!(wrong.contains("none of those that it is for"), "{wrong}");
    let rows = audited(&made).await;
    let escrow = rows.iter().find(|row| row.action == "keys.escrow").unwrap();
    assert!(escrow.actor == "operator" && escrow.detail.contains(two.as_str()), "{escrow:?}");
}

/// Made by `age` from the key file, to a key of age and to one of SSH.
#[test]
fn what_the_stock_program_made_is_opened() {
    let (made, Some(holders), Some(mut keygen)) = (init(), Holders::new(), stock("ssh-keygen"))
    else {
        return;
    };
    let ssh = made.config.with_file_name("ssh");
    done(keygen.args(["-q", "-t", "ed25519", "-N", "", "-f", text(&ssh)]).output().unwrap());
    let public = fs::read_to_string(ssh.with_extension("pub")).unwrap();
    for (armor, name) in [(&["-a"][..], "armored"), (&[], "binary")] {
        let out = made.config.with_file_name(name);
        let mut age = stock("age").unwrap();
        age.args(armor).args(["-r", &holders.public[0], "-r", public.trim(), "-o"]);
        done(age.arg(&out).arg(key_file(&made)).output().unwrap());
        for identity in [&holders.file(0), &ssh] {
            let check = ["check", "--escrow", text(&out), "--identity", text(identity)];
            done(keys(&made, &check));
        }
    }
    // And ours, to the key of SSH, by it.
    let out = made.config.with_file_name("ours");
    let recipients = ["--recipient", public.trim(), "--recipient", &holders.public[1]];
    done(keys(&made, &[&["escrow", "--out", text(&out)][..], &recipients].concat()));
    let opened = stock("age").unwrap().args(["-d", "-i"]).arg(&ssh).arg(&out).output().unwrap();
    assert!(done(opened).contains("muniment-master-key-v1 "));
}

#[test]
fn a_lost_key_file_comes_back_from_escrow() {
    let (made, Some(holders)) = (init(), Holders::new()) else { return };
    let out = made.config.with_file_name("escrow.age");
    let recipients = ["--recipient", &holders.public[0], "--recipient", &holders.public[1]];
    done(keys(&made, &[&["escrow", "--out", text(&out)][..], &recipients].concat()));
    let (file, identity) = (key_file(&made), holders.file(1));
    let restore = ["restore", "--escrow", text(&out), "--identity", text(&identity)];
    let there = refused(keys(&made, &restore), 1);
    assert!(there.contains("there is a key file"), "{there}");
    let before = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let gone = refused(keys(&made, &["check"]), 2);
    assert!(gone.contains("muniment keys restore"), "{gone}");
    done(keys(&made, &restore));
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    Served::start(&made.config, &[]).unwrap().stop();
}

/// The catalog and the key file are lost: bucket and escrow are the archive.
#[test]
fn an_archive_comes_back_from_escrow() {
    let (made, Some(holders)) = (init(), Holders::new()) else { return };
    let out = made.config.with_file_name("escrow.age");
    let recipients = ["--recipient", &holders.public[0], "--recipient", &holders.public[1]];
    done(keys(&made, &[&["escrow", "--out", text(&out)][..], &recipients].concat()));
    Served::start(&made.config, &[]).unwrap().stop();
    fs::remove_file(key_file(&made)).unwrap();
    for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let _ = fs::remove_file(made.config.with_file_name(name));
    }
    let mut rebuild = Command::new(binary());
    rebuild.arg("rebuild").env("MUNIMENT_CONFIG", &made.config);
    rebuild.arg("--escrow").arg(&out).arg("--identity").arg(holders.file(0));
    done(rebuild.output().unwrap());
    Served::start(&made.config, &[]).unwrap().stop();
    done(keys(&made, &["check"]));
}

#[test]
fn wrong_key_files_are_refused_with_the_mend() {
    let (made, other) = (init(), init());
    let foreign = refused(keys(&made, &["check", "--key-file", text(&key_file(&other))]), 1);
    assert!(foreign.contains("not the one of this archive"), "{foreign}");
    let file = key_file(&made);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = refused(keys(&made, &["check"]), 2);
    assert!(exposed.contains(&format!("chmod 600 {}", file.display())), "{exposed}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&file, Some(12345), None).unwrap();
        let owned = refused(keys(&made, &["check"]), 2);
        assert!(owned.contains("belongs to user 12345") && owned.contains("chown 0 "), "{owned}");
    }
}
