//! Named places at which a test can end the process, as a power cut would.
//!
//! Every durable step has one before and one after it. In a build without debug
//! assertions the function is empty.

#[cfg(debug_assertions)]
use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

/// Environment variable: `NAME:N` aborts at the N-th passage of point NAME.
pub const CRASH_AT: &str = "MUNIMENT_CRASH_AT";

/// Every name that [`point`] is called with; a test walks them all.
pub const POINTS: &[&str] = &[
    "seal.before_put",
    "seal.after_segment",
    "seal.after_page",
    "commit.before",
    "commit.after",
    "publish.after_tiles",
    "publish.after_checkpoint",
    "policy.before_put",
    "policy.after_put",
    "retention.after_page",
    "retention.after_commit",
    "retention.after_objects",
    "retention.after_key",
    "erasure.after_pages",
    "erasure.after_commit",
    "erasure.after_keys",
    "compact.after_put",
    "compact.after_commit",
    "compact.after_delete",
    "rebuild.after_leaves",
    "rebuild.after_segments",
    "rebuild.before_policy",
    "locks.after_page",
    "scrub.after_step",
    "scrub.after_part",
    "rotate.after_file",
    "rotate.after_announced",
    "rotate.after_epoch",
    "rotate.after_kept",
    "rotate.after_switch",
    "follow.after_index",
    "follow.after_catalog",
    "follow.after_late",
    "follow.before_settling",
    "outside.after_sent",
];

#[cfg(debug_assertions)]
struct Armed {
    name: String,
    left: AtomicU64,
}

/// Ends the process here if the test asked for it.
#[cfg(debug_assertions)]
pub fn point(name: &'static str) {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    debug_assert!(POINTS.contains(&name), "unlisted crash point {name}");
    let armed = ARMED.get_or_init(|| {
        let value = std::env::var(CRASH_AT).ok()?;
        let (name, count) = value.rsplit_once(':')?;
        Some(Armed { name: name.to_owned(), left: AtomicU64::new(count.parse().ok()?) })
    });
    if let Some(armed) = armed
        && armed.name == name
        && armed.left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        // SIGKILL, not abort: nothing may run on the way out.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

#[cfg(not(debug_assertions))]
pub fn point(_name: &'static str) {}
