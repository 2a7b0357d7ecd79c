//! Requests leave signed, with their lock. `object_store` knows no Object Lock:
//! what it sends passes here, gets the headers of the lock that came with it as
//! an extension, and is signed again, so that the service can trust them. So it is
//! where the service has another time than this machine, by its own (`dated`).

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};
use object_store::{ClientOptions, CredentialProvider};

use super::credentials::Credentials;
use super::dated;
use super::skew::Skew;
use crate::base::clock::Timestamp;
use crate::vault::retention::Lock;

pub(super) const LOCK_MODE: HeaderName = HeaderName::from_static("x-amz-object-lock-mode");
pub(super) const LOCK_UNTIL: HeaderName =
    HeaderName::from_static("x-amz-object-lock-retain-until-date");
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// What signs for a service.
#[derive(Clone, Debug)]
pub struct Signatory {
    pub credentials: Arc<Credentials>,
    pub region: String,
}

impl Signatory {
    /// By this machine's clock, or by another's.
    pub async fn sign(
        &self,
        request: &mut HttpRequest,
        body_sha256: Option<[u8; 32]>,
        at: Option<Timestamp>,
    ) -> object_store::Result<()> {
        let credential = self.credentials.get_credential().await?;
        sign(&credential, &self.region, request, body_sha256)?;
        if let Some(at) = at {
            dated::sign(&credential, &self.region, request, at);
        }
        Ok(())
    }
}

fn sign(
    credential: &AwsCredential,
    region: &str,
    request: &mut HttpRequest,
    body_sha256: Option<[u8; 32]>,
) -> object_store::Result<()> {
    request.headers_mut().remove(header::AUTHORIZATION);
    let digest = body_sha256.as_ref().map(|digest| &digest[..]);
    AwsAuthorizer::new(credential, "s3", region).try_authorize(request, digest)
}

pub(super) fn put_lock(headers: &mut HeaderMap, lock: &Lock) {
    headers.insert(LOCK_MODE, HeaderValue::from_static(lock.mode.word()));
    let date = lock.date().parse().expect("a date is a header's value");
    headers.insert(LOCK_UNTIL, date);
}

/// Makes clients for `object_store` whose requests carry their locks.
#[derive(Debug)]
pub(super) struct LockingConnector(pub Signatory, pub Skew);

impl HttpConnector for LockingConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(LockingService {
            inner,
            signatory: self.0.clone(),
            skew: self.1.clone(),
        }))
    }
}

#[derive(Debug)]
struct LockingService {
    inner: HttpClient,
    signatory: Signatory,
    skew: Skew,
}

#[async_trait]
impl HttpService for LockingService {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let at = self.skew.to_sign_by();
        if let Some(lock) = request.extensions().get::<Lock>().copied() {
            put_lock(request.headers_mut(), &lock);
            self.sign(&mut request, at).await?;
        } else if at.is_some() {
            self.sign(&mut request, at).await?;
        }
        let again = request.clone();
        let answer = self.inner.execute(request).await?;
        self.skew.hear(answer.status(), answer.headers());
        match self.skew.is_late(answer.status(), at) {
            true => self.once_more(again).await,
            false => Ok(answer),
        }
    }
}

impl LockingService {
    async fn sign(
        &self,
        request: &mut HttpRequest,
        at: Option<Timestamp>,
    ) -> Result<(), HttpError> {
        let digest = body_sha256(request.headers());
        let signed = self.signatory.sign(request, digest, at).await;
        signed.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))
    }

    /// By the time that the service has just told.
    async fn once_more(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.sign(&mut request, self.skew.to_sign_by()).await?;
        let answer = self.inner.execute(request).await?;
        self.skew.hear(answer.status(), answer.headers());
        Ok(answer)
    }
}

/// The digest of the body, as the first signature has it.
fn body_sha256(headers: &HeaderMap) -> Option<[u8; 32]> {
    let text = headers.get(CONTENT_SHA256)?.to_str().ok()?;
    hex::decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use object_store::aws::{AmazonS3Builder, Checksum};
    use object_store::path::Path;
    use object_store::{ObjectStore, PutMode, PutMultipartOptions, PutOptions};

    use super::*;
    use crate::base::clock::{Clock, Timestamp};
    use crate::base::hash::Digest;
    use crate::vault::retention::Mode;

    fn lock() -> Lock {
        Lock { mode: Mode::Compliance, until: Timestamp::from_seconds(4_102_444_800) }
    }

    /// Answers every request, and keeps its headers.
    #[derive(Clone, Debug, Default)]
    struct Recorder(Arc<Mutex<Vec<HeaderMap>>>);

    #[async_trait]
    impl HttpService for Recorder {
        async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
            self.0.lock().unwrap().push(request.headers().clone());
            let body = "<InitiateMultipartUploadResult><UploadId>1</UploadId>\
                        </InitiateMultipartUploadResult>";
            let response = http::Response::builder().header("etag", "\"1\"");
            Ok(response.body(body.to_owned().into()).unwrap())
        }
    }

    #[derive(Debug)]
    struct RecordingConnector(Signatory, Recorder);

    impl HttpConnector for RecordingConnector {
        fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
            let inner = HttpClient::new(self.1.clone());
            let skew = Skew::new(Clock::System);
            Ok(HttpClient::new(LockingService { inner, signatory: self.0.clone(), skew }))
        }
    }

    fn signatory() -> Signatory {
        let credential =
            AwsCredential { key_id: "id".into(), secret_key: "secret".into(), token: None };
        let credentials = Arc::new(Credentials::Environment(Arc::new(credential)));
        Signatory { credentials, region: "eu-central-1".into() }
    }

    fn signed_headers(headers: &HeaderMap) -> Vec<&str> {
        let authorization = headers[header::AUTHORIZATION].to_str().unwrap();
        let (_, rest) = authorization.split_once("SignedHeaders=").unwrap();
        rest.split_once(',').unwrap().0.split(';').collect()
    }

    /// The library passes extensions on, and a service that checks signatures
    /// would refuse headers that came after signing.
    #[tokio::test]
    async fn locks_are_in_the_signature_of_every_way_to_create() {
        let recorder = Recorder::default();
        let store = AmazonS3Builder::new()
            .with_endpoint("http://s3.example")
            .with_allow_http(true)
            .with_region("eu-central-1")
            .with_bucket_name("mail")
            .with_credentials(signatory().credentials)
            .with_checksum_algorithm(Checksum::SHA256)
            .with_http_connector(RecordingConnector(signatory(), recorder.clone()))
            .build()
            .unwrap();
        let mut extensions = http::Extensions::new();
        extensions.insert(lock());
        let path = Path::from("seg/a");
        let options = PutOptions {
            mode: PutMode::Create,
            extensions: extensions.clone(),
            ..PutOptions::default()
        };
        store.put_opts(&path, "content".into(), options).await.unwrap();
        let options = PutMultipartOptions { extensions, ..PutMultipartOptions::default() };
        store.put_multipart_opts(&path, options).await.unwrap();

        let sent = recorder.0.lock().unwrap();
        assert_eq!(sent.len(), 2);
        for headers in &*sent {
            assert_eq!(headers[LOCK_MODE], "COMPLIANCE");
            assert_eq!(headers[LOCK_UNTIL], "2100-01-01T00:00:00Z");
            let signed = signed_headers(headers);
            for name in [LOCK_MODE.as_str(), LOCK_UNTIL.as_str(), "host", "x-amz-date"] {
                assert!(signed.contains(&name), "{name} is not in {signed:?}");
            }
        }
        // Without a checksum, AWS refuses a put that sets a lock.
        let signed = signed_headers(&sent[0]);
        assert!(signed.contains(&"if-none-match") && signed.contains(&"x-amz-checksum-sha256"));
        assert_eq!(sent[0][CONTENT_SHA256], Digest::of(b"content").to_string());
        let empty = Digest::of(b"").to_string();
        assert_eq!(sent[1][CONTENT_SHA256], empty);
    }

    /// A service that has another time than this machine, and takes no request of it.
    #[derive(Clone, Debug)]
    struct Elsewhen(i64, Arc<Mutex<Vec<i64>>>);

    #[async_trait]
    impl HttpService for Elsewhen {
        async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
            let now = Clock::System.now().plus_seconds(self.0);
            let date = request.headers()["x-amz-date"].to_str().unwrap();
            let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).unwrap();
            let date = jiff::tz::TimeZone::UTC.to_timestamp(date).unwrap();
            let apart = date.as_second() - now.seconds();
            self.1.lock().unwrap().push(apart);
            let status = if apart.abs() > 900 { 403 } else { 200 };
            let date = now.to_jiff().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let response = http::Response::builder().status(status).header("date", date);
            Ok(response.header("etag", "\"1\"").body(String::new().into()).unwrap())
        }
    }

    #[derive(Debug)]
    struct ElsewhenConnector(Elsewhen, Skew);

    impl HttpConnector for ElsewhenConnector {
        fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
            let inner = HttpClient::new(self.0.clone());
            let (signatory, skew) = (signatory(), self.1.clone());
            Ok(HttpClient::new(LockingService { inner, signatory, skew }))
        }
    }

    #[tokio::test]
    async fn requests_are_signed_by_the_services_clock_where_it_is_another() {
        for (ahead, refused) in [(86_400, 1), (-86_400, 1), (1200, 1), (600, 0), (0, 0)] {
            let service = Elsewhen(ahead, Arc::default());
            let skew = Skew::new(Clock::System);
            let store = AmazonS3Builder::new()
                .with_endpoint("http://s3.example")
                .with_allow_http(true)
                .with_bucket_name("mail")
                .with_credentials(signatory().credentials)
                .with_http_connector(ElsewhenConnector(service.clone(), skew))
                .build()
                .unwrap();
            for name in ["a", "b"] {
                let mut extensions = http::Extensions::new();
                extensions.insert(lock());
                let options = PutOptions { extensions, ..PutOptions::default() };
                store.put_opts(&Path::from(name), "content".into(), options).await.unwrap();
                store.put_opts(&Path::from(name), "x".into(), PutOptions::default()).await.unwrap();
            }
            let apart = service.1.lock().unwrap().clone();
            let late = apart.iter().filter(|apart| apart.abs() > 900).count();
            // The first, which tells.
            assert_eq!((apart.len(), late), (4 + refused, refused), "{ahead}: {apart:?}");
            assert!(apart[1 + refused..].iter().all(|apart| apart.abs() < 10), "{apart:?}");
        }
    }

    /// One that anyone can compare with another program's.
    #[tokio::test]
    async fn headers_and_query_are_in_the_signature() {
        let mut request = http::Request::put("http://s3.example/mail/a?retention=&versionId=1")
            .header("x-amz-checksum-sha256", "x")
            .header("x-amz-bypass-governance-retention", "true")
            .body(bytes::Bytes::from_static(b"<Retention/>").into())
            .unwrap();
        let digest = Digest::of(b"<Retention/>").0;
        signatory().sign(&mut request, Some(digest), None).await.unwrap();
        let expected = [
            "host",
            "x-amz-bypass-governance-retention",
            "x-amz-checksum-sha256",
            "x-amz-content-sha256",
            "x-amz-date",
        ];
        assert_eq!(signed_headers(request.headers()), expected);
        assert_eq!(request.headers()[CONTENT_SHA256], hex::encode(digest));
    }
}
