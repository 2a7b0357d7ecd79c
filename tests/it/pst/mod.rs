//! PST files as other readers see them: what was put in comes out of each, field
//! by field, and the structural checkers have nothing to say.

mod again;
mod bad;
mod bundle;
mod command;
mod entry;
pub mod fields;
mod golden;
mod inline;
mod large;
mod named;
pub mod outlook_pst;
mod parts;
pub mod pffexport;
pub mod pst_extractor;
mod python_email;
pub mod readpst;
mod round_trip;
pub mod samples;
mod signed;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use muniment::pst::check::{self, Report};

/// Runs our own checker and the two Python ones; a finding fails the test.
pub fn assert_sound(file: &Path) -> Report {
    let source = std::io::BufReader::new(std::fs::File::open(file).unwrap());
    let report = check::check(source).unwrap();
    let some: Vec<String> = report.findings.iter().take(5).map(ToString::to_string).collect();
    assert!(report.findings.is_empty(), "{}: {some:?}", file.display());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tools = root.join("../shared/tools");
    if !tools.exists() {
        eprintln!("SKIPPED: {} is not here", tools.display());
        return report;
    }
    let mut messages = 0;
    // Both at once: the second begins with all of the first.
    let mut both = Command::new("python3");
    both.arg(root.join("tests/tools/pstltp_fast.py")).arg(tools.join("pstltp.py")).arg(file);
    let text = run(&mut both, &mut |line| {
        if !line.starts_with("MSG ") {
            return;
        }
        messages += 1;
        let after = |key: &str| {
            let rest = line.split_once(key).map_or("", |(_, rest)| rest);
            rest.split(' ').next().unwrap_or_default()
        };
        assert_eq!(after("PidTagMessageSize="), after("node total="), "{line}");
        assert_eq!(after("PidTagMessageSize="), after("row size="), "{line}");
        assert!(line.ends_with("rowdiff=[]"), "{line}");
    });
    assert!(text.contains("ERRORS 0 WARN 0"), "{text}");
    assert_eq!(messages, report.messages);
    report
}

/// Hands each line that the tool prints to `each`, as there may be millions; the
/// first of them, when it has ended well.
fn run(command: &mut Command, each: &mut dyn FnMut(&str)) -> String {
    const KEPT_BYTES: usize = 10_000;
    let started = Instant::now();
    let mut tool = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut kept = String::new();
    for line in BufReader::new(tool.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        each(&line);
        if kept.len() < KEPT_BYTES {
            kept += &line;
            kept.push('\n');
        }
    }
    let status = tool.wait().unwrap();
    assert!(status.success(), "{command:?}: {status}, {kept}");
    if is_long() {
        eprintln!("{:?} took {:?}", command.get_args().next().unwrap(), started.elapsed());
    }
    kept
}

/// Whether a program is here; said aloud if not.
pub fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("SKIPPED: {program} is not here");
    }
    found
}

/// Whether what takes long is asked for.
pub fn is_long() -> bool {
    std::env::var_os("MUNIMENT_TEST_LONG").is_some()
}
