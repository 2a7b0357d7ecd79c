//! Time: instants as a type, and the only place that asks the system for one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};

/// An instant in microseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub const MICROS_PER_SECOND: i64 = 1_000_000;

    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(Self::MICROS_PER_SECOND))
    }

    /// Whole seconds since the epoch, rounded towards the past.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(Self::MICROS_PER_SECOND)
    }

    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(Self::MICROS_PER_SECOND)))
    }

    /// The calendar month in UTC, as `2026-01`: the epoch of a delivery received now.
    pub fn month(self) -> String {
        self.to_jiff().strftime("%Y-%m").to_string()
    }

    /// The instant as jiff knows it; values beyond its range are held at its ends.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

/// RFC 3339 in UTC, to the microsecond where there are any.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

/// Where the time comes from. Cloning shares the source.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's clock.
    System,
    /// A clock that stands where it was last set; for tests.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    pub fn fixed(at: Timestamp) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at.0)))
    }

    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks")]
            Self::System => Timestamp(jiff::Timestamp::now().as_microsecond()),
            Self::Fixed(at) => Timestamp(at.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn month_is_of_utc() {
        assert_eq!(Timestamp::from_seconds(0).month(), "1970-01");
        assert_eq!(Timestamp::from_seconds(-1).month(), "1969-12");
        assert_eq!(Timestamp::from_seconds(4_102_444_800).month(), "2100-01");
        // Whatever zone it is told in.
        for (text, month) in [
            ("2026-12-31T23:30:00-05:00", "2027-01"),
            ("2027-01-01T00:30:00+14:00", "2026-12"),
            ("2028-02-29T23:59:59.999999Z", "2028-02"),
            ("2100-02-28T23:59:59.999999Z", "2100-02"),
            ("2100-03-01T00:00:00Z", "2100-03"),
        ] {
            let at: jiff::Timestamp = text.parse().unwrap();
            assert_eq!(Timestamp(at.as_microsecond()).month(), month, "{text}");
        }
    }

    #[test]
    fn text_is_rfc_3339() {
        assert_eq!(Timestamp::from_seconds(1_700_000_000).to_string(), "2023-11-14T22:13:20Z");
    }
}
