//! What a bucket really enforces, found out by trying: a canary object with a
//! short lock that each of the credentials tries to destroy.

use std::sync::{Arc, RwLock};

use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use super::bucket::{BucketError, Place};
use super::keys::random;
use super::retention::{Lock, Mode};
use super::s3::S3;
use super::s3::client::{Answer, Call, CallError, Client};
use super::s3::skew::date_of;
use crate::base::clock::Timestamp;
use crate::base::limits;

/// Whether a bucket itself refuses to change what was written, in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enforcement {
    pub is_enforced: bool,
    pub words: String,
}

impl Enforcement {
    fn enforced(words: impl Into<String>) -> Self {
        Self { is_enforced: true, words: words.into() }
    }

    fn not_enforced(why: impl AsRef<str>) -> Self {
        let words = format!(
            "write-once not enforced: {}; a change would show in every proof",
            why.as_ref()
        );
        Self { is_enforced: false, words }
    }

    pub fn of_directory() -> Self {
        Self::not_enforced("the bucket is a local directory, whose owner can change files")
    }

    pub(super) fn unchecked() -> Self {
        Self::not_enforced("the bucket was not tried yet")
    }
}

/// What was found out last. Cloning shares it.
#[derive(Clone, Debug)]
pub(super) struct Known(Arc<RwLock<Enforcement>>);

impl Known {
    pub(super) fn new(enforcement: Enforcement) -> Self {
        Self(Arc::new(RwLock::new(enforcement)))
    }

    pub(super) fn get(&self) -> Enforcement {
        self.0.read().expect("nothing panics while it is held").clone()
    }

    pub(super) fn set(&self, enforcement: Enforcement) {
        *self.0.write().expect("nothing panics while it is held") = enforcement;
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Versioning {
    status: Option<String>,
}

/// Asks the bucket for its settings, and tries whether it keeps to them.
pub(super) async fn check(s3: &S3) -> Result<Enforcement, BucketError> {
    // A refusal of wrong credentials would look like one of the lock.
    s3.check_reach().await?;
    let bucket = s3.client().address.bucket().to_owned();
    let canary = format!("canary/{}", hex::encode(random::<16>()));
    sweep(s3).await;
    match try_all(s3, &canary).await {
        Ok(enforcement) => Ok(enforcement),
        Err(Trouble::Bucket(error)) => Err(error),
        Err(Trouble::Call(CallError::Refused { status, code })) => {
            Ok(Enforcement::not_enforced(format!(
                "what the bucket {bucket} enforces could not be found out, since it refused to say \
                 ({status} {code}); allow s3:GetBucketVersioning, \
                 s3:GetBucketObjectLockConfiguration and s3:GetObjectRetention"
            )))
        }
        Err(Trouble::Call(error)) => {
            let source = object_store::Error::Generic { store: "S3", source: Box::new(error) };
            Err(BucketError::Store { operation: "try the locks of", name: bucket, source })
        }
    }
}

/// Removes canaries of before whose locks are over, with whichever credentials may. What
/// stays is as small as it is harmless.
async fn sweep(s3: &S3) {
    let (Ok(seen), Ok(now)) = (s3.look("canary").await, s3.now().await) else { return };
    let places = seen.into_iter().flat_map(|seen| {
        let name = seen.name;
        let named = move |id| Place { name: name.clone(), version: Some(id) };
        seen.versions.into_iter().map(|version| version.id).map(named)
    });
    for place in places.take(limits::CANARIES_SWEPT_MAX) {
        match s3.client().retention(&place).await {
            Ok(Some(lock)) if lock.until >= now => continue,
            Ok(_) => {}
            Err(_) => return,
        }
        for (client, _) in clients(s3) {
            let deleted = client.try_delete_version(&place, false).await;
            if deleted.is_ok_and(|answer| answer.status.is_success()) {
                break;
            }
        }
    }
}

enum Trouble {
    Bucket(BucketError),
    Call(CallError),
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

async fn try_all(s3: &S3, canary: &str) -> Result<Enforcement, Trouble> {
    let bucket = s3.client().address.bucket();
    let call = Call { method: Method::GET, query: &[("versioning", "")], ..Call::default() };
    let answer = s3.client().call(&call).await?.done()?;
    let versioning: Versioning = answer.xml()?;
    if versioning.status.as_deref() != Some("Enabled") {
        return Ok(Enforcement::not_enforced(format!("the bucket {bucket} keeps no versions")));
    }
    if !s3.is_lock_configured().await? {
        return Ok(Enforcement::not_enforced(format!("the bucket {bucket} has no Object Lock")));
    }
    let now = time_of(&answer).ok_or(CallError::Unreadable)?;
    let until = now.plus_seconds(limits::CANARY_LOCK_SECONDS);
    let lock = Lock { mode: Mode::Compliance, until };
    let place = put(s3, canary, lock).await?;
    if s3.client().retention(&place).await? != Some(lock) {
        let why = format!("the bucket {bucket} did not lock a new object as it was told to");
        return Ok(Enforcement::not_enforced(why));
    }
    for (client, who) in clients(s3) {
        if let Some(how) = destroyed(client, &place, &lock).await? {
            let why = format!("the {who} credentials could {how} an object under COMPLIANCE");
            return Ok(Enforcement::not_enforced(why));
        }
    }
    // What was refused must not have happened all the same.
    s3.get(&place).await.map_err(Trouble::Bucket)?;
    if s3.client().retention(&place).await? != Some(lock) {
        let why = format!("the bucket {bucket} changed the lock of an object under COMPLIANCE");
        return Ok(Enforcement::not_enforced(why));
    }
    let who: Vec<&str> = clients(s3).map(|(_, who)| who).collect();
    let mut words = format!(
        "The bucket {bucket} keeps versions and locks them: at {now} neither deletion nor a \
         shorter lock was granted to the {} credentials",
        who.join(" and the ")
    );
    let governed = Lock { mode: Mode::Governance, until };
    let place = put(s3, &format!("{canary}-governed"), governed).await?;
    match s3.client().set_held(&place, false).await {
        Ok(()) => words.push_str(
            "; but the ingest credentials can lift legal holds, so what is held is not protected \
             from them: take s3:PutObjectLegalHold away",
        ),
        Err(CallError::Refused { .. } | CallError::Failed(_)) => {}
        Err(error) => return Err(error.into()),
    }
    if s3.client().try_delete_version(&place, true).await?.status.is_success() {
        words.push_str(
            "; but the ingest credentials can bypass governance, so erasable classes are not \
             protected from them: take s3:BypassGovernanceRetention and s3:DeleteObjectVersion away",
        );
    }
    Ok(Enforcement::enforced(words))
}

fn clients(s3: &S3) -> impl Iterator<Item = (&Client, &'static str)> {
    let ingest = std::iter::once((s3.client(), "ingest"));
    ingest.chain(s3.disposition().map(|client| (client, "disposition")))
}

async fn put(s3: &S3, name: &str, lock: Lock) -> Result<Place, Trouble> {
    let content = Bytes::from_static(b"It is tried whether this can be deleted.");
    let version = s3.put_locked(name, content, Some(lock)).await.map_err(Trouble::Bucket)?;
    Ok(Place { name: name.to_owned(), version })
}

/// How a client could get rid of a locked object, if it could.
async fn destroyed(
    client: &Client,
    place: &Place,
    lock: &Lock,
) -> Result<Option<&'static str>, CallError> {
    let shorter = Lock { until: lock.until.plus_seconds(-30), ..*lock };
    let softer = Lock { mode: Mode::Governance, ..*lock };
    let tries = [
        ("shorten the lock of", client.set_retention(place, &shorter, true).await?),
        ("weaken the lock of", client.set_retention(place, &softer, true).await?),
        ("delete", client.try_delete_version(place, false).await?),
        ("delete", client.try_delete_version(place, true).await?),
    ];
    Ok(tries.into_iter().find_map(|(how, answer)| answer.status.is_success().then_some(how)))
}

/// The service's own time, by which it counts its locks.
pub(super) fn time_of(answer: &Answer) -> Option<Timestamp> {
    date_of(&answer.headers)
}
