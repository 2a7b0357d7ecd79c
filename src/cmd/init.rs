//! `muniment init`: creation, which no other command does.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::access::person::{self, New};
use crate::access::{Actor, Role};
use crate::app::Archive;
use crate::base::config::{Config, TEMPLATE};
use crate::base::durable;
use crate::vault::DIRECTORIES;
use crate::vault::copy::Passphrase;
use crate::vault::keys::random;

use super::keys::make::{new_passphrase, write_recovery};
use super::print;

#[derive(clap::Args)]
pub struct Arguments {
    /// The directory of the new archive; created if absent.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Where to put the recovery copy of the master key; by default beside the
    /// archive, to be moved off this machine.
    #[arg(long, value_name = "FILE")]
    pub recovery: Option<PathBuf>,
    /// A file with the passphrase of the recovery copy, - to be asked; without it
    /// one is made and printed.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    pub catalog: CatalogArguments,
    #[command(flatten)]
    pub bucket: BucketArguments,
}

/// Where the catalog goes, if not into a file of the archive.
#[derive(clap::Args)]
pub struct CatalogArguments {
    /// A PostgreSQL database, as postgres://user@host/database?sslmode=verify-full,
    /// to keep the catalog in it.
    #[arg(long, value_name = "URL")]
    catalog: Option<String>,
    /// A file with that user's password; by default what PGPASSFILE or PGPASSWORD say.
    #[arg(long, value_name = "FILE", requires = "catalog")]
    catalog_password: Option<PathBuf>,
}

/// Where the records go, if not into a directory of the archive.
#[derive(clap::Args)]
pub struct BucketArguments {
    /// The address of an S3 service, to keep the records in a bucket of it.
    #[arg(long, value_name = "URL", requires = "bucket")]
    endpoint: Option<String>,
    /// The S3 bucket; it should have been created with Object Lock.
    #[arg(long, value_name = "NAME", requires = "endpoint")]
    bucket: Option<String>,
    /// What the names of all objects in it begin with.
    #[arg(long, value_name = "PREFIX", requires = "endpoint")]
    prefix: Option<String>,
    /// The region that requests are signed for.
    #[arg(long, value_name = "REGION", requires = "endpoint")]
    region: Option<String>,
    /// The bucket is in the host name of requests and not in their path.
    #[arg(long, requires = "endpoint")]
    virtual_hosted: bool,
    /// A file with the credentials that ingest.
    #[arg(long, value_name = "FILE", requires = "endpoint")]
    credentials: Option<PathBuf>,
    /// A file with the credentials for disposition.
    #[arg(long, value_name = "FILE", requires = "endpoint")]
    disposition_credentials: Option<PathBuf>,
    /// Authorities (PEM) to trust beside the system's.
    #[arg(long, value_name = "FILE", requires = "endpoint")]
    ca_file: Option<PathBuf>,
    /// Refuse a bucket that does not enforce write-once, now and at every start.
    #[arg(long)]
    worm_required: bool,
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A file, as it is named from anywhere.
fn file(path: &Option<PathBuf>) -> anyhow::Result<Option<String>> {
    let Some(path) = path else { return Ok(None) };
    let path = std::path::absolute(path)?;
    Ok(Some(quoted(path.to_str().context("the names of files must be UTF-8")?)))
}

impl CatalogArguments {
    fn fill(&self, lines: &mut [String]) -> anyhow::Result<()> {
        if let Some(url) = &self.catalog {
            set(lines, "[archive]", "catalog", &quoted(url));
        }
        if let Some(file) = file(&self.catalog_password)? {
            set(lines, "[archive]", "catalog_password", &file);
        }
        Ok(())
    }
}

impl BucketArguments {
    fn fill(&self, lines: &mut [String]) -> anyhow::Result<()> {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        if let Some(name) = prefix.split('/').find(|name| DIRECTORIES.contains(name)) {
            bail!(
                "the prefix {prefix:?} has {name:?} in it, where an archive keeps its own objects; \
                 choose another"
            );
        }
        let text = |text: &Option<String>| text.as_deref().map(quoted);
        let keys = [
            ("kind", self.endpoint.as_ref().map(|_| quoted("s3"))),
            ("endpoint", text(&self.endpoint)),
            ("name", text(&self.bucket)),
            ("prefix", text(&self.prefix)),
            ("region", text(&self.region)),
            ("path_style", self.virtual_hosted.then(|| "false".into())),
            ("credentials", file(&self.credentials)?),
            ("disposition_credentials", file(&self.disposition_credentials)?),
            ("ca_file", file(&self.ca_file)?),
        ];
        for (key, value) in keys {
            let Some(value) = value else { continue };
            set(lines, "[bucket]", key, &value);
        }
        if self.worm_required {
            set(lines, "[vault]", "worm", &quoted("required"));
        }
        Ok(())
    }
}

impl Arguments {
    /// The configuration's template, with what was given in its place.
    fn template(&self) -> anyhow::Result<String> {
        let mut lines: Vec<String> = TEMPLATE.lines().map(str::to_owned).collect();
        self.catalog.fill(&mut lines)?;
        self.bucket.fill(&mut lines)?;
        Ok(lines.join("\n") + "\n")
    }
}

/// Sets a key of the template, in which each has a line, if only as a comment.
fn set(lines: &mut [String], section: &str, key: &str, value: &str) {
    let start = lines.iter().position(|line| line == section).unwrap_or_default();
    let line = lines[start..].iter_mut().find(|line| {
        let line = line.strip_prefix("# ").unwrap_or(line);
        line.strip_prefix(key).is_some_and(|rest| rest.starts_with(" = "))
    });
    *line.expect("the template has every key") = format!("{key} = {value}");
}

/// What the recovery copy is called beside the archive.
pub const RECOVERY: &str = "RECOVERY-KEY.age";

const ADVICE: &str = "\
Move the recovery copy of the master key off this machine, and note its passphrase
elsewhere: whoever has both and the bucket has the archive, and without them or the
key file the bucket is noise. See that it opens: muniment keys check --recovery FILE
Note the log key outside too: with it anyone can check an export offline.
";

/// What `init` made, for those who go on from there.
pub struct Made {
    pub config: PathBuf,
    pub login: String,
    pub password: String,
    pub journal: String,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let recovery = arguments.recovery.clone().unwrap_or_else(|| arguments.data.join(RECOVERY));
    let template = arguments.template()?;
    let (passphrase, generated) = new_passphrase(arguments.passphrase_file.as_deref())?;
    if let Some(name) = other_file(&arguments.data) {
        eprintln!(
            "muniment: {} is not empty ({name:?} is in it); what is there is left as it is",
            arguments.data.display()
        );
    }
    let (made, archive) = create(&arguments.data, &recovery, &passphrase, &template).await?;
    let generated =
        generated.map_or(String::new(), |text| format!("recovery passphrase: {text}\n"));
    let Made { config, login, password, journal } = &made;
    let (config, recovery) = (config.display(), recovery.display());
    print(&format!(
        "archive: {}\nconfig: {config}\nlog key: {}\njournal: {journal}\nlogin: {login}\n\
         password: {password}\nrecovery: {recovery}\n{generated}\n{ADVICE}\n\
         Start with: muniment serve --config {config}\n",
        archive.vault.archive(),
        archive.vault.log_signer().verifier(),
    ))?;
    // So that the catalog is one file, whole, from its first copy on.
    archive.catalog.close().await;
    Ok(())
}

/// A file that is in the directory already, the first by name.
fn other_file(data: &Path) -> Option<String> {
    let names = std::fs::read_dir(data).ok()?.flatten().map(|entry| entry.file_name());
    // A volume of its own has that from the start.
    names.filter(|name| name != "lost+found").min().map(|name| name.to_string_lossy().into_owned())
}

/// Creates an archive in `data`, which must hold none, with the configuration of
/// `template`.
///
/// A crash in the middle leaves a directory that `init` refuses to reuse, and
/// in which nothing has been received.
pub async fn create(
    data: &Path,
    recovery: &Path,
    passphrase: &Passphrase,
    template: &str,
) -> anyhow::Result<(Made, Archive)> {
    let path = data.join("muniment.toml");
    if path.exists() {
        anyhow::bail!(
            "{} exists: there is an archive in {}; choose another directory",
            path.display(),
            data.display()
        );
    }
    let token: [u8; 10] = random();
    let journal = format!("journal-{}@archive.invalid", hex::encode(token));
    let text = template.replace("{address}", &journal);
    let config = Config::read(&path, &text)?;
    Archive::check_bucket(&config).await?;
    // The catalog holds addresses and subjects: nobody else looks in.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("cannot create {}; check its parent", data.display()))?;
    durable::create(&path, text.as_bytes(), 0o640)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let archive = Archive::create(config).await?;
    let master = archive.vault.master().await;
    write_recovery(&archive, &master, recovery, passphrase)
        .await
        .with_context(|| format!("the recovery copy {}", recovery.display()))?;
    let administrator = New {
        name: "admin".into(),
        display_name: "Administrator".into(),
        role: Role::Administrator,
        is_archive_wide: false,
    };
    let operator = Actor::operator(Role::Administrator);
    let (person, password) = person::create(&operator, &archive.access(), administrator).await?;
    Ok((Made { config: path, login: person.name, password, journal }, archive))
}
