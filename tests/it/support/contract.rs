//! What the API's document promises of an answer, held against the answer: its
//! status, its media type, and its body to the last field.

use std::sync::OnceLock;

use axum::http::StatusCode;
use muniment::http::openapi;
use serde_json::{Map, Value, json};

use super::web::Answer;

fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::to_value(openapi::document()).unwrap())
}

/// Fails where the answer, or the body that it accepts, is not as documented.
#[track_caller]
pub fn check(method: &str, path: &str, sent: Option<&Value>, answer: &Answer) {
    let Some(path) = path.strip_prefix("/api/v1") else { return };
    let path = path.split('?').next().unwrap();
    if let Err(wrong) = compare(method, path, sent, answer) {
        let body: String = String::from_utf8_lossy(&answer.body).chars().take(400).collect();
        panic!("{method} {path} answered {}, {wrong}: {body}", answer.status);
    }
}

fn compare(method: &str, path: &str, sent: Option<&Value>, answer: &Answer) -> Result<(), String> {
    let item = document()["paths"].as_object().unwrap().iter().find(|(known, _)| {
        let (known, path) = (known.split('/'), path.split('/'));
        known.clone().count() == path.clone().count()
            && known.zip(path).all(|(known, part)| known == part || known.starts_with('{'))
    });
    let operation = item.and_then(|(_, item)| item.get(method.to_lowercase()));
    let Some(operation) = operation else {
        let is_refused =
            matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
        let error = json!({ "$ref": "#/components/schemas/ErrorBody" });
        return match is_refused {
            true => fits(&error, &answer.json(), "body"),
            false => Err("and the document has no such operation".to_owned()),
        };
    };
    let responses = operation["responses"].as_object().unwrap();
    let status = answer.status.as_str();
    let declared = responses.get(status).or_else(|| responses.get(&format!("{}XX", &status[..1])));
    let declared = declared.ok_or("a status that is not declared")?;
    if let Some(sent) = sent.filter(|_| answer.status.is_success()) {
        fits(&operation["requestBody"]["content"]["application/json"]["schema"], sent, "request")?;
    }
    let Some(content) = declared.get("content").and_then(Value::as_object) else {
        return if answer.body.is_empty() { Ok(()) } else { Err("a body, and none is".into()) };
    };
    let kind = answer.header("content-type").split(';').next().unwrap().trim();
    let content = content.get(kind).ok_or(format!("{kind:?}, which is not declared"))?;
    match content.get("schema") {
        Some(schema) if kind == "application/json" => fits(schema, &answer.json(), "body"),
        _ => Ok(()),
    }
}

/// Whether `value` is what `schema` says and has nothing beyond it; `at` is where
/// in the whole it stands.
fn fits(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let pointer = name.strip_prefix('#').unwrap();
        return fits(document().pointer(pointer).unwrap(), value, at);
    }
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        let wrong: Vec<_> = choices.iter().filter_map(|it| fits(it, value, at).err()).collect();
        let fitting = choices.len() - wrong.len();
        return if fitting == 1 { Ok(()) } else { Err(format!("{at}: {}", wrong.join(" and "))) };
    }
    let is_kind = |kind: &Value| match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the document has the type {other}"),
    };
    match schema.get("type") {
        Some(Value::Array(kinds)) if !kinds.iter().any(is_kind) => {
            return Err(format!("{at} is none of {}", schema["type"]));
        }
        Some(kind @ Value::String(_)) if !is_kind(kind) => {
            return Err(format!("{at} is no {kind}"));
        }
        _ => {}
    }
    if let Some(known) = schema.get("enum").and_then(Value::as_array)
        && !known.contains(value)
    {
        return Err(format!("{at} is none of {}", schema["enum"]));
    }
    for (bound, is_within) in [
        ("minimum", (|value, bound| value >= bound) as fn(f64, f64) -> bool),
        ("maximum", |value, bound| value <= bound),
    ] {
        if let (Some(value), Some(bound)) =
            (value.as_f64(), schema.get(bound).and_then(Value::as_f64))
            && !is_within(value, bound)
        {
            return Err(format!("{at} is {value}, beyond {bound}"));
        }
    }
    if let Some(items) = value.as_array() {
        for (index, item) in items.iter().enumerate() {
            fits(&schema["items"], item, &format!("{at}[{index}]"))?;
        }
    }
    match (value.as_object(), schema.get("properties").and_then(Value::as_object)) {
        (Some(value), Some(properties)) => fields_fit(schema, properties, value, at),
        _ => Ok(()),
    }
}

fn fields_fit(
    schema: &Value,
    properties: &Map<String, Value>,
    value: &Map<String, Value>,
    at: &str,
) -> Result<(), String> {
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        let name = name.as_str().unwrap();
        if !value.contains_key(name) {
            return Err(format!("{at} lacks {name}"));
        }
    }
    for (name, value) in value {
        let property = properties.get(name).ok_or(format!("{at} has {name}, undeclared"))?;
        fits(property, value, &format!("{at}.{name}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn what_is_not_as_documented_is_found() {
        let reset = |status, body| {
            compare("POST", "/people/1/reset", None, &answer(status, body)).unwrap_err()
        };
        assert_eq!(reset(201, "{}"), "a status that is not declared");
        assert_eq!(reset(200, "{}"), "body lacks one_time_password");
        let listed = |body| compare("GET", "/people", None, &answer(200, body)).unwrap_err();
        assert_eq!(listed(r#"{"people":5}"#), "body.people is no \"array\"");
        assert_eq!(listed(r#"{"people":[],"name":"b"}"#), "body has name, undeclared");
        assert_eq!(reset(403, "{}"), "body lacks error");
        assert_eq!(listed(r#"{"people":[{"id":1}]}"#), "body.people[0] lacks asked");
        assert!(compare("PUT", "/people", None, &answer(200, "{}")).is_err());
    }
}
