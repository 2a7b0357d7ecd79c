//! `muniment keys recovery` and `keys escrow`: copies that leave this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::json;

use crate::access::audit::Outcome;
use crate::app::Archive;
use crate::base::durable;
use crate::vault::copy::{self, Passphrase, Recipient};
use crate::vault::master::MasterKey;

use super::record;
use crate::cmd::{ConfigArgument, ask, print};

/// Fewer are none when one is away.
const RECIPIENTS_MIN: usize = 2;

#[derive(clap::Args)]
pub struct Recovery {
    #[command(flatten)]
    config: ConfigArgument,
    /// The file to write; must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A file with the passphrase, - to be asked; without it one is made and printed.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct Escrow {
    #[command(flatten)]
    config: ConfigArgument,
    /// A public key, as age1…, ssh-ed25519 … or ssh-rsa …; two or more, of which any
    /// one opens the file.
    #[arg(long = "recipient", value_name = "KEY", required = true)]
    recipients: Vec<String>,
    /// The file to write; must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub async fn recovery(arguments: Recovery) -> anyhow::Result<()> {
    let out = &arguments.out;
    refuse_existing(out)?;
    let config = arguments.config.load()?;
    let (passphrase, generated) = new_passphrase(arguments.passphrase_file.as_deref())?;
    let archive = Archive::open(config).await?;
    let master = archive.vault.master().await;
    write_recovery(&archive, &master, out, &passphrase).await?;
    let generated = generated.map_or(String::new(), |text| format!("passphrase: {text}\n"));
    print(&format!(
        "recovery: {}\nmaster key: {}\n{generated}\n\
         Keep the file and the passphrase off this machine and apart. See that it opens:\n  \
         muniment keys check --recovery {0}\n",
        out.display(),
        master.id(),
    ))?;
    archive.catalog.close().await;
    Ok(())
}

pub async fn escrow(arguments: Escrow) -> anyhow::Result<()> {
    let out = &arguments.out;
    refuse_existing(out)?;
    let mut recipients: Vec<Recipient> = Vec::new();
    for text in &arguments.recipients {
        let recipient: Recipient =
            text.parse().map_err(|error: String| anyhow::anyhow!("--recipient: {error}"))?;
        if recipients.iter().any(|other| other.text == recipient.text) {
            bail!("--recipient: {} is given twice; name another holder", recipient.text);
        }
        recipients.push(recipient);
    }
    if recipients.len() < RECIPIENTS_MIN {
        bail!(
            "an escrow needs two or more holders, so that one can be away; give --recipient at \
             least twice"
        );
    }
    let archive = Archive::open(arguments.config.load()?).await?;
    let master = archive.vault.master().await;
    let sealed = copy::seal_to(&master, &archive.notes(&master), &recipients)?;
    write(out, &sealed)?;
    let holders: Vec<&str> = recipients.iter().map(|recipient| recipient.text.as_str()).collect();
    let detail = json!({ "key": master.id().to_string(), "recipients": holders });
    record(&archive, "keys.escrow", "an escrow file", detail, Outcome::Done).await?;
    print(&format!(
        "escrow: {}\nmaster key: {}\nrecipients: {}\n\n\
         Give each of them the file. Any one of them, with the bucket, has the archive:\n  \
         age -d -i IDENTITY {0}, or muniment keys check --escrow {0} --identity IDENTITY\n",
        out.display(),
        master.id(),
        holders.len(),
    ))?;
    archive.catalog.close().await;
    Ok(())
}

/// The passphrase for a new copy, and its text where it was made here.
pub(crate) fn new_passphrase(file: Option<&Path>) -> anyhow::Result<(Passphrase, Option<String>)> {
    if file.is_none() {
        let (passphrase, text) = Passphrase::generate();
        return Ok((passphrase, Some(text)));
    }
    let text = ask::passphrase(file, "new passphrase")?;
    Ok((Passphrase::chosen(text).map_err(anyhow::Error::msg)?, None))
}

/// Writes a recovery copy; it is in the audit when this returns.
pub(crate) async fn write_recovery(
    archive: &Archive,
    master: &MasterKey,
    out: &Path,
    passphrase: &Passphrase,
) -> anyhow::Result<()> {
    write(out, &copy::seal(master, &archive.notes(master), passphrase)?)?;
    let detail = json!({ "key": master.id().to_string() });
    record(archive, "keys.recovery", "a recovery copy", detail, Outcome::Done).await
}

fn refuse_existing(out: &Path) -> anyhow::Result<()> {
    match out.exists() {
        true => bail!("{} exists already; name another file with --out", out.display()),
        false => Ok(()),
    }
}

fn write(out: &Path, text: &str) -> anyhow::Result<()> {
    durable::create(out, text.as_bytes(), 0o600)
        .with_context(|| format!("cannot write {}; check its directory", out.display()))
}
