//! PST files as other readers see them: what was put in comes out of each, field
//! by field, and the structural checkers have nothing to say.

mod again;
mod bad;
mod bundle;
pub mod fields;
mod golden;
mod large;
pub mod outlook_pst;
pub mod pffexport;
pub mod pst_extractor;
pub mod readpst;
mod round_trip;
pub mod samples;

use std::path::Path;
use std::process::Command;

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
    let run = |command: &mut Command| {
        let output = command.arg(file).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{command:?}: {output:?}");
        text
    };
    let text = run(Command::new("python3").arg(tools.join("pstcheck.py")));
    assert!(text.contains("ERRORS 0 WARN 0"), "{text}");
    // The other takes a second for a thousand messages.
    if report.messages > 200_000 {
        return report;
    }
    let faster = root.join("tests/tools/pstltp_fast.py");
    let text = run(Command::new("python3").arg(faster).arg(tools.join("pstltp.py")));
    let mut messages = 0;
    for line in text.lines().filter(|line| line.starts_with("MSG ")) {
        messages += 1;
        let after = |key: &str| {
            let rest = line.split_once(key).map_or("", |(_, rest)| rest);
            rest.split(' ').next().unwrap_or_default().to_owned()
        };
        assert_eq!(after("PidTagMessageSize="), after("node total="), "{line}");
        assert_eq!(after("PidTagMessageSize="), after("row size="), "{line}");
        assert!(line.ends_with("rowdiff=[]"), "{line}");
    }
    assert_eq!(messages, report.messages);
    report
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
