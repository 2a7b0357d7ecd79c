//! Passwords: argon2id with the library's parameters (OWASP's: 19 MiB, two
//! passes), never on a thread that serves connections, and few at a time, so
//! that a flood of sign-ins takes neither the memory nor the processors.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use super::{AccessError, Refused};
use crate::base::limits;

/// Cloning shares the bound.
#[derive(Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { running: Arc::new(Semaphore::new(limits::PASSWORDS_AT_ONCE_MAX)) }
    }
}

impl Passwords {
    pub async fn hash(&self, password: &str) -> Result<String, AccessError> {
        let password = password.to_owned();
        self.run(move || hash(&password)).await?
    }

    /// Whether `password` fits `hash`. Without a hash (nobody of that name) the
    /// same work is done, so that the time does not tell names.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, AccessError> {
        let password = password.to_owned();
        let hash = hash.map(str::to_owned);
        self.run(move || verify(&password, hash.as_deref())).await?
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccessError> {
        let patience = Duration::from_secs(limits::PASSWORD_WAIT_SECONDS);
        let permit = tokio::time::timeout(patience, self.running.clone().acquire_owned())
            .await
            .map_err(|_| AccessError::Throttled { seconds: limits::PASSWORD_WAIT_SECONDS })?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(|error| AccessError::Password(error.to_string()))
    }
}

fn hash(password: &str) -> Result<String, AccessError> {
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| AccessError::Password(error.to_string()))?;
    Ok(hash.to_string())
}

fn verify(password: &str, known: Option<&str>) -> Result<bool, AccessError> {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let text = match (known, NOBODY.get()) {
        (Some(known), _) => known,
        (None, Some(nobody)) => nobody,
        (None, None) => {
            let made = hash("nobody has this password")?;
            NOBODY.get_or_init(|| made)
        }
    };
    let parsed =
        PasswordHash::new(text).map_err(|error| AccessError::Password(error.to_string()))?;
    let fits = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    Ok(fits && known.is_some())
}

/// The rule for passwords that people choose (NIST SP 800-63B: length, not
/// composition).
pub fn check_chosen(name: &str, password: &str) -> Result<(), Refused> {
    let invalid = |text: String| Err(Refused::Invalid(text));
    if password.chars().count() < limits::PASSWORD_CHARS_MIN {
        return invalid(format!("use at least {} characters", limits::PASSWORD_CHARS_MIN));
    }
    if password.len() > limits::PASSWORD_BYTES_MAX {
        return invalid(format!("use at most {} bytes", limits::PASSWORD_BYTES_MAX));
    }
    let lower = password.to_lowercase();
    if lower.contains(name) && lower.len() < name.len() + limits::PASSWORD_CHARS_MIN {
        return invalid("do not build the password around the sign-in name".to_owned());
    }
    if lower.chars().all(|c| lower.starts_with(c)) {
        return invalid("use more than one character".to_owned());
    }
    Ok(())
}

/// A password to be used once: 100 bits in letters and digits that are not
/// mistaken for one another.
pub fn one_time() -> Result<String, AccessError> {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789w";
    let mut bytes = [0u8; 20];
    getrandom::fill(&mut bytes)
        .map_err(|error| AccessError::Password(format!("no random bytes: {error}")))?;
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 && index % 5 == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse battery").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse battery", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct horse batterz", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("nobody has this password", None).await.unwrap());
    }

    #[test]
    fn chosen_passwords_are_long() {
        assert!(check_chosen("ada", "short").is_err());
        assert!(check_chosen("ada", "aaaaaaaaaaaaaaaa").is_err());
        assert!(check_chosen("adalovelace", "adalovelace1").is_err());
        assert!(check_chosen("ada", "an engine that weaves").is_ok());
        assert!(check_chosen("ada", &"long ".repeat(1000)).is_err());
    }

    #[test]
    fn one_time_passwords_are_typed_easily() {
        let made = one_time().unwrap();
        assert_eq!(made.len(), 23);
        assert_eq!(made.split('-').count(), 4);
        assert_ne!(made, one_time().unwrap());
    }
}
