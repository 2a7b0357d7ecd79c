//! How long a peer may keep its seat: with a message that comes by drops, and with
//! commands that bring none. Only the time in which the peer is waited for counts.

use std::time::Duration;

use crate::base::limits;

pub(super) struct Pace {
    grace: Duration,
    waited: Duration,
    received: u64,
}

impl Pace {
    /// `grace`, and more with every byte that comes.
    pub(super) fn new(grace: Duration) -> Self {
        Self { grace, waited: Duration::ZERO, received: 0 }
    }

    /// How much longer the peer is waited for.
    pub(super) fn left(&self) -> Duration {
        let earned = self.received.saturating_mul(1000) / limits::SMTP_BYTES_PER_SECOND_MIN;
        (self.grace + Duration::from_millis(earned)).saturating_sub(self.waited)
    }

    /// So long was waited, and so many bytes came.
    pub(super) fn spent(&mut self, waited: Duration, received: usize) {
        self.waited += waited;
        self.received = self.received.saturating_add(received as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(300);

    /// How long a peer is heard that sends so many bytes every so often.
    fn heard(bytes: usize, every: Duration) -> Duration {
        let mut pace = Pace::new(GRACE);
        let mut heard = Duration::ZERO;
        while pace.left() >= every && heard < GRACE * 1000 {
            pace.spent(every, bytes);
            heard += every;
        }
        heard
    }

    #[test]
    fn drops_are_not_a_message_and_a_slow_line_is() {
        let minute = Duration::from_secs(60);
        assert!(heard(1, minute) <= GRACE);
        assert!(heard(1000, Duration::from_secs(1)) < GRACE * 2);
        let rate = limits::SMTP_BYTES_PER_SECOND_MIN as usize;
        assert!(heard(rate, Duration::from_secs(1)) >= GRACE * 1000);
        assert!(heard(rate * 60, minute) >= GRACE * 1000);
    }

    /// However large the message, it has an end.
    #[test]
    fn a_message_of_any_size_ends() {
        let mut pace = Pace::new(GRACE);
        pace.spent(Duration::ZERO, limits::DELIVERY_BYTES_LIMIT as usize);
        assert!(pace.left() < Duration::from_secs(48 * 3600));
        pace.spent(pace.left(), 0);
        assert_eq!(pace.left(), Duration::ZERO);
    }
}
