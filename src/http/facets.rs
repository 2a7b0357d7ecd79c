//! `/search/facets`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::holds::DateKind;
use super::input::Body;
use super::search::{SearchRequest, ask};
use crate::index;
use crate::search::{self, facets};

/// By what hits are counted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FacetField {
    Sender,
    /// Named by a header or an envelope, in any way.
    Recipient,
    /// Of everyone who took part.
    Domain,
    /// Media types and endings of attachments.
    Type,
    /// ISO 639-3.
    Language,
    /// Reasons why something could not be read.
    Gap,
    Source,
    Class,
}

#[derive(Serialize, ToSchema)]
pub struct Facet {
    field: FacetField,
    /// Those with the most families.
    values: Vec<FacetValue>,
    /// Further values.
    more: u64,
}

#[derive(Serialize, ToSchema)]
pub struct FacetValue {
    value: String,
    /// What the search would find with this value joined by AND.
    families: u64,
}

#[derive(Serialize, ToSchema)]
pub struct MonthCount {
    /// As `2026-01`.
    month: String,
    families: u64,
}

#[derive(Serialize, ToSchema)]
pub struct Facets {
    total_families: u64,
    /// Which date the months are of.
    date_kind: DateKind,
    /// In which the months begin and end.
    zone: String,
    /// Those that have families, in order.
    months: Vec<MonthCount>,
    /// Families without that date.
    undated: u64,
    facets: Vec<Facet>,
    /// Of each row of the search's `tree`, how many families that part finds by itself;
    /// null where counting it would take long.
    parts: Vec<Option<u64>>,
}

impl From<index::Facet> for FacetField {
    fn from(facet: index::Facet) -> Self {
        match facet {
            index::Facet::Sender => Self::Sender,
            index::Facet::Recipient => Self::Recipient,
            index::Facet::Domain => Self::Domain,
            index::Facet::Type => Self::Type,
            index::Facet::Language => Self::Language,
            index::Facet::Gap => Self::Gap,
            index::Facet::Source => Self::Source,
            index::Facet::Class => Self::Class,
        }
    }
}

/// How the hits of a search are spread: all of them, whatever page `cursor` and `limit`
/// ask for.
#[utoipa::path(post, path = "/search/facets", tag = "search", request_body = SearchRequest,
    responses((status = 200, body = Facets)))]
pub async fn count(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<SearchRequest>,
) -> Result<Json<Facets>, ApiError> {
    let ask = ask(body)?;
    let spread = facets::facets(&actor, &context.search, &ask)
        .await
        .map_err(|error| ApiError::of_search(error, &ask.query))?;
    let index::Facets { families, months, undated, values, parts } = &*spread.facets;
    let months = months.iter();
    let facets = values.iter().map(|(facet, values)| Facet {
        field: (*facet).into(),
        values: values.shown.iter().cloned().map(FacetValue::from).collect(),
        more: values.more,
    });
    Ok(Json(Facets {
        total_families: *families,
        date_kind: match spread.date_kind {
            search::DateKind::Sent => DateKind::Sent,
            search::DateKind::Received => DateKind::Received,
        },
        zone: spread.zone,
        months: months
            .map(|(month, families)| MonthCount { month: month.clone(), families: *families })
            .collect(),
        undated: *undated,
        facets: facets.collect(),
        parts: parts.clone(),
    }))
}

impl From<(String, u64)> for FacetValue {
    fn from((value, families): (String, u64)) -> Self {
        Self { value, families }
    }
}
