//! Ten kinds of query on what was ingested, each asked many times without the
//! help of kept results.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use muniment::index::{Index, Scope};
use muniment::query::{Dialect, parse};

const KINDS: [(&str, &str); 10] = [
    ("common word", "please"),
    ("rare word", "arbitrage"),
    ("three words", "please AND meeting AND gas"),
    ("three words, any", "pipeline OR storage OR contract"),
    ("phrase", "\"thank you\""),
    ("near", "gas NEAR(10) price"),
    ("word start", "contr*"),
    ("word end", "*tion"),
    ("address", "from:james.derrick@enron.com"),
    ("sent within a year", "sent>=2001-01-01 AND sent<=2001-12-31"),
];
const TIMES: usize = 40;

pub struct Kind {
    pub name: &'static str,
    pub query: &'static str,
    pub hits: usize,
    pub p50: Duration,
    pub p95: Duration,
}

pub fn measure(index: &Index) -> Vec<Kind> {
    KINDS
        .iter()
        .map(|&(name, text)| {
            let mut hits = 0;
            let mut times: Vec<Duration> = (0..TIMES)
                .map(|number| {
                    // Another date each time, so that no kept result answers.
                    let text = format!("({text}) AND received>={}-01-01", 1970 + number);
                    let query = parse(&text, Dialect::Kql, &TimeZone::UTC);
                    let query = query.expect("a valid query").query;
                    let begin = Instant::now();
                    hits = index.all(&query, &Scope::default()).expect("it answers").len();
                    begin.elapsed()
                })
                .collect();
            times.sort_unstable();
            let at = |share: usize| times[(times.len() - 1) * share / 100];
            Kind { name, query: text, hits, p50: at(50), p95: at(95) }
        })
        .collect()
}
