//! `make quality`: how well documents are read, by format, against what other
//! tools read of the same files. The corpus of real files is beside the project.

#[path = "../common/corpus.rs"]
mod corpus;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use muniment::base::config;
use muniment::extract::{Parsed, Reason};
use muniment::worker::Pool;

/// What was seen of the files of one format.
#[derive(Default)]
struct Seen {
    files: usize,
    with_text: usize,
    seconds: f64,
    bytes: usize,
    /// Of each file that another tool reads: the share of its words that we have.
    shares: Vec<f64>,
    /// Of the file itself.
    gaps: BTreeMap<&'static str, usize>,
    /// Files that two tools or one read and of which we have no text and no reason.
    unexplained: usize,
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../shared/corpus");
    if !folder.is_dir() {
        println!("SKIPPED: {} is not here", folder.display());
        return;
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let references = target().join("quality");
    let script = root.join("benches/quality/reference.py");
    let mut other_tools = std::process::Command::new("python3");
    other_tools.arg(script).arg(&folder).arg(&references);
    let made = other_tools.status().expect("start python3, which asks the other tools");
    assert!(made.success(), "the other tools could not be asked");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pool = Pool::new(env!("CARGO_BIN_EXE_muniment").into(), config::Worker::default());
    let mut table: BTreeMap<String, Seen> = BTreeMap::new();
    for part in ["attachments", "mime"] {
        for path in corpus::files(&folder.join(part)) {
            let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
            if !wanted.is_empty() && !wanted.iter().any(|it| name.contains(it.as_str())) {
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            let message = if part == "mime" {
                Bytes::from(content.clone())
            } else {
                corpus::attached(&path, &content)
            };
            let begun = Instant::now();
            let answer = runtime.block_on(pool.parse_one(&message.into())).unwrap();
            let seconds = begun.elapsed().as_secs_f64();
            let parsed = answer.map(|found| found.message);
            let format = if part == "mime" { "mail".into() } else { corpus::format(&path) };
            let theirs = theirs(&references, &name);
            let seen = table.entry(format).or_default();
            let share = note(seen, parsed.as_ref().ok(), part == "mime", &theirs);
            seen.seconds += seconds;
            seen.bytes += content.len();
            if std::env::var_os("MUNIMENT_QUALITY_FILES").is_some() {
                tell(&name, seconds, parsed.as_ref().ok(), share, &theirs);
            }
        }
    }
    print(&table);
}

fn note(
    seen: &mut Seen,
    parsed: Option<&Parsed>,
    is_mail: bool,
    theirs: &BTreeSet<String>,
) -> Option<f64> {
    seen.files += 1;
    let text = parsed.map(all_text).unwrap_or_default();
    let ours = words(&text);
    seen.with_text += usize::from(!ours.is_empty());
    let mut reasons: Vec<Reason> = parsed
        .into_iter()
        .flat_map(|parsed| &parsed.gaps)
        .filter(|gap| is_mail || gap.ordinal == Some(0))
        .map(|gap| gap.reason)
        .collect();
    if parsed.is_none() {
        reasons.push(Reason::Crashed);
    }
    reasons.dedup();
    for reason in &reasons {
        *seen.gaps.entry(reason.as_str()).or_default() += 1;
    }
    if theirs.is_empty() {
        return None;
    }
    seen.unexplained += usize::from(ours.is_empty() && reasons.is_empty());
    // What is closed to us may be open to a tool that guesses a password.
    if reasons.contains(&Reason::Encrypted) {
        return None;
    }
    let share = theirs.intersection(&ours).count() as f64 / theirs.len() as f64;
    seen.shares.push(share);
    Some(share)
}

fn tell(
    name: &str,
    seconds: f64,
    parsed: Option<&Parsed>,
    share: Option<f64>,
    theirs: &BTreeSet<String>,
) {
    let gaps: Vec<String> = parsed
        .into_iter()
        .flat_map(|parsed| &parsed.gaps)
        .map(|gap| format!("{:?} {} {}", gap.ordinal, gap.reason.as_str(), gap.detail))
        .collect();
    let ours = words(&parsed.map(all_text).unwrap_or_default());
    let missing: Vec<&str> = theirs.difference(&ours).take(12).map(String::as_str).collect();
    println!(
        "{name}: {seconds:.2} s, {} words, share {}, missing {missing:?}, gaps {gaps:?}",
        ours.len(),
        share.map_or("-".into(), |share| format!("{share:.2}")),
    );
}

fn all_text(parsed: &Parsed) -> String {
    let mut text = format!("{}\n{}\n{}", parsed.subject, parsed.text, parsed.other_text);
    let people = [&parsed.from, &parsed.to, &parsed.cc];
    for person in people.into_iter().flatten() {
        text.push_str(&format!("\n{}", person.display()));
    }
    for file in &parsed.attachments {
        text.push('\n');
        text.push_str(file.text.as_deref().unwrap_or_default());
    }
    text
}

/// Words that every tool which reads the file agrees on.
fn theirs(references: &Path, name: &str) -> BTreeSet<String> {
    let mut agreed: Option<BTreeSet<String>> = None;
    for tool in std::fs::read_dir(references).unwrap() {
        let place = tool.unwrap().path().join(format!("{name}.txt"));
        let Ok(bytes) = std::fs::read(place) else { continue };
        let found = words(&String::from_utf8_lossy(&bytes));
        if found.is_empty() {
            continue;
        }
        agreed = Some(match agreed {
            None => found,
            Some(known) => known.intersection(&found).cloned().collect(),
        });
    }
    agreed.unwrap_or_default()
}

/// Runs of letters and digits, two or more, in small letters.
fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 1)
        .map(str::to_lowercase)
        .collect()
}

fn print(table: &BTreeMap<String, Seen>) {
    println!("| format | files | with text | words | files compared | s | MB/s | gaps |");
    println!("|---|--:|--:|--:|--:|--:|--:|---|");
    for (format, seen) in table {
        let share = match seen.shares.len() {
            0 => "–".to_owned(),
            count => format!("{:.3}", seen.shares.iter().sum::<f64>() / count as f64),
        };
        let mut gaps: Vec<String> =
            seen.gaps.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        if seen.unexplained > 0 {
            gaps.push(format!("**{} unexplained**", seen.unexplained));
        }
        println!(
            "| {format} | {} | {} | {share} | {} | {:.1} | {:.1} | {} |",
            seen.files,
            seen.with_text,
            seen.shares.len(),
            seen.seconds,
            seen.bytes as f64 / 1e6 / seen.seconds,
            gaps.join(", "),
        );
    }
}

fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"))
}
