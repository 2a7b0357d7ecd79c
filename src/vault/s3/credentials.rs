//! Credentials of an S3 service: from a file that is read again when it changes,
//! so that new ones need no restart, or from the environment.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use async_trait::async_trait;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Ingest,
    Disposition,
}

impl Use {
    /// The key in `[bucket]`.
    fn key(self) -> &'static str {
        match self {
            Self::Ingest => "credentials",
            Self::Disposition => "disposition_credentials",
        }
    }

    fn variable(self, name: &str) -> String {
        let word = match self {
            Self::Ingest => "INGEST",
            Self::Disposition => "DISPOSITION",
        };
        format!("MUNIMENT_{word}_{name}")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("[bucket] {key}: {what}")]
pub struct CredentialsError {
    key: &'static str,
    what: String,
}

#[derive(Debug)]
pub enum Credentials {
    Environment(Arc<AwsCredential>),
    File(CredentialsFile),
}

#[derive(Debug)]
pub struct CredentialsFile {
    path: PathBuf,
    purpose: Use,
    /// What was read last, and the file's time of change then.
    read: Mutex<(SystemTime, Arc<AwsCredential>)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

impl Credentials {
    /// Those of a file, or else of the environment; `None` if neither has any.
    pub fn find(purpose: Use, file: Option<&Path>) -> Result<Option<Self>, CredentialsError> {
        if let Some(path) = file {
            let read = Mutex::new(read(path, purpose)?);
            return Ok(Some(Self::File(CredentialsFile { path: path.to_owned(), purpose, read })));
        }
        let variable = |name: &str| {
            std::env::var(purpose.variable(name)).ok().filter(|value| !value.is_empty())
        };
        let (id, secret) = (variable("ACCESS_KEY_ID"), variable("SECRET_ACCESS_KEY"));
        match (id, secret) {
            (None, None) => Ok(None),
            (Some(key_id), Some(secret_key)) => {
                let token = variable("SESSION_TOKEN");
                let credential = AwsCredential { key_id, secret_key, token };
                Ok(Some(Self::Environment(Arc::new(credential))))
            }
            (id, _) => {
                let missing = if id.is_some() { "SECRET_ACCESS_KEY" } else { "ACCESS_KEY_ID" };
                let what = format!(
                    "the environment has only one half of them; set {} too",
                    purpose.variable(missing)
                );
                Err(CredentialsError { key: purpose.key(), what })
            }
        }
    }

    /// Those that an S3 bucket cannot be used without.
    pub fn required(file: Option<&Path>) -> Result<Self, CredentialsError> {
        let purpose = Use::Ingest;
        Self::find(purpose, file)?.ok_or_else(|| CredentialsError {
            key: purpose.key(),
            what: format!(
                "there are none; name a file with them, or set {} and {}",
                purpose.variable("ACCESS_KEY_ID"),
                purpose.variable("SECRET_ACCESS_KEY")
            ),
        })
    }
}

#[async_trait]
impl CredentialProvider for Credentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        match self {
            Self::Environment(credential) => Ok(credential.clone()),
            Self::File(file) => Ok(file.current()),
        }
    }
}

impl CredentialsFile {
    /// What the file says now; while it cannot be read, what it said last.
    fn current(&self) -> Arc<AwsCredential> {
        let mut known = self.read.lock().expect("nothing panics while it is held");
        let changed = fs::metadata(&self.path).and_then(|found| found.modified());
        if changed.is_ok_and(|at| at != known.0) {
            match read(&self.path, self.purpose) {
                Ok(read) => *known = read,
                Err(error) => tracing::error!(%error, "the credentials are used as they were"),
            }
        }
        known.1.clone()
    }
}

fn read(path: &Path, purpose: Use) -> Result<(SystemTime, Arc<AwsCredential>), CredentialsError> {
    let wrong = |what: String| CredentialsError {
        key: purpose.key(),
        what: format!("{} {what}", path.display()),
    };
    let unreadable = |error: std::io::Error| {
        wrong(format!("cannot be read: {error}; put the file there, or correct the key"))
    };
    let found = fs::metadata(path).map_err(unreadable)?;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let mend = "take the rights of group and others away (chmod 600)";
        return Err(wrong(format!("has mode {mode:o}, so that others can use it; {mend}")));
    }
    let changed = found.modified().map_err(unreadable)?;
    let text = fs::read_to_string(path).map_err(unreadable)?;
    // What the parser says would quote the secret.
    let lines: Lines = toml::from_str(&text).map_err(|_| {
        wrong(
            "is no file of credentials; give it the lines access_key_id = \"…\" and \
             secret_access_key = \"…\""
                .into(),
        )
    })?;
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if !is_plain(&lines.access_key_id) || !is_plain(&lines.secret_access_key) {
        return Err(wrong("has an empty or impossible key; put the right one there".into()));
    }
    let credential = AwsCredential {
        key_id: lines.access_key_id,
        secret_key: lines.secret_access_key,
        token: lines.session_token,
    };
    Ok((changed, Arc::new(credential)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str, mode: u32) {
        let _ = fs::remove_file(path);
        crate::base::durable::create(path, text.as_bytes(), mode).unwrap();
    }

    fn lines(id: &str) -> String {
        format!("access_key_id = '{id}'\nsecret_access_key = 'secret'\n")
    }

    #[test]
    fn a_wrong_file_is_named_with_the_mend_and_not_quoted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ingest.credentials");
        for (text, mode, words) in [
            ("", 0o600, "is no file of credentials; give it the lines"),
            ("access_key_id = 'a'\nsecret = 'hidden'", 0o600, "is no file of credentials"),
            ("access_key_id = ''\nsecret_access_key = 'hidden'", 0o600, "has an empty or"),
            (&lines("a"), 0o640, "has mode 640"),
        ] {
            write(&path, text, mode);
            let said = Credentials::required(Some(&path)).unwrap_err().to_string();
            assert!(said.starts_with("[bucket] credentials: /"), "{said}");
            assert!(said.contains(words) && !said.contains("hidden"), "{said}");
        }
        fs::remove_file(&path).unwrap();
        let said = Credentials::required(Some(&path)).unwrap_err().to_string();
        assert!(said.contains("cannot be read") && said.contains("put the file there"), "{said}");
        assert!(Credentials::find(Use::Disposition, None).unwrap().is_none());
    }

    #[tokio::test]
    async fn a_changed_file_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ingest.credentials");
        write(&path, &lines("first"), 0o600);
        let old = fs::metadata(&path).unwrap().modified().unwrap();
        let credentials = Credentials::required(Some(&path)).unwrap();
        assert_eq!(credentials.get_credential().await.unwrap().key_id, "first");
        // One that is not whole yet changes nothing.
        for (text, at, expected) in [("access_key_id", 1, "first"), (&lines("second"), 2, "second")]
        {
            write(&path, text, 0o600);
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(old + std::time::Duration::from_secs(at)).unwrap();
            assert_eq!(credentials.get_credential().await.unwrap().key_id, expected);
        }
    }
}
