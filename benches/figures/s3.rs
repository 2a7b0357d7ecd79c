//! The archive in a bucket with Object Lock, where `tests/tools/rgw` has started a service.

use std::path::Path;
use std::sync::Arc;

use http::Method;
use muniment::base::config::{Bucket, BucketKind};
use muniment::base::durable;
use muniment::vault::s3::client::{Call, Client};
use muniment::vault::s3::credentials::Credentials;
use object_store::aws::AwsCredential;

use crate::archive::Archive;

/// An archive in a new bucket; why not, where there is no service.
pub fn start(directory: &Path) -> Result<Archive, String> {
    let found = std::env::var("MUNIMENT_TEST_S3")
        .map_err(|_| "run it by tests/tools/rgw, as make bench does".to_owned())?;
    let words: Vec<&str> = found.split(' ').collect();
    let [endpoint, _, _, id, secret, ..] = words[..] else {
        return Err(format!("MUNIMENT_TEST_S3 is {found:?}"));
    };
    let name = format!("bench-{}", uuid::Uuid::now_v7());
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(make_bucket(endpoint, &name, id, secret))?;

    let credentials = directory.join("credentials");
    let text = format!("access_key_id = \"{id}\"\nsecret_access_key = \"{secret}\"\n");
    durable::create(&credentials, text.as_bytes(), 0o600).map_err(|error| error.to_string())?;
    let credentials = credentials.to_str().ok_or("the path is not of Unicode")?;
    let options = ["--endpoint", endpoint, "--bucket", &name, "--credentials", credentials];
    Ok(Archive::start(&directory.join("archive-s3"), &options))
}

async fn make_bucket(endpoint: &str, name: &str, id: &str, secret: &str) -> Result<(), String> {
    let config = Bucket {
        kind: BucketKind::S3,
        endpoint: endpoint.into(),
        name: name.into(),
        ..Bucket::default()
    };
    let credential = AwsCredential { key_id: id.into(), secret_key: secret.into(), token: None };
    let client = Client::new(&config, Credentials::Environment(Arc::new(credential)))
        .map_err(|error| error.to_string())?;
    let headers: &[_] = &[("x-amz-bucket-object-lock-enabled", "true")];
    let call = Call { method: Method::PUT, headers, ..Call::default() };
    let answer = client.call(&call).await.map_err(|error| error.to_string())?;
    answer.done().map_err(|error| error.to_string())?;
    Ok(())
}
