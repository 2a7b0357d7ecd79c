//! Threads: who writes to whom about what, and in which order.

use crate::base::clock::Timestamp;
use crate::base::hash::Digest;

use super::attachment::{Attachment, wrapped};
use super::dice::Dice;
use super::letter::{Addressee, Letter, Look};
use super::people::{self, LEAK, LISTS, OUTSIDE, Person, STAFF, Team};
use super::tongues::{Manner, Tongue, manner};
use super::topics::{Circle, TOPICS, Topic};

const CLIENTS: &[&str] = &[
    "Donauwerk",
    "Rhône Chimie",
    "Tidewell",
    "Minato Keiki",
    "Gulf Metering",
    "Aguas del Sur",
    "Quill Components",
    "Sevpribor",
    "Norvane",
    "Hartwell Water",
];
const PRODUCTS: &[&str] = &["FM-200", "FM-350", "PT-85", "UltraFlow X", "CalBench 4"];
const CITIES: &[&str] =
    &["Bristol", "Graz", "Lyon", "Osaka", "Dubai", "Sevilla", "Rotterdam", "Gdańsk", "Leeds"];
const MONTHS: &[&str] = &[
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
const QUOTED_LINES_MAX: usize = 40;
const COLUMNS: usize = 76;
/// Threads in a thousand that are in another language.
const TONGUES: usize = 190;

/// What a thread keeps to.
struct Facts(Vec<(&'static str, String)>);

impl Facts {
    fn new(dice: &mut Dice, at: Timestamp) -> Self {
        let date = at.plus_seconds(86_400 * dice.between(3, 30) as i64);
        Self(vec![
            ("{client}", (*dice.pick(CLIENTS)).into()),
            ("{product}", (*dice.pick(PRODUCTS)).into()),
            ("{city}", (*dice.pick(CITIES)).into()),
            ("{month}", (*dice.pick(MONTHS)).into()),
            ("{person}", dice.pick(STAFF).name.into()),
            ("{number}", dice.between(1_000, 98_999).to_string()),
            ("{amount}", format!("{},{:03}", dice.between(2, 480), 50 * dice.below(20))),
            ("{pct}", dice.between(3, 40).to_string()),
            ("{date}", date.to_jiff().strftime("%-d %B %Y").to_string()),
        ])
    }

    /// One of `lines`, filled.
    fn one(&self, dice: &mut Dice, lines: &[&str]) -> String {
        let line: &&str = dice.pick(lines);
        self.fill(line)
    }

    fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (key, value)| text.replace(key, value))
    }
}

/// The letters of one thread that begins at `start`.
pub fn write(dice: &mut Dice, start: Timestamp) -> Vec<Letter> {
    if dice.below(1000) < TONGUES {
        let writers: Vec<_> = OUTSIDE.iter().filter(|p| p.tongue != Tongue::English).collect();
        let outside = *dice.pick(&writers);
        let inside: Vec<_> = STAFF.iter().filter(|p| p.tongue == outside.tongue).collect();
        let Some(inside) = (!inside.is_empty()).then(|| *dice.pick(&inside)) else {
            return Vec::new();
        };
        let manner = manner(outside.tongue);
        let script = Script {
            subjects: manner.subjects,
            openings: manner.openings,
            replies: manner.replies,
            manner,
            topic: None,
        };
        let mut circle = vec![inside, outside];
        if dice.chance(50) {
            circle.swap(0, 1);
        }
        return script.play(dice, start, &circle, None);
    }
    let total: usize = TOPICS.iter().map(|topic| topic.weight).sum();
    let mut roll = dice.below(total);
    let topic = TOPICS.iter().find(|topic| {
        let is_it = roll < topic.weight;
        roll = roll.saturating_sub(topic.weight);
        is_it
    });
    let topic = topic.unwrap_or(&TOPICS[0]);
    let circle = circle(dice, &topic.circle);
    let list = match topic.circle {
        Circle::List(address) => LISTS.iter().find(|list| list.address == address),
        // A team's business sometimes goes to all of it.
        Circle::Teams([Team::Engineering, ..]) if dice.chance(30) => Some(&LISTS[2]),
        Circle::Teams([Team::Board, ..]) if dice.chance(20) => Some(&LISTS[3]),
        Circle::With([Team::Sales, ..], _) if dice.chance(15) => Some(&LISTS[1]),
        _ => None,
    };
    let script = Script {
        subjects: topic.subjects,
        openings: topic.openings,
        replies: topic.replies,
        manner: manner(Tongue::English),
        topic: Some(topic),
    };
    script.play(dice, start, &circle, list)
}

/// Who takes part, the one who begins first.
fn circle(dice: &mut Dice, circle: &Circle) -> Vec<&'static Person> {
    let by_address = |address: &&str| people::by_address(address);
    let mut found = match circle {
        Circle::Teams(teams) => {
            let all: Vec<_> = STAFF.iter().filter(|p| teams.contains(&p.team)).collect();
            let count = dice.between(2, 5);
            dice.some(&all, count)
        }
        Circle::With(teams, outside) => {
            let all: Vec<_> = STAFF.iter().filter(|p| teams.contains(&p.team)).collect();
            let count = dice.between(1, 4);
            let mut found = dice.some(&all, count);
            let count = dice.between(1, 2);
            found.extend(dice.some(outside, count).iter().filter_map(by_address));
            found
        }
        Circle::List(_) => {
            let all = people::team(*dice.pick(&[Team::Technology, Team::People, Team::Finance]));
            let mut found = vec![*dice.pick(&all)];
            found.push(dice.pick(STAFF));
            found
        }
        Circle::Heron => {
            let mut found = people::team(Team::Board);
            found.extend(people::team(Team::Legal).first());
            let outside = [
                "jph@ashdown-pryce.example",
                "e.voss@brightwater-capital.example",
                "gordon.pike@tidewell.example",
            ];
            found.extend(dice.some(&outside, 2).iter().filter_map(by_address));
            let count = dice.between(3, 6);
            dice.some(&found, count)
        }
    };
    let first = dice.below(found.len());
    found.swap(0, first);
    found
}

struct Script {
    subjects: &'static [&'static str],
    openings: &'static [&'static str],
    replies: &'static [&'static str],
    manner: &'static Manner,
    topic: Option<&'static Topic>,
}

impl Script {
    fn play(
        &self,
        dice: &mut Dice,
        start: Timestamp,
        circle: &[&'static Person],
        list: Option<&'static people::List>,
    ) -> Vec<Letter> {
        let facts = Facts::new(dice, start);
        let subject = facts.one(dice, self.subjects);
        let count = if list.is_some() { dice.between(1, 3) } else { dice.between(1, 7) };
        let mut at = start;
        let mut letters: Vec<Letter> = Vec::new();
        for _ in 0..count.min(circle.len().max(1) * 3) {
            let letter = self.letter(dice, &facts, &subject, at, circle, list, &letters);
            at = working(dice, at);
            letters.push(letter);
        }
        letters
    }

    #[expect(clippy::too_many_arguments, reason = "one letter takes all of a thread's state")]
    fn letter(
        &self,
        dice: &mut Dice,
        facts: &Facts,
        subject: &str,
        at: Timestamp,
        circle: &[&'static Person],
        list: Option<&'static people::List>,
        before: &[Letter],
    ) -> Letter {
        let last = before.last();
        let others = |person: &Person| -> Vec<&'static Person> {
            circle.iter().copied().filter(|other| other.address != person.address).collect()
        };
        let from = match last {
            None => circle[0],
            Some(last) if others(last.from).is_empty() => last.from,
            Some(last) => *dice.pick(&others(last.from)),
        };
        let mut rest = others(from);
        let main = match last {
            Some(last) if last.from.address != from.address => last.from,
            _ => rest.first().copied().unwrap_or(from),
        };
        rest.retain(|person| person.address != main.address);
        let (to, cc) = match list {
            Some(list) => (
                vec![Addressee::List(list)],
                rest.iter().filter(|p| !p.is_inside()).map(|p| Addressee::Person(p)).collect(),
            ),
            None => {
                let split = dice.below(rest.len() + 1);
                let mut to = vec![Addressee::Person(main)];
                to.extend(rest[..split].iter().map(|p| Addressee::Person(p)));
                (to, rest[split..].iter().map(|p| Addressee::Person(p)).collect())
            }
        };
        let text = self.text(dice, facts, from, list.map_or(main.first_name(), |_| "all"), last);
        let has_html = dice.chance(55);
        let look = Look {
            has_html,
            has_logo: dice.chance(15),
            has_tracker: !from.is_inside() && dice.chance(25),
            is_old: dice.chance(30),
        };
        let attachments = self.attachments(dice, subject, &text, last.is_none());
        let tag = format!("{subject}{}{}{}", at.0, dice.roll(), from.address);
        let host = from.address.split('@').nth(1).unwrap_or_default();
        Letter {
            at,
            id: format!("<{}@{host}>", &Digest::of(tag.as_bytes()).to_string()[..24]),
            references: last
                .map(|l| [&l.references[..], std::slice::from_ref(&l.id)].concat())
                .unwrap_or_default(),
            bcc: self.blind(dice, from, circle),
            from,
            to,
            cc,
            subject: match last {
                Some(_) => format!("{}{subject}", self.manner.reply_mark),
                None => subject.to_owned(),
            },
            text,
            look,
            attachments,
        }
    }

    fn text(
        &self,
        dice: &mut Dice,
        facts: &Facts,
        from: &Person,
        to: &str,
        last: Option<&Letter>,
    ) -> String {
        let mut paragraphs = Vec::new();
        match last {
            None => {
                paragraphs.push(facts.one(dice, self.openings));
                if dice.chance(40) {
                    paragraphs.push(facts.one(dice, self.replies));
                }
            }
            Some(_) => {
                let count = dice.between(1, 2);
                paragraphs
                    .extend(dice.some(self.replies, count).iter().map(|text| facts.fill(text)));
            }
        }
        let mut text = self.manner.greeting.replace("{name}", to) + "\n\n";
        for paragraph in paragraphs {
            text.push_str(&wrapped(&paragraph, COLUMNS).join("\n"));
            text.push_str("\n\n");
        }
        let company =
            if from.is_inside() { "\nLarkfield Instruments\nT +44 117 496 0000" } else { "" };
        text.push_str(&format!(
            "{}\n{}\n\n-- \n{}\n{}{company}\n",
            dice.pick(self.manner.closings),
            from.first_name(),
            from.name,
            from.title
        ));
        if let Some(last) = last {
            let date = last.at.to_jiff().strftime("%d.%m.%Y %H:%M").to_string();
            let wrote =
                self.manner.wrote.replace("{date}", &date).replace("{name}", last.from.name);
            text.push_str(&format!("\n{wrote}\n"));
            for line in last.text.lines().take(QUOTED_LINES_MAX) {
                text.push_str(if line.is_empty() || line.starts_with('>') { ">" } else { "> " });
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }

    fn attachments(
        &self,
        dice: &mut Dice,
        subject: &str,
        text: &str,
        is_first: bool,
    ) -> Vec<Attachment> {
        let kinds = self
            .topic
            .map_or(&[super::attachment::Kind::Pdf, super::attachment::Kind::Table][..], |t| {
                t.attachments
            });
        if !dice.chance(if is_first { 40 } else { 10 }) {
            return Vec::new();
        }
        let count = if dice.chance(20) { 2 } else { 1 };
        (0..count).map(|_| Attachment::new(*dice.pick(kinds), dice, subject, text)).collect()
    }

    /// Now and then somebody reads along whom no header shows.
    fn blind(
        &self,
        dice: &mut Dice,
        from: &Person,
        circle: &[&'static Person],
    ) -> Vec<&'static str> {
        let is_heron = self.topic.is_some_and(|topic| topic.circle == Circle::Heron);
        if is_heron && from.name == "Victor Okafor" && dice.chance(60) {
            return vec![LEAK];
        }
        if !from.is_inside() || !dice.chance(6) {
            return Vec::new();
        }
        let outsiders: Vec<_> =
            STAFF.iter().filter(|p| circle.iter().all(|c| c.address != p.address)).collect();
        vec![dice.pick(&outsiders).address]
    }
}

/// A time for the next letter: within minutes or days, in working hours, seldom
/// at the weekend.
pub fn working(dice: &mut Dice, after: Timestamp) -> Timestamp {
    let pause =
        if dice.chance(60) { dice.between(240, 14_400) } else { dice.between(14_400, 260_000) };
    at_work(dice, after.plus_seconds(pause as i64))
}

/// The same or the next working hour.
pub fn at_work(dice: &mut Dice, at: Timestamp) -> Timestamp {
    let mut seconds = at.seconds();
    let hour = seconds.rem_euclid(86_400) / 3600;
    if hour < 7 {
        seconds += (7 - hour) * 3600;
    } else if hour > 18 {
        seconds += (31 - hour) * 3600;
    }
    // 1970-01-01 was a Thursday.
    let weekday = (seconds.div_euclid(86_400) + 3).rem_euclid(7);
    if weekday >= 5 && !dice.chance(10) {
        seconds += (7 - weekday) * 86_400;
    }
    Timestamp::from_seconds(seconds)
}
