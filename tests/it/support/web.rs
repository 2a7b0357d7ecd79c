//! The API in this process: people who are signed in, and requests as a browser
//! would make them.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use muniment::access::person::{self, New};
use muniment::access::{Actor, Role};
use muniment::http::{self, Context};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::contract;

pub struct Web {
    pub router: Router,
    pub context: Context,
}

/// A browser with its cookie and its page's csrf.
#[derive(Clone, Default)]
pub struct Browser {
    pub cookie: Option<String>,
    pub csrf: Option<String>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub const PASSWORD: &str = "a password of one's own";

impl Web {
    pub fn new(context: Context) -> Self {
        Self { router: http::router(context.clone()), context }
    }

    pub async fn send(
        &self,
        browser: &Browser,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap());
        request = request.uri(path);
        if let Some(cookie) = &browser.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(csrf) = browser.csrf.as_ref().filter(|_| method != "GET") {
            request = request.header("x-muniment-csrf", csrf);
        }
        let content = match &body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let answer = self.answer(request.body(content).unwrap()).await;
        contract::check(method, path, body.as_ref(), &answer);
        answer
    }

    /// What a request of any kind is answered.
    pub async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 64 << 20).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, browser: &Browser, path: &str) -> Answer {
        self.send(browser, "GET", path, None).await
    }

    pub async fn post(&self, browser: &Browser, path: &str, body: Value) -> Answer {
        self.send(browser, "POST", path, Some(body)).await
    }

    /// Adds a person; gives the one-time password.
    pub async fn person(&self, name: &str, role: Role, is_archive_wide: bool) -> String {
        let new =
            New { name: name.to_owned(), display_name: name.to_owned(), role, is_archive_wide };
        let operator = Actor::operator(Role::Administrator);
        person::create(&operator, &self.context.access, new).await.unwrap().1
    }

    pub async fn sign_in(&self, name: &str, password: &str) -> Browser {
        let body = json!({ "name": name, "password": password });
        let answer = self.post(&Browser::default(), "/api/v1/session", body).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        browser(&answer)
    }

    /// A person with a password of their own, signed in.
    pub async fn signed_in(&self, name: &str, role: Role, is_archive_wide: bool) -> Browser {
        let one_time = self.person(name, role, is_archive_wide).await;
        let first = self.sign_in(name, &one_time).await;
        let body = json!({ "current": one_time, "new": PASSWORD });
        let answer = self.post(&first, "/api/v1/session/password", body).await;
        assert_eq!(answer.status, 200);
        browser(&answer)
    }
}

/// The browser after an answer that began a session.
fn browser(answer: &Answer) -> Browser {
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let csrf = answer.json()["csrf"].as_str().unwrap().to_owned();
    Browser { cookie: Some(cookie), csrf: Some(csrf) }
}
