//! The versions of objects. Whoever may write to the bucket can put a marker or
//! another version on top of an object; the first version stays where it was,
//! and it is the archive's.

use http::Method;
use serde::Deserialize;

use super::client::{Call, CallError, Client};

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
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    key: String,
    version_id: String,
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

    /// Lists until a page ends with a name that is enough.
    async fn versions(
        &self,
        prefix: &str,
        is_enough: impl Fn(&str) -> bool,
    ) -> Result<Vec<Version>, CallError> {
        let prefix = self.address.key(prefix);
        let (mut key_marker, mut version_marker) = (String::new(), String::new());
        let mut found = Vec::new();
        loop {
            let mut query = vec![("versions", ""), ("prefix", &*prefix)];
            if !key_marker.is_empty() {
                query.push(("key-marker", &key_marker));
                query.push(("version-id-marker", &version_marker));
            }
            let call = Call { method: Method::GET, query: &query, ..Call::default() };
            let listing: Listing = self.call(&call).await?.done()?.xml()?;
            let names = listing.versions.into_iter().filter_map(|listed| {
                let name = self.address.name(&listed.key)?.to_owned();
                Some(Version { name, id: listed.version_id })
            });
            found.extend(names);
            let is_last = found.last().is_some_and(|last: &Version| is_enough(&last.name));
            if is_last || !listing.is_truncated {
                return Ok(found);
            }
            let next = (listing.next_key_marker, listing.next_version_id_marker);
            (key_marker, version_marker) = match next {
                (Some(key), version) if !key.is_empty() => (key, version.unwrap_or_default()),
                _ => return Err(CallError::Unreadable),
            };
        }
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
