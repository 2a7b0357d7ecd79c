//! Checkpoints as in c2sp.org/tlog-checkpoint: which log, how many leaves,
//! which root. Signing and opening is `note`'s.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::note::{self, NoteError, Signer, Verifier};
use crate::base::hash::Digest;

/// A log's head at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity; also the name of its key.
    pub origin: String,
    pub size: u64,
    pub root: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("read checkpoint: {0}")]
    Malformed(&'static str),
    #[error("read checkpoint: it is of the log {found}, not of {expected}")]
    Origin { expected: String, found: String },
}

impl Checkpoint {
    /// The note's text.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.0))
    }

    /// Accepts extension lines, as it must, and does not keep them.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let malformed = |what| Err(CheckpointError::Malformed(what));
        let Some(body) = text.strip_suffix('\n') else {
            return malformed("it does not end in a newline");
        };
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return malformed("it has fewer than three lines");
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return malformed("it has an empty line");
        }
        let is_decimal =
            size.bytes().all(|b| b.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        let Some(size) = size.parse().ok().filter(|_| is_decimal) else {
            return malformed("its size is no plain decimal number");
        };
        let root = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        let Some(root) = root.map(Digest) else {
            return malformed("its root is not the base64 of 32 bytes");
        };
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// # Errors
    /// Where the origin is no name that a key can have.
    pub fn sign(&self, signer: &Signer) -> Result<String, NoteError> {
        note::sign(&self.text(), &[signer])
    }

    /// Opens a checkpoint that `log` signed for itself.
    pub fn open(note: &[u8], log: &Verifier) -> Result<Self, CheckpointError> {
        let note = note::open(note, std::slice::from_ref(log))?;
        let checkpoint = Self::parse(&note.text)?;
        if checkpoint.origin != log.name() {
            return Err(CheckpointError::Origin {
                expected: log.name().to_owned(),
                found: checkpoint.origin,
            });
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOLDEN: &str = include_str!("../../tests/fixtures/ledger/checkpoint.txt");

    fn signer() -> Signer {
        Signer::from_seed("muniment.example/log", &[7; 32]).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: "muniment.example/log".into(),
            size: 70_000,
            root: Digest::of(b"root"),
        }
    }

    #[test]
    fn golden_checkpoint() {
        assert_eq!(checkpoint().sign(&signer()).unwrap(), GOLDEN);
        assert_eq!(Checkpoint::open(GOLDEN.as_bytes(), signer().verifier()), Ok(checkpoint()));
    }

    #[test]
    fn the_example_of_the_specification_parses() {
        let text = "example.com/behind-the-sofa\n20852163\n\
                    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let parsed = Checkpoint::parse(text).unwrap();
        assert_eq!((parsed.size, parsed.text().as_str()), (20_852_163, text));
        assert_eq!(Checkpoint::parse(&format!("{text}an extension\n")), Ok(parsed));
    }

    #[test]
    fn another_logs_checkpoint_is_refused_even_if_our_key_signed_it() {
        let other = Checkpoint { origin: "elsewhere.example".into(), ..checkpoint() };
        let note = other.sign(&signer()).unwrap();
        let refused = Checkpoint::open(note.as_bytes(), signer().verifier()).unwrap_err();
        assert!(matches!(refused, CheckpointError::Origin { .. }));
    }

    #[test]
    fn malformed_checkpoints() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        for text in [
            String::new(),
            "\n".into(),
            format!("a\n1\n{root}"),
            format!("\n1\n{root}\n"),
            format!("a\n01\n{root}\n"),
            format!("a\n+1\n{root}\n"),
            format!("a\n-1\n{root}\n"),
            format!("a\n\n{root}\n"),
            format!("a\n18446744073709551616\n{root}\n"),
            format!("a\n1\n{root}\n\n"),
            "a\n1\n".into(),
            "a\n1\nAAAA\n".into(),
            format!("a\n1\n{}\n", root.trim_end_matches('=')),
        ] {
            assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_parses_or_fails(text in "(\\PC|\n)*") {
            if let Ok(parsed) = Checkpoint::parse(&text) {
                prop_assert!(text.starts_with(&parsed.text()));
            }
        }
    }
}
