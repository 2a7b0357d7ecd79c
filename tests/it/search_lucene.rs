//! The index against Lucene's span queries, which count distances as counsel does: on
//! generated texts and on real mail, with other queries in each run.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::tz::TimeZone;

use muniment::index::doc::FamilyDoc;
use muniment::index::{Index, Scope};
use muniment::query::{self, Dialect};

use super::search_corpus::family;
use super::support::corpus;
use super::support::random::Random;

/// A query of ours in dtSearch, and of Lucene's.
struct Pair {
    ours: String,
    lucene: String,
    /// A proximity beside another: Lucene goes through such places one after the other
    /// and passes some by, so that it finds no more than we do.
    is_nested: bool,
}

/// The jars of Debian's package; without it and a JDK the tests are skipped, loudly.
fn jars() -> Option<String> {
    let found = |name: &str| {
        let entries = std::fs::read_dir("/usr/share/java").ok()?;
        let mut jars: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.to_string_lossy().contains(name))
            .collect();
        jars.sort();
        jars.pop().map(|path| path.display().to_string())
    };
    let jars = found("/lucene-core-8").zip(found("/lucene-analyzers-common-8"));
    let has_java = Command::new("javac").arg("-version").output().is_ok();
    match jars {
        Some((core, analyzers)) if has_java => Some(format!("{core}:{analyzers}")),
        _ => {
            eprintln!("SKIPPED: Lucene is not installed (deploy/deps.sh test)");
            None
        }
    }
}

/// The documents that each query finds.
fn ask_lucene(jars: &str, texts: &[String], pairs: &[Pair]) -> Vec<BTreeSet<usize>> {
    let directory = tempfile::tempdir().unwrap();
    let lines = directory.path().join("lines");
    let documents = texts.iter().map(|text| format!("D {text}\n"));
    let queries = pairs.iter().map(|pair| format!("Q {}\n", pair.lucene));
    std::fs::write(&lines, documents.chain(queries).collect::<String>()).unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/LuceneSpans.java");
    let output = Command::new("java")
        .args(["-cp", jars])
        .arg(program)
        .stdin(Stdio::from(File::open(lines).unwrap()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).unwrap();
    let sets = answers.lines().map(|line| line.split(' ').flat_map(str::parse).collect());
    sets.collect()
}

/// How many of the queries find anything.
fn compare(texts: &[String], pairs: &[Pair], jars: &str) -> usize {
    let directory = tempfile::tempdir().unwrap();
    let index = Index::open(directory.path(), 0).unwrap();
    for (set, text) in texts.iter().enumerate() {
        index.put(FamilyDoc { sent_at: None, ..family(set, text) }).unwrap();
        if set % 97 == 0 {
            index.commit(set as u64).unwrap();
        }
    }
    index.commit(texts.len() as u64).unwrap();
    let answers = ask_lucene(jars, texts, pairs);
    assert_eq!(answers.len(), pairs.len());
    let (mut found_any, mut further) = (0, 0);
    for (pair, lucene) in pairs.iter().zip(answers) {
        let query = query::parse(&pair.ours, Dialect::DtSearch, &TimeZone::UTC);
        let query = query.unwrap_or_else(|error| panic!("{}", error.caret(&pair.ours))).query;
        let hits = index.all(&query, &Scope::default()).unwrap();
        let ours: BTreeSet<usize> = hits.iter().map(|hit| hit.set.0 as usize).collect();
        if pair.is_nested {
            assert!(ours.is_superset(&lucene), "{}\n{}", pair.ours, pair.lucene);
            further += usize::from(ours != lucene);
        } else {
            assert_eq!(ours, lucene, "{}\n{}", pair.ours, pair.lucene);
        }
        found_any += usize::from(!ours.is_empty());
    }
    let nested = pairs.iter().filter(|pair| pair.is_nested).count();
    println!("{} queries, {nested} nested, of which {further} found more", pairs.len());
    found_any
}

struct Generator(Random);

impl Generator {
    fn pick(&mut self, below: usize) -> usize {
        (self.0.next() % below.max(1) as u64) as usize
    }

    /// Few words of four groups, each told by its letter.
    fn text(&mut self) -> String {
        let length = self.pick(40);
        let words: Vec<String> = (0..length).map(|_| self.word()).collect();
        words.join(" ")
    }

    fn word(&mut self) -> String {
        let group = self.pick(4);
        // Half of all words are of no group.
        if self.pick(2) == 0 { "x".to_owned() } else { self.word_of(group) }
    }

    fn word_of(&mut self, group: usize) -> String {
        let tails = ["1", "2", "12", "11", "122"];
        format!("{}{}", ["a", "b", "c", "d"][group], tails[self.pick(5)])
    }

    /// Words of one group: a word, a phrase, or what stands for several words.
    fn leaf(&mut self, group: usize) -> (String, String) {
        let letter = ["a", "b", "c", "d"][group];
        match self.pick(8) {
            0 => {
                let (a, b) = (self.word_of(group), self.word_of(group));
                (format!("\"{a} {b}\""), format!("(phrase (t {a}) (t {b}))"))
            }
            1 => (format!("{letter}1*"), format!("(wild {letter}1*)")),
            2 => (format!("{letter}?2"), format!("(wild {letter}?2)")),
            3 => (format!("\"##{letter}[12]2*\""), format!("(regex {letter}[12]2*)")),
            4 => (format!("{letter}%12"), format!("(fuzzy 1 1 {letter}12)")),
            5 => {
                let (a, b) = (self.word_of(group), self.word_of(group));
                let c = self.word_of(group);
                let lucene = format!("(or (t {a}) (phrase (t {b}) (t {c})))");
                (format!("({a} or \"{b} {c}\")"), lucene)
            }
            _ => {
                let word = self.word_of(group);
                (word.clone(), format!("(t {word})"))
            }
        }
    }

    /// Two sides of groups that have no word in common.
    fn near(&mut self, groups: &[usize]) -> Pair {
        let at = 1 + self.pick(groups.len() - 1);
        let (left, left_is_near) = self.side(&groups[..at]);
        let (right, right_is_near) = self.side(&groups[at..]);
        let n = 1 + self.pick(8);
        let (operator, lucene) = match self.pick(4) {
            0 => (format!("pre/{n}"), format!("near {} 1", n - 1)),
            // What Lucene passes by, it would not exclude.
            1 if !right_is_near => (format!("not w/{n}"), format!("not {n}")),
            _ => (format!("w/{n}"), format!("near {} 0", n - 1)),
        };
        Pair {
            ours: format!("({} {operator} {})", left.0, right.0),
            lucene: format!("({lucene} {} {})", left.1, right.1),
            is_nested: left_is_near || right_is_near,
        }
    }

    fn side(&mut self, groups: &[usize]) -> ((String, String), bool) {
        if groups.len() > 1 && self.pick(2) == 0 {
            let near = self.near(groups);
            return ((near.ours, near.lucene), true);
        }
        let group = groups[self.pick(groups.len())];
        (self.leaf(group), false)
    }

    fn part(&mut self) -> Pair {
        if self.pick(8) == 0 {
            let word = self.word();
            let n = 1 + self.pick(6);
            return Pair {
                ours: format!("({word} w/{n} xfirstword)"),
                lucene: format!("(first {n} (t {word}))"),
                is_nested: false,
            };
        }
        let first = self.pick(3);
        let mut groups = vec![0, 1, 2, 3];
        groups.rotate_left(first);
        groups.truncate(2 + self.pick(3));
        self.near(&groups)
    }

    /// A part, or several joined.
    fn query(&mut self) -> Pair {
        let first = self.part();
        let joins = [("and", "AND"), ("or", "OR"), ("and not", "")];
        match self.pick(5) {
            at @ 0..3 => {
                let second = self.part();
                let (ours, lucene) = joins[at];
                let lucene = match lucene {
                    "" => format!("(AND {} (NOT {}))", first.lucene, second.lucene),
                    lucene => format!("({lucene} {} {})", first.lucene, second.lucene),
                };
                let is_nested = first.is_nested || second.is_nested;
                match at == 2 && second.is_nested {
                    true => first,
                    false => Pair {
                        ours: format!("{} {ours} {}", first.ours, second.ours),
                        lucene,
                        is_nested,
                    },
                }
            }
            _ => first,
        }
    }
}

#[test]
fn lucene_finds_the_same_in_generated_texts() {
    let Some(jars) = jars() else { return };
    let seed = Random::seed();
    println!("MUNIMENT_TEST_SEED={seed}");
    let mut generator = Generator(Random::new(seed));
    let texts: Vec<String> = (0..400).map(|_| generator.text()).collect();
    let pairs: Vec<Pair> = (0..3000).map(|_| generator.query()).collect();
    let found_any = compare(&texts, &pairs, &jars);
    assert!(found_any > 1500, "only {found_any} queries found anything");
}

#[test]
fn lucene_finds_the_same_in_real_mail() {
    let Some(jars) = jars() else { return };
    let messages = corpus::messages("bulk/linux-parisc");
    if messages.is_empty() {
        return;
    }
    let step = messages.len().div_ceil(300);
    // Their words as a plain reading of ASCII has them.
    let texts: Vec<String> = messages
        .iter()
        .step_by(step)
        .map(|bytes| muniment::extract::parse_message(bytes).text)
        .filter(|text| text.is_ascii())
        .map(|text| {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric());
            let words = words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase);
            words.collect::<Vec<_>>().join(" ")
        })
        .collect();
    let seed = Random::seed();
    println!("MUNIMENT_TEST_SEED={seed}");
    let mut generator = Generator(Random::new(seed));
    let mut pairs = Vec::new();
    while pairs.len() < 1500 {
        let text = &texts[generator.pick(texts.len())];
        let words: Vec<&str> = text.split(' ').collect();
        if words.len() < 30 {
            continue;
        }
        let at = generator.pick(words.len() - 20);
        let (a, b, c) = (words[at], words[at + 1], words[at + 2 + generator.pick(12)]);
        if c == a || c == b {
            continue;
        }
        let n = 1 + generator.pick(12);
        let (left, lucene_left) = match generator.pick(3) {
            0 => (format!("\"{a} {b}\""), format!("(phrase (t {a}) (t {b}))")),
            1 => (format!("(\"{a}\" or \"{b}\")"), format!("(or (t {a}) (t {b}))")),
            _ => (format!("\"{a}\""), format!("(t {a})")),
        };
        let (operator, lucene) = match generator.pick(3) {
            0 => (format!("pre/{n}"), format!("near {} 1", n - 1)),
            1 => (format!("not w/{n}"), format!("not {n}")),
            _ => (format!("w/{n}"), format!("near {} 0", n - 1)),
        };
        pairs.push(Pair {
            ours: format!("{left} {operator} \"{c}\""),
            lucene: format!("({lucene} {lucene_left} (t {c}))"),
            is_nested: false,
        });
    }
    let found_any = compare(&texts, &pairs, &jars);
    assert!(found_any > 750, "only {found_any} queries found anything");
}
