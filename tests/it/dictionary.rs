//! The dictionaries that small mail is packed with: where they come from, and
//! what they save.
//!
//! `MUNIMENT_WRITE_DICTIONARY=1` makes them again, in `target/tmp/dictionary`. A
//! published one is never replaced: a better one is added with another number.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use muniment::base::clock::Timestamp;
use muniment::cmd::demo::company::Company;
use muniment::mail::delivery::{self, Role, entry_bytes};
use muniment::mail::journal::{Envelope, Kind, Recipient};
use muniment::mail::transaction::Transaction;
use muniment::mail::wrap::{self, Original, Style};
use muniment::vault::pack::{Dictionary, LEVEL, pack};
use muniment::vault::record::RecordMeta;

const DICTIONARY_BYTES: usize = 32 << 10;
const STATIONERY: usize = 3000;
const LETTERS: usize = 700;

/// xorshift64*: the same samples on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() >> 33) as usize % end
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// Writes what mail programs write, around words that come up everywhere.
struct Stationery {
    dice: Dice,
    headers: Vec<&'static str>,
    bodies: Vec<&'static str>,
    phrases: Vec<&'static str>,
}

impl Stationery {
    fn new(seed: u64) -> Self {
        let blocks = |text: &'static str| text.split("%%\n").collect();
        Self {
            dice: Dice(seed),
            headers: blocks(include_str!("../fixtures/dictionary/headers.txt")),
            bodies: blocks(include_str!("../fixtures/dictionary/bodies.txt")),
            phrases: include_str!("../fixtures/dictionary/phrases.txt").lines().collect(),
        }
    }

    fn syllables(&mut self, count: usize) -> String {
        const SYLLABLES: [&str; 12] =
            ["ba", "ne", "ri", "to", "lu", "ma", "ser", "kin", "dor", "al", "ven", "st"];
        (0..count).map(|_| self.dice.pick(&SYLLABLES)).collect()
    }

    fn domain(&mut self) -> String {
        let top = self.dice.pick(&["com", "org", "net", "edu"]);
        let length = 2 + self.dice.below(2);
        format!("{}.example.{top}", self.syllables(length))
    }

    fn address(&mut self) -> String {
        let joint = self.dice.pick(&[".", "_", ""]);
        format!("{}{joint}{}@{}", self.syllables(2), self.syllables(2), self.domain())
    }

    fn words(&mut self, at_most: usize) -> String {
        let count = 1 + self.dice.below(at_most);
        let words: Vec<_> = (0..count).map(|_| self.dice.pick(&self.phrases)).collect();
        words.join(" ")
    }

    fn date(&mut self) -> String {
        let day = self.dice.pick(&["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);
        let month = self.dice.pick(&[
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]);
        let year = self.dice.pick(&["2001", "2002", "2008", "2023", "2024", "2025", "2026"]);
        let zone = self.dice.pick(&[
            "+0000",
            "+0100",
            "+0200",
            "-0700 (PDT)",
            "-0800 (PST)",
            "-0400 (EDT)",
            "+0000 (UTC)",
        ]);
        let (date, hour, minute, second) = (
            1 + self.dice.below(28),
            self.dice.below(24),
            self.dice.below(60),
            self.dice.below(60),
        );
        format!("{day}, {date} {month} {year} {hour:02}:{minute:02}:{second:02} {zone}")
    }

    /// What stands for one letter of a template.
    fn chance(&mut self, what: u8) -> String {
        match what {
            b'H' => format!("{:X}", self.dice.roll() >> (16 * self.dice.below(3))),
            b'h' => format!("{:04x}", self.dice.roll() >> 48),
            b'n' => self.dice.below(99_999).to_string(),
            b'g' => uuid_like(self.dice.roll(), self.dice.roll()),
            b'i' => {
                let mut part = || 1 + self.dice.below(254);
                format!("{}.{}.{}.{}", part(), part(), part(), part())
            }
            b'b' => {
                let bytes: Vec<u8> = (0..3).flat_map(|_| self.dice.roll().to_be_bytes()).collect();
                base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes)
            }
            b'd' => self.domain(),
            b'a' => self.address(),
            b'N' => format!("{} {}", title(&self.syllables(2)), title(&self.syllables(3))),
            b'S' => {
                let phrase: Vec<_> = self.dice.pick(&self.phrases).split(' ').collect();
                phrase.iter().skip(2).take(4).copied().collect::<Vec<_>>().join(" ")
            }
            b'D' => self.date(),
            b'W' => self.words(2),
            other => panic!("no template knows {{{}}}", other as char),
        }
    }

    fn fill(&mut self, template: &str) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            match from.as_bytes() {
                [b'{', what, b'}', ..] if what.is_ascii_alphabetic() => {
                    out.push_str(&self.chance(*what));
                    rest = &from[3..];
                }
                _ => {
                    out.push('{');
                    rest = &from[1..];
                }
            }
        }
        out + rest
    }

    fn message(&mut self) -> Vec<u8> {
        let header = self.dice.pick(&self.headers);
        let mut text = self.fill(header.trim_end()) + "\n";
        for _ in 0..2 + self.dice.below(5) {
            let block = match self.dice.below(10) < 6 {
                true => self.dice.pick(&self.phrases),
                false => self.dice.pick(&self.bodies),
            };
            text += "\n";
            text += &self.fill(block);
        }
        text.replace('\n', "\r\n").into_bytes()
    }

    /// As one of the servers that journal would send it.
    fn delivery(&mut self) -> Vec<u8> {
        let message = self.message();
        if self.dice.below(4) == 0 {
            return message;
        }
        let kinds = [Kind::To, Kind::Cc, Kind::Bcc, Kind::Recipient];
        let envelope = Envelope {
            sender: self.address(),
            subject: Some(self.chance(b'S')),
            message_id: Some(format!("<{}@{}>", self.chance(b'H'), self.domain())),
            recipients: (0..1 + self.dice.below(4))
                .map(|_| Recipient {
                    kind: kinds[self.dice.below(4)],
                    address: self.address(),
                    via: None,
                })
                .collect(),
            ..Envelope::default()
        };
        let style = Style {
            journal_address: format!("journal-{}@{}", self.chance(b'H'), self.domain()),
            tenant: format!("{}.onmicrosoft.com", self.syllables(3)),
            date: self.date(),
            charset: self.dice.pick(&["us-ascii", "utf-8"]),
            message_id_name: self.dice.pick(&["Message-Id", "Message-ID"]),
            is_message_id_first: self.dice.below(2) == 0,
            ..Style::default()
        };
        wrap::report(&envelope, &[Original::message(&message)], &style)
    }

    fn metadata(&mut self, bytes: &[u8]) -> Vec<u8> {
        let read = delivery::read(bytes);
        let tls = self.dice.below(3) > 0;
        let transaction = Transaction {
            source: self.dice.pick(&["default", "exchange", "m365", "google"]).to_owned(),
            peer: IpAddr::V4(Ipv4Addr::from(self.dice.roll() as u32)),
            helo: self.domain(),
            tls: tls.then(|| "TLSv1.3 TLS_AES_256_GCM_SHA384".to_owned()),
            reverse_path: match self.dice.below(2) {
                0 => String::new(),
                _ => self.address(),
            },
            recipients: vec![format!("journal-{}@{}", self.chance(b'h'), self.domain())],
            received_at: Timestamp(1_790_000_000_000_000 + (self.dice.roll() >> 18) as i64),
        };
        let meta = RecordMeta { transaction, delivery: read, is_proven: self.dice.below(9) > 0 };
        serde_json::to_vec(&meta).unwrap()
    }
}

fn uuid_like(high: u64, low: u64) -> String {
    let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
    format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
}

fn title(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

/// Small deliveries of the made-up company.
fn letters(seed: u64, count: usize) -> Vec<Vec<u8>> {
    let company = Company::new(seed, "2026-09-21".parse().unwrap(), count);
    company.map(|sent| sent.bytes).filter(|bytes| bytes.len() < 20_000).collect()
}

fn train(samples: &[Vec<u8>], dictionary: Dictionary) -> Vec<u8> {
    let mut made = zstd::dict::from_samples(samples, DICTIONARY_BYTES).unwrap();
    made[4..8].copy_from_slice(&dictionary.id().to_le_bytes());
    made
}

fn write() {
    let mut stationery = Stationery::new(7);
    let mut deliveries: Vec<_> = (0..STATIONERY).map(|_| stationery.delivery()).collect();
    deliveries.extend(letters(11, LETTERS));
    let metadata: Vec<_> = deliveries.iter().map(|bytes| stationery.metadata(bytes)).collect();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dictionary");
    std::fs::create_dir_all(&target).unwrap();
    for (dictionary, samples) in [(Dictionary::Mail, deliveries), (Dictionary::Metadata, metadata)]
    {
        let path = target.join(format!("{}.dict", dictionary.id()));
        std::fs::write(&path, train(&samples, dictionary)).unwrap();
        println!("{}", path.display());
    }
}

/// Bytes packed with the dictionary ÷ without.
fn ratio(dictionary: Dictionary, samples: &[Vec<u8>]) -> f64 {
    let packed: usize = samples.iter().map(|it| pack(dictionary, it).unwrap().len()).sum();
    let bare: usize = samples.iter().map(|it| zstd::bulk::compress(it, LEVEL).unwrap().len()).sum();
    packed as f64 / bare as f64
}

#[test]
fn a_dictionary_saves_a_tenth_of_mail_that_it_was_not_made_from() {
    if std::env::var_os("MUNIMENT_WRITE_DICTIONARY").is_some() {
        write();
    }
    let company = letters(99, 300);
    let bare: Vec<Vec<u8>> = company
        .iter()
        .filter_map(|bytes| {
            let read = delivery::read(bytes);
            let at = read.entries.iter().position(|entry| entry.role == Role::Message)?;
            entry_bytes(bytes, &read.entries, at).map(Cow::into_owned)
        })
        .collect();
    let mut stationery = Stationery::new(99);
    let metadata: Vec<_> = company.iter().map(|bytes| stationery.metadata(bytes)).collect();
    let found = [
        ratio(Dictionary::Mail, &company),
        ratio(Dictionary::Mail, &bare),
        ratio(Dictionary::Metadata, &metadata),
    ];
    println!("of a company's reports, its mail, their metadata: {found:.3?}");
    assert!(found[0] < 0.85 && found[1] < 0.9 && found[2] < 0.6, "{found:.3?}");
}
