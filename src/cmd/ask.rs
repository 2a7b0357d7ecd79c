//! What only a person knows: asked for on a terminal, or read from a file or a pipe.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::base::limits::KEY_COPY_BYTES_MAX;

/// Asks on the terminal, which does not show what is typed; else reads a line of
/// standard input.
pub(super) fn hidden(prompt: &str) -> anyhow::Result<String> {
    let input = std::io::stdin();
    let is_terminal = input.is_terminal();
    let echo = |how: &str| {
        // Where there is no stty, what is typed is seen.
        let _ = std::process::Command::new("stty").arg(how).status();
    };
    if is_terminal {
        eprint!("{prompt}: ");
        echo("-echo");
    }
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    if is_terminal {
        echo("echo");
        eprintln!();
    }
    read.with_context(|| format!("cannot read the {prompt}"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The passphrase in a file, which is its only line; of `-` or without a file it is
/// asked for.
pub(super) fn passphrase(file: Option<&Path>, prompt: &str) -> anyhow::Result<String> {
    let Some(path) = file.filter(|path| *path != Path::new("-")) else { return hidden(prompt) };
    let text = String::from_utf8(small_file(path, "the passphrase")?).ok();
    let text = text.as_deref().map(|text| text.trim_end_matches(['\r', '\n']));
    match text.filter(|text| !text.is_empty() && !text.contains('\n')) {
        Some(text) => Ok(text.to_owned()),
        None => bail!("{} must hold one line of text, the passphrase", path.display()),
    }
}

/// A file of a few lines.
pub(super) fn small_file(path: &Path, what: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(KEY_COPY_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.with_context(|| format!("cannot read {what} in {}", path.display()))?;
    if bytes.len() as u64 > KEY_COPY_BYTES_MAX {
        bail!("{} is too large for {what}; name another file", path.display());
    }
    Ok(bytes)
}
