//! Printed and read again, any AST is the same.

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::query::date::{Precision, When};
use crate::query::field::{DateField, Kind};
use crate::query::parse;

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
            Word::Pattern(pattern)
        },
    )
}

/// A word of dtSearch, where some characters mean something of their own.
fn dtsearch_word() -> impl Strategy<Value = Word> {
    let bare = "[a-zé][a-z0-9]{3,6}";
    prop_oneof![
        6 => word().prop_map(|word| match word {
            Word::Pattern(pieces) => Word::Pattern(pieces.into_iter().map(|piece| match piece {
                Piece::Literal(literal) => Piece::Literal(literal.replace(['=', '&'], "-")),
                piece => piece,
            }).collect()),
            word => word,
        }),
        1 => bare.prop_map(Word::Stem),
        1 => (bare, 0..5_usize, 1..4_usize)
            .prop_map(|(text, exact_chars, edits)| Word::Fuzzy { text, exact_chars, edits }),
        1 => (any::<u32>(), any::<u32>()).prop_map(|(a, b)| Word::Number {
            from: a.min(b).into(),
            until: a.max(b).into(),
        }),
        1 => "[a-z(|)\\[\\]0-9^$+*?.%~=&-]{1,8}".prop_map(Word::Regex),
        1 => ("[a-z]{1,3}", 1..3_usize).prop_map(|(text, digits)| {
            let mut pieces = vec![Piece::Literal(text)];
            pieces.extend(vec![Piece::OneDigit; digits]);
            Word::Pattern(pieces)
        }),
    ]
}

/// Words in a row, sometimes with an end of the text at theirs.
fn dtsearch_row() -> impl Strategy<Value = Vec<Word>> {
    (vec(dtsearch_word(), 1..4), option::of(any::<bool>())).prop_map(|(mut words, edge)| {
        match edge {
            Some(true) => words.insert(0, Word::Edge(Edge::First)),
            Some(false) => words.push(Word::Edge(Edge::Last)),
            None => {}
        }
        words
    })
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
const WHOLE: &[Field] =
    &[Field::MessageId, Field::Source, Field::Class, Field::Hash, Field::Language, Field::Gap];

fn near(text: BoxedStrategy<Node>, relations: &'static [Relation]) -> impl Strategy<Value = Node> {
    text.prop_recursive(3, 12, 3, move |inner| {
        let relation = proptest::sample::select(relations);
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Node::Or),
            (1..1000_u32, relation, inner.clone(), inner).prop_map(
                |(distance, relation, left, right)| {
                    Node::Near(Box::new(Near { distance, relation, left, right }))
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

/// A text as it is read: in fields of people angle brackets are gone by then.
fn text(field: Field, mut words: Vec<Word>) -> Node {
    if field.kind() == Kind::People {
        for word in &mut words {
            let Word::Pattern(pieces) = word else { continue };
            for piece in pieces {
                if let Piece::Literal(literal) = piece {
                    *literal = literal.replace(['<', '>'], "_");
                }
            }
        }
    }
    Node::Text(Text { field, words })
}

fn kql() -> impl Strategy<Value = Node> {
    let texts = (field(WORDS), vec(word(), 1..4)).prop_map(|(field, words)| text(field, words));
    let near = field(WORDS).prop_flat_map(|field| {
        let text = vec(word(), 1..3).prop_map(move |words| text(field, words));
        near(text.boxed(), &[Relation::Within, Relation::Before])
    });
    node(texts.boxed(), near.boxed())
}

fn dtsearch() -> impl Strategy<Value = Node> {
    let row = |field: Field| {
        let is_text = matches!(field, Field::Anywhere | Field::Body | Field::AttachmentText);
        let words = match is_text {
            true => dtsearch_row().boxed(),
            false => vec(dtsearch_word(), 1..4).boxed(),
        };
        words.prop_map(move |words| text(field, words))
    };
    let near = field(WORDS).prop_flat_map(move |field| {
        near(row(field).boxed(), &[Relation::Within, Relation::Before, Relation::NotWithin])
    });
    node(field(WORDS).prop_flat_map(row).boxed(), near.boxed())
}

fn node(texts: BoxedStrategy<Node>, near: BoxedStrategy<Node>) -> impl Strategy<Value = Node> {
    let sent = proptest::sample::select(vec![DateField::Sent, DateField::Received]);
    let plain = "[a-z0-9]{1,6}".prop_map(|text| vec![Word::literal(text)]);
    let leaf = prop_oneof![
        4 => texts,
        1 => (field(WHOLE), plain).prop_map(|(field, words)| Node::Text(Text { field, words })),
        1 => near,
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
    fn kql_is_read_as_it_was_printed(root in kql()) {
        is_read_as_printed(root, Dialect::Kql)?;
    }

    #[test]
    fn dtsearch_is_read_as_it_was_printed(root in dtsearch()) {
        is_read_as_printed(root, Dialect::DtSearch)?;
    }
}

fn is_read_as_printed(root: Node, dialect: Dialect) -> Result<(), TestCaseError> {
    let printed = super::text(&root, dialect);
    let parsed = parse(&printed, dialect, &TimeZone::UTC)
        .map_err(|error| TestCaseError::fail(error.caret(&printed).to_string()))?;
    prop_assert_eq!(parsed.query.root, Some(root), "{}", printed);
    Ok(())
}
