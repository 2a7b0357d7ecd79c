//! A statement that is put together piece by piece.

use std::fmt::{Display, Write as _};

use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::query::{Query, QueryAs, QueryScalar};
use super::row::{Column, FromRow};
use super::value::Value;

/// No piece has placeholders of its own: each is written where a value is bound.
#[derive(Debug, Default)]
pub struct QueryBuilder {
    sql: String,
    values: Vec<Value>,
    /// Where in `sql` the `?` of each value is.
    placeholders: Vec<usize>,
}

impl QueryBuilder {
    pub fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), ..Self::default() }
    }

    pub fn push(&mut self, sql: impl Display) -> &mut Self {
        write!(self.sql, "{sql}").expect("a text takes any");
        self
    }

    pub fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.placeholders.push(self.sql.len());
        self.sql.push('?');
        self.values.push(value.into());
        self
    }

    pub fn separated<'a>(&'a mut self, separator: &'static str) -> Separated<'a> {
        Separated { builder: self, separator, is_first: true }
    }

    /// `VALUES (…), (…)`, a row for each item.
    pub fn push_values<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut row: impl FnMut(Separated<'_>, T),
    ) -> &mut Self {
        self.sql.push_str("VALUES ");
        for (at, item) in items.into_iter().enumerate() {
            self.sql.push_str(if at == 0 { "(" } else { ", (" });
            row(self.separated(", "), item);
            self.sql.push(')');
        }
        self
    }

    pub fn build(&mut self) -> Query {
        let Self { sql, values, placeholders } = std::mem::take(self);
        Query { sql: AssertSqlSafe(sql).into_sql_str(), values, placeholders }
    }

    pub fn build_query_as<T: FromRow>(&mut self) -> QueryAs<T> {
        QueryAs::of(self.build())
    }

    pub fn build_query_scalar<T: for<'r> Column<'r>>(&mut self) -> QueryScalar<T> {
        QueryScalar::of(self.build())
    }
}

/// Pushes with a separator between.
pub struct Separated<'a> {
    builder: &'a mut QueryBuilder,
    separator: &'static str,
    is_first: bool,
}

impl Separated<'_> {
    pub fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        if !std::mem::take(&mut self.is_first) {
            self.builder.sql.push_str(self.separator);
        }
        self.builder.push_bind(value);
        self
    }
}
