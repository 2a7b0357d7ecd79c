//! Dates as written in a query: a year, a month, a day or a time, in the
//! query's zone or with an offset of its own.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Span};

use crate::base::clock::Timestamp;

use super::ast::Test;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct When {
    /// Where the written stretch of time begins, on somebody's wall.
    pub start: DateTime,
    pub precision: Precision,
    /// Only with a time; without one, the query's zone is meant.
    pub offset: Option<Offset>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    Year,
    Month,
    Day,
    Minute,
    Second,
}

/// Years beyond these are slips, and their ends would leave the calendar.
const YEARS: std::ops::RangeInclusive<i16> = 1..=9998;

impl When {
    /// A whole day of the query's zone; none where its year cannot be meant.
    pub fn day(date: Date) -> Option<Self> {
        let start = date.to_datetime(Time::midnight());
        let day = Self { start, precision: Precision::Day, offset: None };
        YEARS.contains(&date.year()).then_some(day)
    }

    /// `2020`, `2020-03`, `2020-03-31`, `2020-03-31T17:05`, `…:09`, the last two
    /// also with `Z`, `+02:00` or `-05:00`.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = match text.split_once(['T', 't']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let mut numbers = date.splitn(3, '-');
        let year = number(numbers.next()?, 4)?;
        let month = numbers.next().map(|text| number(text, 2));
        let day = numbers.next().map(|text| number(text, 2));
        let precision = match (month, day) {
            (None, _) => Precision::Year,
            (Some(_), None) => Precision::Month,
            (Some(_), Some(_)) => Precision::Day,
        };
        let month = i8::try_from(month.unwrap_or(Some(1))?).ok()?;
        let day = i8::try_from(day.unwrap_or(Some(1))?).ok()?;
        let date = Date::new(year, month, day).ok().filter(|date| YEARS.contains(&date.year()))?;
        let Some(time) = time else {
            let start = date.to_datetime(Time::midnight());
            return Some(Self { start, precision, offset: None });
        };
        if precision != Precision::Day {
            return None;
        }
        let (time, offset) = split_offset(time)?;
        let mut numbers = time.splitn(3, ':');
        let hour = i8::try_from(number(numbers.next()?, 2)?).ok()?;
        let minute = i8::try_from(number(numbers.next()?, 2)?).ok()?;
        let (second, precision) = match numbers.next() {
            Some(text) => (i8::try_from(number(text, 2)?).ok()?, Precision::Second),
            None => (0, Precision::Minute),
        };
        let time = Time::new(hour, minute, second, 0).ok()?;
        Some(Self { start: date.to_datetime(time), precision, offset })
    }

    /// The instants it covers, the second excluded. A time that a change of
    /// clocks skips or repeats is read as RFC 5545 does.
    pub fn instants(&self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let start = self.instant(self.start, zone);
        let end = match self.precision {
            Precision::Year => self.instant(self.later(Span::new().years(1)), zone),
            Precision::Month => self.instant(self.later(Span::new().months(1)), zone),
            Precision::Day => self.instant(self.later(Span::new().days(1)), zone),
            Precision::Minute => start.plus_seconds(60),
            Precision::Second => start.plus_seconds(1),
        };
        (start, end)
    }

    fn later(&self, span: Span) -> DateTime {
        self.start.saturating_add(span)
    }

    fn instant(&self, at: DateTime, zone: &TimeZone) -> Timestamp {
        let instant = match self.offset {
            Some(offset) => offset.to_timestamp(at),
            None => zone.to_timestamp(at),
        };
        // The years allowed leave a year of room to what jiff can hold.
        instant.map_or(Timestamp::default(), |instant| Timestamp(instant.as_microsecond()))
    }
}

impl Test<When> {
    /// The instants that pass, `from` included and `until` excluded.
    pub fn instants(&self, zone: &TimeZone) -> (Option<Timestamp>, Option<Timestamp>) {
        let start = |when: &When| Some(when.instants(zone).0);
        let end = |when: &When| Some(when.instants(zone).1);
        match self {
            Self::At(when) => (start(when), end(when)),
            Self::Before(when) => (None, start(when)),
            Self::UpTo(when) => (None, end(when)),
            Self::After(when) => (end(when), None),
            Self::From(when) => (start(when), None),
            Self::Between(from, until) => (start(from), end(until)),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = match self.precision {
            Precision::Year => "%Y",
            Precision::Month => "%Y-%m",
            Precision::Day => "%Y-%m-%d",
            Precision::Minute => "%Y-%m-%dT%H:%M",
            Precision::Second => "%Y-%m-%dT%H:%M:%S",
        };
        write!(f, "{}", self.start.strftime(pattern))?;
        let Some(offset) = self.offset else { return Ok(()) };
        let minutes = SignedDuration::from_secs(offset.seconds().into()).as_mins();
        match minutes {
            0 => f.write_str("Z"),
            _ => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let minutes = minutes.abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

/// Exactly `digits` ASCII digits.
fn number(text: &str, digits: usize) -> Option<i16> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

fn split_offset(time: &str) -> Option<(&str, Option<Offset>)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, Some(Offset::UTC)));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, None)) };
    let (time, offset) = time.split_at(at);
    let (hours, minutes) = offset[1..].split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    if hours > 18 || minutes > 59 {
        return None;
    }
    let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
    let seconds = if offset.starts_with('-') { -seconds } else { seconds };
    Some((time, Some(Offset::from_seconds(seconds).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instants(text: &str, zone: &str) -> String {
        let zone = TimeZone::get(zone).expect("a zone the system knows");
        let (from, until) = When::parse(text).expect(text).instants(&zone);
        format!("{from} {until}")
    }

    #[test]
    fn a_day_is_of_the_zone() {
        assert_eq!(instants("2020-03-29", "UTC"), "2020-03-29T00:00:00Z 2020-03-30T00:00:00Z");
        // The clocks go forward that night: a day of 23 hours.
        assert_eq!(
            instants("2020-03-29", "Europe/Berlin"),
            "2020-03-28T23:00:00Z 2020-03-29T22:00:00Z"
        );
        assert_eq!(
            instants("2020-11-01", "America/New_York"),
            "2020-11-01T04:00:00Z 2020-11-02T05:00:00Z"
        );
    }

    #[test]
    fn precision_is_as_written() {
        assert_eq!(instants("2020", "UTC"), "2020-01-01T00:00:00Z 2021-01-01T00:00:00Z");
        assert_eq!(instants("2020-02", "UTC"), "2020-02-01T00:00:00Z 2020-03-01T00:00:00Z");
        assert_eq!(
            instants("2020-02-29T23:59-05:00", "Asia/Tokyo"),
            "2020-03-01T04:59:00Z 2020-03-01T05:00:00Z"
        );
        assert_eq!(
            instants("2020-02-29T23:59:59", "Asia/Tokyo"),
            "2020-02-29T14:59:59Z 2020-02-29T15:00:00Z"
        );
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "20",
            "2020-",
            "2020-13",
            "2020-02-30",
            "2020-1-1",
            "1/2/2020",
            "2020-01T10:00",
            "2020-01-01T",
            "2020-01-01T25:00",
            "2020-01-01T10:00+99:00",
            "0000",
            "9999",
            "٢٠٢٠",
            "2020-01-01T10:00:00:00",
            "2020-01-01-01",
        ] {
            assert_eq!(When::parse(text), None, "{text}");
        }
    }
}
