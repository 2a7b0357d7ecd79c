//! Which lock an object gets, and until when: by its name, its class and the
//! calendar.

use crate::base::clock::Timestamp;
use crate::base::config::{Class, ClassMode, POLICY};

/// Who can take a lock away before its date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Nobody.
    Compliance,
    /// Who may bypass governance.
    Governance,
}

impl Mode {
    /// As S3 has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compliance => "COMPLIANCE",
            Self::Governance => "GOVERNANCE",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Compliance, Self::Governance].into_iter().find(|mode| mode.word() == word)
    }
}

/// That an object cannot be deleted before a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lock {
    pub mode: Mode,
    /// To the second.
    pub until: Timestamp,
}

impl Lock {
    /// Whether it keeps an object as long as `other` would, and as firmly.
    pub fn holds(&self, other: &Self) -> bool {
        self.until >= other.until && (self.mode == Mode::Compliance || self.mode == other.mode)
    }

    /// The date as S3 has it.
    pub fn date(&self) -> String {
        Timestamp::from_seconds(self.until.seconds()).to_string()
    }
}

/// The periods of the classes.
#[derive(Clone, Debug)]
pub struct Schedule {
    classes: Vec<Class>,
}

impl Schedule {
    pub fn new(classes: &[Class]) -> Self {
        Self { classes: classes.to_vec() }
    }

    /// The lock of an object that is created now; none for what is of no epoch
    /// and no evidence, or whose date has passed.
    pub fn lock_of(&self, name: &str, now: Timestamp) -> Option<Lock> {
        let mut parts = name.split('/');
        let mut next = || parts.next().unwrap_or_default();
        let lock = match next() {
            "probe" => return None,
            // Without keys a segment cannot be read: an erasure destroys those.
            "seg" => self.epoch_lock(next(), next(), |_| Mode::Compliance),
            "key" => self.epoch_lock(next(), next(), mode_of_keys),
            "keyring" if next() == "epoch" => match (next(), next()) {
                // Of statements, which last as long as the log.
                (POLICY, _) => None,
                (class, epoch) => self.epoch_lock(class, epoch, mode_of_keys),
            },
            // The log and the archive's own keys prove and open all that comes
            // now, so they last as long as the longest of it.
            _ => self.longest(&now.month()),
        };
        // An epoch that cannot be read is never shorter than another.
        lock.or_else(|| self.longest(&now.month())).filter(|lock| lock.until > now)
    }

    /// Since when an epoch may be destroyed: `None` where its name says no month.
    pub fn due(&self, class: &str, epoch: &str) -> Option<Timestamp> {
        self.epoch_lock(class, epoch, |_| Mode::Compliance).map(|lock| lock.until)
    }

    /// Whether records of a class can be erased before its date. One that is no longer
    /// configured is strict, as doubt always means longer.
    pub fn is_erasable(&self, class: &str) -> bool {
        let known = self.classes.iter().find(|known| known.name == class);
        known.is_some_and(|known| known.mode == ClassMode::Erasable)
    }

    /// The classes whose records can be erased.
    pub fn erasable(&self) -> impl Iterator<Item = &str> {
        let erasable = self.classes.iter().filter(|class| class.mode == ClassMode::Erasable);
        erasable.map(|class| class.name.as_str())
    }

    fn epoch_lock(&self, class: &str, epoch: &str, mode: fn(ClassMode) -> Mode) -> Option<Lock> {
        match self.classes.iter().find(|known| known.name == class) {
            Some(class) => lock_until(epoch, class.years, mode(class.mode)),
            // A class that is no longer configured: doubt always means longer.
            None => self.longest(epoch),
        }
    }

    fn longest(&self, epoch: &str) -> Option<Lock> {
        let years = self.classes.iter().map(|class| class.years).max().unwrap_or_default();
        lock_until(epoch, years, Mode::Compliance)
    }
}

/// Whether an object of this name is of no month of a class, so that its lock rolls on
/// with the archive.
pub fn rolls(name: &str) -> bool {
    let mut parts = name.split('/');
    match (parts.next().unwrap_or_default(), parts.next()) {
        ("seg" | "key" | "probe" | "canary", _) => false,
        ("keyring", Some("epoch")) => {
            parts.next() == Some(POLICY) || parts.next().and_then(first_of).is_none()
        }
        _ => true,
    }
}

fn mode_of_keys(mode: ClassMode) -> Mode {
    match mode {
        ClassMode::Strict => Mode::Compliance,
        ClassMode::Erasable => Mode::Governance,
    }
}

/// `years` after the end of the month, in UTC: never less than that after any
/// delivery of the epoch.
fn lock_until(epoch: &str, years: u16, mode: Mode) -> Option<Lock> {
    let first = first_of(epoch)?;
    let span = jiff::Span::new().try_years(years).ok()?.try_months(1).ok()?;
    let end = first.checked_add(span).ok()?.at(0, 0, 0, 0);
    let end = jiff::tz::TimeZone::UTC.to_timestamp(end).ok()?;
    Some(Lock { mode, until: Timestamp::from_seconds(end.as_second()) })
}

/// The first day of a month, as `2026-01` names it.
fn first_of(epoch: &str) -> Option<jiff::civil::Date> {
    let (year, month) = epoch.split_once('-')?;
    let (year, month) = (year.parse::<i16>().ok()?, month.parse::<i8>().ok()?);
    jiff::civil::Date::new(year, month, 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> Schedule {
        let class = |name: &str, years, mode| Class { name: name.into(), years, mode };
        Schedule::new(&[
            class("standard", 7, ClassMode::Strict),
            class("hr", 3, ClassMode::Erasable),
            class("long", 75, ClassMode::Strict),
        ])
    }

    fn check(name: &str, expected: Option<(&str, &str)>) {
        let now = Timestamp::from_seconds(1_767_225_600 + 14 * 24 * 3600);
        let lock = schedule().lock_of(name, now);
        let shown = lock.map(|lock| (lock.mode.word(), lock.date()));
        assert_eq!(shown, expected.map(|(mode, date)| (mode, date.to_owned())), "{name}");
    }

    #[test]
    fn locks_follow_class_and_month() {
        check("seg/standard/2026-01/a.seg", Some(("COMPLIANCE", "2033-02-01T00:00:00Z")));
        check("key/standard/2026-12/a.page", Some(("COMPLIANCE", "2034-01-01T00:00:00Z")));
        check("seg/hr/2026-01/a.seg", Some(("COMPLIANCE", "2029-02-01T00:00:00Z")));
        check("key/hr/2026-01/a.page", Some(("GOVERNANCE", "2029-02-01T00:00:00Z")));
        check("keyring/epoch/hr/2026-01/00000001", Some(("GOVERNANCE", "2029-02-01T00:00:00Z")));
        check("seg/long/2026-01/a.seg", Some(("COMPLIANCE", "2101-02-01T00:00:00Z")));
        // A leap day is in the month, and after it.
        check("seg/standard/2028-02/a.seg", Some(("COMPLIANCE", "2035-03-01T00:00:00Z")));
    }

    /// Beyond 32 bits of seconds, signed (2038) and not (2106), over leap days and the one
    /// that 2100 lacks.
    #[test]
    fn periods_end_where_the_calendar_says() {
        for (epoch, years, end) in [
            ("2027-02", 1, "2028-03-01T00:00:00Z"),
            ("2028-02", 1, "2029-03-01T00:00:00Z"),
            ("2028-02", 4, "2032-03-01T00:00:00Z"),
            ("2096-02", 4, "2100-03-01T00:00:00Z"),
            ("2026-12", 7, "2034-01-01T00:00:00Z"),
            ("2037-12", 1, "2039-01-01T00:00:00Z"),
            ("2038-01", 7, "2045-02-01T00:00:00Z"),
            ("2026-02", 80, "2106-03-01T00:00:00Z"),
            ("2099-12", 100, "2200-01-01T00:00:00Z"),
        ] {
            let class = Class { name: "c".into(), years, mode: ClassMode::Strict };
            let due = Schedule::new(&[class]).due("c", epoch).unwrap();
            assert_eq!(due.to_string(), end, "{epoch} and {years} years");
        }
        // Beyond what can be counted, doubt means that it is kept.
        let class = Class { name: "c".into(), years: 100, mode: ClassMode::Strict };
        assert_eq!(Schedule::new(&[class]).due("c", "9950-01"), None);
    }

    /// At the end of every month of four hundred years, whatever zone a sender is in.
    #[test]
    fn no_delivery_is_kept_for_less_than_its_years() {
        let schedule =
            Schedule::new(&[Class { name: "c".into(), years: 7, mode: ClassMode::Strict }]);
        let mut first = jiff::civil::date(2026, 1, 1);
        for _ in 0..4800 {
            let next = first.checked_add(jiff::Span::new().months(1)).unwrap();
            let next_at = jiff::tz::TimeZone::UTC.to_timestamp(next.at(0, 0, 0, 0)).unwrap();
            let last = Timestamp(next_at.as_microsecond() - 1);
            let due = schedule.due("c", &last.month()).unwrap();
            let years = jiff::Span::new().years(7);
            let kept = last
                .to_jiff()
                .to_zoned_datetime(jiff::tz::TimeZone::UTC)
                .checked_add(years)
                .unwrap();
            let kept = Timestamp(kept.timestamp().as_microsecond());
            assert!(due > kept && due.seconds() - kept.seconds() <= 86_400 + 1, "{first}");
            first = next;
        }
    }

    #[test]
    fn a_longer_lock_is_not_enough_if_it_is_weaker() {
        let lock = |mode, seconds| Lock { mode, until: Timestamp::from_seconds(seconds) };
        let (firm, soft) = (Mode::Compliance, Mode::Governance);
        assert!(lock(firm, 2).holds(&lock(firm, 2)) && lock(firm, 2).holds(&lock(soft, 1)));
        assert!(lock(soft, 2).holds(&lock(soft, 2)));
        assert!(!lock(soft, 9).holds(&lock(firm, 2)) && !lock(firm, 1).holds(&lock(soft, 2)));
    }

    #[test]
    fn what_is_of_no_month_of_a_class_rolls() {
        for name in [
            "log/tile/0/000",
            "policy/2026-01/a.policy",
            "format/33001.dict",
            "keyring/archive/00000001",
            "keyring/epoch/policy/2026-01/00000001",
            "keyring/epoch/hr/held/00000001",
        ] {
            assert!(rolls(name), "{name}");
            let lock = |month: &str| {
                let now = format!("{month}-15T00:00:00Z").parse::<jiff::Timestamp>().unwrap();
                schedule().lock_of(name, Timestamp(now.as_microsecond())).unwrap().date()
            };
            assert_eq!(lock("2030-02"), "2105-03-01T00:00:00Z", "{name}");
        }
        for name in [
            "seg/standard/2026-01/a.seg",
            "key/standard/2026-01/a.page",
            "keyring/epoch/hr/2026-01/00000001",
            "canary/a",
        ] {
            assert!(!rolls(name), "{name}");
        }
    }

    #[test]
    fn the_log_lasts_as_long_as_what_it_proves() {
        check("log/checkpoint/00000000000000000001", Some(("COMPLIANCE", "2101-02-01T00:00:00Z")));
        check("keyring/archive/00000001", Some(("COMPLIANCE", "2101-02-01T00:00:00Z")));
        check("log/tile/0/000", Some(("COMPLIANCE", "2101-02-01T00:00:00Z")));
    }

    #[test]
    fn doubt_means_longer() {
        check("seg/gone/2026-01/a.seg", Some(("COMPLIANCE", "2101-02-01T00:00:00Z")));
        check("seg/standard/never/a.seg", Some(("COMPLIANCE", "2101-02-01T00:00:00Z")));
    }

    #[test]
    fn what_has_passed_or_is_no_evidence_has_none() {
        check("seg/standard/2001-01/a.seg", None);
        check("probe/a", None);
    }
}
