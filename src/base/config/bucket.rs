//! `[bucket]`: which kind of bucket the vault is in, and how an S3 one is reached.

use std::path::PathBuf;

use serde::Deserialize;

use super::check::{Fault, fault};
use crate::base::limits;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BucketKind {
    /// The directory `[vault] path`.
    Local,
    S3,
}

/// All but `kind` is of an S3 bucket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bucket {
    pub kind: BucketKind,
    /// The address of the service, without the bucket.
    pub endpoint: String,
    pub region: String,
    pub name: String,
    /// What the names of all objects begin with; empty, or as `mail/2026`.
    pub prefix: String,
    /// Whether the bucket is in the path of requests or in the host name.
    pub path_style: bool,
    /// Of the credentials that ingest; without it they are in the environment.
    pub credentials: Option<PathBuf>,
    /// Of the credentials that may delete versions and lift holds.
    pub disposition_credentials: Option<PathBuf>,
    /// Authorities (PEM) that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How long one request may take, with up to 8 MiB in it.
    pub request_seconds: u64,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            kind: BucketKind::Local,
            endpoint: String::new(),
            region: "us-east-1".into(),
            name: String::new(),
            prefix: String::new(),
            path_style: true,
            credentials: None,
            disposition_credentials: None,
            ca_file: None,
            request_seconds: limits::S3_REQUEST_SECONDS,
        }
    }
}

impl Bucket {
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.credentials, &mut self.disposition_credentials, &mut self.ca_file]
            .into_iter()
            .flatten()
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.kind == BucketKind::Local {
            return self.check_local();
        }
        let host = ["https://", "http://"]
            .iter()
            .find_map(|scheme| self.endpoint.strip_prefix(scheme))
            .map(|rest| rest.strip_suffix('/').unwrap_or(rest));
        let is_host = |host: &str| {
            !host.is_empty()
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b))
        };
        if !host.is_some_and(is_host) {
            return fault(
                "bucket.endpoint",
                format!(
                    "{:?} is no address of an S3 service; give it as \
                     \"https://s3.eu-central-1.amazonaws.com\", without the bucket",
                    self.endpoint
                ),
            );
        }
        let is_name = |name: &str| {
            (3..=63).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
        };
        if !is_name(&self.name) {
            return fault(
                "bucket.name",
                format!(
                    "{:?} is no name of a bucket; give one of 3 to 63 letters, digits, dots and \
                     hyphens",
                    self.name
                ),
            );
        }
        if self.region.is_empty()
            || !self.region.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        {
            return fault(
                "bucket.region",
                format!("{:?} is no region; give one as \"eu-central-1\"", self.region),
            );
        }
        let is_part = |part: &str| {
            !part.is_empty()
                && !part.bytes().all(|b| b == b'.')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
        };
        if !self.prefix.is_empty() && !self.prefix.split('/').all(is_part) {
            return fault(
                "bucket.prefix",
                format!(
                    "{:?} is no prefix; give letters, digits, dots and hyphens with slashes \
                     between, as \"mail/archive\"",
                    self.prefix
                ),
            );
        }
        Ok(())
    }

    /// What is set for S3 while the bucket is a directory was meant otherwise.
    fn check_local(&self) -> Result<(), Fault> {
        let meant = [
            ("bucket.endpoint", !self.endpoint.is_empty()),
            ("bucket.name", !self.name.is_empty()),
            ("bucket.prefix", !self.prefix.is_empty()),
            ("bucket.credentials", self.credentials.is_some()),
            ("bucket.disposition_credentials", self.disposition_credentials.is_some()),
            ("bucket.ca_file", self.ca_file.is_some()),
        ];
        match meant.iter().find(|(_, is_set)| *is_set) {
            Some((key, _)) => {
                fault(key, "it is of an S3 bucket; set kind = \"s3\" too, or remove it")
            }
            None => Ok(()),
        }
    }
}
