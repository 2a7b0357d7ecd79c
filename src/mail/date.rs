//! Times of header fields (RFC 5322 sections 3.3 and 4.3).

use jiff::civil::Date;

use crate::base::clock::Timestamp;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// A time, and whether its zone is known; taken as UTC if not. Besides those of the
/// standards, the forms of C's `asctime` and of `April 09, 2003 9:00 AM` are read.
pub fn parse(text: &str) -> Option<(Timestamp, bool)> {
    let plain = without_comments(text);
    let mut words = plain.split([' ', '\t', ',', '-']).filter(|word| !word.is_empty()).peekable();
    words.next_if(|word| is_alphabetic(word) && month(word).is_none());
    let (first, second) = (words.next()?, words.next()?);
    // As ISO 8601 has it, and some mailers.
    if first.len() == 4 && first.bytes().all(|byte| byte.is_ascii_digit()) {
        return iso(&plain);
    }
    let (month, day) = match month(first) {
        Some(month) => (month, second),
        None => (month(second)?, first),
    };
    let third = words.next()?;
    let is_clock_first = third.contains([':', '.']);
    let clock = if is_clock_first { third } else { words.next()? };
    // Its zone may follow without a blank.
    let end = clock.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.')));
    let clock = &clock[..end.unwrap_or(clock.len())];
    let (_, behind) = plain.split_once(clock)?;
    let mut behind = behind.split_whitespace().peekable();
    let half = behind.next_if(|word| half(word).is_some()).and_then(half);
    let mut zone = None;
    let year = if is_clock_first {
        zone = behind.next_if(|word| is_alphabetic(word)).and_then(offset);
        behind.next()?
    } else {
        third
    };
    let offset = zone.or_else(|| behind.next().and_then(offset));
    let days = Date::new(self::year(year)?, month, day.parse().ok()?).ok()?.duration_since(EPOCH);
    let seconds = days.as_secs() + self::seconds(clock, half)? - offset.unwrap_or_default();
    Some((Timestamp::from_seconds(seconds), offset.is_some()))
}

/// `2025-07-01 10:00:00 +0200` or `2025-07-01T08:00:00Z`.
fn iso(text: &str) -> Option<(Timestamp, bool)> {
    let text = text.trim();
    let (day, behind) = text.split_at_checked(10)?;
    let day: Date = day.parse().ok()?;
    let behind = behind.trim_start_matches([' ', 'T', 't']);
    let end = behind.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.')));
    let (clock, zone) = behind.split_at(end.unwrap_or(behind.len()));
    let offset = zone.split_whitespace().next().and_then(offset);
    let seconds = day.duration_since(EPOCH).as_secs() + seconds(clock, None)?;
    Some((Timestamp::from_seconds(seconds - offset.unwrap_or_default()), offset.is_some()))
}

fn is_alphabetic(word: &str) -> bool {
    word.starts_with(char::is_alphabetic)
}

fn month(word: &str) -> Option<i8> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let head = word.get(..3)?.to_ascii_lowercase();
    NAMES.iter().position(|name| *name == head).map(|at| at as i8 + 1)
}

/// Years of two and three digits are those of section 4.3.
fn year(word: &str) -> Option<i16> {
    let year: i16 = word.parse().ok()?;
    match (word.len(), year) {
        (2, 0..50) => Some(year + 2000),
        (2 | 3, _) => Some(year + 1900),
        (4, _) => Some(year),
        _ => None,
    }
}

/// Half of the day, as hours before it.
fn half(word: &str) -> Option<i64> {
    match word.to_ascii_lowercase().as_str() {
        "am" => Some(0),
        "pm" => Some(12),
        _ => None,
    }
}

/// Seconds of the day. A leap second is a time, and so is the end of the day.
fn seconds(clock: &str, half: Option<i64>) -> Option<i64> {
    // Some write dots.
    let dotted = clock.replace('.', ":");
    let clock = if clock.contains(':') { clock } else { &dotted };
    let mut parts = clock.split(':');
    let mut number = || -> Option<i64> { parts.next()?.parse().ok() };
    let (mut hour, minute) = (number()?, number()?);
    let second = parts.next().map_or(Some(0), |part| part.split('.').next()?.parse().ok())?;
    if let Some(half) = half {
        hour = if (1..=12).contains(&hour) { hour % 12 + half } else { return None };
    }
    let exists = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    let is_end = (hour, minute, second) == (24, 0, 0);
    let is_whole = parts.next().is_none();
    ((exists || is_end) && is_whole).then_some(hour * 3600 + minute * 60 + second)
}

/// Seconds east of Greenwich, also of `GMT+0200`.
fn offset(word: &str) -> Option<i64> {
    let of_greenwich = ["UTC", "GMT", "UT"].iter().find_map(|name| {
        let head = word.get(..name.len())?;
        let behind = &word[name.len()..];
        (head.eq_ignore_ascii_case(name) && behind.starts_with(['+', '-'])).then_some(behind)
    });
    let word = of_greenwich.unwrap_or(word);
    if let Some(digits) = word.strip_prefix(['+', '-']) {
        let digits: String = digits.chars().filter(|c| *c != ':').collect();
        if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (hours, minutes): (i64, i64) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
        let seconds = hours * 3600 + minutes * 60;
        return Some(if word.starts_with('-') { -seconds } else { seconds });
    }
    let hours = match word.to_ascii_uppercase().as_str() {
        "UT" | "UTC" | "GMT" | "Z" => 0,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return None,
    };
    Some(hours * 3600)
}

fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
        if c == ')' {
            out.push(' ');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_rfc_5322() {
        for (text, expected) in [
            ("Tue, 1 Jul 2025 10:00:00 +0200", Some((1_751_356_800, true))),
            ("1 Jul 25 08:00 GMT", Some((1_751_356_800, true))),
            ("2025-07-01 10:00:00 +0200", Some((1_751_356_800, true))),
            ("2025-07-01T08:00:00Z", Some((1_751_356_800, true))),
            ("2025-07-01T10:00:00.25+02:00", Some((1_751_356_800, true))),
            ("2025-07-01 08:00", Some((1_751_356_800, false))),
            ("2025-13-01 08:00", None),
            ("2025-07-01", None),
            ("Tue, 1 Jul 2025 10.00.00 +0200", Some((1_751_356_800, true))),
            ("Tue,1 July 2025 04:00:00 EDT (summer (time))", Some((1_751_356_800, true))),
            ("Wed, 20 Sep 1995 00:19:00 (EDT) -0400", Some((811_570_740, true))),
            ("01-Jul-2025 08:00:00.5 +00:00", Some((1_751_356_800, true))),
            ("Sat, 29 Apr 1995 23:34:45 -0800 From: Mail", Some((799_227_285, true))),
            ("Sat, 31 Dec 2016 23:59:60 +0000", Some((1_483_228_800, true))),
            ("Tue, 1 Jul 2025 08:00:00", Some((1_751_356_800, false))),
            ("Tue, 1 Jul 2025 08:00:00 JST", Some((1_751_356_800, false))),
            ("1 Jan 1601 00:00:00 +0000", Some((-11_644_473_600, true))),
            ("31 Feb 2020 00:00:00 +0000", None),
            ("1 Jan 2020 25:00:00 +0000", None),
            ("1 Jan 12020 00:00:00 +0000", None),
            ("29-04-2017 23:34", None),
            ("Tue Jul  1 08:00:00 2025", Some((1_751_356_800, false))),
            ("Tue Jul  1 10:00:00 2025 +0200", Some((1_751_356_800, true))),
            ("Tue Jul  1 04:00:00 EDT 2025", Some((1_751_356_800, true))),
            ("Tuesday, July 01, 2025 8:00 AM", Some((1_751_356_800, false))),
            ("July 1, 2025 12:30 PM +0000", Some((1_751_373_000, true))),
            ("1 Jul 2025 12:00 AM GMT", Some((1_751_328_000, true))),
            ("31 Dec 2024 24:00:00 GMT", Some((1_735_689_600, true))),
            ("31 Dec 9999 23:59:59 +0000", Some((253_402_300_799, true))),
            ("Tue, 1 Jul 2025 10:00:00+0200", Some((1_751_356_800, true))),
            ("Tue, 1 Jul 2025 03:00:00-0500", Some((1_751_356_800, true))),
            ("1 Jul 2025 8:00AM GMT", Some((1_751_356_800, true))),
            ("Tue, 1 Jul 2025 08:00:00Z", Some((1_751_356_800, true))),
            ("Tue Jul  1 10:00:00+0200 2025", None),
            ("Tue, 1 Jul 2025 10:00:00 GMT+0200", Some((1_751_356_800, true))),
            ("Tue, 1 Jul 2025 10:00:00 gmt+02:00", Some((1_751_356_800, true))),
            ("Tue, 1 Jul 2025 05:00:00 UTC-0300 (BRT)", Some((1_751_356_800, true))),
            ("Tue Jul 01 2025 10:00:00 GMT+0200 (CEST)", Some((1_751_356_800, true))),
            ("Tue, 1 Jul 2025 08:00:00 GMT+2", Some((1_751_356_800, false))),
            ("1 Jan 2020 24:00:01 +0000", None),
            ("1 Jan 2020 13:00 PM", None),
            ("Tue Jul 1 10:00:00", None),
            ("yesterday", None),
            ("", None),
        ] {
            let seen = parse(text).map(|(at, is_known)| (at.seconds(), is_known));
            assert_eq!(seen, expected, "{text}");
        }
    }
}
