//! Copies of the master key that leave the machine: under a passphrase, or to the
//! keys of those who hold it in escrow. They are files of age
//! (<https://age-encryption.org/v1>), so that its program opens them too.

use std::io::{Read as _, Write as _};
use std::iter;
use std::sync::Arc;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor};
use zeroize::Zeroizing;

use super::keys::random;
use super::master::MasterKey;
use crate::base::limits;

/// The work of scrypt (2^n) for a passphrase that somebody thought of; as the
/// stock program's.
const CHOSEN_WORK: u8 = 18;
/// For 125 random bits, which nobody guesses however cheap a guess is.
const GENERATED_WORK: u8 = 12;
/// Of a copy that is opened, wherever it was made: 4 GiB of memory, as the stock
/// program allows.
const WORK_MAX: u8 = 22;
const PASSPHRASE_CHARS_MIN: usize = 12;

#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("it is no file of age, or damaged")]
    NotACopy,
    #[error("the passphrase is not the one of this copy")]
    WrongPassphrase,
    #[error("it is under a passphrase; give it with --recovery")]
    IsRecovery,
    #[error("it is for holders of keys; give it with --escrow, and --identity")]
    IsEscrow,
    #[error("the identity is none of those that it is for")]
    WrongIdentity,
    #[error("the identity {0}")]
    Identity(&'static str),
    #[error("it opens, but is no master key: {0}")]
    NoMaster(&'static str),
    #[error("it could not be made: {0}")]
    Seal(age::EncryptError),
}

/// What a copy is opened with that somebody knows.
pub struct Passphrase {
    secret: SecretString,
    work: u8,
}

impl Passphrase {
    /// 125 random bits as letters and digits that are not taken for each other;
    /// the text is for who keeps it.
    pub fn generate() -> (Self, String) {
        const LETTERS: &[u8; 32] = b"23456789abcdefghjkmnpqrstuvwxyz!";
        let letters = LETTERS.map(|letter| if letter == b'!' { b'0' } else { letter });
        let bytes: [u8; 25] = random();
        let text: Vec<u8> = bytes.iter().map(|byte| letters[usize::from(byte % 32)]).collect();
        let groups: Vec<_> = text.chunks(5).map(String::from_utf8_lossy).collect();
        let text = groups.join("-");
        (Self { secret: SecretString::from(text.clone()), work: GENERATED_WORK }, text)
    }

    /// One to seal with.
    pub fn chosen(text: String) -> Result<Self, String> {
        if text.chars().count() < PASSPHRASE_CHARS_MIN {
            return Err(format!(
                "the passphrase is too short for a master key; give at least \
                 {PASSPHRASE_CHARS_MIN} characters, or none and have one made"
            ));
        }
        Ok(Self::of(text))
    }

    /// One to open with.
    pub fn of(text: String) -> Self {
        Self { secret: SecretString::from(text), work: CHOSEN_WORK }
    }
}

/// Somebody who can open a copy.
pub struct Recipient {
    /// Its public key, without a comment.
    pub text: String,
    key: Box<dyn age::Recipient + Send + Sync>,
}

impl std::str::FromStr for Recipient {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(key) = text.parse::<age::x25519::Recipient>() {
            return Ok(Self { text: key.to_string(), key: Box::new(key) });
        }
        if let Ok(key) = text.parse::<age::ssh::Recipient>() {
            return Ok(Self { text: key.to_string(), key: Box::new(key) });
        }
        let is_private =
            text.to_ascii_uppercase().contains("SECRET-KEY") || text.contains("PRIVATE KEY");
        Err(match is_private {
            true => "it is a private key; give the public one, which begins with age1".into(),
            false => format!(
                "{:?} is no recipient; give a public key as age1…, ssh-ed25519 … or ssh-rsa …",
                text.chars().take(70).collect::<String>()
            ),
        })
    }
}

/// A master key under a passphrase, with notes in it for who finds it.
pub fn seal(
    master: &MasterKey,
    notes: &[String],
    passphrase: &Passphrase,
) -> Result<String, CopyError> {
    let mut recipient = age::scrypt::Recipient::new(passphrase.secret.clone());
    recipient.set_work_factor(passphrase.work);
    encrypt(master, notes, iter::once(&recipient as &dyn age::Recipient))
}

/// A master key that each of the recipients can open.
pub fn seal_to(
    master: &MasterKey,
    notes: &[String],
    recipients: &[Recipient],
) -> Result<String, CopyError> {
    encrypt(master, notes, recipients.iter().map(|it| &*it.key as &dyn age::Recipient))
}

fn encrypt<'a>(
    master: &MasterKey,
    notes: &[String],
    recipients: impl Iterator<Item = &'a dyn age::Recipient>,
) -> Result<String, CopyError> {
    let mut text = Zeroizing::new(String::new());
    for note in notes {
        text.push_str(&format!("# {note}\n"));
    }
    text.push_str(&master.to_text());
    text.push('\n');
    let mut sealed = Vec::new();
    let written = Encryptor::with_recipients(recipients).and_then(|encryptor| {
        let armor = ArmoredWriter::wrap_output(&mut sealed, Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(text.as_bytes())?;
        Ok(writer.finish()?.finish()?)
    });
    written.map_err(CopyError::Seal)?;
    Ok(String::from_utf8(sealed).expect("armor is ASCII"))
}

/// Opens a copy that is under a passphrase.
pub fn open(copy: &[u8], passphrase: Passphrase) -> Result<MasterKey, CopyError> {
    let decryptor = decryptor(copy)?;
    if !decryptor.is_scrypt() {
        return Err(CopyError::IsEscrow);
    }
    let mut identity = age::scrypt::Identity::new(passphrase.secret);
    identity.set_max_work_factor(WORK_MAX);
    decrypt(decryptor, &[Box::new(identity)], CopyError::WrongPassphrase)
}

/// Opens a copy with the file of an identity: of age, or a private key of SSH. `ask`
/// gives the passphrase of an identity that has one.
pub fn open_with(
    copy: &[u8],
    identity: &[u8],
    ask: impl Fn() -> Option<String> + Send + Sync + 'static,
) -> Result<MasterKey, CopyError> {
    let decryptor = decryptor(copy)?;
    if decryptor.is_scrypt() {
        return Err(CopyError::IsRecovery);
    }
    let identities = identities(identity, Ask(Arc::new(ask)))?;
    decrypt(decryptor, &identities, CopyError::WrongIdentity)
}

type Armored<'a> = Decryptor<ArmoredReader<std::io::BufReader<&'a [u8]>>>;

fn decryptor(copy: &[u8]) -> Result<Armored<'_>, CopyError> {
    // Some put a blank line before it, as when it was pasted.
    let copy = copy.trim_ascii_start();
    Decryptor::new(ArmoredReader::new(copy)).map_err(|_| CopyError::NotACopy)
}

fn decrypt(
    decryptor: Armored<'_>,
    identities: &[Box<dyn age::Identity + '_>],
    wrong: CopyError,
) -> Result<MasterKey, CopyError> {
    let opened = decryptor.decrypt(identities.iter().map(|it| &**it));
    let reader = opened.map_err(|error| match error {
        DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed => wrong,
        DecryptError::KeyDecryptionFailed => CopyError::Identity("has another passphrase"),
        _ => CopyError::NotACopy,
    })?;
    let mut text = Zeroizing::new(String::new());
    let mut reader = reader.take(limits::KEY_COPY_BYTES_MAX);
    reader.read_to_string(&mut text).map_err(|_| CopyError::NotACopy)?;
    MasterKey::from_text(&text).map_err(CopyError::NoMaster)
}

fn identities(file: &[u8], ask: Ask) -> Result<Vec<Box<dyn age::Identity + '_>>, CopyError> {
    let is_within = |words: &str| file.windows(words.len()).any(|part| part == words.as_bytes());
    if is_within("PRIVATE KEY-----") {
        let unread = |_| CopyError::Identity("is no private key of SSH that can be read");
        let identity = age::ssh::Identity::from_buffer(file, None).map_err(unread)?;
        if matches!(identity, age::ssh::Identity::Unsupported(_)) {
            return Err(CopyError::Identity("is of a kind of SSH key that age has no use for"));
        }
        return Ok(vec![Box::new(identity.with_callbacks(ask))]);
    }
    if is_within("age-encryption.org/v1") || is_within("BEGIN AGE ENCRYPTED FILE") {
        let armor = ArmoredReader::new(file.trim_ascii_start());
        return match age::encrypted::Identity::from_buffer(armor, None, ask, Some(WORK_MAX)) {
            Ok(Some(identity)) => Ok(vec![Box::new(identity)]),
            _ => Err(CopyError::Identity("is no identity under a passphrase")),
        };
    }
    let unread = |_| CopyError::Identity("is no file of identities of age, and no key of SSH");
    let file = age::IdentityFile::from_buffer(file).map_err(unread)?;
    let identities = file.into_identities().map_err(|_| CopyError::WrongIdentity)?;
    Ok(identities.into_iter().map(|it| it as Box<dyn age::Identity>).collect())
}

/// Asks for the passphrase of an identity.
#[derive(Clone)]
struct Ask(Arc<dyn Fn() -> Option<String> + Send + Sync>);

impl age::Callbacks for Ask {
    fn display_message(&self, _message: &str) {}

    fn confirm(&self, _message: &str, _yes: &str, _no: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _description: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, _description: &str) -> Option<SecretString> {
        (self.0)().map(SecretString::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes() -> Vec<String> {
        vec!["Master key of an archive.".into()]
    }

    #[test]
    fn a_recovery_copy_opens_with_its_passphrase_only() {
        let master = MasterKey::generate();
        let (passphrase, text) = Passphrase::generate();
        assert_eq!(text.len(), 29, "{text}");
        let copy = seal(&master, &notes(), &passphrase).unwrap();
        assert!(copy.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
        assert!(!copy.contains("muniment"), "it is not in the clear");
        let opened = open(copy.as_bytes(), Passphrase::of(text.clone())).unwrap();
        assert_eq!(opened.id(), master.id());
        let wrong = open(copy.as_bytes(), Passphrase::of("a wrong passphrase".into()));
        assert!(matches!(wrong.err(), Some(CopyError::WrongPassphrase)));
        let cut = open(&copy.as_bytes()[..copy.len() / 2], Passphrase::of(text));
        assert!(matches!(cut.err(), Some(CopyError::NotACopy)));
        let escrow = open_with(copy.as_bytes(), b"", || None);
        assert!(matches!(escrow.err(), Some(CopyError::IsRecovery)));
    }

    #[test]
    fn an_escrow_copy_opens_for_each_of_its_recipients_and_no_other() {
        use age::secrecy::ExposeSecret as _;
        let master = MasterKey::generate();
        let holders = [age::x25519::Identity::generate(), age::x25519::Identity::generate()];
        let recipients: Vec<Recipient> =
            holders.iter().map(|it| it.to_public().to_string().parse().unwrap()).collect();
        let copy = seal_to(&master, &notes(), &recipients).unwrap();
        let identity = |of: &age::x25519::Identity| {
            format!("# created by hand\n{}\n", of.to_string().expose_secret())
        };
        for holder in &holders {
            let opened = open_with(copy.as_bytes(), identity(holder).as_bytes(), || None).unwrap();
            assert_eq!(opened.id(), master.id());
        }
        let stranger = identity(&age::x25519::Identity::generate());
        let wrong = open_with(copy.as_bytes(), stranger.as_bytes(), || None);
        assert!(matches!(wrong.err(), Some(CopyError::WrongIdentity)));
        let wrong = open_with(copy.as_bytes(), b"no identity", || None);
        assert!(matches!(wrong.err(), Some(CopyError::Identity(_))));
        let recovery = open(copy.as_bytes(), Passphrase::of("any passphrase".into()));
        assert!(matches!(recovery.err(), Some(CopyError::IsEscrow)));
    }

    #[test]
    fn what_is_no_recipient_is_refused_without_being_used() {
        for text in ["age1notakey", "", "ssh-dss AAAA", "alice@example.com"] {
            assert!(text.parse::<Recipient>().is_err_and(|said| said.contains("no recipient")));
        }
        let private = "AGE-SECRET-KEY-1QQQQ".parse::<Recipient>().err().unwrap();
        assert!(private.contains("private key") && !private.contains("QQQQ"), "{private}");
        assert!(Passphrase::chosen("short".into()).is_err());
    }
}
