//! The same on a catalog in PostgreSQL: rows, and what somebody makes beside them.

use super::copy::{check, found};
use crate::rebuild::{Desk, send};
use crate::support::postgres::Server;
use crate::support::served::Served;

/// What is done, what is named, and what takes it back.
type Fault = (&'static str, &'static [(&'static str, &'static str)], &'static str);

const FAULTS: &[Fault] = &[
    (
        "CREATE FUNCTION hook() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
         CREATE TRIGGER hook BEFORE DELETE ON hold FOR EACH ROW EXECUTE FUNCTION hook()",
        &[("structure-extra", "function hook"), ("structure-extra", "trigger hook")],
        "DROP TRIGGER hook ON hold; DROP FUNCTION hook",
    ),
    (
        "CREATE VIEW aside AS SELECT * FROM person",
        &[("structure-extra", "view aside")],
        "DROP VIEW aside",
    ),
    ("CREATE TABLE aside (a INT)", &[("structure-extra", "table aside")], "DROP TABLE aside"),
    (
        "ALTER TABLE person ADD COLUMN secret TEXT",
        &[("structure-extra", "column person.secret")],
        "ALTER TABLE person DROP COLUMN secret",
    ),
    (
        "DROP INDEX message_set_sent",
        &[("structure-missing", "index message_set_sent")],
        "CREATE INDEX message_set_sent ON message_set (sent_at)",
    ),
    (
        "UPDATE message_set SET subject = subject || '!' WHERE first_seq = 1",
        &[("derived-row-changed", "message_set 1")],
        "UPDATE message_set SET subject = rtrim(subject, '!') WHERE first_seq = 1",
    ),
    (
        "UPDATE participant SET role = 'cc' WHERE seq = 1 AND role = 'to'",
        &[
            ("derived-row-extra", "participant 1 {to} cc header 1"),
            ("derived-row-missing", "participant 1 {to} to header 1"),
        ],
        "UPDATE participant SET role = 'to' WHERE seq = 1 AND role = 'cc'",
    ),
    (
        "UPDATE person SET is_archive_wide = 0 WHERE name = 'alice'",
        &[("state-row-changed", "person {alice}")],
        "UPDATE person SET is_archive_wide = 1 WHERE name = 'alice'",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_on_a_server_is_named_and_nothing_else() {
    let Some(server) = Server::find() else { return };
    let database = server.database().await;
    let made = server.init(&database);
    let served = Served::start(&made.config, &[]).unwrap();
    send(&made, &served, 0..30);
    let desk = Desk::set_up(&made).await;
    desk.hold("first").await;
    desk.close().await;
    while !served.is_settled() {
        tokio::task::yield_now().await;
    }
    served.stop();
    let report = check(&made.config).await;
    assert_eq!(found(&report), [], "{:#?}", report.faults);

    let number = async |sql: &str| -> i64 {
        let mut connection = server.connect(&database).await;
        let sql = sqlx::AssertSqlSafe(format!("SET search_path = muniment; {sql}"));
        let rows = sqlx::raw_sql(sql).fetch_one(&mut connection).await.unwrap();
        sqlx::Row::get(&rows, 0)
    };
    let to = number("SELECT address_id FROM participant WHERE seq = 1 AND role = 'to'").await;
    let alice = number("SELECT user_id FROM person WHERE name = 'alice'").await;
    let run = async |sql: &str| {
        server.run(&database, &format!("SET search_path = muniment; {sql}")).await;
    };
    for (sql, expected, undo) in FAULTS {
        run(sql).await;
        let report = check(&made.config).await;
        let object = |object: &str| {
            object.replace("{to}", &to.to_string()).replace("{alice}", &alice.to_string())
        };
        let expected: Vec<_> =
            expected.iter().map(|(kind, it)| ((*kind).to_owned(), object(it))).collect();
        assert_eq!(found(&report), expected, "{sql}: {:#?}", report.faults);
        run(undo).await;
    }
    let report = check(&made.config).await;
    assert_eq!(found(&report), [], "{:#?}", report.faults);

    // What is sealed as it was changed is named as well.
    run("UPDATE person SET is_archive_wide = 0 WHERE name = 'alice'").await;
    Served::start(&made.config, &[]).unwrap().stop();
    let report = check(&made.config).await;
    let expected = ("state-change-unexplained".to_owned(), format!("person {alice}"));
    assert_eq!(found(&report), [expected], "{:#?}", report.faults);
}
