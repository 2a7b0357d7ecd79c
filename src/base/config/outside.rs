//! `[checkpoint]` and `[post]`: what of the log goes outside by itself, and by what
//! relay notices go.

use std::path::PathBuf;

use serde::Deserialize;

use super::check::{Fault, fault};

/// Checkpoints of the log, outside of the archive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Checkpoint {
    /// An authority of time stamps (RFC 3161); empty: none is asked.
    pub timestamp_url: String,
    /// The authorities (PEM) that its certificate must lead to.
    pub timestamp_ca_file: Option<PathBuf>,
    /// Who gets checkpoints by mail.
    pub mail_to: Vec<String>,
    /// How often one is stamped, and mailed.
    pub every_hours: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostTls {
    Off,
    StartTls,
    /// From the first byte.
    Implicit,
}

/// The relay for outgoing notices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Post {
    /// Host and port; empty: no notice is sent.
    pub relay: String,
    pub tls: PostTls,
    /// Authorities (PEM) that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// A file with the name and the password, each on a line.
    pub credentials: Option<PathBuf>,
    pub from: String,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self {
            timestamp_url: String::new(),
            timestamp_ca_file: None,
            mail_to: Vec::new(),
            every_hours: 24,
        }
    }
}

impl Default for Post {
    fn default() -> Self {
        let tls = PostTls::StartTls;
        Self { relay: String::new(), tls, ca_file: None, credentials: None, from: String::new() }
    }
}

impl Checkpoint {
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.timestamp_ca_file.iter_mut()
    }

    pub(super) fn check(&self, post: &Post) -> Result<(), Fault> {
        let url = &self.timestamp_url;
        let is_url = url.starts_with("http://") || url.starts_with("https://");
        if !url.is_empty() && !is_url {
            return fault(
                "checkpoint.timestamp_url",
                format!("{url:?} is no address; give it as \"http://stamps.example/tsa\""),
            );
        }
        if !url.is_empty() && self.timestamp_ca_file.is_none() {
            return fault(
                "checkpoint.timestamp_ca_file",
                "it is missing, and says whose stamps are good; name a PEM file of authorities",
            );
        }
        if let Some(wrong) = self.mail_to.iter().find(|address| !is_address(address)) {
            return fault(
                "checkpoint.mail_to",
                format!("{wrong:?} is not a mail address; give it as audit@example.com"),
            );
        }
        if !self.mail_to.is_empty() && post.relay.is_empty() {
            return fault("checkpoint.mail_to", "mail needs a relay; set [post] relay and from");
        }
        Ok(())
    }
}

impl Post {
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.ca_file, &mut self.credentials].into_iter().flatten()
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.relay.is_empty() {
            return Ok(());
        }
        let (host, port) = self.host_and_port();
        if host.is_empty() || port == 0 {
            return fault(
                "post.relay",
                format!("{:?} is no host and port; give it as \"relay.example:587\"", self.relay),
            );
        }
        if !is_address(&self.from) {
            return fault(
                "post.from",
                format!("{:?} is not a mail address; give it as archive@example.com", self.from),
            );
        }
        if self.credentials.is_some() && self.tls == PostTls::Off {
            return fault("post.tls", "a password is not sent in the clear; set \"starttls\"");
        }
        Ok(())
    }

    /// Port 0 where there is none that can be read.
    pub fn host_and_port(&self) -> (&str, u16) {
        match self.relay.rsplit_once(':') {
            Some((host, port)) => (host.trim_matches(['[', ']']), port.parse().unwrap_or_default()),
            None => (&self.relay, 0),
        }
    }
}

fn is_address(address: &str) -> bool {
    address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !address.contains([' ', '<', '>', '\r', '\n'])
    })
}
