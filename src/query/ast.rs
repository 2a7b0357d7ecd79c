//! What a query means, whatever dialect it was written in.
//!
//! Everything here can be printed (`Display`) in the dialect that it was written
//! in and read again as the same value; the property tests in `print` hold that.

use jiff::tz::TimeZone;

use super::Dialect;
use super::date::When;
use super::field::{DateField, Field};

/// A whole query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// None asks for everything: an empty query, where filters alone decide.
    pub root: Option<Node>,
    /// The zone in which dates without an offset are meant.
    pub zone: TimeZone,
    /// How it was written; decides what AND joins, see [`Dialect::unit`].
    pub dialect: Dialect,
}

/// In what AND, OR and NOT look for all that they ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A message with everything attached to it.
    Family,
    /// The message or one attachment. What a message carries (people, dates, ids)
    /// counts for all documents of its family.
    Document,
}

impl Query {
    /// Whether any date is tested, so that its zone matters.
    pub fn has_date(&self) -> bool {
        fn of(node: &Node) -> bool {
            match node {
                Node::And(nodes) | Node::Or(nodes) => nodes.iter().any(of),
                Node::Not(node) => of(node),
                Node::Date(..) => true,
                Node::Near(_) | Node::Text(_) | Node::Size(_) | Node::Has(_) => false,
            }
        }
        self.root.as_ref().is_some_and(of)
    }

    /// Joins a further condition with AND.
    pub fn and(&mut self, condition: Node) {
        self.root = Some(match self.root.take() {
            None => condition,
            Some(Node::And(mut all)) => {
                all.push(condition);
                Node::And(all)
            }
            Some(root) => Node::And(vec![root, condition]),
        });
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// At least two.
    And(Vec<Node>),
    /// At least two.
    Or(Vec<Node>),
    Not(Box<Node>),
    Near(Box<Near>),
    Text(Text),
    Date(DateField, Test<When>),
    /// Of the whole message, in bytes.
    Size(Test<u64>),
    Has(Has),
}

impl Node {
    /// One node for which any of `nodes` is enough; none where there are none.
    pub(super) fn any_of(mut nodes: Vec<Self>) -> Option<Self> {
        match nodes.len() {
            0 | 1 => nodes.pop(),
            _ => Some(Self::Or(nodes)),
        }
    }
}

/// Two expressions close to each other in one field of one document.
///
/// # Invariant
/// Each side is `Text` in a field of words, `Or` of such, or another `Near`,
/// and all of it is in the same field.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    /// Neighbouring words are 1 apart: `w/n` of dtSearch, `NEAR(n)` of KQL.
    pub distance: u32,
    pub relation: Relation,
    pub left: Node,
    pub right: Node,
}

/// No word of a text stands for two words of one proximity: `a w/5 a` asks for two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// At most so far apart, in any order; one may be inside the other.
    Within,
    /// The left side ends before the right one begins.
    Before,
    /// The left side, at a place where the right one is not as near as that.
    NotWithin,
}

/// Words that stand next to each other in one field.
///
/// # Invariant
/// In a field of people no word holds `<`, `>`, `;` or `,`: they are read before.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    pub field: Field,
    /// At least one. The engine cuts each into its own terms: `o'neil@x.com`
    /// is one word here and a phrase there.
    pub words: Vec<Word>,
}

/// One word as written between blanks, and how a word of a text is compared with it.
/// All but `Pattern` are of one term: letters and digits without symbols between.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// # Invariant
    /// No two literals and no two `AnyChars` are neighbours, literals are not empty
    /// and hold neither blanks, quotation marks nor, but for links, wildcards, and at
    /// least one literal holds a letter or digit, or there is a `OneDigit`.
    Pattern(Vec<Piece>),
    /// Every word with the same English stem: `apply~`.
    Stem(String),
    /// Words that differ by at most `edits` letters put in, left out or replaced, and
    /// begin with the first `exact_chars` characters as they are: `ba%nana`.
    Fuzzy { text: String, exact_chars: usize, edits: usize },
    /// Whole numbers, both ends included: `12~~24`.
    Number { from: u64, until: u64 },
    /// A regular expression that a whole word fits: `"##199[0-9]"`.
    Regex(String),
    /// Just before the first or just behind the last word of a document's text.
    Edge(Edge),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    First,
    Last,
}

impl Word {
    pub fn literal(text: impl Into<String>) -> Self {
        Self::Pattern(vec![Piece::Literal(text.into())])
    }

    /// Whether it stands for words that only the index knows.
    pub fn is_expanded(&self) -> bool {
        match self {
            Self::Pattern(pieces) => pieces.iter().any(|piece| !matches!(piece, Piece::Literal(_))),
            Self::Stem(_) | Self::Fuzzy { .. } | Self::Number { .. } | Self::Regex(_) => true,
            Self::Edge(_) => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Literal(String),
    /// `*`: any characters of the word, or none.
    AnyChars,
    /// `?`: exactly one character.
    OneChar,
    /// `=` of dtSearch: exactly one digit.
    OneDigit,
}

/// A test of a value that has an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Test<T> {
    At(T),
    Before(T),
    UpTo(T),
    After(T),
    From(T),
    /// Both ends included.
    Between(T, T),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    Attachment,
    /// A source that did not show what it must: nobody's word for who sent it.
    Unproven,
}
