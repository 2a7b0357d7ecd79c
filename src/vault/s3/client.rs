//! Single requests to S3, for what `object_store` has no words for: versions,
//! locks, holds, and the settings of a bucket.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use object_store::ClientOptions;
use object_store::client::{
    Certificate, HttpClient, HttpConnector as _, HttpError, HttpRequest, HttpResponseBody,
    ReqwestConnector,
};

use super::address::Address;
use super::credentials::Credentials;
use super::sign::Signatory;
use super::skew::Skew;
use crate::base::clock::Timestamp;
use crate::base::config;
use crate::base::hash::Digest;
use crate::base::limits;
use crate::base::writable::root_cause;
use crate::vault::bucket::BucketError;

/// Checksum that AWS asks for beside the signature where locks are set.
const CHECKSUM: HeaderName = HeaderName::from_static("x-amz-checksum-sha256");

#[derive(Clone, Debug)]
pub struct Client {
    http: HttpClient,
    pub(in crate::vault) address: Address,
    pub(super) signatory: Signatory,
    /// Hears what time the service has, and signs by it where this machine's is another.
    pub(super) skew: Option<Skew>,
}

/// A request that can be repeated without harm.
#[derive(Clone, Debug, Default)]
pub struct Call<'a> {
    pub method: Method,
    /// Empty: of the bucket.
    pub key: &'a str,
    pub query: &'a [(&'a str, &'a str)],
    pub headers: &'a [(&'static str, &'a str)],
    pub body: String,
}

/// What the service said, whether it did as it was asked or refused.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: http::StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("it cannot be reached")]
    Unreachable(#[source] HttpError),
    #[error("it answered {0}")]
    Failed(http::StatusCode),
    #[error("cannot sign a request")]
    Sign(#[source] object_store::Error),
    #[error("it refused with {status} {code}")]
    Refused { status: http::StatusCode, code: String },
    #[error("its answer cannot be read")]
    Unreadable,
}

impl Answer {
    /// The code of a refusal, as `AccessDenied`; empty if there is none.
    pub fn code(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        code.map(|(code, _)| code.chars().take(80).collect()).unwrap_or_default()
    }

    pub fn text(&self, header: &str) -> Option<String> {
        Some(self.headers.get(header)?.to_str().ok()?.to_owned())
    }

    /// Itself, if the service did as it was asked.
    pub fn done(self) -> Result<Self, CallError> {
        match self.status.is_success() {
            true => Ok(self),
            false => Err(CallError::Refused { status: self.status, code: self.code() }),
        }
    }

    /// The body, as XML.
    pub fn xml<T: serde::de::DeserializeOwned>(&self) -> Result<T, CallError> {
        quick_xml::de::from_reader(&self.body[..]).map_err(|_| CallError::Unreadable)
    }
}

impl Client {
    /// Asks nothing yet.
    pub fn new(config: &config::Bucket, credentials: Credentials) -> Result<Self, BucketError> {
        let address = Address::new(config);
        let connected = ReqwestConnector::default().connect(&client_options(config)?);
        let http = connected.map_err(|error| {
            BucketError::Unusable(format!(
                "no authorities could be loaded to know {} by: {}; install the package \
                 ca-certificates, or name a file of authorities in [bucket] ca_file",
                address.endpoint(),
                root_cause(&error)
            ))
        })?;
        let credentials = Arc::new(credentials);
        let signatory = Signatory { credentials, region: config.region.clone() };
        Ok(Self { http, address, signatory, skew: None })
    }

    /// Sends a request, again where the service fails or cannot be reached.
    pub async fn call(&self, call: &Call<'_>) -> Result<Answer, CallError> {
        let mut pause = Duration::from_millis(limits::S3_RETRY_FIRST_MS);
        let mut attempt = 1;
        loop {
            let error = match self.once(call).await {
                Ok(answer) if !answer.status.is_server_error() => return Ok(answer),
                Ok(answer) => CallError::Failed(answer.status),
                Err(error @ CallError::Unreachable(_)) => error,
                Err(error) => return Err(error),
            };
            if attempt == limits::S3_ATTEMPTS {
                return Err(error);
            }
            attempt += 1;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    async fn once(&self, call: &Call<'_>) -> Result<Answer, CallError> {
        let digest = Digest::of(call.body.as_bytes());
        let mut request = http::Request::new(call.body.clone().into());
        *request.method_mut() = call.method.clone();
        *request.uri_mut() =
            self.address.url(call.key, call.query).parse().map_err(|_| CallError::Unreadable)?;
        let headers = request.headers_mut();
        for (name, value) in call.headers {
            let value = HeaderValue::from_str(value).map_err(|_| CallError::Unreadable)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        if !call.body.is_empty() {
            let checksum = base64::engine::general_purpose::STANDARD.encode(digest.0);
            headers.insert(CHECKSUM, checksum.parse().expect("base64 is a header's value"));
        }
        let again = request.clone();
        let answer = self.send(request, digest).await?;
        match &self.skew {
            // By the time that the service has just told.
            Some(skew) if skew.is_late(answer.parts.status, answer.signed_by) => {
                read(self.send(again, digest).await?).await
            }
            _ => read(answer).await,
        }
    }

    /// Signed by the service's clock, where it is another; the answer, and by which.
    async fn send(&self, mut request: HttpRequest, digest: Digest) -> Result<Heard, CallError> {
        let at = self.skew.as_ref().and_then(Skew::to_sign_by);
        let signed = self.signatory.sign(&mut request, Some(digest.0), at).await;
        signed.map_err(CallError::Sign)?;
        let answer = self.http.execute(request).await.map_err(CallError::Unreachable)?;
        let (parts, body) = answer.into_parts();
        if let Some(skew) = &self.skew {
            skew.hear(parts.status, &parts.headers);
        }
        Ok(Heard { parts, body, signed_by: at })
    }
}

/// The head of an answer, whose body is still to come.
struct Heard {
    parts: http::response::Parts,
    body: HttpResponseBody,
    signed_by: Option<Timestamp>,
}

async fn read(Heard { parts, body, .. }: Heard) -> Result<Answer, CallError> {
    let body = body.bytes().await.map_err(CallError::Unreachable)?;
    Ok(Answer { status: parts.status, headers: parts.headers, body })
}

pub(super) fn client_options(config: &config::Bucket) -> Result<ClientOptions, BucketError> {
    let mut options = ClientOptions::new()
        .with_allow_http(true)
        .with_connect_timeout(Duration::from_secs(limits::S3_CONNECT_SECONDS))
        .with_timeout(Duration::from_secs(config.request_seconds));
    if let Some(path) = &config.ca_file {
        let wrong = |what: String| BucketError::Authorities { path: path.clone(), what };
        let pem = std::fs::read(path).map_err(|error| {
            wrong(format!("cannot be read: {error}; put the file there, or correct the key"))
        })?;
        let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
        if found.is_empty() {
            return Err(wrong("holds no certificate; give authorities in PEM".into()));
        }
        for certificate in found {
            options = options.with_root_certificate(certificate);
        }
    }
    Ok(options)
}
