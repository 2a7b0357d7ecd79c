//! Waiting for what another process does.

use std::time::{Duration, Instant};

/// How long a machine that has much else to do may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Looks again and again whether it is so, seldom enough to leave the processor to who
/// is waited for.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(1);
    while !is_so() {
        assert!(Instant::now() < end, "waited too long until {what}");
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}
