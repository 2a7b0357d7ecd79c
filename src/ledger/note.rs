//! Signed notes as in c2sp.org/signed-note, with Ed25519 (type 0x01): text, an
//! empty line, and signature lines. Keys come in as bytes; where they are kept
//! is the vault's business.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::base::hash::Hasher;
use crate::base::limits::NOTE_BYTES_MAX;

const ED25519: u8 = 0x01;
const DASH: &str = "\u{2014} ";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("open signed note: {0}")]
    Malformed(&'static str),
    #[error(
        "open signed note: the signature by {0} does not fit the text; one of them was changed"
    )]
    BadSignature(String),
    #[error("open signed note: it is signed by {found}, not by the expected key {expected}")]
    UnknownKey { expected: String, found: String },
    #[error(
        "a log's public key reads `name+8 hex digits+base64`, as `init` printed it; this does not: {0}"
    )]
    Key(&'static str),
}

/// A private key with the name that it signs under.
pub struct Signer {
    key: SigningKey,
    verifier: Verifier,
}

impl Signer {
    /// # Errors
    /// Where `name` is empty or holds spaces, `+` or control characters.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = Verifier::new(name, key.verifying_key())?;
        Ok(Self { key, verifier })
    }

    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The signature line for `text`, newline and all.
    fn line(&self, text: &str) -> String {
        let mut signature = self.verifier.id.to_vec();
        signature.extend(self.key.sign(text.as_bytes()).to_bytes());
        format!("{DASH}{} {}\n", self.verifier.name, STANDARD.encode(signature))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier)
    }
}

/// A public key with the name that it signs under. Text form:
/// `name+id+base64(type ‖ key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl Verifier {
    fn new(name: &str, key: VerifyingKey) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Key("the name is empty or holds a space, `+` or control"));
        }
        // key ID = SHA-256(key name ‖ 0x0A ‖ signature type ‖ public key)[:4]
        let mut hasher = Hasher::new();
        hasher.update(name.as_bytes());
        hasher.update(&[b'\n', ED25519]);
        hasher.update(key.as_bytes());
        let [a, b, c, d, ..] = hasher.finish().0;
        Ok(Self { name: name.to_owned(), id: [a, b, c, d], key })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    fn label(&self) -> String {
        label(&self.name, self.id)
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519];
        key.extend(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id), STANDARD.encode(key))
    }
}

impl FromStr for Verifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut fields = text.trim_end_matches(['\r', '\n']).splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(NoteError::Key("it has no three fields"));
        };
        let key = STANDARD.decode(key).map_err(|_| NoteError::Key("its key is not base64"))?;
        let Some((&ED25519, key)) = key.split_first() else {
            return Err(NoteError::Key("its key is not of the type Ed25519"));
        };
        let key: &[u8; 32] =
            key.try_into().map_err(|_| NoteError::Key("its key is not 32 bytes long"))?;
        let key = VerifyingKey::from_bytes(key)
            .map_err(|_| NoteError::Key("its key is no point of the curve"))?;
        let verifier = Self::new(name, key)?;
        if hex::encode(verifier.id) != id {
            return Err(NoteError::Key("its id does not fit its name and key"));
        }
        Ok(verifier)
    }
}

/// A note whose signatures by known keys have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// With its final newline.
    pub text: String,
    /// Names of the known keys that signed it; never empty.
    pub signed_by: Vec<String>,
}

/// Signs `text`, which ends in a newline and holds no other control character.
pub fn sign(text: &str, signers: &[&Signer]) -> Result<String, NoteError> {
    check_text(text)?;
    let mut note = format!("{text}\n");
    note.extend(signers.iter().map(|signer| signer.line(text)));
    Ok(note)
}

/// Opens a note: at least one signature is by a key of `known`, and every one
/// that names a key of `known` is valid. Others' signatures are ignored.
pub fn open(note: &[u8], known: &[Verifier]) -> Result<Note, NoteError> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(NoteError::Malformed("it is longer than any that is written"));
    }
    let note = std::str::from_utf8(note).map_err(|_| NoteError::Malformed("it is not UTF-8"))?;
    let split = note.rfind("\n\n").ok_or(NoteError::Malformed("it has no empty line"))?;
    let (text, signatures) = (&note[..=split], &note[split + 2..]);
    check_text(text)?;
    let lines = signatures
        .strip_suffix('\n')
        .ok_or(NoteError::Malformed("its last line has no newline"))?
        .split('\n');

    let (mut signed_by, mut others) = (Vec::new(), Vec::new());
    for line in lines {
        let (name, id, signature) = parse_line(line)?;
        let Some(verifier) = known.iter().find(|key| key.name == name && key.id == id) else {
            others.push(label(name, id));
            continue;
        };
        Signature::from_slice(&signature)
            .and_then(|signature| verifier.key.verify_strict(text.as_bytes(), &signature))
            .map_err(|_| NoteError::BadSignature(verifier.label()))?;
        if !signed_by.contains(&verifier.name) {
            signed_by.push(verifier.name.clone());
        }
    }
    if signed_by.is_empty() {
        let expected: Vec<_> = known.iter().map(Verifier::label).collect();
        return Err(NoteError::UnknownKey {
            expected: expected.join(", "),
            found: others.join(", "),
        });
    }
    Ok(Note { text: text.to_owned(), signed_by })
}

fn parse_line(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), NoteError> {
    let malformed = NoteError::Malformed("a signature line is not `\u{2014} name base64`");
    let (name, signature) = line
        .strip_prefix(DASH)
        .and_then(|rest| rest.split_once(' '))
        .filter(|(name, _)| is_name(name))
        .ok_or(malformed.clone())?;
    let signature = STANDARD.decode(signature).map_err(|_| malformed.clone())?;
    match signature.split_first_chunk() {
        Some((id, signature)) if !signature.is_empty() => Ok((name, *id, signature.to_vec())),
        _ => Err(malformed),
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("its text does not end in a newline"));
    }
    if text.chars().any(|c| c < ' ' && c != '\n') {
        return Err(NoteError::Malformed("its text holds control characters"));
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c < ' ' || c == '+')
}

fn label(name: &str, id: [u8; 4]) -> String {
    format!("{name}+{}", hex::encode(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of Go's golang.org/x/mod/sumdb/note.
    const KNOWN_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const KNOWN_SEED: &str = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=";
    const KNOWN_NOTE: &str = include_str!("../../tests/fixtures/ledger/note.txt");

    fn signer(name: &str, seed: u8) -> Signer {
        Signer::from_seed(name, &[seed; 32]).unwrap()
    }

    #[test]
    fn the_known_note_opens_and_is_made_again() {
        let key: Verifier = KNOWN_KEY.parse().unwrap();
        assert_eq!(key.to_string(), KNOWN_KEY);
        let note = open(KNOWN_NOTE.as_bytes(), std::slice::from_ref(&key)).unwrap();
        assert!(note.text.starts_with("If you think cryptography"));
        assert_eq!(note.signed_by, ["PeterNeumann"]);
        let seed = STANDARD.decode(KNOWN_SEED).unwrap().try_into().unwrap();
        let signer = Signer::from_seed("PeterNeumann", &seed).unwrap();
        assert_eq!(signer.verifier(), &key);
        assert_eq!(sign(&note.text, &[&signer]).unwrap(), KNOWN_NOTE);
    }

    #[test]
    fn any_changed_byte_is_refused() {
        let key: Verifier = KNOWN_KEY.parse().unwrap();
        for at in 0..KNOWN_NOTE.len() {
            let mut changed = KNOWN_NOTE.as_bytes().to_vec();
            changed[at] ^= 1;
            assert!(open(&changed, std::slice::from_ref(&key)).is_err(), "byte {at}");
        }
        for end in 0..KNOWN_NOTE.len() {
            let cut = &KNOWN_NOTE.as_bytes()[..end];
            assert!(open(cut, std::slice::from_ref(&key)).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn unknown_signatures_are_ignored_and_known_ones_must_hold() {
        let (ours, witness) = (signer("log.example/a", 1), signer("witness.example", 2));
        let note = sign("text\n\nmore\n", &[&witness, &ours]).unwrap();
        let open_with = |keys: &[&Signer]| {
            let keys: Vec<_> = keys.iter().map(|signer| signer.verifier().clone()).collect();
            open(note.as_bytes(), &keys)
        };
        assert_eq!(open_with(&[&ours]).unwrap().text, "text\n\nmore\n");
        assert_eq!(open_with(&[&ours, &witness]).unwrap().signed_by.len(), 2);
        // The same name with another key is another key.
        let namesake = signer("log.example/a", 3);
        let refused = open_with(&[&namesake]).unwrap_err();
        assert!(matches!(refused, NoteError::UnknownKey { .. }), "{refused}");
        assert!(refused.to_string().contains("log.example/a+"), "{refused}");
    }

    #[test]
    fn a_false_signature_by_a_known_key_spoils_the_note() {
        let (ours, witness) = (signer("log.example/a", 1), signer("witness.example", 2));
        let good = sign("text\n", &[&ours]).unwrap();
        let note = format!("{good}{}", witness.line("other text\n"));
        let keys = [ours.verifier().clone(), witness.verifier().clone()];
        assert_eq!(
            open(note.as_bytes(), &keys),
            Err(NoteError::BadSignature(witness.verifier().label()))
        );
        assert!(open(note.as_bytes(), &keys[..1]).is_ok());
    }

    #[test]
    fn malformed_notes() {
        let key: Verifier = KNOWN_KEY.parse().unwrap();
        let line = KNOWN_NOTE.lines().last().unwrap();
        for text in [
            "".to_owned(),
            "\n\n".to_owned(),
            "text\n".to_owned(),
            format!("text\n{line}\n"),
            format!("text\n\n{line}"),
            format!("text\n\n{line}\n\n"),
            format!("te\txt\n\n{line}\n"),
            format!("text\r\n\r\n{line}\n"),
            "text\n\n\u{2014} a b c\n".to_owned(),
            "text\n\n\u{2014} a  AAAAAAAA\n".to_owned(),
            "text\n\n\u{2014} a+b AAAAAAAA\n".to_owned(),
            "text\n\n\u{2014} a AAAA\n".to_owned(),
            "text\n\n- a AAAAAAAA\n".to_owned(),
            format!("{}\n\n{line}\n", "x".repeat(NOTE_BYTES_MAX)),
        ] {
            let refused = open(text.as_bytes(), std::slice::from_ref(&key));
            assert!(matches!(refused, Err(NoteError::Malformed(_))), "{text:?}: {refused:?}");
        }
        assert!(sign("no newline", &[]).is_err());
        assert!(sign("bell\x07\n", &[]).is_err());
    }

    #[test]
    fn malformed_keys() {
        for text in [
            "",
            "PeterNeumann",
            "PeterNeumann+c74f20a3",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNewmann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq",
            "PeterNeumann+c74f20a3+AQ==",
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ] {
            assert!(matches!(text.parse::<Verifier>(), Err(NoteError::Key(_))), "{text}");
        }
        assert!(Signer::from_seed("a b", &[0; 32]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_open_or_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let key: Verifier = KNOWN_KEY.parse().unwrap();
            prop_assert!(open(&bytes, &[key]).is_err());
        }

        #[test]
        fn any_text_parses_as_key_or_fails(text in "\\PC*\\+[0-9a-f]{8}\\+[A-Za-z0-9+/=]*") {
            let _ = text.parse::<Verifier>();
        }
    }
}
