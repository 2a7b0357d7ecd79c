//! Locks and holds of objects, read and set.

use http::Method;
use serde::Deserialize;

use super::client::{Answer, Call, CallError, Client};
use crate::base::clock::Timestamp;
use crate::vault::bucket::Place;
use crate::vault::retention::{Lock, Mode};

const BYPASS: (&str, &str) = ("x-amz-bypass-governance-retention", "true");

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Retention {
    mode: String,
    retain_until_date: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LegalHold {
    status: String,
}

impl Client {
    /// The lock of a version, if it has one.
    pub async fn retention(&self, place: &Place) -> Result<Option<Lock>, CallError> {
        let answer = self.of_version(Method::GET, place, "retention", &[], String::new()).await?;
        if has_none(&answer) {
            return Ok(None);
        }
        let Retention { mode, retain_until_date } = answer.done()?.xml()?;
        let until: jiff::Timestamp =
            retain_until_date.parse().map_err(|_| CallError::Unreadable)?;
        let until = Timestamp::from_seconds(until.as_second());
        let mode = Mode::from_word(&mode).ok_or(CallError::Unreadable)?;
        Ok(Some(Lock { mode, until }))
    }

    /// Asks for another lock; what the service says to it.
    pub async fn set_retention(
        &self,
        place: &Place,
        lock: &Lock,
        with_bypass: bool,
    ) -> Result<Answer, CallError> {
        let body = format!(
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>{}</Mode>\
             <RetainUntilDate>{}</RetainUntilDate></Retention>",
            lock.mode.word(),
            lock.date()
        );
        let headers: &[_] = if with_bypass { &[BYPASS] } else { &[] };
        self.of_version(Method::PUT, place, "retention", headers, body).await
    }

    pub async fn is_held(&self, place: &Place) -> Result<bool, CallError> {
        let answer = self.of_version(Method::GET, place, "legal-hold", &[], String::new()).await?;
        if has_none(&answer) {
            return Ok(false);
        }
        let LegalHold { status } = answer.done()?.xml()?;
        Ok(status == "ON")
    }

    pub async fn set_held(&self, place: &Place, is_held: bool) -> Result<(), CallError> {
        let status = if is_held { "ON" } else { "OFF" };
        let body = format!(
            "<LegalHold xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>{status}\
             </Status></LegalHold>"
        );
        self.of_version(Method::PUT, place, "legal-hold", &[], body).await?.done()?;
        Ok(())
    }

    /// Asks for a version to be gone; what the service says to it.
    pub(in crate::vault) async fn try_delete_version(
        &self,
        place: &Place,
        with_bypass: bool,
    ) -> Result<Answer, CallError> {
        let headers: &[_] = if with_bypass { &[BYPASS] } else { &[] };
        let (key, version) = (self.address.key(&place.name), version(place));
        let query = [("versionId", version)];
        let call =
            Call { method: Method::DELETE, key: &key, query: &query, headers, body: String::new() };
        self.call(&call).await
    }

    async fn of_version(
        &self,
        method: Method,
        place: &Place,
        what: &str,
        headers: &[(&'static str, &str)],
        body: String,
    ) -> Result<Answer, CallError> {
        let (key, version) = (self.address.key(&place.name), version(place));
        let query = [(what, ""), ("versionId", version)];
        self.call(&Call { method, key: &key, query: &query, headers, body }).await
    }
}

/// A bucket without versions calls its only one so.
fn version(place: &Place) -> &str {
    place.version.as_deref().unwrap_or("null")
}

/// Whether there is no such setting on the object, or cannot be in its bucket.
fn has_none(answer: &Answer) -> bool {
    let codes = ["NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"];
    codes.contains(&&*answer.code()) || answer.code() == "InvalidRequest"
}
