//! Whose turn it is where processors are few: what senders wait for goes before
//! what is done behind their backs.

/// Added to the niceness (sched(7)): about a third of the weight of a thread
/// that has none, and all that is left over.
const BEHIND: i32 = 5;

/// Gives this thread, and those that it will start, a smaller share of the
/// processors than the threads that take deliveries.
pub fn yield_to_ingest() {
    // On Linux this is of the thread, not of the process (setpriority(2)). It
    // can't fail but where niceness is forbidden, and then order is all we lose.
    let _ = rustix::process::nice(BEHIND);
}

/// Runs `start` so that every thread it starts yields to ingest.
pub fn behind<T: Send>(start: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let started = scope.spawn(|| {
            yield_to_ingest();
            start()
        });
        started.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn what_is_started_behind_yields_and_nothing_else_does() {
        let here = || getpriority_process(None).unwrap();
        let before = here();
        let inherited = behind(|| std::thread::spawn(here).join().unwrap());
        assert_eq!(inherited, (before + BEHIND).min(19));
        assert_eq!(here(), before);
    }
}
