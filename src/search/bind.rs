//! What a query says of which only the catalog knows: custodians with all their
//! addresses, matters, holds.

use super::SearchError;
use crate::access::Refused;
use crate::catalog::matter::{self, CustodianRow};
use crate::catalog::{Catalog, hold};
use crate::index::Bound;
use crate::matter::Reach;
use crate::query::ast::{Node, Query, Text, Word};
use crate::query::field::Field;

/// Values of the query's catalog fields, and aliases of custodians put into it. Within
/// a matter only what is of that matter is known.
pub(super) async fn bind(
    catalog: &Catalog,
    reach: &Reach,
    query: &mut Query,
    warnings: &mut Vec<String>,
) -> Result<Vec<(Text, Bound)>, SearchError> {
    let Some(root) = &mut query.root else { return Ok(Vec::new()) };
    let mut asked = Vec::new();
    collect(root, &mut asked);
    let custodians = match reach {
        Reach::Archive(_) => Vec::new(),
        Reach::Matter(scope) => matter::custodians(catalog, scope.matter).await?,
    };
    if !custodians.is_empty() {
        with_aliases(root, &custodians, warnings);
    }
    let mut bound = Vec::new();
    for text in asked {
        let name = value(&text)?;
        let value = match text.field {
            Field::Custodian => custodian(reach, &custodians, &name)?,
            Field::Matter => of_matter(catalog, reach, &name).await?,
            _ => of_hold(catalog, reach, &name, warnings).await?,
        };
        bound.push((text, value));
    }
    Ok(bound)
}

fn collect(node: &Node, asked: &mut Vec<Text>) {
    match node {
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|node| collect(node, asked)),
        Node::Not(node) => collect(node, asked),
        Node::Text(text) if text.field.is_of_catalog() && !asked.contains(text) => {
            asked.push(text.clone());
        }
        Node::Text(_) | Node::Near(_) | Node::Date(..) | Node::Size(_) | Node::Has(_) => {}
    }
}

/// The name that is asked for, without wildcards, in lower case.
fn value(text: &Text) -> Result<String, Refused> {
    if text.words.iter().any(Word::is_expanded) {
        let name = text.field.name();
        return Err(Refused::Invalid(format!("{name}: write the whole name, without wildcards")));
    }
    let words: Vec<String> = text.words.iter().map(Word::to_string).collect();
    Ok(words.join(" ").to_lowercase())
}

fn is_named(name: &str, asked: &str) -> bool {
    let words = |text: &str| {
        let lower = text.to_lowercase();
        lower.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    words(name) == words(asked)
}

fn custodian(reach: &Reach, all: &[CustodianRow], name: &str) -> Result<Bound, Refused> {
    if matches!(reach, Reach::Archive(_)) {
        return Err(Refused::Invalid("a custodian is of a matter: name the matter".to_owned()));
    }
    let found = all.iter().filter(|row| {
        is_named(&row.name, name) || row.addresses.iter().any(|address| address == name)
    });
    let addresses: Vec<String> = found.flat_map(|row| row.addresses.iter().cloned()).collect();
    match addresses.is_empty() {
        true => Err(Refused::Invalid(format!("this matter has no custodian `{name}`"))),
        false => Ok(Bound::Addresses(addresses)),
    }
}

async fn of_matter(catalog: &Catalog, reach: &Reach, name: &str) -> Result<Bound, SearchError> {
    let seen = match reach {
        Reach::Archive(reader) => matter::list(catalog, *reader).await?,
        Reach::Matter(scope) => matter::by_id(catalog, scope.matter).await?.into_iter().collect(),
    };
    let row =
        seen.iter().find(|row| row.matter_id.0.to_string() == name || is_named(&row.name, name));
    let row = row.ok_or(Refused::Hidden("matter"))?;
    Ok(Bound::Addresses(matter::addresses(catalog, row.matter_id).await?))
}

async fn of_hold(
    catalog: &Catalog,
    reach: &Reach,
    name: &str,
    warnings: &mut Vec<String>,
) -> Result<Bound, SearchError> {
    let Reach::Matter(scope) = reach else {
        let message = "a hold is of a matter: name the matter".to_owned();
        return Err(Refused::Invalid(message).into());
    };
    let holds = hold::list(catalog, scope.matter).await?;
    let is_asked =
        |row: &&hold::HoldRow| row.hold_id.0.to_string() == name || is_named(&row.name, name);
    let named: Vec<_> = holds.iter().filter(is_asked).collect();
    if named.is_empty() {
        return Err(Refused::Invalid(format!("this matter has no hold `{name}`")).into());
    }
    let mut sets = Vec::new();
    for row in named {
        if let Some(at) = row.released_at {
            let day = scope.zone.to_datetime(at.to_jiff()).date();
            warnings.push(format!(
                "hold:{name} was released on {day}: what it would cover is found, and is held by \
                 others or not at all"
            ));
        }
        let items = hold::items_of(catalog, row.hold_id, None, i64::MAX as usize).await?;
        sets.extend(items.into_iter().map(|place| place.set));
    }
    Ok(Bound::Sets(sets))
}

/// A custodian that `participants:` names, by an address or by name, is any of their
/// addresses.
fn with_aliases(node: &mut Node, custodians: &[CustodianRow], warnings: &mut Vec<String>) {
    match node {
        Node::And(nodes) | Node::Or(nodes) => {
            nodes.iter_mut().for_each(|node| with_aliases(node, custodians, warnings));
        }
        Node::Not(node) => with_aliases(node, custodians, warnings),
        Node::Text(text) if text.field == Field::Participants => {
            let Ok(asked) = value(text) else { return };
            let is_asked =
                |row: &&CustodianRow| is_named(&row.name, &asked) || row.addresses.contains(&asked);
            let Some(row) = custodians.iter().find(is_asked) else { return };
            let of = |address: &String| {
                let words = vec![Word::literal(address.clone())];
                Node::Text(Text { field: Field::Participants, words })
            };
            let others = row.addresses.iter().filter(|address| **address != asked);
            let mut any = vec![node.clone()];
            any.extend(others.map(of));
            if any.len() > 1 {
                warnings.push(format!(
                    "participants:{asked} is read as the custodian {} by any address",
                    row.name
                ));
                *node = Node::Or(any);
            }
        }
        Node::Text(_) | Node::Near(_) | Node::Date(..) | Node::Size(_) | Node::Has(_) => {}
    }
}
