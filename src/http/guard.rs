//! Who is asking: the session behind the cookie, and the proof that a change
//! was asked for by our own page.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};

use super::Context;
use super::error::ApiError;
use crate::access::Actor;
use crate::access::session::Session;

pub const COOKIE: &str = "muniment_session";
pub const CSRF: &str = "x-muniment-csrf";

/// A person who is signed in and has a password of their own.
pub struct Signed(pub Actor);

/// A person who is signed in, perhaps with a one-time password.
pub struct AnySession(pub Session);

impl FromRequestParts<Context> for AnySession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Context) -> Result<Self, ApiError> {
        let token = token(&parts.headers).ok_or_else(ApiError::not_signed_in)?;
        let session = state.access.resume(token).await?;
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            let presented = parts.headers.get(CSRF).and_then(|value| value.to_str().ok());
            if !presented.is_some_and(|presented| session.is_csrf(presented)) {
                return Err(ApiError::forged());
            }
        }
        Ok(Self(session))
    }
}

impl FromRequestParts<Context> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Context) -> Result<Self, ApiError> {
        let AnySession(session) = AnySession::from_request_parts(parts, state).await?;
        if session.must_change {
            return Err(ApiError::must_change());
        }
        Ok(Self(session.actor))
    }
}

/// The session's token in the request's cookies (RFC 6265 section 5.4).
pub fn token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
}

/// The cookie that keeps a session; without a token, the one that ends it.
pub fn cookie(token: Option<&str>, is_secure: bool) -> Result<HeaderValue, ApiError> {
    let mut text = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", token.unwrap_or(""));
    if token.is_none() {
        text.push_str("; Max-Age=0");
    }
    if is_secure {
        text.push_str("; Secure");
    }
    HeaderValue::from_str(&text).map_err(|error| ApiError::internal(&error))
}

/// Refuses a request that a browser says another site made. Signing in has no
/// session yet, and so no token of its own against forgery.
pub fn require_same_site(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(ApiError::forged()),
    }
}
