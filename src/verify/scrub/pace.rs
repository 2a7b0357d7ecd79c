//! Reading no faster than was asked for, so that mail and searches go first.

use std::time::Duration;

use tokio::time::Instant;

pub(super) struct Pace {
    /// None: as fast as it goes.
    bytes_per_second: Option<u64>,
    begun: Instant,
    taken: u64,
}

impl Pace {
    pub(super) fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second, begun: Instant::now(), taken: 0 }
    }

    /// Returns when so much more may have been read.
    pub(super) async fn take(&mut self, bytes: u64) {
        if let Some(due) = self.due(bytes) {
            tokio::time::sleep_until(self.begun + due).await;
        }
    }

    /// How long after the start so much more may have been read.
    fn due(&mut self, bytes: u64) -> Option<Duration> {
        let rate = self.bytes_per_second?;
        self.taken += bytes;
        Some(Duration::from_secs_f64(self.taken as f64 / rate.max(1) as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_their_time() {
        let mut pace = Pace::new(Some(1000));
        assert_eq!(pace.due(500), Some(Duration::from_millis(500)));
        assert_eq!(pace.due(1500), Some(Duration::from_secs(2)));
        assert_eq!(Pace::new(None).due(1 << 40), None);
    }
}
