//! How a failure notice tells that no person wrote it.

use crate::mail::address;
use crate::mail::header::{Field, unfold};

/// Whose notices of failure come from, by the names that their servers give them.
const DAEMONS: [&str; 3] = ["mailer-daemon", "postmaster", "mail-daemon"];

/// Whether this field of a message's header says that a program wrote it (RFC 3834
/// section 5 and what was usual before it).
pub(super) fn tells(field: &Field<'_>) -> bool {
    if field.is("X-Failed-Recipients") {
        return true;
    }
    if field.is("Auto-Submitted") {
        let value = unfold(field.value);
        return !value.trim_ascii().eq_ignore_ascii_case(b"no");
    }
    if field.is("Return-Path") {
        return field.value.trim_ascii() == b"<>";
    }
    field.is("From")
        && address::parse(&unfold(field.value)).iter().any(|from| {
            let key = address::key(&from.address);
            let local_part = key.split('@').next().unwrap_or_default();
            DAEMONS.contains(&local_part)
        })
}

#[cfg(test)]
mod tests {
    use crate::mail::header::fields;

    #[track_caller]
    fn tells(header: &str) -> bool {
        fields(header.as_bytes()).any(|field| super::tells(&field))
    }

    #[test]
    fn a_notice_says_so() {
        for header in [
            "Auto-Submitted: auto-replied\r\n",
            "From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\n",
            "From: postmaster@mx.example\r\n",
            "Return-Path: <>\r\n",
            "X-Failed-Recipients: a@b.example\r\n",
        ] {
            assert!(tells(header), "{header}");
        }
        for header in [
            "Auto-Submitted: no\r\n",
            "From: \"postmaster\" <ann@corp.example>\r\n",
            "Return-Path: <ann@corp.example>\r\n",
            "Subject: mailer-daemon@mx.example\r\n",
        ] {
            assert!(!tells(header), "{header}");
        }
    }
}
