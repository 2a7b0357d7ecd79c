//! Time stamps (RFC 3161): that an authority outside saw a checkpoint, and when. What
//! is stamped is the SHA-256 of the signed note, so that any program can check it:
//! `openssl ts -verify -data checkpoint -in stamp.tsr -CAfile authorities.pem`.
//!
//! Who the authority is, its certificate says (RFC 5280), checked by `webpki` as of the
//! time in the stamp; what it signs is CMS (RFC 5652). Revocation is not asked for.

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime, pem::PemObject};
use sha2::{Sha256, Sha384, Sha512};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::der::{self, Der, Malformed};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::limits::STAMP_BYTES_MAX;

const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA_384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA_512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const TIME_STAMP_TOKEN: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
/// The purpose that the authority's certificate must have (RFC 3161 section 2.3).
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

const CERTIFICATES: u8 = 0xa0;
const REVOCATIONS: u8 = 0xa1;
const SIGNED_ATTRIBUTES: u8 = 0xa0;
const EXPLICIT: u8 = 0xa0;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    #[error("the authority refused, with status {status}{}", words(.text))]
    Refused { status: u8, text: String },
    #[error("read time stamp: its {0} is not valid")]
    Malformed(&'static str),
    #[error("read time stamp: its hash is not SHA-256")]
    Algorithm,
    #[error("the time stamp is of something else")]
    Imprint,
    #[error("the time stamp answers another request")]
    Nonce,
    #[error("what the time stamp signs is not what it says")]
    Content,
    #[error("none of the time stamp's certificates made its signature")]
    Signature,
    #[error("the time stamp is not signed by an authority that is trusted: {0}")]
    Untrusted(String),
    #[error("the file of authorities holds no certificate that can be read")]
    Authorities,
}

fn words(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

impl From<Malformed> for StampError {
    fn from(Malformed(what): Malformed) -> Self {
        Self::Malformed(what)
    }
}

/// A request for a stamp (RFC 3161 section 2.4.1), with the authority's certificate in
/// the answer.
pub fn request(imprint: &Digest, nonce: [u8; 8]) -> Vec<u8> {
    let algorithm = [der::element(der::OID, SHA_256), der::element(der::NULL, &[])].concat();
    let imprint =
        [der::element(der::SEQUENCE, &algorithm), der::element(der::OCTETS, imprint.as_bytes())];
    let parts = [
        der::element(der::INTEGER, &[1]),
        der::element(der::SEQUENCE, &imprint.concat()),
        der::element(der::INTEGER, &positive(nonce)),
        der::element(der::BOOLEAN, &[0xff]),
    ];
    der::element(der::SEQUENCE, &parts.concat())
}

/// Above zero in eight bytes, whatever it was: one way to write each number.
fn positive(nonce: [u8; 8]) -> [u8; 8] {
    let mut bytes = nonce;
    bytes[0] = bytes[0] & 0x3f | 0x40;
    bytes
}

/// Who may stamp: roots from a file.
pub struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    pub fn from_pem(pem: &[u8]) -> Result<Self, StampError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|_| StampError::Authorities)?;
        let are_anchors = found.iter().all(|it| anchor_from_trusted_cert(it).is_ok());
        match !found.is_empty() && are_anchors {
            true => Ok(Self(found)),
            false => Err(StampError::Authorities),
        }
    }

    fn anchors(&self) -> Vec<TrustAnchor<'_>> {
        self.0.iter().filter_map(|it| anchor_from_trusted_cert(it).ok()).collect()
    }
}

/// An answer that grants a stamp. Whether its signature holds, [`Self::verify`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When, as the authority says.
    pub at: Timestamp,
    pub imprint: Digest,
    nonce: Vec<u8>,
    certificates: Vec<Vec<u8>>,
    /// As a set in DER: what the signature is over.
    attributes: Vec<u8>,
    signature: Vec<u8>,
}

impl Stamp {
    /// Reads an answer (RFC 3161 section 2.4.2).
    pub fn read(answer: &[u8]) -> Result<Self, StampError> {
        if answer.len() > STAMP_BYTES_MAX {
            return Err(StampError::Malformed("length"));
        }
        let mut answer = Der(answer);
        let mut parts = answer.take(der::SEQUENCE, "answer")?.inside();
        if !answer.is_empty() {
            return Err(StampError::Malformed("end"));
        }
        check_status(parts.take(der::SEQUENCE, "status")?.inside())?;
        let mut token = parts.take(der::SEQUENCE, "token")?.inside();
        if token.take(der::OID, "type")?.content != SIGNED_DATA {
            return Err(StampError::Malformed("type"));
        }
        let mut data = token.take(EXPLICIT, "token")?.inside();
        read_signed(data.take(der::SEQUENCE, "signed data")?.inside())
    }

    /// Whether it is of these bytes.
    pub fn is_of(&self, stamped: &[u8]) -> Result<(), StampError> {
        if self.imprint == Digest::of(stamped) { Ok(()) } else { Err(StampError::Imprint) }
    }

    /// Whether it answers the request that had this nonce.
    pub fn answers(&self, nonce: [u8; 8]) -> Result<(), StampError> {
        if self.nonce == positive(nonce) { Ok(()) } else { Err(StampError::Nonce) }
    }

    /// Whether one of `authorities` stands for who signed it, for this purpose and at
    /// the time that it says.
    pub fn verify(&self, authorities: &Authorities) -> Result<(), StampError> {
        let certificates = self.certificates();
        let signer = self.signer(&certificates)?;
        let seconds = u64::try_from(self.at.seconds()).unwrap_or_default();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let (anchors, usage) = (authorities.anchors(), KeyUsage::required(TIME_STAMPING));
        signer
            .verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, &certificates, at, usage, None, None)
            .map(|_| ())
            .map_err(|error| StampError::Untrusted(error.to_string()))
    }

    /// Whether one of the certificates in it made its signature: all that can be said
    /// where nobody is trusted.
    pub fn verify_alone(&self) -> Result<(), StampError> {
        self.signer(&self.certificates()).map(|_| ())
    }

    fn certificates(&self) -> Vec<CertificateDer<'_>> {
        self.certificates.iter().map(|it| CertificateDer::from(&it[..])).collect()
    }

    fn signer<'a>(
        &self,
        certificates: &'a [CertificateDer<'a>],
    ) -> Result<EndEntityCert<'a>, StampError> {
        let mut parsed = certificates.iter().filter_map(|it| EndEntityCert::try_from(it).ok());
        parsed.find(|it| self.is_signed_by(it)).ok_or(StampError::Signature)
    }

    fn is_signed_by(&self, certificate: &EndEntityCert<'_>) -> bool {
        ALL_VERIFICATION_ALGS.iter().any(|algorithm| {
            certificate.verify_signature(*algorithm, &self.attributes, &self.signature).is_ok()
        })
    }
}

/// Granted, with changes or without (RFC 3161 section 2.4.2).
fn check_status(mut status: Der<'_>) -> Result<(), StampError> {
    let number = match status.take(der::INTEGER, "status")?.content {
        [number] => *number,
        _ => return Err(StampError::Malformed("status")),
    };
    if number <= 1 {
        return Ok(());
    }
    let mut text = String::new();
    if let Some(texts) = status.take_if(der::SEQUENCE, "status")? {
        let mut texts = texts.inside();
        while !texts.is_empty() {
            let said = String::from_utf8_lossy(texts.next("status")?.content).into_owned();
            let said = said.chars().filter(|c| !c.is_control()).take(200);
            text.extend(said);
        }
    }
    Err(StampError::Refused { status: number, text })
}

/// SignedData of RFC 5652 section 5.1 with one signer.
fn read_signed(mut data: Der<'_>) -> Result<Stamp, StampError> {
    data.take(der::INTEGER, "version")?;
    data.take(der::SET, "hashes")?;
    let mut content = data.take(der::SEQUENCE, "content")?.inside();
    if content.take(der::OID, "content")?.content != TIME_STAMP_TOKEN {
        return Err(StampError::Malformed("content"));
    }
    let info = content.take(EXPLICIT, "content")?.inside().take(der::OCTETS, "content")?.content;
    let mut certificates = Vec::new();
    if let Some(found) = data.take_if(CERTIFICATES, "certificates")? {
        let mut found = found.inside();
        while !found.is_empty() {
            certificates.push(found.next("certificates")?.whole.to_vec());
        }
    }
    data.take_if(REVOCATIONS, "revocations")?;
    let mut signers = data.take(der::SET, "signer")?.inside();
    let signer = signers.take(der::SEQUENCE, "signer")?.inside();
    if !signers.is_empty() {
        return Err(StampError::Malformed("number of signers"));
    }
    let (attributes, signature) = read_signer(signer, info)?;
    let stamp = read_info(info)?;
    Ok(Stamp { certificates, attributes, signature, ..stamp })
}

/// The attributes that are signed, which must be of `info`, and the signature.
fn read_signer(mut signer: Der<'_>, info: &[u8]) -> Result<(Vec<u8>, Vec<u8>), StampError> {
    signer.take(der::INTEGER, "signer's version")?;
    signer.next("signer's name")?;
    let hash = signer.take(der::SEQUENCE, "signer's hash")?.inside().take(der::OID, "hash")?;
    let attributes = signer.take(SIGNED_ATTRIBUTES, "signed attributes")?;
    signer.take(der::SEQUENCE, "signer's algorithm")?;
    let signature = signer.take(der::OCTETS, "signature")?.content.to_vec();
    let (mut is_typed, mut is_hashed) = (false, false);
    let mut rest = attributes.inside();
    while !rest.is_empty() {
        let mut attribute = rest.take(der::SEQUENCE, "attribute")?.inside();
        let kind = attribute.take(der::OID, "attribute")?.content;
        let mut value = attribute.take(der::SET, "attribute")?.inside();
        match kind {
            CONTENT_TYPE => is_typed = value.take(der::OID, "type")?.content == TIME_STAMP_TOKEN,
            MESSAGE_DIGEST => {
                let found = value.take(der::OCTETS, "digest")?.content;
                is_hashed = found == digest(hash.content, info)?;
            }
            _ => {}
        }
    }
    if !is_typed || !is_hashed {
        return Err(StampError::Content);
    }
    // RFC 5652 section 5.4: what is signed has the tag of a set, not the context's.
    let mut signed = attributes.whole.to_vec();
    signed[0] = der::SET;
    Ok((signed, signature))
}

fn digest(algorithm: &[u8], bytes: &[u8]) -> Result<Vec<u8>, StampError> {
    use sha2::Digest as _;
    Ok(match algorithm {
        SHA_256 => Sha256::digest(bytes).to_vec(),
        SHA_384 => Sha384::digest(bytes).to_vec(),
        SHA_512 => Sha512::digest(bytes).to_vec(),
        _ => return Err(StampError::Malformed("signer's hash")),
    })
}

/// TSTInfo of RFC 3161 section 2.4.2.
fn read_info(info: &[u8]) -> Result<Stamp, StampError> {
    let mut info = Der(info).take(der::SEQUENCE, "information")?.inside();
    info.take(der::INTEGER, "version")?;
    info.take(der::OID, "policy")?;
    let mut imprint = info.take(der::SEQUENCE, "imprint")?.inside();
    let mut algorithm = imprint.take(der::SEQUENCE, "imprint")?.inside();
    if algorithm.take(der::OID, "imprint")?.content != SHA_256 {
        return Err(StampError::Algorithm);
    }
    let imprint = imprint.take(der::OCTETS, "imprint")?.content;
    let imprint = Digest(imprint.try_into().map_err(|_| StampError::Malformed("imprint"))?);
    info.take(der::INTEGER, "serial number")?;
    let at = time(info.take(der::TIME, "time")?.content).ok_or(StampError::Malformed("time"))?;
    info.take_if(der::SEQUENCE, "accuracy")?;
    info.take_if(der::BOOLEAN, "ordering")?;
    let nonce = info.take_if(der::INTEGER, "nonce")?;
    let nonce = nonce.map(|nonce| nonce.content.to_vec()).unwrap_or_default();
    let (certificates, attributes, signature) = (Vec::new(), Vec::new(), Vec::new());
    Ok(Stamp { at, imprint, nonce, certificates, attributes, signature })
}

/// `YYYYMMDDHHMMSS[.f]Z`, UTC.
fn time(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, _fraction) = text.split_once('.').unwrap_or((text, ""));
    let at = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", whole).ok()?;
    let at = jiff::tz::TimeZone::UTC.to_timestamp(at).ok()?;
    (whole.len() == 14).then(|| Timestamp::from_seconds(at.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Made by `openssl ts`: what was stamped, the answer, and the authority.
    const STAMPED: &[u8] = include_bytes!("../../tests/fixtures/stamp/checkpoint");
    const ANSWER: &[u8] = include_bytes!("../../tests/fixtures/stamp/checkpoint.tsr");
    const AUTHORITY: &[u8] = include_bytes!("../../tests/fixtures/stamp/authority.pem");
    const OTHER: &[u8] = include_bytes!("../../tests/fixtures/stamp/other.pem");
    const NONCE: [u8; 8] = [0x41, 2, 3, 4, 5, 6, 7, 8];

    #[test]
    fn a_request_is_what_openssl_makes() {
        let made = request(&Digest::of(STAMPED), NONCE);
        assert_eq!(made.len(), 69);
        let known = include_bytes!("../../tests/fixtures/stamp/checkpoint.tsq");
        assert_eq!(made, known);
        assert_eq!(positive([0xff; 8])[0], 0x7f, "never below zero");
        assert_eq!(positive([0; 8])[0], 0x40, "never with a zero before it");
    }

    #[test]
    fn an_answer_is_checked_in_each_part() {
        let stamp = Stamp::read(ANSWER).unwrap();
        stamp.is_of(STAMPED).unwrap();
        stamp.answers(NONCE).unwrap();
        stamp.verify(&Authorities::from_pem(AUTHORITY).unwrap()).unwrap();

        let mut tampered = STAMPED.to_vec();
        tampered[3] ^= 1;
        assert_eq!(stamp.is_of(&tampered), Err(StampError::Imprint));
        assert_eq!(stamp.answers([9; 8]), Err(StampError::Nonce));
        let other = stamp.verify(&Authorities::from_pem(OTHER).unwrap());
        assert!(matches!(other, Err(StampError::Untrusted(_))), "{other:?}");
        let late = Stamp { at: Timestamp::from_seconds(9_999_999_999), ..stamp };
        let late = late.verify(&Authorities::from_pem(AUTHORITY).unwrap());
        assert!(matches!(late, Err(StampError::Untrusted(_))), "{late:?}");
        assert!(Authorities::from_pem(b"nothing").is_err());
    }

    /// Whatever bit of an answer is changed: it is refused, or says the same.
    #[test]
    fn a_changed_answer_is_refused() {
        let authorities = Authorities::from_pem(AUTHORITY).unwrap();
        let stamp = Stamp::read(ANSWER).unwrap();
        for at in 0..ANSWER.len() {
            let mut changed = ANSWER.to_vec();
            changed[at] ^= 1 << (at % 8);
            let Ok(read) = Stamp::read(&changed) else { continue };
            if read.verify(&authorities).is_ok() {
                assert_eq!((read.at, read.imprint), (stamp.at, stamp.imprint), "byte {at}");
            }
        }
        for end in 0..ANSWER.len() {
            assert!(Stamp::read(&ANSWER[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_refusal_says_why() {
        // Status 2, `bad`.
        let refused = [0x30, 10, 0x30, 8, 0x02, 1, 2, 0x30, 3, 0x0c, 1, b'x'];
        let error = Stamp::read(&refused).unwrap_err();
        assert_eq!(error.to_string(), "the authority refused, with status 2: x");
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(bytes: Vec<u8>) {
            let _ = Stamp::read(&bytes);
        }
    }
}
