//! What time the service has: heard with every answer, from its `Date` (RFC 9110 section
//! 6.6.1), and counted on from there by what no step of this machine's clock moves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::{HeaderMap, header};

use crate::base::clock::{Clock, Timestamp};
use crate::base::limits::CLOCK_SKEW_SECONDS_MAX;

/// Cloning shares it.
#[derive(Clone, Debug)]
pub struct Skew {
    clock: Clock,
    /// The last date, and when it was heard; none before.
    heard: Arc<Mutex<Option<(Timestamp, Instant)>>>,
}

impl Skew {
    pub fn new(clock: Clock) -> Self {
        Self { clock, heard: Arc::default() }
    }

    /// Takes note of an answer. A fault may be of something before the service.
    pub fn hear(&self, status: http::StatusCode, headers: &HeaderMap) {
        if status.is_server_error() {
            return;
        }
        if let Some(date) = date_of(headers) {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            *heard = Some((date, Instant::now()));
        }
    }

    /// The service's time; none before its first answer.
    fn of_the_service(&self) -> Option<Timestamp> {
        let (date, at) = (*self.heard.lock().unwrap_or_else(PoisonError::into_inner))?;
        let since = i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX);
        Some(Timestamp(date.0.saturating_add(since)))
    }

    /// By how many seconds the service's clock is ahead; none before its first answer.
    pub fn seconds(&self) -> Option<i64> {
        let service = self.of_the_service()?;
        Some(service.seconds().saturating_sub(self.clock.now().seconds()))
    }

    /// What this machine's clock has shown just now, by the service's, where they
    /// disagree.
    pub fn by_the_service(&self, at: Timestamp) -> Timestamp {
        self.to_sign_by().unwrap_or(at)
    }

    /// The time by which locks are counted.
    pub fn now(&self) -> Timestamp {
        self.by_the_service(self.clock.now())
    }

    /// The service's time, where requests that are signed by this machine's would be
    /// refused, or will be soon.
    pub(super) fn to_sign_by(&self) -> Option<Timestamp> {
        self.of_the_service().filter(|service| disagree(*service, self.clock.now()))
    }

    /// Whether an answer may be a refusal for the time alone by which its request was
    /// signed, which is known better now.
    pub(super) fn is_late(&self, status: http::StatusCode, signed_by: Option<Timestamp>) -> bool {
        let signed_by = signed_by.unwrap_or_else(|| self.clock.now());
        status == http::StatusCode::FORBIDDEN
            && self.of_the_service().is_some_and(|service| disagree(service, signed_by))
    }
}

fn disagree(one: Timestamp, other: Timestamp) -> bool {
    let apart = one.seconds().saturating_sub(other.seconds());
    apart.saturating_abs() > CLOCK_SKEW_SECONDS_MAX
}

/// The date of an answer.
pub fn date_of(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp::from_seconds(zoned.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    /// What a clock that stands at 2023-11-14T22:13:20Z hears.
    fn heard(status: u16, date: &str) -> Skew {
        let skew = Skew::new(Clock::fixed(Timestamp::from_seconds(1_700_000_000)));
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, date.parse().unwrap());
        skew.hear(status.try_into().unwrap(), &headers);
        skew
    }

    #[test]
    fn the_service_is_followed_where_the_clocks_disagree() {
        for (date, ahead, now) in [
            ("Wed, 15 Nov 2023 22:13:20 GMT", 86_400, "2023-11-15T22:13:20Z"),
            ("Mon, 13 Nov 2023 22:13:20 GMT", -86_400, "2023-11-13T22:13:20Z"),
            ("Tue, 14 Nov 2023 22:18:20 GMT", 300, "2023-11-14T22:13:20Z"),
            ("Tue, 14 Nov 2023 22:18:21 GMT", 301, "2023-11-14T22:18:21Z"),
        ] {
            let skew = heard(200, date);
            let second = Timestamp::from_seconds(skew.now().seconds()).to_string();
            assert_eq!((skew.seconds(), second.as_str()), (Some(ahead), now));
        }
    }

    #[test]
    fn faults_and_what_is_no_date_are_not_heard() {
        for (status, date) in [(502, "Wed, 15 Nov 2023 22:13:20 GMT"), (200, "yesterday")] {
            assert_eq!(heard(status, date).seconds(), None);
        }
        // A refusal is the service's own.
        assert_eq!(heard(403, "Wed, 15 Nov 2023 22:13:20 GMT").seconds(), Some(86_400));
    }

    /// The service is asked again in a minute at the latest; what comes meanwhile has
    /// its right date all the same.
    #[test]
    fn a_step_of_this_machines_clock_moves_nothing() {
        let right = Timestamp::from_seconds(1_700_000_000);
        let clock = Clock::fixed(right);
        let Clock::Fixed(hand) = &clock else { unreachable!() };
        let skew = Skew::new(clock.clone());
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, "Tue, 14 Nov 2023 22:13:20 GMT".parse().unwrap());
        skew.hear(http::StatusCode::OK, &headers);
        for step in [600, -600, 31 * 86_400, 0, -86_400, 200, 0] {
            hand.store(right.plus_seconds(step).0, Ordering::Relaxed);
            let shown = clock.now();
            let wanted = if step == 200 { 200 } else { 0 };
            for found in [skew.now(), skew.by_the_service(shown)] {
                assert_eq!(found.seconds() - right.seconds(), wanted, "{step}");
            }
            assert_eq!(skew.seconds(), Some(-step));
        }
    }
}
