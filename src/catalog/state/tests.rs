use super::*;
use crate::catalog::tests::{scratch, scratch_file};

/// Tables that are made again from records, or that nothing depends on.
const OTHERS: &[&str] = &[
    // From the segments and the log.
    "segment",
    "delivery",
    "delivery_message",
    "last_delivery",
    "part",
    "part_need",
    "leaf",
    "statement",
    // From the erasures.
    "erased",
    // By the followers.
    "cursor",
    "address",
    "message_set",
    "set_message",
    "set_delivery",
    "participant",
    "attachment",
    "gap",
    // By checking again.
    "scrub",
    "scrub_finding",
    "pending_reading",
    "damage",
    "roll",
    // For a while only.
    "session",
    "login_failure",
    "job_start",
    "known_peer",
    "condemned",
    "spare_page",
    // By going through what is held again.
    "flag",
    "hold_flag",
    "diminished",
    "lease",
    "node",
    // By the next one that goes outside.
    "outside",
    "_sqlx_migrations",
    "sqlite_sequence",
];

#[tokio::test]
async fn every_table_is_told_or_made_again() {
    let (catalog, _directory) = scratch_file().await;
    let names: Vec<(String,)> = db::query_as("SELECT name FROM sqlite_master WHERE type = 'table'")
        .fetch_all(catalog.read())
        .await
        .unwrap();
    for (name,) in names {
        let is_told = Table::named(&name).is_some();
        assert!(is_told != OTHERS.contains(&name.as_str()), "{name}");
    }
    for table in TABLES {
        let sql = format!("SELECT name, type, pk FROM pragma_table_info('{}')", table.name);
        let columns: Vec<(String, String, i64)> =
            db::query_as(db::AssertSqlSafe(sql)).fetch_all(catalog.read()).await.unwrap();
        let ours: Vec<_> = table
            .columns
            .iter()
            .enumerate()
            .map(|(at, (name, kind))| (*name, *kind, at < table.key))
            .collect();
        let theirs: Vec<_> = columns
            .iter()
            .map(|(name, kind, pk)| {
                let kind = if kind == "TEXT" { Kind::Text } else { Kind::Integer };
                (name.as_str(), kind, *pk > 0)
            })
            .collect();
        assert_eq!(ours, theirs, "{}", table.name);
    }
}

async fn told(catalog: &Catalog) -> Vec<Rows> {
    let snapshot = snapshot(catalog, 0, 1000).await.unwrap();
    let whole = |(table, rows): (&Table, _)| Rows { is_whole: true, ..table.rows(rows) };
    snapshot.tables.into_iter().map(|(table, rows)| whole((table, rows))).collect()
}

async fn run(catalog: &Catalog, sql: &'static str) {
    let mut tx = catalog.write().await.unwrap();
    db::raw_sql(sql, &mut tx).await.unwrap();
    catalog.commit(tx, "test").await.unwrap();
}

#[tokio::test]
async fn tables_come_back_as_they_were_told() {
    let (first, _a) = scratch().await;
    run(
        &first,
        "INSERT INTO meta VALUES ('a', 'é\"');
         INSERT INTO person VALUES (7, 'ann', 'Ann', 'h', 'legal', 1, 0, 0, 5);
         INSERT INTO matter VALUES (3, 'm', '', 'UTC', 0, 6, 7);
         INSERT INTO matter_member VALUES (3, 7);
         INSERT INTO custodian VALUES (9, 3, 'c');
         INSERT INTO custodian_address VALUES (9, 'a@b.c'), (9, 'd@e.f');
         INSERT INTO hold VALUES (2, 3, 'h', 'sent', NULL, 8, 1, 9, 7, 0, NULL, NULL, NULL);
         INSERT INTO hold_custodian VALUES (2, 9);
         INSERT INTO audit VALUES (4, 1, 'ann', 'x', NULL, 's', '{}', 'done');",
    )
    .await;
    let rows = told(&first).await;
    let json = serde_json::to_string(&rows).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Rows>>(&json).unwrap(), rows);

    let (second, _b) = scratch().await;
    run(
        &second,
        "INSERT INTO person VALUES (7, 'old', 'Old', 'h', 'legal', 1, 0, 0, 5);
         INSERT INTO matter VALUES (3, 'm', '', 'UTC', 0, 6, 7), (4, 'n', '', 'UTC', 0, 6, 7);
         INSERT INTO custodian VALUES (9, 3, 'c'), (10, 4, 'gone');
         INSERT INTO custodian_address VALUES (10, 'gone@b.c');",
    )
    .await;
    let mut tx = second.write().await.unwrap();
    apply(&mut tx, &rows).await.unwrap();
    second.commit(tx, "test").await.unwrap();
    assert_eq!(told(&second).await, rows);

    let mut gone = Table::named("custodian_address").unwrap().rows(Vec::new());
    gone.gone.push(vec![Value::Integer(9), Value::Text("a@b.c".into())]);
    let mut tx = second.write().await.unwrap();
    apply(&mut tx, &[gone]).await.unwrap();
    second.commit(tx, "test").await.unwrap();
    let left: Vec<String> = db::query_scalar("SELECT address FROM custodian_address")
        .fetch_all(second.read())
        .await
        .unwrap();
    assert_eq!(left, ["d@e.f"]);
}

#[tokio::test]
async fn what_a_newer_version_told_is_named() {
    let (catalog, _directory) = scratch().await;
    for (table, column) in [("tomorrow", "a"), ("meta", "tomorrow")] {
        let rows = Rows {
            table: table.into(),
            columns: vec![column.into()],
            rows: Vec::new(),
            gone: Vec::new(),
            is_whole: false,
        };
        let mut tx = catalog.write().await.unwrap();
        let error = apply(&mut tx, &[rows]).await.unwrap_err().to_string();
        assert!(error.contains("tomorrow") && error.contains("newer"), "{error}");
    }
}
