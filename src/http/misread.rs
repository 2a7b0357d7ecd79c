//! Requests that cannot be read, in plain words: what their readers say is for
//! programmers, and names Rust's types.

/// Characters shown of a value that does not fit.
const VALUE_CHARS_MAX: usize = 60;

/// Of a body that is no JSON.
pub fn syntax(text: &str) -> String {
    if text.contains("EOF while parsing") {
        return "the body ends before its JSON does".to_owned();
    }
    match place(text) {
        Some((line, column)) => format!("the body is not JSON: see line {line}, column {column}"),
        None => "the body is not JSON".to_owned(),
    }
}

/// Of fields or parameters that are missing, unknown or of another kind.
pub fn fields(text: &str) -> String {
    let text = text.rfind(" at line ").map_or(text, |at| &text[..at]);
    // The library's own beginning.
    let text = text.split_once(": ").map_or(text, |(_, rest)| rest);
    let found = READINGS.iter().filter_map(|(said, read)| Some((text.find(said)?, said, read)));
    let Some((at, said, read)) = found.min_by_key(|(at, ..)| *at) else {
        return match text.split_once(": ") {
            Some((path, _)) => format!("{path} cannot be read"),
            None => "the request cannot be read".to_owned(),
        };
    };
    let path = text[..at].trim_end_matches([':', ' ']);
    read(path, &text[at + said.len()..])
}

type Reading = fn(path: &str, rest: &str) -> String;

/// What serde begins its refusals with, and how each is told.
const READINGS: &[(&str, Reading)] = &[
    ("missing field ", |path, rest| {
        let name = unquoted(rest);
        match path {
            "" => format!("{name} is missing"),
            path => format!("{path}.{name} is missing"),
        }
    }),
    ("unknown field ", |_, rest| {
        let (name, known) = rest.split_once(", ").unwrap_or((rest, ""));
        format!("there is no field {} here{}", unquoted(name), among(known))
    }),
    ("unknown variant ", |path, rest| {
        let (value, known) = rest.split_once(", ").unwrap_or((rest, ""));
        format!("{}{:?} is not known here{}", of(path), cut(unquoted(value)), among(known))
    }),
    ("duplicate field ", |_, rest| format!("{} is given twice", unquoted(rest))),
    ("invalid type: ", mismatch),
    ("invalid value: ", mismatch),
    // A list in the place of an object is read as its fields in a row.
    ("invalid length ", |path, _| format!("{}an object belongs here, not a list", of(path))),
    ("invalid digit found in string", |path, _| format!("{}write a whole number", of(path))),
    ("cannot parse integer", |path, _| format!("{}write a whole number", of(path))),
    ("number too large", |path, _| format!("{}the number is too large", of(path))),
    ("number too small", |path, _| format!("{}the number is too small", of(path))),
    ("provided string was not", |path, _| format!("{}write true or false", of(path))),
];

fn mismatch(path: &str, rest: &str) -> String {
    let (found, expected) = rest.rsplit_once(", expected ").unwrap_or((rest, "something else"));
    format!("{}{} belongs here, not {}", of(path), kind(expected), value(found))
}

fn kind(expected: &str) -> &str {
    match expected {
        "i64" | "u64" | "i32" | "u32" | "usize" => "a whole number",
        "f64" => "a number",
        "a string" | "a borrowed string" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

fn value(found: &str) -> String {
    match found.split_once(' ') {
        Some(("string", text)) => cut(text),
        Some(("integer" | "boolean", text)) => cut(unquoted(text)),
        Some(("floating", text)) => cut(unquoted(text.trim_start_matches("point "))),
        _ => match found {
            "map" => "an object".to_owned(),
            "sequence" => "a list".to_owned(),
            "null" => "nothing".to_owned(),
            _ => cut(found),
        },
    }
}

/// The names that would have been understood.
fn among(known: &str) -> String {
    let names: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    if names.is_empty() { String::new() } else { format!("; known are {}", names.join(", ")) }
}

fn of(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}

fn unquoted(text: &str) -> &str {
    text.trim_matches('`')
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn place(text: &str) -> Option<(u32, u32)> {
    let (_, place) = text.rsplit_once("line ")?;
    let (line, column) = place.split_once(" column ")?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use axum::Json;
    use axum::extract::Query;

    use super::*;
    use crate::http::holds::PageParams;
    use crate::http::search::SearchRequest;

    #[track_caller]
    fn check(body: &str, told: &str) {
        let Err(error) = Json::<SearchRequest>::from_bytes(body.as_bytes()) else {
            panic!("{body} is read")
        };
        assert_eq!(fields(&error.body_text()), told, "of {error}");
    }

    #[track_caller]
    fn check_params(params: &str, told: &str) {
        let uri = format!("http://a/?{params}").parse().unwrap();
        let Err(error) = Query::<PageParams>::try_from_uri(&uri) else {
            panic!("{params} is read")
        };
        assert_eq!(fields(&error.body_text()), told, "of {error}");
    }

    #[test]
    fn what_does_not_fit_is_told_in_plain_words() {
        check("{}", "query is missing");
        check(r#"{"query":5}"#, "query: text belongs here, not 5");
        check(r#"{"query":null}"#, "query: text belongs here, not nothing");
        check(
            r#"{"query":"a","matter_id":"x, expected u64"}"#,
            "matter_id: a whole number belongs here, not \"x, expected u64\"",
        );
        check(r#"{"query":"a","limit":-1}"#, "limit: a whole number belongs here, not -1");
        check(
            r#"{"query":"a","dialect":"sql"}"#,
            "dialect: \"sql\" is not known here; known are kql, dtsearch",
        );
        check("[]", "an object belongs here, not a list");
        check("5", "an object belongs here, not 5");
        check_params("limit=x", "limit: write a whole number");
        check_params("page=2", "there is no field page here; known are cursor, limit");
        let deep = fields("Failed to: scope: missing field `query` at line 1 column 9");
        assert_eq!(deep, "scope.query is missing");
        assert_eq!(fields("Failed to: at: something new"), "at cannot be read");
    }

    #[test]
    fn what_is_no_json_is_told_by_its_place() {
        let told = |body: &str| {
            let read = Json::<SearchRequest>::from_bytes(body.as_bytes());
            syntax(&read.err().unwrap().body_text())
        };
        assert_eq!(told("{\n\"query\": a}"), "the body is not JSON: see line 2, column 10");
        assert_eq!(told("{\"query\":"), "the body ends before its JSON does");
    }
}
