//! What a query means, whatever dialect it was written in.
//!
//! Everything here can be printed (`Display`) in KQL and read again as the
//! same value; the property test in `print` holds that.

use jiff::tz::TimeZone;

use super::date::When;
use super::field::{DateField, Field};

/// A whole query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// None asks for everything: an empty query, where filters alone decide.
    pub root: Option<Node>,
    /// The zone in which dates without an offset are meant.
    pub zone: TimeZone,
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

/// Two expressions close to each other in one field of one document.
///
/// # Invariant
/// Each side is `Text` in a field of words, `Or` of such, or another `Near`,
/// and all of it is in the same field.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    /// Neighbouring words are 1 apart: `w/n` of dtSearch, `NEAR(n)` of KQL.
    pub distance: u32,
    /// The left side must come first.
    pub is_ordered: bool,
    pub left: Node,
    pub right: Node,
}

/// Words that stand next to each other in one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    pub field: Field,
    /// At least one. The engine cuts each into its own terms: `o'neil@x.com`
    /// is one word here and a phrase there.
    pub words: Vec<Word>,
}

/// One word as written between blanks.
///
/// # Invariant
/// No two literals and no two `AnyChars` are neighbours, literals are not empty
/// and hold neither blanks, quotation marks, `*` nor `?`, and at least one
/// literal holds a letter or digit.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    pub pattern: Vec<Piece>,
}

impl Word {
    pub fn has_wildcard(&self) -> bool {
        self.pattern.iter().any(|piece| !matches!(piece, Piece::Literal(_)))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Literal(String),
    /// `*`: any characters of the word, or none.
    AnyChars,
    /// `?`: exactly one character.
    OneChar,
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
