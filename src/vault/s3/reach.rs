//! Whether a bucket can be reached and used; what is wrong if not, and the mend,
//! in one sentence.

use http::{Method, StatusCode};

use super::S3;
use super::client::{Call, CallError, Client};
use crate::base::writable::root_cause;
use crate::vault::bucket::BucketError;

impl S3 {
    /// Tries each of the credentials.
    pub async fn check_reach(&self) -> Result<(), BucketError> {
        reach(&self.client, "credentials").await?;
        match &self.disposition {
            Some(client) => reach(client, "disposition_credentials").await,
            None => Ok(()),
        }
    }
}

/// Lists, which all that the archive does begins with.
async fn reach(client: &Client, credentials: &str) -> Result<(), BucketError> {
    let prefix = client.address.key("keyring/");
    let query = [("versions", ""), ("prefix", &*prefix), ("max-keys", "1")];
    let call = Call { method: Method::GET, query: &query, ..Call::default() };
    let answer = match client.call(&call).await {
        Ok(answer) if is_listing(&answer.body) => answer.done().map(|_| ()),
        Ok(answer) if answer.status.is_success() => Err(CallError::Unreadable),
        Ok(answer) => answer.done().map(|_| ()),
        Err(error) => Err(error),
    };
    answer.map_err(|error| BucketError::Unusable(sentence(client, credentials, &error)))
}

fn is_listing(body: &[u8]) -> bool {
    memchr::memmem::find(body, b"<ListVersionsResult").is_some()
}

fn sentence(client: &Client, credentials: &str, error: &CallError) -> String {
    let (bucket, endpoint) = (client.address.bucket(), client.address.endpoint());
    let (status, code) = match error {
        CallError::Unreachable(source) => {
            return format!(
                "cannot reach the bucket {bucket} at {endpoint}: {}; start that service, or \
                 correct [bucket] endpoint or ca_file",
                root_cause(source)
            );
        }
        CallError::Failed(status) => {
            return format!(
                "the service at {endpoint} fails with {status}: see to it, and start again"
            );
        }
        CallError::Refused { status, code } => (*status, code.as_str()),
        CallError::Sign(_) | CallError::Unreadable => (StatusCode::OK, ""),
    };
    match (status, code) {
        (_, "NoSuchBucket") => format!(
            "there is no bucket {bucket} at {endpoint}: create it with Object Lock, or correct \
             [bucket] name"
        ),
        (_, "RequestTimeTooSkewed") => format!(
            "{endpoint} has another time than this machine: set the clocks by one time server"
        ),
        (_, "AuthorizationHeaderMalformed" | "PermanentRedirect") => {
            format!("the bucket {bucket} is in another region: correct [bucket] region")
        }
        (_, "AccessDenied") => format!(
            "the bucket {bucket} at {endpoint} may not be listed with [bucket] {credentials}: \
             allow s3:ListBucketVersions to them, or put others there"
        ),
        (StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED, code) => format!(
            "{endpoint} does not accept [bucket] {credentials} ({code}): put the right ones there"
        ),
        (StatusCode::BAD_REQUEST, "ExpiredToken" | "InvalidToken") => format!(
            "{endpoint} does not accept [bucket] {credentials} ({code}): put new ones there"
        ),
        _ => format!(
            "what answers at {endpoint} is no S3 service that lists versions ({status} {code}): \
             correct [bucket] endpoint"
        ),
    }
}
