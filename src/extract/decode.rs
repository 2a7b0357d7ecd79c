//! Content-Transfer-Encodings, by the one rule of `mail::decode`.

use std::borrow::Cow;

use crate::mail::decode::{Encoding, decode};

/// Decodes a part's body by the value of its Content-Transfer-Encoding field.
pub fn transfer<'a>(body: &'a [u8], name: &str) -> Cow<'a, [u8]> {
    if name.eq_ignore_ascii_case("base64") {
        Cow::Owned(decode(Encoding::Base64, body))
    } else if name.eq_ignore_ascii_case("quoted-printable") {
        Cow::Owned(decode(Encoding::QuotedPrintable, body))
    } else {
        Cow::Borrowed(body)
    }
}
