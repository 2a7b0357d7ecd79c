//! Gathering what waits into the next segment.
//!
//! Each segment costs several fsyncs, however little is in it. Senders that were
//! answered together send again together, but not at the same instant: whoever
//! comes first would be written alone, and the others after it. So a batch waits
//! a moment until it is as large as the last one was.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::base::limits;

/// The longest wait for those that came with the last batch.
const LINGER: Duration = Duration::from_millis(1);

/// What takes room in a segment.
pub(super) trait Weigh {
    fn bytes(&self) -> usize;
}

pub(super) struct Gatherer<T> {
    queue: mpsc::Receiver<T>,
    /// How many the last batch held.
    expected: usize,
    linger: Duration,
}

impl<T: Weigh> Gatherer<T> {
    pub fn new(queue: mpsc::Receiver<T>) -> Self {
        Self { queue, expected: 1, linger: LINGER }
    }

    /// Waits for one, then takes what comes with it, up to a segment's bounds.
    /// Empty once nothing more can come.
    pub async fn next(&mut self) -> Vec<T> {
        let Some(first) = self.queue.recv().await else { return Vec::new() };
        let until = Instant::now() + self.linger;
        let mut bytes = first.bytes();
        let mut batch = vec![first];
        while bytes < limits::SEGMENT_BYTES_MAX && batch.len() < limits::SEGMENT_RECORDS_MAX {
            let next = match self.queue.try_recv() {
                Ok(next) => next,
                Err(_) if batch.len() < self.expected => {
                    match timeout_at(until, self.queue.recv()).await {
                        Ok(Some(next)) => next,
                        Ok(None) | Err(_) => break,
                    }
                }
                Err(_) => break,
            };
            bytes += next.bytes();
            batch.push(next);
        }
        self.expected = batch.len();
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weigh for usize {
        fn bytes(&self) -> usize {
            *self
        }
    }

    #[tokio::test]
    async fn a_batch_waits_for_as_many_as_the_last() {
        let (sender, queue) = mpsc::channel(8);
        let linger = Duration::from_secs(3600);
        let mut gatherer = Gatherer { linger, ..Gatherer::new(queue) };
        sender.send(1).await.unwrap();
        assert_eq!(gatherer.next().await, [1], "one sender alone does not wait");
        for item in [1, 2, 3] {
            sender.send(item).await.unwrap();
        }
        assert_eq!(gatherer.next().await, [1, 2, 3]);

        sender.send(4).await.unwrap();
        let late = async {
            for item in [5, 6] {
                tokio::task::yield_now().await;
                sender.send(item).await.unwrap();
            }
        };
        assert_eq!(tokio::join!(gatherer.next(), late).0, [4, 5, 6]);
    }

    #[tokio::test]
    async fn a_batch_waits_a_moment_and_no_longer() {
        let (sender, queue) = mpsc::channel(8);
        let mut gatherer = Gatherer { expected: 3, ..Gatherer::new(queue) };
        sender.send(1).await.unwrap();
        assert_eq!(gatherer.next().await, [1]);
        assert_eq!(gatherer.expected, 1, "who went away is waited for once");
    }

    #[tokio::test]
    async fn a_batch_keeps_to_a_segments_bounds_and_the_end_ends_it() {
        let (sender, queue) = mpsc::channel(8);
        let mut gatherer = Gatherer::new(queue);
        for _ in 0..3 {
            sender.send(limits::SEGMENT_BYTES_MAX / 2).await.unwrap();
        }
        assert_eq!(gatherer.next().await.len(), 2);
        drop(sender);
        assert_eq!(gatherer.next().await.len(), 1);
        assert!(gatherer.next().await.is_empty());
    }
}
