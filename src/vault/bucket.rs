//! The bucket: where the vault's objects are, whatever keeps them.
//!
//! Objects are created and read, never replaced, and deleted through `destroy` alone.
//! What lock an object gets in an S3 bucket follows from its name (`retention`), so
//! that no caller can forget it.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path as ObjectPath;

use super::enforcement::{self, Enforcement};
use super::local::Local;
use super::retention::{Lock, Schedule};
use super::s3::S3;
use super::s3::credentials::CredentialsError;
use crate::base::clock::{Clock, Timestamp};
use crate::base::config::{BucketKind, Config, Worm};
use crate::base::hash::Digest;

#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    #[error("cannot use {path} as the bucket")]
    Open { path: String, source: object_store::Error },
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("[bucket] ca_file: {} {what}", path.display())]
    Authorities { path: PathBuf, what: String },
    /// An S3 bucket that cannot be worked with, and the mend, in one sentence.
    #[error("{0}")]
    Unusable(String),
    /// A directory in it, or the whole.
    #[error("cannot write to {} in the bucket", path.display())]
    Unwritable { path: PathBuf, source: std::io::Error },
    #[error("{operation} {name} in the bucket")]
    Store { operation: &'static str, name: String, source: object_store::Error },
    #[error("{0} is not in the bucket")]
    Missing(String),
    /// Another writer, or someone's hand, put other bytes under the name.
    #[error("{0} is in the bucket already, with other contents")]
    Differs(String),
    #[error(
        "the bucket locks objects by a rule of its own that is weaker than the class's; take the \
         default retention from the bucket, or set its mode to COMPLIANCE"
    )]
    WeakRule(#[source] Box<BucketError>),
    #[error(
        "the bucket was told to lock {name} until {} ({}), and {found}; it cannot keep the class's \
         date: use another service, or fewer years for classes without mail in them",
        asked.until, asked.mode.word()
    )]
    OtherLock { name: String, asked: Lock, found: String },
    #[error("the bucket locks {name} until {}; it cannot be deleted before", lock.until)]
    Locked { name: String, lock: Lock },
    #[error(
        "the bucket locks {name} in COMPLIANCE mode until {}: nobody can delete it before; its \
         class was strict when it was put, or the bucket has a rule of its own", lock.until
    )]
    LockedForAll { name: String, lock: Lock },
    #[error(
        "the bucket refuses to delete {0}, which is not locked; give the credentials for \
         disposition the right s3:DeleteObjectVersion"
    )]
    NotDeletable(String),
    #[error(
        "the bucket refuses to delete {0}, which governance locks; give the credentials for \
         disposition the rights s3:DeleteObjectVersion and s3:BypassGovernanceRetention"
    )]
    NotBypassable(String),
    #[error(
        "deleting {0} takes the credentials for disposition; set [bucket] disposition_credentials"
    )]
    NoDestruction(String),
    #[error("read the spooled segment")]
    Spool(#[source] std::io::Error),
    #[error(
        "setting or lifting the hold of {0} takes the credentials for disposition; set [bucket] \
         disposition_credentials"
    )]
    NoDisposition(String),
}

impl BucketError {
    /// Whether the bucket answered, and will not do it: another try is of no use until
    /// somebody changed something.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Store { source, .. } => {
                matches!(source, object_store::Error::PermissionDenied { .. })
            }
            Self::OtherLock { .. } => true,
            _ => false,
        }
    }
}

/// An object: its name, and in an S3 bucket which version of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub name: String,
    pub version: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// An object as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub name: String,
    /// From the first on; none in a directory.
    pub versions: Vec<Version>,
    /// Whether a marker of deletion hides it from who asks by name.
    pub is_hidden: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub id: String,
    pub put_at: Timestamp,
}

impl Seen {
    fn alone(name: String) -> Self {
        Self { name, versions: Vec::new(), is_hidden: false }
    }

    pub fn first(&self) -> Place {
        let version = self.versions.first().map(|version| version.id.clone());
        Place { name: self.name.clone(), version }
    }
}

/// Cloning shares it.
#[derive(Clone, Debug)]
pub struct Bucket {
    kind: Kind,
    enforcement: enforcement::Known,
}

#[derive(Clone, Debug)]
enum Kind {
    Local(Local),
    S3(Arc<S3>),
}

impl Bucket {
    /// The bucket that a configuration names. Nothing is asked of it yet.
    pub fn open(config: &Config, clock: Clock) -> Result<Self, BucketError> {
        match config.bucket.kind {
            BucketKind::Local => Self::local(&config.vault.path),
            BucketKind::S3 => {
                let is_required = config.vault.worm == Worm::Required;
                let schedule = Schedule::new(&config.class);
                let s3 = S3::open(&config.bucket, schedule, clock, is_required)?;
                let enforcement = enforcement::Known::new(Enforcement::unchecked());
                Ok(Self { kind: Kind::S3(Arc::new(s3)), enforcement })
            }
        }
    }

    /// A directory of this machine. Every put is fsynced with its directory.
    pub fn local(path: &Path) -> Result<Self, BucketError> {
        let kind = Kind::Local(Local::open(path)?);
        Ok(Self { kind, enforcement: enforcement::Known::new(Enforcement::of_directory()) })
    }

    /// Refuses an S3 bucket that cannot be reached or used. What is wrong with a
    /// directory shows when it is written to.
    pub async fn check_reach(&self) -> Result<(), BucketError> {
        match &self.kind {
            Kind::Local(_) => Ok(()),
            Kind::S3(s3) => s3.check_reach().await,
        }
    }

    /// Refuses a bucket that would not keep to the dates of the classes.
    pub async fn check_dates(&self) -> Result<(), BucketError> {
        match &self.kind {
            Kind::Local(_) => Ok(()),
            Kind::S3(s3) => s3.check_longest().await,
        }
    }

    /// Whether someone with access to the storage could change a record, as far
    /// as it was last checked.
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement.get()
    }

    /// Finds out what the bucket really enforces, by trying.
    pub async fn check_enforcement(&self) -> Result<Enforcement, BucketError> {
        if let Kind::S3(s3) = &self.kind {
            self.enforcement.set(enforcement::check(s3).await?);
        }
        Ok(self.enforcement())
    }

    /// Creates an object. An object that is there already with the same bytes
    /// is success, since a put whose answer was lost may have happened.
    pub async fn put_new(&self, name: &str, bytes: Bytes) -> Result<Place, BucketError> {
        let version = match &self.kind {
            Kind::Local(local) => local.put_new(name, bytes).await.map(|()| None),
            Kind::S3(s3) => s3.put_new(name, bytes).await,
        }?;
        Ok(Place { name: name.to_owned(), version })
    }

    /// Creates an object from a file, in pieces. The name must hold the hash of
    /// the contents and an id of its own: uploads in parts know no create-only.
    pub async fn put_file(&self, name: &str, file: File) -> Result<Place, BucketError> {
        let version = match &self.kind {
            Kind::Local(local) => local.put_file(name, file).await.map(|()| None),
            Kind::S3(s3) => s3.put_file(name, file).await,
        }?;
        Ok(Place { name: name.to_owned(), version })
    }

    /// Where the object of this name is: its first version, since later ones are
    /// not the archive's.
    pub async fn find(&self, name: &str) -> Result<Place, BucketError> {
        let version = match &self.kind {
            Kind::Local(_) => None,
            Kind::S3(s3) => Some(s3.first_version(name).await?),
        };
        Ok(Place { name: name.to_owned(), version })
    }

    pub async fn get(&self, name: &str) -> Result<Bytes, BucketError> {
        self.get_at(&self.find(name).await?).await
    }

    pub async fn get_at(&self, place: &Place) -> Result<Bytes, BucketError> {
        match &self.kind {
            Kind::Local(local) => local.get(&place.name).await,
            Kind::S3(s3) => s3.get(place).await,
        }
    }

    pub async fn get_range(&self, place: &Place, range: Range<u64>) -> Result<Bytes, BucketError> {
        match &self.kind {
            Kind::Local(local) => local.get_range(&place.name, range).await,
            Kind::S3(s3) => s3.get_range(place, range).await,
        }
    }

    pub async fn size(&self, place: &Place) -> Result<u64, BucketError> {
        match &self.kind {
            Kind::Local(local) => local.size(&place.name).await,
            Kind::S3(s3) => s3.size(place).await,
        }
    }

    /// The names below `prefix`, sorted.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>, BucketError> {
        match &self.kind {
            Kind::Local(local) => local.list(prefix).await,
            Kind::S3(s3) => s3.list(prefix).await,
        }
    }

    /// The objects below `prefix`, by name, with all their versions.
    pub async fn look(&self, prefix: &str) -> Result<Vec<Seen>, BucketError> {
        match &self.kind {
            Kind::Local(local) => {
                let names = local.list(prefix).await?;
                Ok(names.into_iter().map(Seen::alone).collect())
            }
            Kind::S3(s3) => s3.look(prefix).await,
        }
    }

    /// Objects below `prefix` that come after a name, by name; none after the last.
    pub async fn look_after(&self, prefix: &str, after: &str) -> Result<Vec<Seen>, BucketError> {
        match &self.kind {
            Kind::Local(local) => {
                let names = local.list(prefix).await?.into_iter();
                Ok(names.filter(|name| name.as_str() > after).map(Seen::alone).collect())
            }
            Kind::S3(s3) => s3.look_after(prefix, after).await,
        }
    }

    /// The lock that an object of this name, put at this time, should have; none
    /// in a bucket that cannot lock.
    pub async fn lock_of(&self, name: &str, at: Timestamp) -> Result<Option<Lock>, BucketError> {
        match &self.kind {
            Kind::Local(_) => Ok(None),
            Kind::S3(s3) => s3.lock_of(name, at).await,
        }
    }

    /// The lock of an object, as the bucket has it; none of a directory.
    pub async fn retention(&self, place: &Place) -> Result<Option<Lock>, BucketError> {
        match &self.kind {
            Kind::Local(_) => Ok(None),
            Kind::S3(s3) => s3.retention(place).await,
        }
    }

    /// Locks an object as it should have been when it was put.
    pub async fn ensure_lock(&self, place: &Place) -> Result<(), BucketError> {
        match &self.kind {
            Kind::Local(_) => Ok(()),
            Kind::S3(s3) => s3.ensure_lock(place).await,
        }
    }

    /// Locks an object for longer. A directory keeps no locks.
    pub async fn extend(&self, place: &Place, lock: &Lock) -> Result<(), BucketError> {
        match &self.kind {
            Kind::Local(_) => Ok(()),
            Kind::S3(s3) => s3.extend(place, lock).await,
        }
    }

    /// Locks an object until `lock` or longer, where it is not; whether it was not.
    pub async fn lengthen(&self, place: &Place, lock: &Lock) -> Result<bool, BucketError> {
        match &self.kind {
            Kind::Local(_) => Ok(false),
            Kind::S3(s3) => s3.lengthen(place, lock).await,
        }
    }

    /// Whether an object has the flag of a hold; none has in a directory.
    pub async fn is_held(&self, place: &Place) -> Result<bool, BucketError> {
        match &self.kind {
            Kind::Local(_) => Ok(false),
            Kind::S3(s3) => s3.is_held(place).await,
        }
    }

    /// Whether it keeps flags of holds.
    pub fn keeps_flags(&self) -> bool {
        matches!(self.kind, Kind::S3(_))
    }

    /// Sets the flag of a hold, or lifts it. A directory keeps no flags.
    pub async fn set_held(&self, place: &Place, is_held: bool) -> Result<(), BucketError> {
        match &self.kind {
            Kind::Local(_) => Ok(()),
            Kind::S3(s3) => s3.set_held(place, is_held).await,
        }
    }

    /// Deletes all versions of an object; one that is not there is deleted.
    pub(super) async fn delete_all(&self, name: &str) -> Result<(), BucketError> {
        match &self.kind {
            Kind::Local(local) => local.delete(name).await,
            Kind::S3(s3) => s3.delete_all(name).await,
        }
    }

    /// As [`Self::delete_all`], also where governance locks it.
    pub(super) async fn delete_governed(&self, name: &str) -> Result<(), BucketError> {
        match &self.kind {
            Kind::Local(local) => local.delete(name).await,
            Kind::S3(s3) => s3.delete_governed(name).await,
        }
    }

    /// By how many seconds the bucket's clock is ahead of this machine's, as was heard
    /// last; none of a directory, which goes by this machine's.
    pub fn ahead_seconds(&self) -> Option<i64> {
        match &self.kind {
            Kind::Local(_) => None,
            Kind::S3(s3) => s3.skew().seconds(),
        }
    }

    /// Asks the bucket what time it has.
    pub async fn ask_time(&self) -> Result<(), BucketError> {
        match &self.kind {
            Kind::Local(_) => Ok(()),
            Kind::S3(s3) => s3.now().await.map(|_| ()),
        }
    }

    /// An instant of this machine's clock by the bucket's, where they disagree: the
    /// bucket counts by its own until when it locks.
    pub fn by_its_clock(&self, at: Timestamp) -> Timestamp {
        match &self.kind {
            Kind::Local(_) => at,
            Kind::S3(s3) => s3.skew().by_the_service(at),
        }
    }

    /// Removes what a killed writer left half-written; how many files. Only for
    /// who holds the archive's lock: nobody else may be writing.
    pub async fn sweep(&self) -> Result<u64, BucketError> {
        match &self.kind {
            Kind::Local(local) => local.sweep().await,
            // An upload that was not completed is no object.
            Kind::S3(_) => Ok(0),
        }
    }

    /// Proves that the bucket can be written, leaving nothing behind that grows
    /// with every proof.
    pub async fn probe(&self) -> Result<(), BucketError> {
        const CONTENT: &[u8] = b"ready";
        let name = format!("probe/{}", Digest::of(CONTENT));
        match &self.kind {
            Kind::Local(local) => local.put_new(&name, Bytes::from_static(CONTENT)).await,
            Kind::S3(s3) => s3.probe(&name).await,
        }
    }
}

/// What goes into one part of an upload.
pub(super) const PIECE_BYTES: usize = 8 << 20;

/// The next piece of a file, empty at its end; the file comes back.
pub(super) async fn next_piece(
    mut file: File,
    bytes_max: usize,
) -> Result<(File, Bytes), BucketError> {
    let read = tokio::task::spawn_blocking(move || {
        let mut piece = Vec::with_capacity(bytes_max);
        let read = (&mut file).take(bytes_max as u64).read_to_end(&mut piece);
        (file, read.map(|_| Bytes::from(piece)))
    });
    let (file, piece) =
        read.await.map_err(|error| BucketError::Spool(std::io::Error::other(error)))?;
    Ok((file, piece.map_err(BucketError::Spool)?))
}

pub(super) fn path(name: &str) -> ObjectPath {
    ObjectPath::from(name)
}

pub(super) fn failed(
    operation: &'static str,
    name: &str,
    source: object_store::Error,
) -> BucketError {
    BucketError::Store { operation, name: name.to_owned(), source }
}
