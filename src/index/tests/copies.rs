//! What is known of a message by its other copies and deliveries.

use super::*;
use crate::similar::Links;

#[test]
fn a_copy_is_found_by_its_own_message_id() {
    let mut doc = body(1, "a");
    let links = |id: &str| Links { id: id.to_owned(), ..Links::default() };
    doc.links = vec![(links("First@x"), vec![0]), (links("Second@x"), vec![1])];
    doc.message_id = "First@x".to_owned();
    let found = Fixture::new([doc, body(2, "b")]);
    for id in ["first@x", "second@x", "SECOND@x"] {
        for dialect in [Dialect::Kql, Dialect::DtSearch] {
            assert_eq!(found_by(&found, dialect, &format!("messageid:{id}")), [(1, 1)], "{id}");
        }
    }
}

#[test]
fn every_day_of_receipt_counts_and_the_first_orders() {
    let day = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
    let mut late = body(1, "a");
    late.received_at = day("2026-03-02T08:00:00Z");
    for at in ["2026-03-05T08:00:00Z", "2026-03-01T08:00:00Z", "2026-03-05T08:00:00Z"] {
        late.add_received(day(at));
    }
    assert_eq!(late.received_at, day("2026-03-01T08:00:00Z"));
    assert_eq!(late.received_again.len(), 2);
    let mut other = body(2, "b");
    other.received_at = day("2026-03-03T08:00:00Z");
    let found = Fixture::new([late, other]);
    let sets = |query: &str| -> Vec<i64> {
        found_by(&found, Dialect::Kql, query).iter().map(|hit| hit.0).collect()
    };
    for (query, sets_found) in [
        ("received:2026-03-01", &[1][..]),
        ("received:2026-03-02", &[1]),
        ("received:2026-03-05", &[1]),
        ("received:2026-03-04", &[]),
        ("received>=2026-03-03", &[2, 1]),
        ("received<2026-03-03", &[1]),
    ] {
        assert_eq!(sets(query), sets_found, "{query}");
    }
}
