//! Signatures of another time than this machine's (AWS signature version 4), since
//! `object_store` signs by the system's clock alone and a service refuses what is signed
//! a quarter of an hour from its own.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue, header};
use object_store::aws::AwsCredential;
use object_store::client::HttpRequest;
use sha2::Sha256;

use super::address::escape;
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const CONTENT_SHA256: &str = "x-amz-content-sha256";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Signs a request that is signed already again, as of `at`.
pub(super) fn sign(
    credential: &AwsCredential,
    region: &str,
    request: &mut HttpRequest,
    at: Timestamp,
) {
    let at = at.to_jiff();
    let (time, day) = (at.strftime("%Y%m%dT%H%M%SZ").to_string(), at.strftime("%Y%m%d"));
    let value = HeaderValue::from_str(&time).expect("a date is a header's value");
    request.headers_mut().insert(DATE, value);
    let (headers, names) = headers_of(request);
    let body = request.headers().get(CONTENT_SHA256);
    let canonical = format!(
        "{}\n{}\n{}\n{headers}\n{names}\n{}",
        request.method(),
        request.uri().path(),
        query_of(request.uri().query().unwrap_or_default()),
        body.and_then(|body| body.to_str().ok()).unwrap_or_default(),
    );
    let scope = format!("{day}/{region}/s3/aws4_request");
    let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", Digest::of(canonical.as_bytes()));
    let mut key = mac(format!("AWS4{}", credential.secret_key).as_bytes(), &day.to_string());
    for part in [region, "s3", "aws4_request"] {
        key = mac(&key, part);
    }
    let signature = hex::encode(mac(&key, &text));
    let id = &credential.key_id;
    let value = format!(
        "{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    // An id that is no header's value was refused at the first signature.
    if let Ok(value) = HeaderValue::from_str(&value) {
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
}

fn mac(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

/// All headers that are signed, each on a line, and their names.
fn headers_of(request: &HttpRequest) -> (String, String) {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let host = request.uri().authority().map(|host| host.as_str()).unwrap_or_default();
    found.insert("host", vec![host.to_owned()]);
    for (name, value) in request.headers() {
        let is_left_out = ["authorization", "content-length", "user-agent", "host"];
        if !is_left_out.contains(&name.as_str()) {
            let text = String::from_utf8_lossy(value.as_bytes());
            let words: Vec<&str> = text.split_whitespace().collect();
            found.entry(name.as_str()).or_default().push(words.join(" "));
        }
    }
    let lines = found.iter().map(|(name, values)| format!("{name}:{}\n", values.join(",")));
    let names: Vec<&str> = found.keys().copied().collect();
    (lines.collect(), names.join(";"))
}

/// By name and value as they are escaped.
fn query_of(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (escaped(name), escaped(value))
        })
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Escapes as the signature has it what was escaped in any way.
fn escaped(text: &str) -> String {
    let text = text.replace('+', " ");
    let (mut plain, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%');
        match digits.and_then(|digits| hex::decode(digits).ok()) {
            Some(byte) => {
                plain.extend(byte);
                rest = &after[2..];
            }
            None => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    let mut out = String::new();
    escape(&plain, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use object_store::aws::AwsAuthorizer;

    use super::*;

    /// At one time it is the library's signature, whatever is in the request.
    #[test]
    fn the_signature_is_the_librarys_but_for_its_time() {
        let credential = |token: Option<&str>| AwsCredential {
            key_id: "id".into(),
            secret_key: "a secret/+".into(),
            token: token.map(str::to_owned),
        };
        for (method, uri, token) in [
            ("GET", "http://127.0.0.1:8000/mail/?versions=&prefix=a%2Fb%20%2B&max-keys=1", None),
            ("GET", "https://mail.s3.example/seg/a?versionId=A~b.-_%7E", Some("a token")),
            ("PUT", "http://s3.example/mail/a?uploadId=2~x+y%2F&partNumber=10", None),
            ("POST", "http://s3.example/mail/a?uploads", None),
            ("DELETE", "http://s3.example/mail/a", None),
            ("PUT", "http://s3.example/mail/a?retention=&versionId=1&x=2&x=1", None),
        ] {
            let credential = credential(token);
            let mut request = http::Request::builder()
                .method(method)
                .uri(uri)
                .header("x-amz-object-lock-mode", "COMPLIANCE")
                .header("if-none-match", "*")
                .header("content-type", "text/plain;  charset=utf-8")
                .header("user-agent", "object_store")
                .body(bytes::Bytes::from_static(b"content").into())
                .unwrap();
            let authorizer = AwsAuthorizer::new(&credential, "s3", "eu-central-1");
            authorizer.try_authorize(&mut request, Some(&Digest::of(b"content").0)).unwrap();
            let by_library = request.headers()[header::AUTHORIZATION].clone();
            let time = request.headers()[DATE].to_str().unwrap().to_owned();
            let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &time).unwrap();
            let time = jiff::tz::TimeZone::UTC.to_timestamp(time).unwrap();
            let at = Timestamp(time.as_microsecond());

            sign(&credential, "eu-central-1", &mut request, at.plus_seconds(86_400));
            assert_ne!(request.headers()[header::AUTHORIZATION], by_library, "{uri}");
            sign(&credential, "eu-central-1", &mut request, at);
            assert_eq!(request.headers()[header::AUTHORIZATION], by_library, "{uri}");
        }
    }
}
