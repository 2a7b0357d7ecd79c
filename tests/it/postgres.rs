//! An archive whose catalog is in PostgreSQL: by the binary, from init to rebuild, and
//! what is refused, each with one sentence that names the thing and the mend.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::base::crash::CRASH_AT;
use muniment::catalog::{cursor, delivery, leaf};

use super::crash::{kill_and_check, random_kills};
use super::export::{PASSWORD, add_person};
use super::support::binary;
use super::support::laid::{WITH_ALICE, WITHOUT_ALICE};
use super::support::postgres::Server;
use super::support::served::{Made, Sender, Served};
use super::support::until;

fn run(config: &Path, arguments: &[&str]) -> Output {
    let (command, rest) = arguments.split_first().unwrap();
    Command::new(binary())
        .arg(command)
        .arg("--config")
        .arg(config)
        .args(rest)
        .env("MUNIMENT_PASSWORD", PASSWORD)
        .env("MUNIMENT__LOG__LEVEL", "error")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

/// What a command that is refused says: one sentence.
fn refused(output: &Output, words: &[&str]) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(1), "it was not refused: {said}");
    assert_eq!(said.trim().lines().count(), 1, "not one sentence: {said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

async fn settled(served: &Served) {
    let mut moments = tokio::time::interval(Duration::from_millis(50));
    while !served.is_settled() {
        moments.tick().await;
    }
}

async fn open(made: &Made) -> Archive {
    Archive::open(Config::load(&made.config).unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_kept_found_checked_and_exported() {
    let Some(server) = Server::find() else { return };
    let made = server.init(&server.database().await);
    add_person(&made.config).await;
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    for mail in [WITH_ALICE, WITHOUT_ALICE, WITHOUT_ALICE] {
        sender.send(&made.said["journal"], mail.as_bytes()).unwrap();
    }
    settled(&served).await;
    let status = said(&run(&made.config, &["status", "--json"]));
    assert!(status.contains("\"deliveries\":3"), "{status}");
    let out = made.config.with_file_name("out.zip");
    let out = out.to_str().unwrap();
    let export = ["export", "--user", "alice", "--query", "hello", "--dialect", "kql"];
    let exported = run(&made.config, &[&export[..], &["--format", "eml", "--out", out]].concat());
    assert!(exported.status.success(), "{}", said(&exported));
    served.stop();
    let checked = run(&made.config, &["verify", "--json"]);
    assert!([Some(0), Some(3)].contains(&checked.status.code()), "{}", said(&checked));
}

/// As in a file, at the steps at which the catalog takes part.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_kills() {
    let Some(server) = Server::find() else { return };
    let made = server.init(&server.database().await);
    let points = [
        "commit.before",
        "commit.after",
        "publish.after_tiles",
        "follow.after_catalog",
        "follow.after_index",
        "policy.after_put",
    ];
    let kills = random_kills() / 3;
    tokio::task::spawn_blocking(move || kill_and_check(&made, &points, kills)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_catalog_is_made_again_and_not_served_before() {
    let Some(server) = Server::find() else { return };
    let database = server.database().await;
    let made = server.init(&database);
    add_person(&made.config).await;
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    for number in 0..40 {
        let text = format!("Subject: number {number}\r\n\r\nhello\r\n");
        sender.send(&made.said["journal"], text.as_bytes()).unwrap();
    }
    settled(&served).await;
    served.stop();
    let archive = open(&made).await;
    let leaves = leaf::count(&archive.catalog).await.unwrap();
    archive.catalog.close().await;

    refused(&run(&made.config, &["rebuild"]), &["a rebuild is for a lost one"]);
    server.run(&database, "DROP SCHEMA muniment CASCADE").await;
    refused(&run(&made.config, &["serve"]), &["there is no catalog in", "muniment rebuild"]);
    let cut = Command::new(binary())
        .args(["rebuild", "--config"])
        .arg(&made.config)
        .env(CRASH_AT, "rebuild.before_policy:1")
        .output()
        .unwrap();
    assert!(!cut.status.success());
    refused(&run(&made.config, &["serve"]), &["is being made again", "to its end first"]);
    let rebuilt = run(&made.config, &["rebuild"]);
    assert!(rebuilt.status.success(), "{}", said(&rebuilt));
    let archive = open(&made).await;
    assert_eq!(delivery::totals(&archive.catalog).await.unwrap().deliveries, 40);
    assert_eq!(leaf::count(&archive.catalog).await.unwrap(), leaves);
    archive.catalog.close().await;

    // Ids that came back are not given again, and the person can sign in.
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    sender.send(&made.said["journal"], WITH_ALICE.as_bytes()).unwrap();
    settled(&served).await;
    served.stop();
    let archive = open(&made).await;
    assert_eq!(cursor::get(&archive.catalog, cursor::DERIVE).await.unwrap(), 41);
    archive.catalog.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_elsewhere_is_reached_by_tls_and_must_be_who_it_is() {
    let Some(server) = Server::find() else { return };
    let made = server.init(&server.database().await);
    let text = std::fs::read_to_string(&made.config).unwrap();
    let with = |authority: &Path| {
        let asked = format!("?sslmode=verify-full&sslrootcert={}\"", authority.display());
        let (line, rest) = text.split_once("catalog = \"postgres").unwrap();
        let (url, rest) = rest.split_once('"').unwrap();
        std::fs::write(&made.config, format!("{line}catalog = \"postgres{url}{asked}{rest}"))
            .unwrap();
    };
    with(&server.authority);
    let status = run(&made.config, &["status"]);
    assert!(status.status.success(), "{}", said(&status));
    let other = made.config.with_file_name("other.pem");
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]);
    command.args(["-subj", "/CN=other", "-keyout", "/dev/null", "-out"]).arg(&other);
    assert!(command.output().unwrap().status.success());
    with(&other);
    refused(&run(&made.config, &["status"]), &["cannot use the catalog", "certificate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_hold_a_catalog_is_refused_in_one_sentence() {
    let Some(server) = Server::find() else { return };
    let database = server.database().await;
    let made = server.init(&database);
    let serve = |words: &[&str]| refused(&run(&made.config, &["serve"]), words);

    let alter = |setting: &str| format!("ALTER DATABASE {database} SET {setting}");
    server.run(&database, &alter("synchronous_commit = off")).await;
    serve(&["synchronous_commit = off", "before it is durable", "set it to on"]);
    server.run(&database, &alter("synchronous_commit = on")).await;

    let later = "INSERT INTO muniment._sqlx_migrations VALUES (1000, 'later', now(), true, '', 0)";
    server.run(&database, later).await;
    serve(&["was written by a newer muniment"]);
    server.run(&database, "DELETE FROM muniment._sqlx_migrations WHERE version = 1000").await;

    let text = std::fs::read_to_string(&made.config).unwrap();
    let change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        std::fs::write(&made.config, text.replace(from, to)).unwrap();
    };
    change(&database, "no_such_database");
    serve(&["cannot use the catalog", "no_such_database", "does not exist"]);
    change(&server.url(""), "postgres://muniment@127.0.0.1:1/");
    serve(&["cannot use the catalog", "check that the server runs"]);
    change("://muniment@", "://muniment:secret@");
    serve(&["there is a password in it", "catalog_password"]);
    let password = made.config.with_file_name("password");
    std::fs::write(&password, "wrong\n").unwrap();
    change(&server.password.display().to_string(), &password.display().to_string());
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o644)).unwrap();
    serve(&["others can read the password", "chmod 600"]);
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    serve(&["cannot use the catalog", "password authentication failed"]);

    std::fs::write(&made.config, &text).unwrap();
    let again = made.config.with_file_name("again");
    let mut init = Command::new(binary());
    init.args(["init", "--data"]).arg(&again).args(server.arguments(&server.url(&database)));
    refused(&init.output().unwrap(), &["a catalog exists already in"]);
    assert!(!again.exists(), "something was made");
}

/// What a server keeps can be changed while it is used.
#[tokio::test(flavor = "multi_thread")]
async fn no_mail_is_taken_while_the_server_would_lose_it() {
    let Some(server) = Server::find() else { return };
    let database = server.database().await;
    let made = server.init(&database);
    let journal = &made.said["journal"];
    let served = Served::start(&made.config, &[]).unwrap();
    let send = || {
        let mut sender = Sender::connect(served.smtp)?;
        sender.send(journal, b"Subject: a\r\n\r\nb\r\n")
    };
    send().unwrap();
    let alter = async |change: &str| {
        // Of connections that are made after it.
        let sql = format!(
            "ALTER DATABASE {database} {change};
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        );
        server.run("postgres", &sql).await;
    };
    alter("SET synchronous_commit = off").await;
    until("a word of it", || {
        // A request brings the connection back.
        served.get("/readyz").contains("has synchronous_commit = off, with which mail would")
    });
    assert!(served.get("/readyz").starts_with("HTTP/1.1 503"));
    assert!(send().unwrap_err().to_string().starts_with("451 "));
    alter("RESET synchronous_commit").await;
    until("readiness", || served.get("/readyz").starts_with("HTTP/1.1 200"));
    send().unwrap();
}

/// Settings of a whole cluster, which is made for it.
#[test]
fn a_cluster_that_a_power_cut_would_destroy_is_refused() {
    if Server::find().is_none() {
        return;
    }
    for setting in ["fsync", "full_page_writes"] {
        let directory = tempfile::tempdir().unwrap();
        let script = format!(
            "set -- $MUNIMENT_TEST_POSTGRES; exec {} init --data {} --catalog-password $3 \
             --catalog ${{1%%://*}}://$2@${{1##*://}}/postgres",
            binary(),
            directory.path().join("archive").display()
        );
        let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/postgres");
        let output = Command::new(tool)
            .args(["bash", "-c", &script])
            .env("MUNIMENT_TEST_POSTGRES_OPTIONS", format!("-c {setting}=off"))
            .output()
            .unwrap();
        refused(&output, &[&format!("has {setting} = off"), "power cut", "set it to on"]);
        assert!(!directory.path().join("archive").exists(), "something was made");
    }
}
