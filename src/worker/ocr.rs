//! Pictures and pages without text, read by programs of the system's: tesseract,
//! and pdftoppm, which draws pages. Each runs for one picture, in a process that is
//! this binary until it has given up what it does not need ([`super::confine`]):
//! it gets bytes and gives bytes by pipes, reads what programs read, writes no file
//! and reaches nobody.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::confine::as_user;
use super::protocol::Found;
use super::{Failure, child};
use crate::base::config;
use crate::base::hash::Digest;
use crate::base::limits;
use crate::extract::Reason;
use crate::extract::picture::{self, Scan, Seen};

/// Reads by looks, one picture after the other.
pub struct Ocr {
    program: PathBuf,
    settings: config::Worker,
    /// Words of pictures that were read; a signature's logo comes again and again.
    known: Mutex<HashMap<Digest, String>>,
}

impl Ocr {
    pub fn new(program: PathBuf, settings: config::Worker) -> Self {
        Self { program, settings, known: Mutex::default() }
    }

    /// Whether both programs and all languages are there; what to do if not.
    pub async fn check(&self) -> Result<(), String> {
        let listed = self
            .run("tesseract", &["--list-langs".into()], &[])
            .await
            .map_err(|_| "tesseract does not run; install it (Debian: tesseract-ocr)".to_owned())?;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        for language in &self.settings.ocr_languages {
            if !listed.lines().any(|line| line.trim() == language) {
                return Err(format!(
                    "tesseract has no language {language:?}; install it (Debian: \
                     tesseract-ocr-{language})"
                ));
            }
        }
        let drawn = self.run("pdftoppm", &["-v".into()], &[]).await;
        drawn
            .map(drop)
            .map_err(|_| "pdftoppm does not run; install it (Debian: poppler-utils)".to_owned())
    }

    /// Reads the scans of `found`, whose bytes lie in `body` one after the other,
    /// and adds what is seen to its message.
    pub async fn read(&self, found: &mut Found, body: &[u8]) {
        let ends_at = Instant::now() + Duration::from_secs(limits::OCR_FAMILY_SECONDS_MAX);
        let (mut rest, mut pages_left) = (body, limits::OCR_PAGES_MAX);
        let mut scans = std::mem::take(&mut found.scans).into_iter().peekable();
        let mut seen = Seen::default();
        while let Some(scan) = scans.next() {
            let (bytes, after) = rest.split_at((scan.size as usize).min(rest.len()));
            rest = after;
            self.scan(&scan, bytes, &mut seen, (&mut pages_left, ends_at)).await;
            if scans.peek().is_none_or(|next| next.ordinal != scan.ordinal) {
                picture::settle(&mut found.message, scan.ordinal, std::mem::take(&mut seen));
            }
        }
    }

    async fn scan(
        &self,
        scan: &Scan,
        bytes: &[u8],
        seen: &mut Seen,
        (pages_left, ends_at): (&mut usize, Instant),
    ) {
        // A picture is one page of itself.
        let whole = [0];
        let pages = if scan.pages.is_empty() { &whole[..] } else { &scan.pages };
        for (at, &page) in pages.iter().enumerate() {
            if *pages_left == 0 || Instant::now() >= ends_at {
                let left = pages.len() - at;
                let detail = format!("pictures and pages of it that are not read: {left}");
                seen.gaps.push((Reason::NotOcred, detail));
                return;
            }
            *pages_left -= 1;
            let words = match page {
                0 => self.known_words(bytes).await,
                page => self.page(bytes, page).await,
            };
            match words {
                Ok(words) => {
                    seen.words.push_str(&words);
                    seen.words.push('\n');
                }
                Err(failure) => seen.gaps.push((failure.reason, failure.detail)),
            }
        }
    }

    async fn page(&self, pdf: &[u8], page: u32) -> Result<String, Failure> {
        let (resolution, page) = (limits::OCR_DPI.to_string(), page.to_string());
        let arguments = ["-r", &resolution, "-gray", "-f", &page, "-l", &page, "-"];
        let drawn = self.run("pdftoppm", &arguments.map(String::from), pdf).await;
        let drawn = drawn.map_err(|failure| Failure {
            detail: format!("page {page} cannot be drawn: {}", failure.detail),
            ..failure
        })?;
        self.words(&drawn, &["--dpi".into(), resolution]).await
    }

    async fn known_words(&self, picture: &[u8]) -> Result<String, Failure> {
        let hash = Digest::of(picture);
        let known = |change: &mut dyn FnMut(&mut HashMap<Digest, String>)| {
            change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
        };
        let mut words = None;
        known(&mut |all| words = all.get(&hash).cloned());
        if let Some(words) = words {
            return Ok(words);
        }
        let words = self.words(picture, &[]).await?;
        known(&mut |all| {
            if all.len() >= limits::OCR_KNOWN_MAX {
                all.clear();
            }
            // Pages of text seldom come again.
            if words.len() <= 1 << 10 {
                all.insert(hash, words.clone());
            }
        });
        Ok(words)
    }

    async fn words(&self, picture: &[u8], more: &[String]) -> Result<String, Failure> {
        let languages = self.settings.ocr_languages.join("+");
        let mut arguments: Vec<String> =
            ["stdin", "stdout", "-l", &languages].map(String::from).into();
        arguments.extend_from_slice(more);
        let words = self.run("tesseract", &arguments, picture).await?;
        Ok(String::from_utf8_lossy(&words).replace('\u{c}', "\n"))
    }

    /// What `tool` gives for `input`.
    async fn run(
        &self,
        tool: &str,
        arguments: &[String],
        input: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let time = Duration::from_secs(self.settings.ocr_seconds_max);
        let start = || {
            let mut command = Command::new(&self.program);
            command
                .args(["worker", "--run", tool, "--"])
                .args(arguments)
                .env_clear()
                .envs(child::environment(&self.settings, self.settings.ocr_seconds_max))
                .current_dir("/")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .process_group(0)
                .kill_on_drop(true);
            command
        };
        let mut running = as_user(self.settings.user_id, start)
            .map_err(|error| failed(tool, format!("cannot be started: {error}")))?;
        let pipes = running.stdin.take().zip(running.stdout.take());
        let (mut stdin, stdout) = pipes.ok_or_else(|| failed(tool, "has no pipes".to_owned()))?;
        let group = running.id().and_then(|id| Pid::from_raw(id as i32));
        let exchange = async {
            let send = async {
                // It may have read all that it needs.
                let _ = stdin.write_all(input).await;
                drop(stdin);
            };
            let mut output = Vec::new();
            let mut bounded = stdout.take(limits::OCR_PAGE_BYTES_MAX as u64 + 1);
            let (_, read) = tokio::join!(send, bounded.read_to_end(&mut output));
            read.map(|_| output)
        };
        let outcome = tokio::time::timeout(time, exchange).await;
        let is_long = matches!(&outcome, Ok(Ok(out)) if out.len() > limits::OCR_PAGE_BYTES_MAX);
        if outcome.is_err() || is_long {
            // It may be gone already; then there is nothing to kill.
            let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        }
        let ended = tokio::time::timeout(time, running.wait()).await;
        match (outcome, ended) {
            (Err(_), _) | (_, Err(_)) => {
                let detail = format!("{tool} took longer than {} s", time.as_secs());
                Err(Failure { reason: Reason::TimedOut, detail })
            }
            _ if is_long => {
                let detail = format!("{tool} makes more of it than is read");
                Err(Failure { reason: Reason::TooLarge, detail })
            }
            (Ok(Ok(output)), Ok(Ok(status))) if status.success() => Ok(output),
            (_, Ok(Ok(status))) => Err(failed(tool, format!("could not read it: {status}"))),
            (_, Ok(Err(error))) => Err(failed(tool, error.to_string())),
        }
    }
}

fn failed(tool: &str, why: String) -> Failure {
    Failure { reason: Reason::NotOcred, detail: format!("{tool} {why}") }
}
