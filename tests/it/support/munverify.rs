//! The second reader of the format, in `tests/tools/munverify`.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

pub struct Said {
    pub code: i32,
    pub json: Value,
}

impl Said {
    /// The objects that it names as faulty.
    pub fn faulty(&self) -> Vec<&str> {
        let faults = self.json["faults"].as_array().unwrap();
        faults.iter().map(|fault| fault["object"].as_str().unwrap()).collect()
    }

    #[track_caller]
    pub fn assert_whole(&self) {
        assert_eq!((self.code, self.faulty()), (0, Vec::new()), "{:#}", self.json);
    }
}

/// None, said loudly, where no Python has what it needs.
pub fn munverify(arguments: &[impl AsRef<OsStr>]) -> Option<Said> {
    let Some(python) = python() else {
        eprintln!(
            "SKIPPED: no Python has cryptography and zstandard for tests/tools/munverify \
             (deploy/deps.sh test)"
        );
        return None;
    };
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/munverify");
    // -B: several tests run it at once, and none leaves files beside it.
    let output = Command::new(python).arg("-B").arg(tool).args(arguments).output().unwrap();
    let code = output.status.code().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(code < 2, "munverify could not check: {said}");
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    Some(Said { code, json })
}

/// Debian's has its packages where another Python comes before it, too.
pub fn python() -> Option<&'static str> {
    ["python3", "/usr/bin/python3"].into_iter().find(|python| {
        let mut command = Command::new(python);
        let tried = command.args(["-c", "import cryptography, zstandard"]).output();
        tried.is_ok_and(|output| output.status.success())
    })
}
