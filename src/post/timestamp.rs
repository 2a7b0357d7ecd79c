//! Asking an authority for a time stamp over HTTP (RFC 3161 section 3.4).

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::CONTENT_TYPE;

use crate::base::limits::{POST_SECONDS, STAMP_BYTES_MAX};

pub const QUERY: &str = "application/timestamp-query";
pub const REPLY: &str = "application/timestamp-reply";

#[derive(Debug, thiserror::Error)]
pub enum TimestampError {
    #[error("the authority of time stamps cannot be asked")]
    Request(#[source] reqwest::Error),
    #[error("the authority of time stamps answered {0}")]
    Status(reqwest::StatusCode),
    #[error("the authority of time stamps answered {0:?}, and not with {REPLY}")]
    Kind(String),
    #[error("the answer of the authority of time stamps is longer than any")]
    Long,
}

/// The answer to a request, whatever is in it.
pub async fn ask(url: &str, request: Vec<u8>) -> Result<Bytes, TimestampError> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(POST_SECONDS))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(TimestampError::Request)?;
    let asked = client.post(url).header(CONTENT_TYPE, QUERY).body(request).send().await;
    // The address may hold a password.
    let mut answer = asked.map_err(|error| TimestampError::Request(error.without_url()))?;
    if !answer.status().is_success() {
        return Err(TimestampError::Status(answer.status()));
    }
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case(REPLY) {
        return Err(TimestampError::Kind(kind.chars().take(80).collect()));
    }
    let mut bytes = BytesMut::new();
    let failed = |error: reqwest::Error| TimestampError::Request(error.without_url());
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > STAMP_BYTES_MAX {
            return Err(TimestampError::Long);
        }
    }
    Ok(bytes.freeze())
}
