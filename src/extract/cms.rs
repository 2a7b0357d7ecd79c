//! S/MIME (RFC 5652, RFC 8551): what a signature is around, which is mail like other. A
//! signature is not checked here, and what is encrypted stays closed.

use bcder::decode::{Constructed, DecodeError, IntoSource, Source};
use bcder::{Mode, OctetString, Oid, Tag};

/// What a CMS object is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cms {
    /// The content that is signed.
    Signed(Vec<u8>),
    /// Signatures of what is elsewhere.
    Signature,
    Encrypted,
    Damaged,
}

/// id-data of PKCS #7 (1.2.840.113549.1.7) and id-ct of S/MIME (1.2.840.113549.1.9.16.1),
/// without the last number.
const PKCS_7: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07";
const CONTENT: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01";
const SIGNED: u8 = 2;
const ENVELOPED: u8 = 3;
const ENCRYPTED: u8 = 6;
const AUTHENTICATED_ENVELOPED: u8 = 23;

/// Whether it begins as one: a sequence that an id of a content type is the first of.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    const LENGTH_BYTES_MAX: usize = 6;
    let Some(rest) = bytes.strip_prefix(b"\x30") else { return false };
    (1..LENGTH_BYTES_MAX).any(|at| {
        let id = rest.get(at..).unwrap_or_default();
        let of = |prefix: &[u8], last: &[u8]| {
            let id = id.strip_prefix(&[6, prefix.len() as u8 + 1]).unwrap_or_default();
            let number = id.strip_prefix(prefix).and_then(<[u8]>::first);
            number.is_some_and(|number| last.contains(number))
        };
        of(PKCS_7, &[SIGNED, ENVELOPED, ENCRYPTED]) || of(CONTENT, &[AUTHENTICATED_ENVELOPED])
    })
}

pub(super) fn open(bytes: &[u8]) -> Cms {
    let mut found = None;
    // What follows the content, certificates and signatures, is not read, so that no end
    // is ever reached.
    let _ = Mode::Ber.decode(bytes.into_source(), |whole| {
        whole.take_sequence(|info| content_info(info, &mut found))
    });
    found.unwrap_or(Cms::Damaged)
}

/// RFC 5652 section 3.
fn content_info<S: Source>(
    info: &mut Constructed<'_, S>,
    found: &mut Option<Cms>,
) -> Result<(), DecodeError<S::Error>> {
    let id: Oid = Oid::take_from(info)?;
    if id.as_ref().strip_prefix(PKCS_7) != Some(&[SIGNED]) {
        *found = Some(Cms::Encrypted);
        return Ok(());
    }
    info.take_constructed_if(Tag::CTX_0, |content| {
        content.take_sequence(|data| {
            *found = Some(signed_data(data)?);
            Ok(())
        })
    })
}

/// RFC 5652 section 5.1, as far as what is signed.
fn signed_data<S: Source>(data: &mut Constructed<'_, S>) -> Result<Cms, DecodeError<S::Error>> {
    let _version = data.take_u8()?;
    data.take_set(|algorithms| algorithms.skip_all())?;
    let content = data.take_sequence(|encapsulated| {
        let _id: Oid = Oid::take_from(encapsulated)?;
        encapsulated.take_opt_constructed_if(Tag::CTX_0, OctetString::take_from)
    })?;
    Ok(content.map_or(Cms::Signature, |content| Cms::Signed(content.to_bytes().to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/tests/fixtures/smime/{name}", env!("CARGO_MANIFEST_DIR")))
            .unwrap()
    }

    #[test]
    fn what_is_signed_is_read_and_what_is_encrypted_told() {
        for name in ["opaque.p7m", "opaque-ber.p7m"] {
            let Cms::Signed(inner) = open(&fixture(name)) else { panic!("{name}") };
            assert!(inner.starts_with(b"Content-Type: multipart/mixed"), "{name}");
            assert!(inner.ends_with(b"--q--\r\n"), "{name}");
        }
        assert_eq!(open(&fixture("detached.p7s")), Cms::Signature);
        for name in ["enveloped.p7m", "authenveloped.p7m"] {
            assert_eq!(open(&fixture(name)), Cms::Encrypted, "{name}");
        }
        let whole = fixture("opaque.p7m");
        assert_eq!(open(&whole[..whole.len() / 5]), Cms::Damaged);
    }

    #[test]
    fn it_is_known_by_its_beginning() {
        for name in
            ["opaque.p7m", "opaque-ber.p7m", "detached.p7s", "enveloped.p7m", "authenveloped.p7m"]
        {
            assert!(is_one(&fixture(name)), "{name}");
        }
        for bytes in
            [&b""[..], b"0", b"0\x80\x06\x09\x2A\x86", b"0 of 9 are here", b"\x30\x03\x02\x01\x03"]
        {
            assert!(!is_one(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn signed_mail_is_read_and_its_signature_is_no_gap() {
        let mail = |content_type: &str, bytes: &[u8]| {
            use base64::Engine as _;
            let coded = base64::prelude::BASE64_STANDARD.encode(bytes);
            let head = format!(
                "From: ann@example.com\r\nContent-Type: {content_type}\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\n"
            );
            crate::extract::parse_message(format!("{head}{coded}\r\n").as_bytes())
        };
        let signed = mail("application/pkcs7-mime; name=smime.p7m", &fixture("opaque.p7m"));
        let words: String = signed.attachments.iter().filter_map(|it| it.text.clone()).collect();
        assert!(words.contains("The heron signs.") && words.contains("an attached egret"));
        assert!(signed.gaps.is_empty(), "{:?}", signed.gaps);
        let detached =
            mail("application/pkcs7-signature; name=smime.p7s", &fixture("detached.p7s"));
        assert!(detached.gaps.is_empty(), "{:?}", detached.gaps);
        let closed = mail("application/pkcs7-mime; name=smime.p7m", &fixture("enveloped.p7m"));
        let reasons: Vec<_> = closed.gaps.iter().map(|gap| gap.reason).collect();
        assert_eq!(reasons, [crate::extract::Reason::Encrypted]);
    }
}
