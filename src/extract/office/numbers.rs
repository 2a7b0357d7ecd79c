//! Numbers of spreadsheets as people see them (ECMA-376 part 1, 18.8.30), and
//! beside that as they are where the format hides something.

use jiff::ToSpan;
use jiff::civil::Date;

/// How a cell shows its number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::extract) enum Format {
    #[default]
    General,
    Date(String),
    Number {
        decimals: usize,
        has_thousands: bool,
        is_percent: bool,
        before: String,
        after: String,
    },
}

impl Format {
    pub fn builtin(id: u32) -> Self {
        let code = match id {
            1 => "0",
            2 => "0.00",
            3 | 37 | 38 => "#,##0",
            4 | 39 | 40 => "#,##0.00",
            9 => "0%",
            10 => "0.00%",
            14 => "m/d/yy",
            15 => "d-mmm-yy",
            16 => "d-mmm",
            17 => "mmm-yy",
            18 => "h:mm AM/PM",
            19 => "h:mm:ss AM/PM",
            20 => "h:mm",
            21 => "h:mm:ss",
            22 => "m/d/yy h:mm",
            27..=36 | 50..=58 => "yyyy-mm-dd",
            45 => "mm:ss",
            46 => "[h]:mm:ss",
            47 => "mm:ss.0",
            _ => return Self::General,
        };
        Self::new(code)
    }

    pub fn new(code: &str) -> Self {
        let section = first_section(code);
        let bare = without_literals(&section);
        let lower = bare.to_ascii_lowercase();
        if lower.contains(['y', 'd', 'h', 's']) || lower.contains("mm") {
            return Self::Date(section);
        }
        if !lower.contains(['0', '#']) || lower.contains(['e', '/', '@']) {
            return Self::General;
        }
        let decimals = match lower.split_once('.') {
            Some((_, after)) => after.chars().take_while(|c| matches!(c, '0' | '#' | '?')).count(),
            None => 0,
        };
        let (before, after) = literals(&section);
        Self::Number {
            decimals: decimals.min(15),
            has_thousands: lower.contains(','),
            is_percent: lower.contains('%'),
            before,
            after,
        }
    }

    /// `value` as it is shown; `is_1904` says where the workbook's days begin.
    pub fn shown(&self, value: f64, is_1904: bool) -> String {
        match self {
            Self::General => general(value),
            Self::Date(code) => date(code, value, is_1904).unwrap_or_else(|| general(value)),
            Self::Number { decimals, has_thousands, is_percent, before, after } => {
                let scaled = if *is_percent { value * 100.0 } else { value };
                let mut digits = format!("{:.*}", decimals, scaled.abs());
                if *has_thousands {
                    digits = grouped(&digits);
                }
                let sign = if scaled < 0.0 { "-" } else { "" };
                let percent = if *is_percent { "%" } else { "" };
                let shown = format!("{sign}{before}{digits}{after}{percent}");
                let exact = general(value);
                let is_rounded = general(scaled).len() > format!("{scaled:.decimals$}").len();
                // One looks for what is shown, another for the number.
                let is_other = is_rounded || digits.contains(',');
                if is_other { format!("{shown} {exact}") } else { shown }
            }
        }
    }
}

fn general(value: f64) -> String {
    // What a program has computed ends in noise: 15 digits are a spreadsheet's.
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    if rounded != 0.0 && !(1e-9..1e21).contains(&rounded.abs()) {
        return format!("{rounded:E}");
    }
    rounded.to_string()
}

fn grouped(digits: &str) -> String {
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

fn first_section(code: &str) -> String {
    let mut is_quoted = false;
    let end = code.char_indices().find(|(_, c)| {
        is_quoted ^= *c == '"';
        *c == ';' && !is_quoted
    });
    code[..end.map_or(code.len(), |(at, _)| at)].to_owned()
}

/// The pieces of a format: a literal, or one character that means something.
fn pieces(code: &str) -> Vec<Result<char, String>> {
    let mut pieces = Vec::new();
    let mut rest = code.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => pieces.push(Err(rest.by_ref().take_while(|c| *c != '"').collect())),
            '\\' => pieces.extend(rest.next().map(|c| Err(c.to_string()))),
            '_' | '*' => {
                rest.next();
            }
            '[' => {
                let inner: String = rest.by_ref().take_while(|c| *c != ']').collect();
                let hours = inner.chars().all(|c| matches!(c, 'h' | 'H' | 'm' | 's'));
                match inner.strip_prefix('$') {
                    Some(currency) => {
                        let symbol = currency.split('-').next().unwrap_or_default();
                        pieces.push(Err(symbol.to_owned()));
                    }
                    None if hours => pieces.extend(inner.chars().map(Ok)),
                    None => {}
                }
            }
            '$' | '€' | '£' | '¥' | '(' | ')' => pieces.push(Err(c.to_string())),
            c => pieces.push(Ok(c)),
        }
    }
    pieces
}

fn without_literals(code: &str) -> String {
    pieces(code).into_iter().flatten().collect()
}

/// What stands before the digits, and what after them.
fn literals(code: &str) -> (String, String) {
    let (mut before, mut after, mut has_digits) = (String::new(), String::new(), false);
    for piece in pieces(code) {
        match piece {
            Ok('0' | '#' | '?') => has_digits = true,
            Err(literal) if has_digits => after.push_str(&literal),
            Err(literal) => before.push_str(&literal),
            Ok(_) => {}
        }
    }
    (before, after)
}

fn date(code: &str, value: f64, is_1904: bool) -> Option<String> {
    if !(0.0..3_000_000.0).contains(&value) {
        return None;
    }
    let seconds = (value.fract() * 86_400.0).round() as i64;
    let span = value.trunc() as i64 + seconds / 86_400;
    let seconds = seconds % 86_400;
    // Before March 1900 the count has a day that never was.
    let days = span + i64::from(!is_1904 && (1..60).contains(&span));
    let first = if is_1904 { Date::constant(1904, 1, 1) } else { Date::constant(1899, 12, 30) };
    let day = first.checked_add(days.days()).ok()?;
    let shown = show(code, day, seconds, span);
    let lower = without_literals(code).to_ascii_lowercase();
    let iso = day.to_string();
    let is_day = lower.contains(['y', 'd']) && !shown.contains(&iso);
    Some(if is_day { format!("{shown} {iso}") } else { shown })
}

fn show(code: &str, day: Date, seconds: i64, days: i64) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let pieces = pieces(code);
    let has_half = without_literals(code).to_ascii_uppercase().contains("AM/PM");
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut out = String::new();
    let mut was_hour = false;
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        let c = match piece {
            Err(literal) => {
                out.push_str(literal);
                at += 1;
                continue;
            }
            Ok(c) => c.to_ascii_lowercase(),
        };
        let same =
            |it: &&Result<char, String>| matches!(it, Ok(other) if other.to_ascii_lowercase() == c);
        let count = pieces[at..].iter().take_while(same).count();
        let next = pieces[at + count..].iter().flatten().find(|c| c.is_ascii_alphabetic());
        let is_minute = was_hour || matches!(next, Some('s' | 'S'));
        let month = MONTHS[usize::from(day.month().unsigned_abs() - 1).min(11)];
        match (c, count) {
            ('y', 1 | 2) => out.push_str(&format!("{:02}", day.year() % 100)),
            ('y', _) => out.push_str(&format!("{:04}", day.year())),
            ('m', 1) if is_minute => out.push_str(&minute.to_string()),
            ('m', 2) if is_minute => out.push_str(&format!("{minute:02}")),
            ('m', 1) => out.push_str(&day.month().to_string()),
            ('m', 2) => out.push_str(&format!("{:02}", day.month())),
            ('m', 3) => out.push_str(&month[..3]),
            ('m', _) => out.push_str(month),
            ('d', 1) => out.push_str(&day.day().to_string()),
            ('d', 2) => out.push_str(&format!("{:02}", day.day())),
            ('d', _) => {
                let name = format!("{:?}", day.weekday());
                out.push_str(if count == 3 { &name[..3] } else { &name });
            }
            ('h', _) => {
                let is_span = code.contains("[h");
                let shown = match (has_half, is_span) {
                    (true, _) => (hour + 11) % 12 + 1,
                    (false, true) => days * 24 + hour,
                    (false, false) => hour,
                };
                out.push_str(&format!("{shown:0width$}", width = count.min(2)));
            }
            ('s', _) => out.push_str(&format!("{second:0width$}", width = count.min(2))),
            ('a', _) => {
                out.push_str(if hour < 12 { "AM" } else { "PM" });
                at += "AM/PM".len();
                continue;
            }
            ('0' | '#', _) => {}
            (c, count) => out.extend(std::iter::repeat_n(c, count)),
        }
        if c.is_ascii_alphabetic() {
            was_hour = c == 'h';
        }
        at += count;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, value: f64, expected: &str) {
        assert_eq!(Format::new(code).shown(value, false), expected);
    }

    #[test]
    fn numbers_are_shown_as_people_see_them() {
        check("General", 0.1 + 0.2, "0.3");
        check("#,##0.00", 1234.5, "1,234.50 1234.5");
        check("#,##0", -1_234_567.0, "-1,234,567 -1234567");
        check("0.0", 0.25, "0.2 0.25");
        check("0%", 0.15, "15%");
        check("\"USD\" #,##0.00;[Red]-0", 12.0, "USD12.00");
        check("[$€-407]0.00", 1.0, "€1.00");
    }

    #[test]
    fn days_are_shown_as_written_and_by_year_month_day() {
        check("m/d/yy", 39448.0, "1/1/08 2008-01-01");
        check("yyyy\\-mm\\-dd", 39448.0, "2008-01-01");
        check("d mmm yyyy h:mm AM/PM", 39448.75, "1 Jan 2008 6:00 PM 2008-01-01");
        check("[h]:mm", 1.5, "36:00");
        check("mm:ss", 0.001, "01:26");
        assert_eq!(Format::builtin(14).shown(1.0, true), "1/2/04 1904-01-02");
        check("yyyy", f64::NAN, "NaN");
    }
}
