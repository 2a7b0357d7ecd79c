//! What the catalog is made of: tables, columns, indexes, references, and whatever else
//! somebody made in its place; as it is, and as the steps of the schema make it. The
//! latter is asked of an empty one, made by the same engine for the time of the question.

use std::collections::BTreeMap;

use super::{Catalog, CatalogError, During, db, schema, sqlite};

const DURING: &str = "read what the catalog is made of";

/// What it is called, as `column person.role`, and how it is defined.
pub type Structure = BTreeMap<String, String>;

/// As it is.
pub async fn found(catalog: &Catalog) -> Result<Structure, CatalogError> {
    let mut tx = catalog.read().snapshot().await.during(DURING)?;
    match catalog.engine() {
        db::Engine::Sqlite => of_sqlite(&mut tx).await,
        db::Engine::Postgres => {
            of_postgres(&mut tx, "to_regnamespace(current_schema()::text)").await
        }
    }
}

/// As the steps of the schema make it.
pub async fn expected(catalog: &Catalog) -> Result<Structure, CatalogError> {
    match catalog.engine() {
        db::Engine::Sqlite => {
            let empty = sqlite::empty().await?;
            let structure = of_sqlite(&mut empty.snapshot().await.during(DURING)?).await;
            empty.close().await;
            structure
        }
        db::Engine::Postgres => {
            // Tables of the session, which nobody else sees, and which go with the
            // transaction.
            let mut tx = catalog.read().begin_with("BEGIN READ WRITE").await.during(DURING)?;
            let steps = format!("SET LOCAL search_path = pg_temp;\n{}", schema::steps(tx.engine()));
            db::raw_sql(db::AssertSqlSafe(steps), &mut tx).await.during(DURING)?;
            of_postgres(&mut tx, "pg_my_temp_schema()").await
        }
    }
}

async fn of_sqlite(tx: &mut db::Transaction) -> Result<Structure, CatalogError> {
    let mut found = Structure::new();
    let objects: Vec<(String, String, String, Option<String>)> = db::query_as(
        "SELECT type, name, tbl_name, sql FROM sqlite_master
         WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND tbl_name NOT LIKE '\\_sqlx%' ESCAPE '\\'",
    )
    .fetch_all(&mut *tx)
    .await
    .during(DURING)?;
    for (kind, name, table, sql) in objects {
        found.insert(
            format!("{kind} {name}"),
            format!("{table}: {}", plain(&sql.unwrap_or_default())),
        );
    }
    let columns: Vec<(String, String)> = db::query_as(
        "SELECT t.name || '.' || c.name,
                c.type || ' ' || c.\"notnull\" || ' ' || quote(c.dflt_value) || ' ' || c.pk ||
                    ' ' || c.hidden
         FROM sqlite_master t, pragma_table_xinfo(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\'",
    )
    .fetch_all(&mut *tx)
    .await
    .during(DURING)?;
    found.extend(columns.into_iter().map(|(name, is)| (format!("column {name}"), is)));
    Ok(found)
}

/// Without what a step says to who reads it, and without the engine's own hand.
fn plain(sql: &str) -> String {
    let code = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    let words: Vec<&str> = code.flat_map(str::split_whitespace).collect();
    words.join(" ").replace('"', "").replace("( ", "(").replace(" )", ")")
}

/// Of a schema, by an expression that gives its number.
async fn of_postgres(
    tx: &mut db::Transaction,
    schema: &'static str,
) -> Result<Structure, CatalogError> {
    let mut found = Structure::new();
    for sql in POSTGRES {
        let sql = db::AssertSqlSafe(sql.replace("{schema}", schema));
        let rows: Vec<(String, String)> =
            db::query_as(sql).fetch_all(&mut *tx).await.during(DURING)?;
        found.extend(rows);
    }
    Ok(found)
}

const POSTGRES: [&str; 8] = [
    "SELECT CASE c.relkind WHEN 'r' THEN 'table ' WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view '
                WHEN 'm' THEN 'view ' ELSE 'table ' END || c.relname,
            c.relkind::text || CASE c.relpersistence WHEN 'u' THEN ' unlogged' ELSE '' END ||
                CASE WHEN c.relrowsecurity THEN ' with row security' ELSE '' END ||
                CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) ELSE '' END
     FROM pg_class c WHERE c.relnamespace = {schema} AND c.relkind IN ('r', 'S', 'v', 'm', 'p', 'f')
         AND c.relname NOT LIKE '\\_sqlx%'",
    "SELECT 'column ' || c.relname || '.' || a.attname,
            format_type(a.atttypid, a.atttypmod) ||
                COALESCE(' ' || (SELECT k.collname::text FROM pg_collation k
                                 WHERE k.oid = a.attcollation), '') ||
                CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || ' ' || a.attidentity::text ||
                a.attgenerated::text || COALESCE(' ' || pg_get_expr(d.adbin, d.adrelid), '')
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE c.relnamespace = {schema} AND c.relkind IN ('r', 'p', 'f') AND a.attnum > 0
         AND NOT a.attisdropped AND c.relname NOT LIKE '\\_sqlx%'",
    "SELECT 'index ' || i.relname, pg_get_indexdef(x.indexrelid, 0, true) ||
                CASE WHEN x.indisvalid THEN '' ELSE ' not valid' END
     FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
     WHERE t.relnamespace = {schema} AND t.relname NOT LIKE '\\_sqlx%'",
    "SELECT 'constraint ' || t.relname || '.' || k.conname, pg_get_constraintdef(k.oid, true) ||
                CASE WHEN k.convalidated THEN '' ELSE ' not valid' END
     FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
     WHERE t.relnamespace = {schema} AND t.relname NOT LIKE '\\_sqlx%'",
    "SELECT 'trigger ' || g.tgname, pg_get_triggerdef(g.oid, true) || ' ' || g.tgenabled::text
     FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
     WHERE t.relnamespace = {schema} AND (NOT g.tgisinternal OR g.tgenabled <> 'O')",
    "SELECT 'rule ' || r.rulename, pg_get_ruledef(r.oid, true)
     FROM pg_rewrite r JOIN pg_class t ON t.oid = r.ev_class
     WHERE t.relnamespace = {schema} AND r.rulename <> '_RETURN'",
    "SELECT 'function ' || p.proname, p.oid::text FROM pg_proc p WHERE p.pronamespace = {schema}
     UNION ALL
     SELECT 'policy ' || p.polname, p.oid::text FROM pg_policy p JOIN pg_class t ON t.oid = p.polrelid
     WHERE t.relnamespace = {schema}",
    "SELECT 'table ' || c.oid::regclass::text, 'inherits from ' || t.relname
     FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_class t ON t.oid = h.inhparent
     WHERE t.relnamespace = {schema} AND t.relkind = 'r'",
];

#[cfg(test)]
mod tests {
    use super::super::tests::{scratch_file, scratch_server};
    use super::*;

    /// What is there beside what is expected, not there, or otherwise.
    async fn differing(catalog: &Catalog) -> Vec<String> {
        let (expected, found) = (expected(catalog).await.unwrap(), found(catalog).await.unwrap());
        assert!(expected.len() > 250, "{expected:#?}");
        let all: std::collections::BTreeSet<&String> =
            expected.keys().chain(found.keys()).collect();
        all.into_iter().filter(|name| expected.get(*name) != found.get(*name)).cloned().collect()
    }

    async fn check(catalog: &Catalog, planted: &[(&'static str, &[&str], &'static str)]) {
        assert_eq!(differing(catalog).await, Vec::<String>::new());
        for (sql, names, undo) in planted {
            for (text, expected) in [(sql, *names), (undo, &[][..])] {
                let mut tx = catalog.write().await.unwrap();
                db::raw_sql(*text, &mut tx).await.unwrap();
                catalog.commit(tx, "test").await.unwrap();
                assert_eq!(differing(catalog).await, expected, "{text}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_made_in_a_file_is_found() {
        let (catalog, _directory) = scratch_file().await;
        let planted: &[(_, &[&str], _)] = &[
            (
                "CREATE TRIGGER hook AFTER INSERT ON hold BEGIN DELETE FROM hold; END",
                &["trigger hook"],
                "DROP TRIGGER hook",
            ),
            ("CREATE VIEW aside AS SELECT 1", &["view aside"], "DROP VIEW aside"),
            ("CREATE TABLE aside (a)", &["column aside.a", "table aside"], "DROP TABLE aside"),
            ("CREATE INDEX aside ON hold (name)", &["index aside"], "DROP INDEX aside"),
            (
                "ALTER TABLE hold ADD COLUMN aside TEXT",
                &["column hold.aside", "table hold"],
                "ALTER TABLE hold DROP COLUMN aside",
            ),
        ];
        check(&catalog, planted).await;
    }

    #[tokio::test]
    async fn what_is_made_on_a_server_is_found() {
        let Some(server) = scratch_server().await else { return };
        let catalog = Catalog::create(&server).await.unwrap();
        let planted: &[(_, &[&str], _)] = &[
            (
                "CREATE FUNCTION hook() RETURNS trigger LANGUAGE plpgsql
                     AS $$ BEGIN RETURN NULL; END $$;
                 CREATE TRIGGER hook BEFORE INSERT ON hold FOR EACH ROW EXECUTE FUNCTION hook()",
                &["function hook", "trigger hook"],
                "DROP TRIGGER hook ON hold; DROP FUNCTION hook",
            ),
            (
                "CREATE RULE hook AS ON INSERT TO hold DO INSTEAD NOTHING",
                &["rule hook"],
                "DROP RULE hook ON hold",
            ),
            ("CREATE VIEW aside AS SELECT 1", &["view aside"], "DROP VIEW aside"),
            (
                "CREATE MATERIALIZED VIEW aside AS SELECT 1",
                &["view aside"],
                "DROP MATERIALIZED VIEW aside",
            ),
            ("CREATE TABLE aside (a INT)", &["column aside.a", "table aside"], "DROP TABLE aside"),
            ("CREATE INDEX aside ON hold (name)", &["index aside"], "DROP INDEX aside"),
            (
                "ALTER TABLE hold ADD COLUMN aside TEXT",
                &["column hold.aside"],
                "ALTER TABLE hold DROP COLUMN aside",
            ),
            (
                "ALTER TABLE hold ALTER COLUMN name SET DEFAULT 'x'",
                &["column hold.name"],
                "ALTER TABLE hold ALTER COLUMN name DROP DEFAULT",
            ),
            (
                "ALTER TABLE hold ADD CONSTRAINT aside CHECK (hold_id < 5)",
                &["constraint hold.aside"],
                "ALTER TABLE hold DROP CONSTRAINT aside",
            ),
            (
                "ALTER TABLE hold ENABLE ROW LEVEL SECURITY;
                 CREATE POLICY aside ON hold USING (false)",
                &["policy aside", "table hold"],
                "DROP POLICY aside ON hold; ALTER TABLE hold DISABLE ROW LEVEL SECURITY",
            ),
            (
                "CREATE TABLE public.aside () INHERITS (hold)",
                &["table public.aside"],
                "DROP TABLE public.aside",
            ),
        ];
        check(&catalog, planted).await;
    }
}
