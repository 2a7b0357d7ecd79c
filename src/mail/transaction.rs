//! The transaction that brought a delivery: what was known of it beside its
//! bytes. It is sealed with them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;

/// One SMTP or import transaction (RFC 5321 section 3.3) without its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The configured source that it came from.
    pub source: String,
    pub peer: IpAddr,
    /// The argument of HELO or EHLO, as the client gave it.
    pub helo: String,
    /// Protocol and cipher suite, as `TLSv1.3 TLS_AES_256_GCM_SHA384`.
    pub tls: Option<String>,
    /// The reverse-path without angle brackets; empty for `<>`.
    pub reverse_path: String,
    pub recipients: Vec<String>,
    /// When its data began to arrive: the retention clock.
    pub received_at: Timestamp,
}
