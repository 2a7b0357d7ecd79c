//! Printed and read again, any AST is the same.

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::query::date::{Precision, When};
use crate::query::field::DateField;
use crate::query::{Dialect, parse};

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("AND".to_owned()),
        Just("near".to_owned()),
        Just("w/5".to_owned()),
        Just("-a".to_owned()),
        Just("from:x".to_owned()),
        Just("東京".to_owned()),
        Just("a(b)".to_owned()),
        "[a-zé0-9][a-z@.:&<>='_-]{0,4}",
    ]
}

fn word() -> impl Strategy<Value = Word> {
    let wild = option::of(prop_oneof![Just(Piece::AnyChars), Just(Piece::OneChar)]);
    (wild.clone(), literal(), wild.clone(), option::of(literal()), wild).prop_map(
        |(before, first, between, second, after)| {
            let mut pattern: Vec<Piece> = before.into_iter().collect();
            pattern.push(Piece::Literal(first));
            if let (Some(between), Some(second)) = (between, second) {
                pattern.extend([between, Piece::Literal(second)]);
            }
            pattern.extend(after);
            Word { pattern }
        },
    )
}

fn field(kinds: &'static [Field]) -> impl Strategy<Value = Field> {
    proptest::sample::select(kinds)
}

const WORDS: &[Field] = &[
    Field::Anywhere,
    Field::Subject,
    Field::Body,
    Field::Header,
    Field::Attachment,
    Field::AttachmentName,
    Field::AttachmentText,
    Field::From,
    Field::To,
    Field::Cc,
    Field::Bcc,
    Field::Participants,
    Field::Recipients,
];
const WHOLE: &[Field] = &[Field::MessageId, Field::Source, Field::Class, Field::Hash];

fn near(field: Field) -> impl Strategy<Value = Node> {
    let text = vec(word(), 1..3).prop_map(move |words| Node::Text(Text { field, words }));
    text.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Node::Or),
            (1..1000_u32, any::<bool>(), inner.clone(), inner).prop_map(
                |(distance, is_ordered, left, right)| {
                    Node::Near(Box::new(Near { distance, is_ordered, left, right }))
                }
            ),
        ]
    })
}

fn when() -> impl Strategy<Value = When> {
    let offset = option::of((-18 * 60..=18 * 60).prop_map(|m| Offset::from_seconds(m * 60)));
    let precision = proptest::sample::select(vec![
        Precision::Year,
        Precision::Month,
        Precision::Day,
        Precision::Minute,
        Precision::Second,
    ]);
    ((1..=9998_i16, 1..=12_i8, 1..=28_i8), (0..24_i8, 0..60_i8, 0..60_i8), precision, offset)
        .prop_map(|((y, m, d), (hour, minute, second), precision, offset)| {
            let on = |at_least, value| if precision >= at_least { value } else { 1 };
            let date = Date::new(y, on(Precision::Month, m), on(Precision::Day, d));
            let at = |at_least, value| if precision >= at_least { value } else { 0 };
            let time = Time::new(
                at(Precision::Minute, hour),
                at(Precision::Minute, minute),
                at(Precision::Second, second),
                0,
            );
            let start = date.expect("a date").to_datetime(time.expect("a time"));
            let offset = offset.filter(|_| precision >= Precision::Minute);
            When { start, precision, offset: offset.map(|it| it.expect("an offset")) }
        })
}

fn test<T: std::fmt::Debug + Clone>(
    value: impl Strategy<Value = T> + Clone,
    is_ordered: fn(&T, &T) -> bool,
) -> impl Strategy<Value = Test<T>> {
    (0..6, value.clone(), value).prop_map(move |(kind, a, b)| match kind {
        0 => Test::At(a),
        1 => Test::Before(a),
        2 => Test::UpTo(a),
        3 => Test::After(a),
        4 => Test::From(a),
        _ if is_ordered(&a, &b) => Test::Between(a, b),
        _ => Test::At(b),
    })
}

fn node() -> impl Strategy<Value = Node> {
    let sent = proptest::sample::select(vec![DateField::Sent, DateField::Received]);
    let leaf = prop_oneof![
        4 => (field(WORDS), vec(word(), 1..4))
            .prop_map(|(field, words)| Node::Text(Text { field, words })),
        1 => (field(WHOLE), vec(word(), 1..2))
            .prop_map(|(field, words)| Node::Text(Text { field, words })),
        1 => field(WORDS).prop_flat_map(near),
        1 => (sent, test(when().boxed(), |a, b| a.start <= b.start))
            .prop_map(|(field, test)| Node::Date(field, test)),
        1 => test(any::<u64>(), |a, b| a <= b).prop_map(Node::Size),
        1 => proptest::sample::select(vec![Has::Attachment, Has::Unproven]).prop_map(Node::Has),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..5).prop_map(Node::And),
            vec(inner.clone(), 2..5).prop_map(Node::Or),
            inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn printed_query_is_read_as_the_same(root in node()) {
        let printed = root.to_string();
        let parsed = parse(&printed, Dialect::Kql, &TimeZone::UTC)
            .map_err(|error| TestCaseError::fail(error.caret(&printed).to_string()))?;
        prop_assert_eq!(parsed.query.root, Some(root), "{}", printed);
    }
}
