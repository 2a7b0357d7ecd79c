//! The versions of objects. Whoever may write to the bucket can put a marker or
//! another version on top of an object; the first version stays where it was,
//! and it is the archive's.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;

use super::client::{Call, CallError, Client};
use crate::base::clock::Timestamp;
use crate::vault::bucket::{self, Seen};

/// One version of an object; markers of deletion are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub name: String,
    pub id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listing {
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_version_id_marker: Option<String>,
    #[serde(rename = "Version", default)]
    versions: Vec<Listed>,
    #[serde(rename = "DeleteMarker", default)]
    markers: Vec<Marker>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    key: String,
    version_id: String,
    #[serde(default)]
    last_modified: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Marker {
    key: String,
    #[serde(default)]
    is_latest: bool,
}

impl Client {
    /// The versions of one object, from the first on.
    pub async fn versions_of(&self, name: &str) -> Result<Vec<Version>, CallError> {
        let mut found = self.versions(name, |listed| listed != name).await?;
        found.retain(|version| version.name == name);
        // They come newest first.
        found.reverse();
        Ok(found)
    }

    /// All versions of what begins with `prefix`: by name, each newest first.
    pub async fn versions_below(&self, prefix: &str) -> Result<Vec<Version>, CallError> {
        self.versions(prefix, |_| false).await
    }

    /// The objects below `prefix` with their versions and whether a marker hides
    /// them. What is a marker alone is no object.
    pub async fn seen_below(&self, prefix: &str) -> Result<Vec<Seen>, CallError> {
        let mut seen = BTreeMap::new();
        let mut pages = Pages::new(self.address.key(prefix));
        while let Some(page) = pages.next(self).await? {
            self.add(&mut seen, page)?;
        }
        Ok(objects(seen))
    }

    /// The first objects below `prefix` that come after a name, about a page of them;
    /// none after the last.
    pub async fn seen_after(&self, prefix: &str, after: &str) -> Result<Vec<Seen>, CallError> {
        let mut seen = BTreeMap::new();
        let mut pages = Pages::new(self.address.key(prefix));
        if !after.is_empty() {
            pages.key_marker = self.address.key(after);
        }
        while let Some(page) = pages.next(self).await? {
            self.add(&mut seen, page)?;
            // The versions of the last may go on in the next page, the first of all
            // among them.
            let is_begun_with = usize::from(seen.contains_key(after));
            if !pages.is_over && seen.len() > 1 + is_begun_with {
                seen.pop_last();
                break;
            }
        }
        // Where a service begins with the name itself.
        seen.remove(after);
        Ok(objects(seen))
    }

    fn add(&self, seen: &mut BTreeMap<String, Seen>, page: Listing) -> Result<(), CallError> {
        let new =
            |name: &str| Seen { name: name.to_owned(), versions: Vec::new(), is_hidden: false };
        for listed in page.versions {
            let Some(name) = self.address.name(&listed.key) else { continue };
            let at: jiff::Timestamp =
                listed.last_modified.parse().map_err(|_| CallError::Unreadable)?;
            let put_at = Timestamp::from_seconds(at.as_second());
            let version = bucket::Version { id: listed.version_id, put_at };
            seen.entry(name.to_owned()).or_insert_with(|| new(name)).versions.push(version);
        }
        for marker in page.markers.iter().filter(|marker| marker.is_latest) {
            let Some(name) = self.address.name(&marker.key) else { continue };
            seen.entry(name.to_owned()).or_insert_with(|| new(name)).is_hidden = true;
        }
        Ok(())
    }

    /// Lists until a page ends with a name that is enough.
    async fn versions(
        &self,
        prefix: &str,
        is_enough: impl Fn(&str) -> bool,
    ) -> Result<Vec<Version>, CallError> {
        let mut pages = Pages::new(self.address.key(prefix));
        let mut found = Vec::new();
        while let Some(page) = pages.next(self).await? {
            let names = page.versions.into_iter().filter_map(|listed| {
                let name = self.address.name(&listed.key)?.to_owned();
                Some(Version { name, id: listed.version_id })
            });
            found.extend(names);
            if found.last().is_some_and(|last: &Version| is_enough(&last.name)) {
                break;
            }
        }
        Ok(found)
    }
}

fn objects(seen: BTreeMap<String, Seen>) -> Vec<Seen> {
    let mut found: Vec<Seen> = seen.into_values().collect();
    found.retain(|seen| !seen.versions.is_empty());
    for seen in &mut found {
        // They come newest first.
        seen.versions.reverse();
    }
    found
}

/// A listing of versions, page by page.
struct Pages {
    prefix: String,
    key_marker: String,
    version_marker: String,
    is_over: bool,
}

impl Pages {
    fn new(prefix: String) -> Self {
        let (key_marker, version_marker) = (String::new(), String::new());
        Self { prefix, key_marker, version_marker, is_over: false }
    }

    async fn next(&mut self, client: &Client) -> Result<Option<Listing>, CallError> {
        if self.is_over {
            return Ok(None);
        }
        let mut query = vec![("versions", ""), ("prefix", &*self.prefix)];
        if !self.key_marker.is_empty() {
            query.push(("key-marker", &self.key_marker));
            if !self.version_marker.is_empty() {
                query.push(("version-id-marker", &self.version_marker));
            }
        }
        let call = Call { method: Method::GET, query: &query, ..Call::default() };
        let mut listing: Listing = client.call(&call).await?.done()?.xml()?;
        self.is_over = !listing.is_truncated;
        if listing.is_truncated {
            let next = (listing.next_key_marker.take(), listing.next_version_id_marker.take());
            (self.key_marker, self.version_marker) = match next {
                (Some(key), version) if !key.is_empty() => (key, version.unwrap_or_default()),
                _ => return Err(CallError::Unreadable),
            };
        }
        Ok(Some(listing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_between_markers() {
        let text = "<?xml version='1.0'?><ListVersionsResult><Name>b</Name>\
            <IsTruncated>false</IsTruncated>\
            <DeleteMarker><Key>a</Key><VersionId>3</VersionId></DeleteMarker>\
            <Version><Key>a</Key><VersionId>2</VersionId><Size>1</Size></Version>\
            <DeleteMarker><Key>a</Key><VersionId>x</VersionId></DeleteMarker>\
            <Version><Key>a</Key><VersionId>1</VersionId></Version></ListVersionsResult>";
        let listing: Listing = quick_xml::de::from_str(text).unwrap();
        let ids: Vec<_> = listing.versions.iter().map(|it| it.version_id.as_str()).collect();
        assert_eq!(ids, ["2", "1"]);
    }
}
