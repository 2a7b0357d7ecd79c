//! What a demonstration keeps for its next run, beside its archive: what it was
//! made from, and how to sign in. Only its owner can read it.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::base::durable;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    pub logins: Vec<Login>,
    pub content: Content,
    /// Deliveries acknowledged; none until all of them are.
    pub journaled: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    pub role: String,
    pub name: String,
    /// True until the person chooses another.
    pub password: String,
}

/// The mail that the demonstration is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    Company {
        seed: u64,
        messages: usize,
        until: Date,
    },
    /// Files and folders, journaled on a day.
    Mail {
        paths: Vec<PathBuf>,
        on: Date,
    },
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Company { seed, messages, until } => {
                write!(f, "{messages} messages of a made-up company until {until} (seed {seed})")
            }
            Self::Mail { paths, .. } => {
                let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
                write!(f, "the mail in {}", paths.join(", "))
            }
        }
    }
}

const NAME: &str = "demo.json";

impl Notes {
    /// Those in `data`, if a demonstration was made there.
    pub fn read(data: &Path) -> anyhow::Result<Option<Self>> {
        let path = data.join(NAME);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let notes = serde_json::from_slice(&text).with_context(|| {
            format!(
                "{} is damaged or of another version; remove {} to begin anew",
                path.display(),
                data.display()
            )
        })?;
        Ok(Some(notes))
    }

    /// A crash leaves the notes of before, or these.
    pub fn write(&self, data: &Path) -> anyhow::Result<()> {
        let path = data.join(NAME);
        let text = serde_json::to_vec_pretty(self)?;
        let new = path.with_extension("new");
        let written = (|| {
            // Left by a run that was cut off here.
            match std::fs::remove_file(&new) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            durable::create(&new, &text, 0o600)?;
            std::fs::rename(&new, &path)?;
            durable::sync_directory(data)
        })();
        written.with_context(|| format!("cannot write {}", path.display()))
    }
}
