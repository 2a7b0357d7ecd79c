//! The rules of the house that no compiler knows: which room may use which,
//! and where deleting, SQL, buckets and the time of day may be named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use muniment::base::crash;

/// A room imports only rooms listed before it.
const ROOMS: &[&str] = &[
    "base",
    "mail",
    "query",
    "ledger",
    "pst",
    "extract",
    "similar",
    "vault",
    "catalog",
    "index",
    "worker",
    "post",
    "access",
    "policy",
    "matter",
    "search",
    "hold",
    "ingest",
    "import",
    "review",
    "export",
    "retention",
    "verify",
    "smtp",
    "http",
    "jobs",
    "app",
    "cmd",
];

/// Lines of a file, not counting its tests.
const FILE_LINES_MAX: usize = 600;

struct Source {
    /// As `vault/bucket.rs`.
    name: String,
    room: String,
    /// Without comments, strings' contents and unit tests; lines are kept.
    code: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut found = Vec::new();
    let mut directories = vec![src.clone()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if is_code(&path) {
                found.push(source(&src, &path));
            }
        }
    }
    assert!(found.len() > 30, "the sources are there");
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Rust, and not a file of unit tests (`tests.rs`, `kql_tests.rs`).
fn is_code(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.extension().is_some_and(|e| e == "rs") && !stem.ends_with("tests")
}

fn source(src: &Path, path: &Path) -> Source {
    let name = path.strip_prefix(src).unwrap().to_string_lossy().into_owned();
    let room = name.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
    let text = std::fs::read_to_string(path).unwrap();
    Source { name, room, code: code(&text), text }
}

/// The text without unit tests and without what only looks like code.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut code = String::new();
    for line in text.lines() {
        let line = if line.trim_start().starts_with("//") { "" } else { line };
        code.push_str(line.split(" // ").next().unwrap());
        code.push('\n');
    }
    code
}

/// The rooms that `code` names: `crate::room…` and `crate::{room…, room…}`.
fn rooms_named(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        // Not the end of another word, as `$crate::` of a macro.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + path.len()..];
        match rest.strip_prefix('{') {
            Some(group) => rooms.extend(group_heads(group)),
            None => rooms.extend([head(rest).to_owned()]),
        }
    }
    rooms.remove("");
    rooms
}

fn head(path: &str) -> &str {
    path.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()
}

/// The first names of a braced group's members.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0;
    let mut member = String::new();
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(head(std::mem::take(&mut member).trim()).to_owned()),
            _ if depth == 0 => member.push(character),
            _ => {}
        }
    }
    heads.push(head(member.trim()).to_owned());
    heads
}

fn rank(room: &str) -> usize {
    ROOMS
        .iter()
        .position(|known| *known == room)
        .unwrap_or_else(|| panic!("{room} is not a room; list it in its place"))
}

/// Every line of the sources that `is_wrong`, as `file:line: text`.
fn lines_where(is_wrong: impl Fn(&Source, &str) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources() {
        for (index, line) in source.code.lines().enumerate() {
            if is_wrong(&source, line) {
                wrong.push(format!("src/{}:{}: {}", source.name, index + 1, line.trim()));
            }
        }
    }
    wrong
}

#[test]
fn names_of_rooms_are_found() {
    let code = "use crate::base::hash;\nuse crate::{mail::{self, wrap}, vault};\nlet x = \
                crate::index::Index::open();\n$crate::no!()";
    let expected = ["base", "index", "mail", "vault"];
    assert_eq!(rooms_named(code).into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn rooms_use_only_earlier_rooms() {
    let mut wrong = Vec::new();
    for source in sources() {
        if ["lib", "main"].contains(&source.room.as_str()) {
            continue;
        }
        for room in rooms_named(&source.code) {
            if room != source.room && rank(&room) > rank(&source.room) {
                wrong.push(format!("src/{} uses {room}", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "a room imports only rooms listed before it:\n{wrong:#?}");
}

#[test]
fn only_the_vault_touches_the_bucket() {
    let wrong =
        lines_where(|source, line| source.room != "vault" && line.contains("object_store::"));
    assert!(wrong.is_empty(), "objects go through vault::bucket:\n{wrong:#?}");
}

#[test]
fn destruction_has_one_door() {
    let wrong = lines_where(|source, line| {
        // In http `.delete(` is a route's method.
        let deletes = line.contains(".delete(") || line.contains(".delete_stream(");
        deletes && !["vault", "http"].contains(&source.room.as_str())
    });
    assert!(wrong.is_empty(), "one module deletes, and it is in vault:\n{wrong:#?}");
    let wrong = lines_where(|source, line| {
        let destroys = ["destroy_object(", "destroy_page(", "destroy_epoch_key(", "put_held_page("];
        destroys.iter().any(|call| line.contains(call))
            && !["vault", "retention"].contains(&source.room.as_str())
    });
    assert!(
        wrong.is_empty(),
        "only a disposition or an erasure comes through the door:\n{wrong:#?}"
    );
}

#[test]
fn sql_is_only_in_the_catalog() {
    let wrong = lines_where(|source, line| {
        let words = ["SELECT ", "INSERT INTO ", "DELETE FROM ", "sqlx::"];
        source.room != "catalog" && words.iter().any(|word| line.contains(word))
    });
    assert!(wrong.is_empty(), "all SQL lives in catalog:\n{wrong:#?}");
}

#[test]
fn time_of_day_is_asked_only_by_the_clock() {
    let wrong = lines_where(|source, line| {
        let asks = ["Timestamp::now()", "SystemTime::now()", "Zoned::now()", "Utc::now()"];
        source.name != "base/clock.rs" && asks.iter().any(|ask| line.contains(ask))
    });
    assert!(wrong.is_empty(), "time comes from base::clock::Clock:\n{wrong:#?}");
}

#[test]
fn files_say_what_they_are_and_stay_small() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//!") {
            wrong.push(format!("src/{} does not open with //!", source.name));
        }
        let lines = source.code.lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(format!("src/{} has {lines} lines", source.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_crash_point_is_passed() {
    let mut passed = BTreeSet::new();
    for source in sources() {
        if source.name == "base/crash.rs" {
            continue;
        }
        for (at, call) in source.code.match_indices("crash::point(\"") {
            let name = source.code[at + call.len()..].split('"').next().unwrap();
            assert!(crash::POINTS.contains(&name), "src/{}: unlisted point {name}", source.name);
            passed.insert(name.to_owned());
        }
    }
    let missing: Vec<_> = crash::POINTS.iter().filter(|name| !passed.contains(**name)).collect();
    assert!(missing.is_empty(), "no durable step passes {missing:?}");
}
