//! What is asked: a query and filters, and what they mean to the index.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{SearchError, bind};
use crate::access::Refused;
use crate::base::ids::{CustodianId, MatterId};
use crate::catalog::{Catalog, matter};
use crate::index::{Order, Scope};
use crate::matter::Reach;
use crate::query::ast::{Node, Query, Test};
use crate::query::date::When;
use crate::query::field::{DateField, Field};
use crate::query::{self, Dialect};

/// A search that can be kept and asked again, by an export for example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Without one, the whole archive: that needs the archive-wide right.
    pub matter_id: Option<MatterId>,
    pub query: String,
    pub dialect: Dialect,
    /// First day, in the matter's zone.
    pub from: Option<Date>,
    /// Last day, all of it.
    pub until: Option<Date>,
    /// Which date the days are of, and by which the hits are ordered.
    pub date_kind: DateKind,
    pub sender: Option<String>,
    pub recipient: Option<String>,
    /// Of the matter.
    pub custodian_id: Option<CustodianId>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateKind {
    Sent,
    #[default]
    Received,
}

impl Ask {
    /// A query without filters.
    pub fn new(matter_id: Option<MatterId>, query: impl Into<String>, dialect: Dialect) -> Self {
        Self {
            matter_id,
            query: query.into(),
            dialect,
            from: None,
            until: None,
            date_kind: DateKind::default(),
            sender: None,
            recipient: None,
            custodian_id: None,
        }
    }
}

pub(super) struct Resolved {
    /// Filters included, as far as a query can say them.
    pub query: Query,
    pub scope: Scope,
    /// Whose days its dates are; none without dates.
    pub zone: Option<String>,
    pub warnings: Vec<String>,
}

pub(super) async fn resolve(
    catalog: &Catalog,
    reach: &Reach,
    ask: &Ask,
) -> Result<Resolved, SearchError> {
    let zone = match reach {
        Reach::Archive(_) => TimeZone::UTC,
        Reach::Matter(scope) => scope.zone.clone(),
    };
    let parsed = query::parse(&ask.query, ask.dialect, &zone)?;
    let mut query = parsed.query;
    let mut warnings: Vec<String> = parsed.warnings.into_iter().map(|it| it.message).collect();
    let is_dated = query.has_date() || ask.from.is_some() || ask.until.is_some();
    let zone = is_dated.then(|| zone.iana_name().unwrap_or("UTC").to_owned());
    for (name, field, text) in
        [("sender", Field::From, &ask.sender), ("recipient", Field::Recipients, &ask.recipient)]
    {
        let Some(text) = text.as_deref().filter(|text| !text.trim().is_empty()) else { continue };
        let (node, remark) = query::people(field, name, text).map_err(|error| {
            let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
            Refused::Invalid(format!("{name}: {error}{hint}"))
        })?;
        query.and(node);
        warnings.extend(remark);
    }
    if let Some(test) = days(ask)? {
        let field = match ask.date_kind {
            DateKind::Sent => DateField::Sent,
            DateKind::Received => DateField::Received,
        };
        query.and(Node::Date(field, test));
    }
    let order = match ask.date_kind {
        DateKind::Sent => Order::Sent,
        DateKind::Received => Order::Received,
    };
    let addresses = addresses(catalog, reach, ask.custodian_id).await?;
    if addresses.as_ref().is_some_and(Vec::is_empty) {
        warnings.push("this matter has no custodians yet, so nothing is seen in it".to_owned());
    }
    let bound = bind::bind(catalog, reach, &mut query, &mut warnings).await?;
    Ok(Resolved { query, scope: Scope { addresses, order, bound }, zone, warnings })
}

fn days(ask: &Ask) -> Result<Option<Test<When>>, Refused> {
    let day = |date: Option<Date>| match date {
        None => Ok(None),
        Some(date) => When::day(date)
            .map(Some)
            .ok_or_else(|| Refused::Invalid(format!("{date}: give a year of four digits"))),
    };
    Ok(match (day(ask.from)?, day(ask.until)?) {
        (None, None) => None,
        (Some(from), None) => Some(Test::From(from)),
        (None, Some(until)) => Some(Test::UpTo(until)),
        (Some(from), Some(until)) if from.start <= until.start => Some(Test::Between(from, until)),
        _ => return Err(Refused::Invalid("the last day is before the first".to_owned())),
    })
}

/// Whose families are searched; none means everyone's.
async fn addresses(
    catalog: &Catalog,
    reach: &Reach,
    custodian: Option<CustodianId>,
) -> Result<Option<Vec<String>>, SearchError> {
    match (reach, custodian) {
        (Reach::Archive(_), None) => Ok(None),
        (Reach::Archive(_), Some(_)) => {
            Err(Refused::Invalid("a custodian is of a matter: name the matter".to_owned()).into())
        }
        (Reach::Matter(scope), None) => Ok(Some(scope.addresses.clone())),
        (Reach::Matter(scope), Some(id)) => {
            let custodians = matter::custodians(catalog, scope.matter).await?;
            let found = custodians.into_iter().find(|row| row.custodian_id == id);
            Ok(Some(found.ok_or(Refused::Hidden("custodian"))?.addresses))
        }
    }
}
