//! Who may ask what: every route × who asks. A route without a row fails.

use std::collections::BTreeSet;

use muniment::access::Role;
use muniment::http::openapi;
use serde_json::{Value, json};

use crate::support::Scratch;
use crate::support::laid::laid;
use crate::support::web::{Browser, Web};

/// Method, path, body, and the status for: anonymous, administrator, legal who
/// is no member of the matter, legal who is, legal with the archive-wide right who is not, a
/// records manager, a reviewer who is a member, an auditor who is not.
type Row = (&'static str, &'static str, &'static str, [u16; 8]);

/// `{m}` the matter, `{c}` its custodian, `{h}` its hold, `{s}` a message within
/// it, `{x}` one outside; `{job}` an export; `{p}` a person; `{retry}` a reading again;
/// `{new-c}`, `{new-h}`, `{new-pw}` and `{new-job}` fresh ones for each request.
const ROWS: &[Row] = &[
    ("GET", "/openapi.json", "", [200, 200, 200, 200, 200, 200, 200, 200]),
    // The last to ask is one too many.
    (
        "POST",
        "/session",
        r#"{"name":"who","password":"wrong"}"#,
        [401, 401, 401, 401, 401, 429, 429, 429],
    ),
    ("GET", "/session", "", [200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/status", "", [401, 200, 200, 200, 200, 200, 200, 200]),
    // Nothing is published or stamped here yet.
    ("GET", "/log/checkpoint", "", [401, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/log/stamp", "", [401, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/people", "", [401, 200, 200, 200, 200, 200, 200, 200]),
    (
        "POST",
        "/people",
        r#"{"name":"new","display_name":"New","role":"legal"}"#,
        [401, 200, 403, 403, 403, 403, 403, 403],
    ),
    ("PATCH", "/people/{p}", r#"{"is_disabled":true}"#, [401, 200, 403, 403, 403, 403, 403, 403]),
    ("POST", "/people/{p}/reset", "", [401, 200, 403, 403, 403, 403, 403, 403]),
    // The reset; the first of those who may agree has done so.
    ("POST", "/people/{p}/grant", "", [401, 403, 200, 404, 404, 403, 403, 403]),
    ("POST", "/people/{p}/deny", "", [401, 404, 404, 404, 404, 403, 403, 403]),
    ("GET", "/matters", "", [401, 403, 200, 200, 200, 403, 200, 200]),
    ("POST", "/matters", r#"{"name":"Another"}"#, [401, 403, 200, 200, 200, 403, 403, 403]),
    ("GET", "/matters/{m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("PATCH", "/matters/{m}", r#"{"reference":"2"}"#, [401, 403, 404, 200, 404, 403, 403, 403]),
    ("GET", "/matters/{m}/custodians", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    (
        "POST",
        "/matters/{m}/custodians",
        r#"{"name":"Bob","addresses":["b@b.example"]}"#,
        [401, 403, 404, 200, 404, 403, 403, 403],
    ),
    (
        "PATCH",
        "/matters/{m}/custodians/{c}",
        r#"{"name":"A."}"#,
        [401, 403, 404, 200, 404, 403, 403, 403],
    ),
    ("DELETE", "/matters/{m}/custodians/{new-c}", "", [401, 403, 404, 204, 404, 403, 403, 403]),
    ("GET", "/matters/{m}/holds", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    (
        "POST",
        "/matters/{m}/holds",
        r#"{"name":"Hold","custodian_ids":[{c}],"date_kind":"sent"}"#,
        [401, 403, 404, 200, 404, 403, 403, 403],
    ),
    (
        "POST",
        "/matters/{m}/holds/preview",
        r#"{"name":"Hold","custodian_ids":[{c}],"date_kind":"sent"}"#,
        [401, 403, 404, 200, 404, 403, 403, 403],
    ),
    ("GET", "/matters/{m}/holds/{h}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("GET", "/matters/{m}/holds/{h}/items", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    (
        "POST",
        "/matters/{m}/holds/{new-h}/release",
        r#"{"reason":"done"}"#,
        [401, 403, 404, 200, 404, 403, 403, 403],
    ),
    (
        "POST",
        "/search",
        r#"{"matter_id":{m},"query":"hello"}"#,
        [401, 403, 404, 200, 404, 403, 200, 404],
    ),
    ("POST", "/search", r#"{"query":"hello"}"#, [401, 403, 403, 403, 200, 403, 403, 403]),
    (
        "POST",
        "/search/facets",
        r#"{"matter_id":{m},"query":"hello"}"#,
        [401, 403, 404, 200, 404, 403, 200, 404],
    ),
    ("POST", "/search/facets", r#"{"query":"hello"}"#, [401, 403, 403, 403, 200, 403, 403, 403]),
    (
        "POST",
        "/search/report",
        r#"{"matter_id":{m},"terms":["hello"],"sample":1}"#,
        [401, 403, 404, 200, 404, 403, 200, 404],
    ),
    ("POST", "/search/report", r#"{"terms":["hello"]}"#, [401, 403, 403, 403, 200, 403, 403, 403]),
    (
        "POST",
        "/search/report/csv",
        r#"{"matter_id":{m},"terms":["hello"]}"#,
        [401, 403, 404, 200, 404, 403, 200, 404],
    ),
    (
        "POST",
        "/search/report/csv",
        r#"{"terms":["hello"]}"#,
        [401, 403, 403, 403, 200, 403, 403, 403],
    ),
    (
        "POST",
        "/search/complete",
        r#"{"matter_id":{m},"field":"address","prefix":"a"}"#,
        [401, 403, 404, 200, 404, 403, 200, 404],
    ),
    (
        "POST",
        "/search/complete",
        r#"{"field":"address","prefix":"a"}"#,
        [401, 403, 403, 403, 200, 403, 403, 403],
    ),
    ("GET", "/messages/{s}?matter={m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("GET", "/messages/{s}", "", [401, 403, 403, 403, 200, 403, 403, 403]),
    ("GET", "/messages/{x}?matter={m}", "", [401, 403, 404, 404, 404, 403, 404, 404]),
    ("GET", "/messages/{s}/html?matter={m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("GET", "/messages/{x}/html?matter={m}", "", [401, 403, 404, 404, 404, 403, 404, 404]),
    ("GET", "/messages/{s}/source?matter={m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("GET", "/messages/{x}/source?matter={m}", "", [401, 403, 404, 404, 404, 403, 404, 404]),
    ("GET", "/messages/{s}/download?matter={m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("GET", "/messages/{x}/download?matter={m}", "", [401, 403, 404, 404, 404, 403, 404, 404]),
    (
        "GET",
        "/messages/{s}/delivery?delivery={d}&matter={m}",
        "",
        [401, 403, 404, 200, 404, 403, 200, 404],
    ),
    ("GET", "/messages/{s}/delivery?delivery={d}", "", [401, 403, 403, 403, 200, 403, 403, 403]),
    (
        "GET",
        "/messages/{x}/delivery?delivery={d}&matter={m}",
        "",
        [401, 403, 404, 404, 404, 403, 404, 404],
    ),
    ("GET", "/messages/{s}/attachments/0?matter={m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("GET", "/messages/{x}/attachments/0?matter={m}", "", [401, 403, 404, 404, 404, 403, 404, 404]),
    ("GET", "/messages/{s}/thread?matter={m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("GET", "/messages/{s}/thread", "", [401, 403, 403, 403, 200, 403, 403, 403]),
    ("GET", "/messages/{x}/thread?matter={m}", "", [401, 403, 404, 404, 404, 403, 404, 404]),
    ("GET", "/messages/{s}/near?matter={m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("GET", "/messages/{s}/near", "", [401, 403, 403, 403, 200, 403, 403, 403]),
    ("GET", "/messages/{x}/near?matter={m}", "", [401, 403, 404, 404, 404, 403, 404, 404]),
    ("GET", "/messages/{s}/proof?matter={m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("GET", "/messages/{x}/proof?matter={m}", "", [401, 403, 404, 404, 404, 403, 404, 404]),
    (
        "POST",
        "/exports",
        r#"{"matter_id":{m},"scope":{"hold_id":{h}},"format":"eml"}"#,
        [401, 403, 404, 200, 404, 403, 403, 403],
    ),
    (
        "POST",
        "/exports",
        r#"{"scope":{"message_ids":[{x}]},"format":"eml"}"#,
        [401, 403, 403, 403, 200, 403, 403, 403],
    ),
    ("GET", "/exports?matter={m}", "", [401, 403, 404, 200, 404, 403, 403, 403]),
    ("GET", "/exports/{job}", "", [401, 403, 404, 200, 404, 403, 403, 403]),
    ("POST", "/exports/{new-job}/cancel", "", [401, 403, 404, 200, 404, 403, 403, 403]),
    // Not done yet: there is nothing to download.
    ("GET", "/exports/{job}/download", "", [401, 403, 404, 409, 404, 403, 403, 403]),
    ("GET", "/gaps", "", [401, 403, 403, 403, 200, 403, 403, 403]),
    ("GET", "/gaps?matter={m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("GET", "/classes", "", [401, 200, 403, 403, 403, 200, 403, 200]),
    ("POST", "/classes/test", r#"{"last":10}"#, [401, 200, 403, 403, 403, 200, 403, 200]),
    ("GET", "/gaps/list", "", [401, 403, 403, 403, 200, 403, 403, 403]),
    ("GET", "/gaps/list?matter={m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("POST", "/gaps/retries", r#"{"matter_id":{m}}"#, [401, 403, 404, 200, 404, 403, 403, 403]),
    ("POST", "/gaps/retries", "{}", [401, 403, 403, 403, 200, 403, 403, 403]),
    ("GET", "/gaps/retries", "", [401, 403, 403, 403, 200, 403, 403, 403]),
    ("GET", "/gaps/retries?matter={m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    ("POST", "/gaps/retries/{retry}/cancel", "", [401, 403, 404, 200, 404, 403, 403, 403]),
    ("GET", "/matters/{m}/passwords", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    (
        "POST",
        "/matters/{m}/passwords",
        r#"{"password":"p"}"#,
        [401, 403, 404, 200, 404, 403, 403, 403],
    ),
    ("DELETE", "/matters/{m}/passwords/{new-pw}", "", [401, 403, 404, 204, 404, 403, 403, 403]),
    ("GET", "/epochs", "", [401, 403, 403, 403, 403, 200, 403, 200]),
    ("GET", "/dispositions", "", [401, 403, 403, 403, 403, 200, 403, 200]),
    (
        "POST",
        "/dispositions",
        r#"{"class":"standard","epoch":"2020-01"}"#,
        [401, 403, 403, 403, 403, 404, 403, 403],
    ),
    ("GET", "/dispositions/1", "", [401, 403, 403, 403, 403, 404, 403, 404]),
    (
        "POST",
        "/dispositions/1/approve",
        r#"{"reason":"r"}"#,
        [401, 403, 403, 403, 403, 404, 403, 403],
    ),
    (
        "POST",
        "/dispositions/1/refuse",
        r#"{"reason":"r"}"#,
        [401, 403, 403, 403, 403, 404, 403, 403],
    ),
    ("POST", "/dispositions/1/resume", "", [401, 403, 403, 403, 403, 404, 403, 403]),
    ("GET", "/dispositions/1/certificate", "", [401, 403, 403, 403, 403, 404, 403, 404]),
    ("GET", "/erasures", "", [401, 403, 403, 403, 403, 200, 403, 200]),
    (
        "POST",
        "/erasures",
        r#"{"record":"00000000000000000000000000000000","ground":"g"}"#,
        [401, 403, 403, 403, 403, 404, 403, 403],
    ),
    ("GET", "/erasures/1", "", [401, 403, 403, 403, 403, 404, 403, 404]),
    ("POST", "/erasures/1/approve", r#"{"reason":"r"}"#, [401, 403, 403, 403, 403, 404, 403, 403]),
    ("POST", "/erasures/1/refuse", r#"{"reason":"r"}"#, [401, 403, 403, 403, 403, 404, 403, 403]),
    ("POST", "/erasures/1/resume", "", [401, 403, 403, 403, 403, 404, 403, 403]),
    ("GET", "/erasures/1/certificate", "", [401, 403, 403, 403, 403, 404, 403, 404]),
    ("GET", "/audit", "", [401, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/audit?matter={m}", "", [401, 403, 404, 200, 404, 403, 200, 404]),
    (
        "POST",
        "/session/password",
        r#"{"current":"c","new":"short"}"#,
        [401, 422, 422, 422, 422, 422, 422, 422],
    ),
    // The last one: it ends the session.
    ("DELETE", "/session", "", [401, 204, 204, 204, 204, 204, 204, 204]),
];

const ASKING: [&str; 8] = [
    "anonymous",
    "administrator",
    "non-member",
    "member",
    "archive-wide",
    "records",
    "reviewer",
    "auditor",
];

#[test]
fn every_route_has_a_row() {
    let document = openapi::document();
    let mut missing = BTreeSet::new();
    for (path, item) in &document.paths.paths {
        let methods = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
            ("PUT", &item.put),
        ];
        for (method, _) in methods.iter().filter(|(_, operation)| operation.is_some()) {
            let has_row = ROWS.iter().any(|row| row.0 == *method && is_same_route(row.1, path));
            if !has_row {
                missing.insert(format!("{method} {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "routes without a row: {missing:#?}");
}

/// Whether a row's path is of the documented route: parameters match any.
fn is_same_route(row: &str, route: &str) -> bool {
    let row: Vec<&str> = row.split('?').next().unwrap_or(row).split('/').collect();
    let route: Vec<&str> = route.split('/').collect();
    row.len() == route.len()
        && row.iter().zip(&route).all(|(row, route)| row == route || route.starts_with('{'))
}

struct Scene {
    web: Web,
    member: Browser,
    names: Vec<(&'static str, i64)>,
}

impl Scene {
    fn id(&self, name: &str) -> i64 {
        self.names.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// The text with its names replaced; what is to be fresh is made now.
    async fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, id) in &self.names {
            text = text.replace(&format!("{{{name}}}"), &id.to_string());
        }
        let matter = self.id("m");
        let fresh = [
            (
                "{new-c}",
                format!("/api/v1/matters/{matter}/custodians"),
                json!({ "name": "Spare", "addresses": ["spare@b.example"] }),
            ),
            (
                "{new-h}",
                format!("/api/v1/matters/{matter}/holds"),
                json!({ "name": "Spare", "custodian_ids": [self.id("c")], "date_kind": "sent" }),
            ),
            (
                "{new-pw}",
                format!("/api/v1/matters/{matter}/passwords"),
                json!({ "password": "spare" }),
            ),
            (
                "{new-job}",
                "/api/v1/exports".to_owned(),
                json!({
                    "matter_id": matter,
                    "scope": { "hold_id": self.id("h") },
                    "format": "eml",
                }),
            ),
        ];
        for (name, path, body) in fresh {
            if text.contains(name) {
                let id = self.made(&path, body).await;
                text = text.replace(name, &id.to_string());
            }
        }
        text
    }

    /// Made by the member.
    async fn made(&self, path: &str, body: Value) -> i64 {
        made(&self.web, &self.member, path, body).await
    }
}

async fn made(web: &Web, browser: &Browser, path: &str, body: Value) -> i64 {
    let answer = web.post(browser, path, body).await;
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()["id"].as_i64().unwrap()
}

async fn scene(scratch: &Scratch) -> (Scene, [Browser; 8]) {
    let (context, sets) = laid(scratch).await;
    let web = Web::new(context);
    let administrator = web.signed_in("root", Role::Administrator, false).await;
    let stranger = web.signed_in("eve", Role::Legal, false).await;
    let member = web.signed_in("ada", Role::Legal, false).await;
    let wide = web.signed_in("grace", Role::Legal, true).await;
    let records = web.signed_in("rita", Role::Records, false).await;
    let reviewer = web.signed_in("ravi", Role::Reviewer, false).await;
    let auditor = web.signed_in("otto", Role::Auditor, false).await;
    web.person("spare", Role::Legal, false).await;
    let people = web.get(&administrator, "/api/v1/people").await.json();
    let spare = people["people"].as_array().unwrap().iter().find(|p| p["name"] == "spare");
    let matter = json!({ "name": "Ito v. Lay", "reference": "1", "zone": "Europe/Berlin" });
    let m = made(&web, &member, "/api/v1/matters", matter).await;
    let custodian = json!({ "name": "Alice", "addresses": ["alice@a.example"] });
    let c = made(&web, &member, &format!("/api/v1/matters/{m}/custodians"), custodian).await;
    let hold = json!({ "name": "First", "custodian_ids": [c], "date_kind": "sent" });
    let h = made(&web, &member, &format!("/api/v1/matters/{m}/holds"), hold).await;
    let export = json!({ "matter_id": m, "scope": { "hold_id": h }, "format": "eml" });
    let job = made(&web, &member, "/api/v1/exports", export).await;
    let asked = json!({ "matter_id": m, "reason": "encrypted" });
    let retry = made(&web, &member, "/api/v1/gaps/retries", asked).await;
    let names = vec![
        ("m", m),
        ("c", c),
        ("h", h),
        ("job", job),
        ("retry", retry),
        ("s", sets.with_alice.0),
        // The first is the one with Alice.
        ("d", 1),
        ("x", sets.without_alice.0),
        ("p", spare.unwrap()["id"].as_i64().unwrap()),
    ];
    let everyone = people["people"].as_array().unwrap();
    let ids =
        ["ada", "ravi"].map(|name| &everyone.iter().find(|p| p["name"] == name).unwrap()["id"]);
    let members = Some(json!({ "members": ids }));
    let joined = web.send(&member, "PATCH", &format!("/api/v1/matters/{m}"), members).await;
    assert_eq!(joined.status, 200);
    let browsers = [
        Browser::default(),
        administrator,
        stranger,
        member.clone(),
        wide,
        records,
        reviewer,
        auditor,
    ];
    (Scene { web, member, names }, browsers)
}

#[tokio::test]
async fn every_route_answers_as_its_row_says() {
    let scratch = Scratch::new().await;
    let (scene, browsers) = scene(&scratch).await;
    let mut wrong = Vec::new();
    for (method, path, body, expected) in ROWS {
        for ((asking, browser), expected) in ASKING.iter().zip(&browsers).zip(expected) {
            let filled = format!("/api/v1{}", scene.fill(path).await);
            let body = match *body {
                "" => None,
                body => Some(serde_json::from_str(&scene.fill(body).await).unwrap()),
            };
            let answer = scene.web.send(browser, method, &filled, body).await;
            if answer.status.as_u16() != *expected {
                let body: String =
                    String::from_utf8_lossy(&answer.body).chars().take(200).collect();
                wrong.push(format!(
                    "{method} {path} by {asking}: {} instead of {expected}: {body}",
                    answer.status.as_u16(),
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Nobody can tell a matter that is closed to them from one that is not there.
#[tokio::test]
async fn a_closed_matter_is_none() {
    let scratch = Scratch::new().await;
    let (scene, browsers) = scene(&scratch).await;
    let hidden: Vec<_> =
        ["non-member", "archive-wide", "auditor"].map(|it| browser(&browsers, it)).to_vec();
    let absent = 9_999;
    let elsewhere = |text: &str| {
        let of_matter = ["{m}", "{c}", "{h}", "{job}", "{retry}"];
        of_matter.iter().fold(text.to_owned(), |text, it| text.replace(it, &absent.to_string()))
    };
    for (method, path, body, expected) in ROWS {
        let is_of_matter = elsewhere(path) != *path || elsewhere(body) != *body;
        if !is_of_matter || path.contains("{new-") || expected[2] != 404 {
            continue;
        }
        for reader in &hidden {
            let mut answers = Vec::new();
            for (path, body) in
                [((*path).to_owned(), (*body).to_owned()), (elsewhere(path), elsewhere(body))]
            {
                let path = format!("/api/v1{}", scene.fill(&path).await);
                let body = scene.fill(&body).await;
                let body = (!body.is_empty()).then(|| serde_json::from_str(&body).unwrap());
                let answer = scene.web.send(reader, method, &path, body).await;
                answers.push((answer.status, String::from_utf8_lossy(&answer.body).into_owned()));
            }
            assert_eq!(answers[0], answers[1], "{method} {path}");
        }
    }
}

fn browser<'b>(browsers: &'b [Browser; 8], asking: &str) -> &'b Browser {
    &browsers[ASKING.iter().position(|it| *it == asking).unwrap()]
}

/// A cookie alone changes nothing: every route that is not a GET needs the
/// session's csrf. Signing in has no session yet.
#[tokio::test]
async fn every_change_needs_the_csrf_header() {
    let scratch = Scratch::new().await;
    let (scene, browsers) = scene(&scratch).await;
    for (method, path, body, _) in ROWS {
        if *method == "GET" || *path == "/session" && *method == "POST" {
            continue;
        }
        for browser in &browsers[1..] {
            let path = format!("/api/v1{}", scene.fill(path).await);
            let body = match *body {
                "" => None,
                body => Some(serde_json::from_str(&scene.fill(body).await).unwrap()),
            };
            for csrf in [None, Some("wrong".to_owned())] {
                let forged = Browser { csrf, ..browser.clone() };
                let answer = scene.web.send(&forged, method, &path, body.clone()).await;
                assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "csrf"));
            }
        }
    }
}

/// With a one-time password only a new one can be chosen.
#[tokio::test]
async fn a_one_time_password_opens_nothing_else() {
    let scratch = Scratch::new().await;
    let (scene, _) = scene(&scratch).await;
    let one_time = scene.web.person("novice", Role::Legal, true).await;
    let browser = scene.web.sign_in("novice", &one_time).await;
    for (method, path, body, _) in ROWS {
        if path.starts_with("/session") || *path == "/openapi.json" {
            continue;
        }
        let path = format!("/api/v1{}", scene.fill(path).await);
        let body = match *body {
            "" => None,
            body => Some(serde_json::from_str(&scene.fill(body).await).unwrap()),
        };
        let answer = scene.web.send(&browser, method, &path, body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "must_change"));
    }
}
