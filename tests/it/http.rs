//! The web front: headers, cookies, sizes, and what of a message reaches a browser.

use axum::body::Body;
use axum::http::{Request, header};
use muniment::access::Role;
use muniment::base::hash::Digest;
use muniment::base::ids::DeliverySeq;
use muniment::ingest::publish::check_published;
use muniment::mail::delivery::{Envelope, Kind, Recipient};
use muniment::mail::wrap::{Original, Style, report};
use serde_json::json;

use crate::support::laid::{ATTACHED, WITH_ALICE, WITHOUT_ALICE, laid};
use crate::support::web::{Answer, Browser, PASSWORD, Web};
use crate::support::{Scratch, deliver};

async fn web() -> (Web, Scratch) {
    let scratch = Scratch::new().await;
    let (context, _) = laid(&scratch).await;
    (Web::new(context), scratch)
}

fn nobody() -> Browser {
    Browser::default()
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let (web, _scratch) = web().await;
    for path in ["/", "/search/somewhere", "/api/v1/session", "/api/v1/none", "/healthz", "/a.js"] {
        let answer = web.get(&nobody(), path).await;
        let policy = answer.header("content-security-policy");
        for part in ["default-src 'self'", "script-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        if path.starts_with("/api/") {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
    }
}

#[tokio::test]
async fn each_role_is_called_by_its_name() {
    let (web, _scratch) = web().await;
    let administrator = web.signed_in("root", Role::Administrator, false).await;
    web.person("legal", Role::Legal, false).await;
    for role in ["administrator", "legal", "reviewer", "records", "auditor"] {
        let new = json!({ "name": format!("{role}-1"), "display_name": role, "role": role });
        let made = web.post(&administrator, "/api/v1/people", new).await.json();
        assert_eq!(made["person"]["role"], role);
    }
    let people = web.get(&administrator, "/api/v1/people").await.json();
    for person in people["people"].as_array().unwrap() {
        let role = person["role"].as_str().unwrap();
        assert!(person["display_name"] == role || person["name"] == "root", "{person}");
    }
}

#[tokio::test]
async fn pages_are_the_app_and_missing_files_and_routes_are_not() {
    let (web, _scratch) = web().await;
    for (path, status) in [
        ("/", 200),
        ("/matters/3/holds", 200),
        ("/assets/old-1a2b.js", 404),
        ("/api/v1/none", 404),
        ("/api/v1/matters/not-a-number", 401),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/api/v1/openapi.json", 200),
    ] {
        assert_eq!(web.get(&nobody(), path).await.status, status, "{path}");
    }
    assert!(web.get(&nobody(), "/").await.header("content-type").starts_with("text/html"));
    let answer = web.get(&nobody(), "/api/v1/none").await;
    assert_eq!(answer.code(), "not_found");
}

#[tokio::test]
async fn the_session_is_in_a_cookie_that_scripts_and_sites_cannot_use() {
    let (web, _scratch) = web().await;
    let one_time = web.person("ada", Role::Legal, false).await;
    let body = json!({ "name": "ada", "password": one_time });
    let answer = web.post(&nobody(), "/api/v1/session", body).await;
    let cookie = answer.header("set-cookie");
    for part in ["muniment_session=", "; Path=/", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "plain http by default: {cookie}");
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let (web, _scratch) = web().await;
    let browser = web.signed_in("ada", Role::Legal, false).await;
    assert_eq!(web.get(&browser, "/api/v1/session").await.json()["name"], "ada");
    let answer = web.send(&browser, "DELETE", "/api/v1/session", None).await;
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert!(web.get(&browser, "/api/v1/session").await.json().is_null());
}

#[tokio::test]
async fn guessing_is_answered_429_with_when_to_try_again() {
    let (web, _scratch) = web().await;
    let body = json!({ "name": "ada", "password": "a guess" });
    let mut last: Option<Answer> = None;
    for _ in 0..6 {
        last = Some(web.post(&nobody(), "/api/v1/session", body.clone()).await);
    }
    let last = last.unwrap();
    assert_eq!((last.status.as_u16(), last.code().as_str()), (429, "throttled"));
    assert!(last.header("retry-after").parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn another_site_cannot_sign_someone_in() {
    let (web, _scratch) = web().await;
    let one_time = web.person("ada", Role::Legal, false).await;
    let body = json!({ "name": "ada", "password": one_time }).to_string();
    for (kind, site, status) in [
        ("text/plain", "same-origin", 422),
        ("application/x-www-form-urlencoded", "same-origin", 422),
        ("application/json", "cross-site", 403),
        ("application/json", "same-origin", 200),
    ] {
        let request = Request::post("/api/v1/session")
            .header(header::CONTENT_TYPE, kind)
            .header("sec-fetch-site", site)
            .body(Body::from(body.clone()))
            .unwrap();
        let answer = web.answer(request).await;
        assert_eq!(answer.status, status, "{kind} {site}");
    }
}

#[tokio::test]
async fn bodies_are_bounded_and_unknown_fields_refused() {
    let (web, _scratch) = web().await;
    let browser = web.signed_in("ada", Role::Legal, false).await;
    let huge = json!({ "name": "n".repeat(2 << 20) });
    let answer = web.post(&browser, "/api/v1/matters", huge).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "too_large"));
    let odd = json!({ "name": "n", "is_mine": true });
    let answer = web.post(&browser, "/api/v1/matters", odd).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "invalid"));
    assert!(String::from_utf8_lossy(&answer.body).contains("there is no field is_mine here"));
}

/// What cannot be read is said in words that are not those of our libraries.
#[tokio::test]
async fn a_request_that_cannot_be_read_is_told_plainly() {
    let (web, _scratch) = web().await;
    let browser = web.signed_in("grace", Role::Legal, true).await;
    for (body, told) in [
        ("{", "the body ends before its JSON does"),
        ("{query}", "the body is not JSON: see line 1, column 2"),
        ("{}", "query is missing"),
        (r#"{"query":"a","limit":"many"}"#, "limit: a whole number belongs here, not \"many\""),
    ] {
        let request = Request::post("/api/v1/search")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::COOKIE, browser.cookie.clone().unwrap())
            .header("x-muniment-csrf", browser.csrf.clone().unwrap())
            .body(Body::from(body))
            .unwrap();
        let answer = web.answer(request).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "invalid"), "{body}");
        assert_eq!(answer.json()["error"]["message"], told, "{body}");
    }
}

#[tokio::test]
async fn a_page_has_one_row_at_least_and_a_bounded_many() {
    let (web, _scratch) = web().await;
    let browser = web.signed_in("grace", Role::Legal, true).await;
    let matter = json!({ "name": "Ito v. Lay" });
    let m = web.post(&browser, "/api/v1/matters", matter).await.json()["id"].to_string();
    let custodian = json!({ "name": "Alice", "addresses": ["alice@a.example"] });
    let path = format!("/api/v1/matters/{m}/custodians");
    let c = web.post(&browser, &path, custodian).await.json()["id"].clone();
    let hold = json!({ "name": "First", "custodian_ids": [c], "date_kind": "sent" });
    let path = format!("/api/v1/matters/{m}/holds");
    let h = web.post(&browser, &path, hold).await.json()["id"].to_string();
    for limit in [0, 501] {
        let search = json!({ "query": "", "limit": limit });
        let mut answers = vec![web.post(&browser, "/api/v1/search", search).await];
        for path in ["audit", "gaps", &format!("matters/{m}/holds/{h}/items")] {
            answers.push(web.get(&browser, &format!("/api/v1/{path}?limit={limit}")).await);
        }
        for answer in answers {
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "invalid"));
            assert_eq!(answer.json()["error"]["message"], "limit: write 1 to 500");
        }
    }
}

/// A day of the audit of a matter is one of the matter's zone.
#[tokio::test]
async fn days_of_a_matters_audit_are_in_its_zone() {
    let (web, _scratch) = web().await;
    let browser = web.signed_in("grace", Role::Legal, true).await;
    let now = jiff::Timestamp::from_microsecond(web.context.clock.now().0).unwrap();
    // Zones a day apart: it is never the same day in both.
    for zone in ["Pacific/Kiritimati", "Pacific/Niue"] {
        let matter = json!({ "name": zone, "zone": zone });
        let m = web.post(&browser, "/api/v1/matters", matter).await.json()["id"].to_string();
        let here = now.in_tz(zone).unwrap().date();
        let rows = async |day: jiff::civil::Date| {
            let path = format!("/api/v1/audit?matter={m}&from={day}&until={day}");
            web.get(&browser, &path).await.json()["rows"].as_array().unwrap().len()
        };
        assert_eq!((rows(here).await, rows(here.yesterday().unwrap()).await), (1, 0), "{zone}");
    }
}

#[tokio::test]
async fn mail_reaches_the_browser_harmless_and_whole() {
    let (web, _scratch) = web().await;
    let browser = web.signed_in("grace", Role::Legal, true).await;
    let message = web.get(&browser, "/api/v1/messages/1").await;
    assert_eq!(message.status, 200, "{}", String::from_utf8_lossy(&message.body));
    let message = message.json();
    assert!(message["text"].as_str().unwrap().contains("hello"));
    assert_eq!(message["has_html"], true);
    let subject = message["headers"].as_array().unwrap().iter().find(|h| h["name"] == "Subject");
    assert_eq!(subject.unwrap()["value"], "Term sheet");

    let html = web.get(&browser, "/api/v1/messages/1/html").await;
    let policy = html.header("content-security-policy");
    assert!(policy.starts_with("sandbox; default-src 'none'"), "{policy}");
    assert!(!policy.contains("allow-"), "{policy}");
    let page = String::from_utf8(html.body).unwrap();
    assert!(page.contains("hello") && page.contains("; 1 remote load blocked."), "{page}");
    for harm in ["<script", "onclick", "tracker", "steal"] {
        assert!(!page.contains(harm), "{harm} in {page}");
    }
    // Its colours were chosen for a light ground.
    assert!(page.contains("color-scheme:light;background:#fff") && !page.contains("dark"));

    let source = web.get(&browser, "/api/v1/messages/1/source").await;
    assert_eq!(source.body, WITH_ALICE.as_bytes());
    assert!(source.header("content-type").starts_with("text/plain"));
    let saved = web.get(&browser, "/api/v1/messages/1/download").await;
    assert_eq!(saved.body, WITH_ALICE.as_bytes());
    assert_eq!(saved.header("content-type"), "message/rfc822");

    let attached = web.get(&browser, "/api/v1/messages/1/attachments/0").await;
    assert_eq!(attached.body, ATTACHED.as_bytes());
    assert_eq!(attached.header("content-type"), "application/octet-stream");
    assert!(attached.header("content-disposition").starts_with("attachment; filename="));
    assert!(attached.header("content-security-policy").starts_with("sandbox"));
    assert_eq!(web.get(&browser, "/api/v1/messages/1/attachments/1").await.status, 404);
}

#[tokio::test]
async fn a_delivery_comes_back_as_it_was_received() {
    let (web, scratch) = web().await;
    let style = Style::default();
    let envelope = |recipient: &str| Envelope {
        sender: "bob@a.example".into(),
        recipients: vec![Recipient { kind: Kind::Bcc, address: recipient.to_owned(), via: None }],
        ..Envelope::default()
    };
    let message = Original::message(WITH_ALICE.as_bytes());
    let sent = report(&envelope("carol@a.example"), &[message], &style);
    deliver(&scratch.archive, &web.context.ingest, &sent).await;
    assert!(web.context.progress.settled(DeliverySeq(3)).await.unwrap());
    let browser = web.signed_in("grace", Role::Legal, true).await;
    let at = |set: i64, seq: i64| format!("/api/v1/messages/{set}/delivery?delivery={seq}");

    let whole = web.get(&browser, &at(1, 3)).await;
    assert_eq!(whole.status, 200, "{}", String::from_utf8_lossy(&whole.body));
    assert!(whole.body == sent, "it is not what was received");
    assert_eq!(whole.header("content-type"), "message/rfc822");
    assert!(whole.header("content-disposition").contains("delivery-3.eml"));
    assert_eq!(web.get(&browser, &at(1, 1)).await.body, WITH_ALICE.as_bytes());
    // Of another message, and of none.
    assert_eq!(web.get(&browser, &at(1, 2)).await.status, 404);
    assert_eq!(web.get(&browser, &at(1, 99)).await.status, 404);
    assert_eq!(web.get(&browser, "/api/v1/messages/1/delivery").await.status, 422);
    let rows = web.get(&browser, "/api/v1/audit?action=delivery.download").await.json();
    assert_eq!(rows["rows"].as_array().unwrap().len(), 2, "{rows:#}");
    assert!(rows.to_string().contains(&Digest::of(&sent).to_string()), "{rows:#}");
}

/// By the ids that headers name; what the reader may not see is left out, and what
/// stands above it is not told.
#[tokio::test]
async fn a_thread_is_told_as_far_as_its_reader_sees() {
    let (web, scratch) = web().await;
    let mail = |id: &str, to: &str, answers: &str, minute: u32| {
        format!(
            "From: bob@b.example\r\nTo: {to}\r\nSubject: Re: Term sheet\r\n\
             Date: Mon, 2 Mar 2026 11:{minute:02}:00 +0000\r\nMessage-ID: <{id}>\r\n{answers}\r\n{id}\r\n"
        )
    };
    let below_first = "References: <1@b.example>\r\n";
    let below_second = "In-Reply-To: <2@b.example>\r\n";
    for message in [
        mail("2@b.example", "carol@c.example", below_first, 1),
        mail("3@b.example", "alice@a.example", below_second, 2),
        mail("4@b.example", "alice@a.example", below_first, 3),
        mail("41@b.example", "alice@a.example", "X-Note: 1@b.example is another\r\n", 4)
            .replace("Re: Term sheet", "Another sheet"),
    ] {
        deliver(&scratch.archive, &web.context.ingest, message.as_bytes()).await;
    }
    assert!(web.context.progress.reached(DeliverySeq(6)).await);
    let browser = web.signed_in("grace", Role::Legal, true).await;
    let matter = json!({ "name": "Ito v. Lay" });
    let m = web.post(&browser, "/api/v1/matters", matter).await.json()["id"].to_string();
    let custodian = json!({ "name": "Alice", "addresses": ["alice@a.example"] });
    web.post(&browser, &format!("/api/v1/matters/{m}/custodians"), custodian).await;
    let thread = async |path: String| {
        let thread = web.get(&browser, &format!("/api/v1/messages/{path}")).await.json();
        assert_eq!(thread["is_cut"], false);
        let number = |value: &serde_json::Value| value.as_i64().unwrap();
        let row = |row: &serde_json::Value| (number(&row["hit"]["id"]), number(&row["depth"]));
        thread["messages"].as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    let whole = [(1, 0), (3, 1), (4, 2), (5, 1)];
    for id in [1, 3, 4, 5] {
        assert_eq!(thread(format!("{id}/thread")).await, whole, "from {id}");
    }
    assert_eq!(thread("6/thread".into()).await, [(6, 0)]);
    // Between the first and the fourth stands one that Alice took no part in.
    assert_eq!(thread(format!("1/thread?matter={m}")).await, [(1, 0), (5, 1)]);
    assert_eq!(thread(format!("4/thread?matter={m}")).await, [(4, 0)]);
}

/// However much one message says of itself, its row and its view stay small; all of it
/// is found, and is in its source.
#[tokio::test]
async fn a_boundless_subject_costs_no_one_the_list() {
    let (web, scratch) = web().await;
    let long = "A".repeat(2_000_000);
    let message = format!(
        "From: \"{}\" <bob@b.example>\r\nTo: alice@a.example\r\nSubject: {long} sesame\r\n\r\nhi\r\n",
        "B".repeat(100_000)
    );
    deliver(&scratch.archive, &web.context.ingest, message.as_bytes()).await;
    assert!(web.context.progress.settled(DeliverySeq(3)).await.unwrap());
    let browser = web.signed_in("grace", Role::Legal, true).await;
    let query = json!({ "query": "subject:sesame", "dialect": "kql" });
    let answer = web.post(&browser, "/api/v1/search", query).await;
    let found = answer.json();
    assert_eq!(found["hits"].as_array().unwrap().len(), 1, "{found:#}");
    assert!(answer.body.len() < 20_000, "{} bytes for one row", answer.body.len());
    let id = found["hits"][0]["id"].to_string();
    let answer = web.get(&browser, &format!("/api/v1/messages/{id}")).await;
    assert!(answer.body.len() < 250_000, "{} bytes for one view", answer.body.len());
    let subject = answer.json()["hit"]["subject"].as_str().unwrap().to_owned();
    assert!(subject.starts_with("AAA") && subject.ends_with("A…"), "{} bytes", subject.len());
}

/// It has another message in it, which this reader has no right to.
#[tokio::test]
async fn a_delivery_with_more_than_a_matter_holds_is_hidden() {
    let (web, scratch) = web().await;
    let member = web.signed_in("ada", Role::Legal, false).await;
    let body = json!({ "name": "Alice", "reference": "", "zone": "UTC" });
    let answer = web.post(&member, "/api/v1/matters", body).await;
    assert!(answer.status.is_success(), "{}", String::from_utf8_lossy(&answer.body));
    let matter = answer.json()["id"].as_i64().unwrap();
    let custodian = json!({ "name": "Alice", "addresses": ["alice@a.example"] });
    let path = format!("/api/v1/matters/{matter}/custodians");
    assert!(web.post(&member, &path, custodian).await.status.is_success());
    let envelope = Envelope { sender: "bob@a.example".into(), ..Envelope::default() };
    let both = [WITH_ALICE, WITHOUT_ALICE].map(|text| Original::message(text.as_bytes()));
    let sent = report(&envelope, &both, &Style::default());
    deliver(&scratch.archive, &web.context.ingest, &sent).await;
    assert!(web.context.progress.settled(DeliverySeq(3)).await.unwrap());
    let at = |seq: i64| format!("/api/v1/messages/1/delivery?delivery={seq}&matter={matter}");
    assert_eq!(web.get(&member, &at(1)).await.status, 200);
    assert_eq!(web.get(&member, &at(3)).await.status, 404);
    let all = web.signed_in("grace", Role::Legal, true).await;
    let answer = web.get(&all, "/api/v1/messages/1/delivery?delivery=3").await;
    assert!(answer.body == sent);
}

#[tokio::test]
async fn only_an_administrator_is_told_the_journal_addresses() {
    let (web, scratch) = web().await;
    let address = scratch.archive.config.source[0].address.clone();
    for (name, role, is_told) in [("root", Role::Administrator, true), ("ada", Role::Legal, false)]
    {
        let browser = web.signed_in(name, role, false).await;
        let status = web.get(&browser, "/api/v1/status").await;
        assert_eq!(status.status, 200);
        assert_eq!(status.json().to_string().contains(&address), is_told, "{name}");
    }
}

#[tokio::test]
async fn every_version_of_a_message_can_be_seen_by_those_who_see_the_message() {
    let (web, scratch) = web().await;
    let copy = format!("Received: from elsewhere\r\n{WITH_ALICE}");
    deliver(&scratch.archive, &web.context.ingest, copy.as_bytes()).await;
    assert!(web.context.progress.settled(DeliverySeq(3)).await.unwrap());
    let browser = web.signed_in("grace", Role::Legal, true).await;
    let at = |part: &str, sha256: &dyn std::fmt::Display| {
        format!("/api/v1/messages/1{part}?version={sha256}")
    };
    let first = Digest::of(WITH_ALICE.as_bytes());
    let other = Digest::of(copy.as_bytes());

    let message = web.get(&browser, "/api/v1/messages/1").await.json();
    assert_eq!(message["version"], first.to_string());
    let versions = message["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 2, "{message:#}");
    assert_eq!(versions[1]["sha256"], other.to_string());
    assert_eq!(versions[1]["deliveries"], json!([3]));

    let message = web.get(&browser, &at("", &other)).await.json();
    assert_eq!(message["version"], other.to_string());
    assert_eq!(message["headers"][0]["value"], "from elsewhere");
    assert_eq!(message["attachments"][0]["name"], "notes.html");
    for (part, expected) in [
        ("/source", copy.as_bytes()),
        ("/download", copy.as_bytes()),
        ("/attachments/0", ATTACHED.as_bytes()),
    ] {
        assert_eq!(web.get(&browser, &at(part, &other)).await.body, expected, "{part}");
        assert_eq!(web.get(&browser, &at(part, &first)).await.status, 200, "{part}");
    }
    let html = web.get(&browser, &at("/html", &other)).await;
    assert!(String::from_utf8(html.body).unwrap().contains("hello"));
    let proof = web.get(&browser, &at("/proof", &other)).await.json();
    assert_eq!(proof["message_sha256"], other.to_string());

    let rows = web.get(&browser, "/api/v1/audit?action=message").await.json();
    let seen = rows["rows"].as_array().unwrap().iter();
    let seen = seen.filter(|row| row.to_string().contains(&other.to_string())).count();
    assert_eq!(seen, 6, "{rows:#}");

    // Of another message, of none, no hash, and by one who may not see it.
    let elsewhere = Digest::of(WITHOUT_ALICE.as_bytes());
    let stranger = web.signed_in("ada", Role::Legal, false).await;
    for part in ["", "/html", "/source", "/download", "/attachments/0", "/proof"] {
        assert_eq!(web.get(&browser, &at(part, &elsewhere)).await.status, 404, "{part}");
        assert_eq!(web.get(&browser, &at(part, &Digest::of(b""))).await.status, 404, "{part}");
        assert_eq!(web.get(&browser, &at(part, &"xyz")).await.status, 422, "{part}");
        let refused = web.get(&stranger, &at(part, &other)).await.status;
        assert_eq!(refused, web.get(&stranger, &format!("/api/v1/messages/1{part}")).await.status);
        assert!(refused.is_client_error(), "{part}: {refused}");
    }
}

#[tokio::test]
async fn every_look_is_on_record_before_it_is_answered() {
    let (web, _scratch) = web().await;
    let browser = web.signed_in("grace", Role::Legal, true).await;
    for part in
        ["", "/html", "/source", "/download", "/attachments/0", "/thread", "/near", "/proof"]
    {
        let answer = web.get(&browser, &format!("/api/v1/messages/1{part}")).await;
        assert_eq!(answer.status, 200, "{part}: {}", String::from_utf8_lossy(&answer.body));
    }
    let rows = web.get(&browser, "/api/v1/audit?action=message").await.json();
    let actions: Vec<_> = rows["rows"].as_array().unwrap().iter().map(|r| &r["action"]).collect();
    assert_eq!(
        actions,
        [
            "message.proof",
            "message.near",
            "message.thread",
            "message.attachment",
            "message.download",
            "message.source",
            "message.html",
            "message.view"
        ]
    );
}

#[tokio::test]
async fn a_proof_is_pending_before_its_checkpoint() {
    let (web, _scratch) = web().await;
    let browser = web.signed_in("grace", Role::Legal, true).await;
    let proof = web.get(&browser, "/api/v1/messages/1/proof").await.json();
    assert_eq!(proof["pending"], true, "{proof:#}");
    let checks = proof["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["ok"] == true), "{proof:#}");
    assert!(checks.len() >= 5, "{proof:#}");
}

async fn publish(scratch: &Scratch) {
    let archive = &scratch.archive;
    let (catalog, vault) = (archive.catalog.clone(), &archive.vault);
    let signer = vault.log_signer();
    let publisher = check_published(catalog, vault.bucket().clone(), signer).await;
    publisher.unwrap().publish().await.unwrap();
}

#[tokio::test]
async fn a_published_message_is_proved_and_a_changed_one_is_not() {
    let (web, scratch) = web().await;
    publish(&scratch).await;
    web.context.review.log.refresh().await.unwrap();
    let browser = web.signed_in("grace", Role::Legal, true).await;
    let proof = web.get(&browser, "/api/v1/messages/1/proof").await.json();
    assert_eq!(proof["pending"], false, "{proof:#}");
    let checks = proof["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["ok"] == true), "{proof:#}");
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["leaf", "received", "record", "content", "commitment", "signature", "inclusion"]
    );

    change_segments(&scratch);
    let proof = web.get(&browser, "/api/v1/messages/1/proof").await.json();
    let checks = proof["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["ok"] == false), "{proof:#}");
    assert!(proof["summary"].as_str().unwrap().contains("not proved"), "{proof:#}");

    let message = web.get(&browser, "/api/v1/messages/1").await;
    assert_eq!((message.status.as_u16(), message.code().as_str()), (500, "damaged"));
    let rows = web.get(&browser, "/api/v1/audit?action=message.open").await.json();
    assert_eq!(rows["rows"][0]["outcome"], "failed", "{rows:#}");
}

/// A read that met damage is no passing trouble: status and readiness tell of it until
/// all of the record has been found whole, which a look that is good sees to.
#[tokio::test]
async fn damage_that_a_read_met_is_told_until_the_record_is_whole() {
    let (web, scratch) = web().await;
    let browser = web.signed_in("grace", Role::Legal, true).await;
    let damage = async || web.get(&browser, "/api/v1/status").await.json()["damage"].clone();
    let look = async |part: &str| {
        web.get(&browser, &format!("/api/v1/messages/1{part}")).await.status.as_u16()
    };
    assert_eq!(damage().await, json!({ "records": 0, "newest": [] }));
    for part in ["", "/html", "/source", "/delivery?delivery=1", "/attachments/0", "/proof"] {
        change_segments(&scratch);
        assert_eq!(look(part).await, if part == "/proof" { 200 } else { 500 }, "{part}");
        let told = damage().await;
        assert_eq!(told["records"], 1, "{part}: {told:#}");
        let ready = web.get(&browser, "/readyz").await;
        assert_eq!(ready.status, 200);
        let said = String::from_utf8(ready.body).unwrap();
        assert!(said.contains("\ndamage: 1 record could not be read; see"), "{said}");
        change_segments(&scratch);
        assert_eq!(damage().await["records"], 1, "{part}");
        let record = web.get(&browser, "/api/v1/messages/1").await.json();
        assert_eq!(told["newest"][0]["record_id"], record["deliveries"][0]["record_id"]);
        assert_eq!(damage().await["records"], 0, "{part}");
        let ready = web.get(&browser, "/readyz").await;
        assert_eq!(ready.body, b"ready\n");
    }
}

/// Flips a bit in the middle of every segment, as whoever owns the disk could.
fn change_segments(scratch: &Scratch) {
    let mut directories = vec![scratch.archive.config.vault.path.clone()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "seg") {
                let mut bytes = std::fs::read(&path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                std::fs::remove_file(&path).unwrap();
                std::fs::write(&path, bytes).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn another_password_ends_the_sessions_elsewhere() {
    let (web, _scratch) = web().await;
    let here = web.signed_in("ada", Role::Legal, false).await;
    let elsewhere = web.sign_in("ada", PASSWORD).await;
    let body = json!({ "current": PASSWORD, "new": "another password of one's own" });
    assert_eq!(web.post(&here, "/api/v1/session/password", body).await.status, 200);
    for browser in [&here, &elsewhere] {
        assert!(web.get(browser, "/api/v1/session").await.json().is_null());
    }
}
