//! A statement with the values that are bound to it, and running it.

use std::marker::PhantomData;

use sqlx::{AssertSqlSafe, Error, SqlSafeStr, SqlStr};

use super::connection::{On, Pool, Transaction};
use super::row::{Column, FromRow, Row};
use super::value::{self, Value};

macro_rules! sqlite {
    ($query:ident) => {
        sqlx::query_with($query.sql, value::for_sqlite($query.values)?)
    };
}
macro_rules! postgres {
    ($query:ident) => {
        sqlx::query_with($query.numbered(), value::for_postgres($query.values)?)
    };
}

#[derive(Clone, Debug)]
pub struct Query {
    pub(super) sql: SqlStr,
    pub(super) values: Vec<Value>,
    /// Where in `sql` a `?` stands for each value; empty where it says `$1` itself.
    pub(super) placeholders: Vec<usize>,
}

/// What came of a statement that gives no rows.
#[derive(Clone, Copy, Debug)]
pub struct Done(u64);

impl Done {
    pub fn rows_affected(self) -> u64 {
        self.0
    }
}

/// A statement that gives rows or none. Values are bound to `$1`, `$2` and so on.
pub fn query(sql: impl SqlSafeStr) -> Query {
    Query { sql: sql.into_sql_str(), values: Vec::new(), placeholders: Vec::new() }
}

/// A statement of which each row is a tuple.
pub fn query_as<T: FromRow>(sql: impl SqlSafeStr) -> QueryAs<T> {
    QueryAs::of(query(sql))
}

/// A statement of which each row is one value.
pub fn query_scalar<T: for<'r> Column<'r>>(sql: impl SqlSafeStr) -> QueryScalar<T> {
    QueryScalar::of(query(sql))
}

impl Query {
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub async fn execute<'c>(self, on: impl Into<On<'c>>) -> Result<Done, Error> {
        let done = match on.into() {
            On::Pool(Pool::Sqlite(pool)) => sqlite!(self).execute(pool).await?.rows_affected(),
            On::Pool(Pool::Postgres(pool)) => postgres!(self).execute(pool).await?.rows_affected(),
            On::Transaction(Transaction::Sqlite(transaction)) => {
                sqlite!(self).execute(&mut **transaction).await?.rows_affected()
            }
            On::Transaction(Transaction::Postgres(transaction)) => {
                postgres!(self).execute(&mut **transaction).await?.rows_affected()
            }
        };
        Ok(Done(done))
    }

    pub async fn fetch_all<'c>(self, on: impl Into<On<'c>>) -> Result<Vec<Row>, Error> {
        Ok(match on.into() {
            On::Pool(Pool::Sqlite(pool)) => all(sqlite!(self).fetch_all(pool).await?),
            On::Pool(Pool::Postgres(pool)) => all(postgres!(self).fetch_all(pool).await?),
            On::Transaction(Transaction::Sqlite(transaction)) => {
                all(sqlite!(self).fetch_all(&mut **transaction).await?)
            }
            On::Transaction(Transaction::Postgres(transaction)) => {
                all(postgres!(self).fetch_all(&mut **transaction).await?)
            }
        })
    }

    pub async fn fetch_optional<'c>(self, on: impl Into<On<'c>>) -> Result<Option<Row>, Error> {
        Ok(match on.into() {
            On::Pool(Pool::Sqlite(pool)) => {
                sqlite!(self).fetch_optional(pool).await?.map(Row::from)
            }
            On::Pool(Pool::Postgres(pool)) => {
                postgres!(self).fetch_optional(pool).await?.map(Row::from)
            }
            On::Transaction(Transaction::Sqlite(transaction)) => {
                sqlite!(self).fetch_optional(&mut **transaction).await?.map(Row::from)
            }
            On::Transaction(Transaction::Postgres(transaction)) => {
                postgres!(self).fetch_optional(&mut **transaction).await?.map(Row::from)
            }
        })
    }

    pub async fn fetch_one<'c>(self, on: impl Into<On<'c>>) -> Result<Row, Error> {
        self.fetch_optional(on).await?.ok_or(Error::RowNotFound)
    }

    /// The text as PostgreSQL wants it: with `$1` for the first `?`, and so on.
    fn numbered(&self) -> SqlStr {
        if self.placeholders.is_empty() {
            return self.sql.clone();
        }
        let text = self.sql.as_str();
        let mut numbered = String::with_capacity(text.len() + 4 * self.placeholders.len());
        let mut from = 0;
        for (number, at) in (1..).zip(&self.placeholders) {
            numbered.push_str(&text[from..*at]);
            numbered.push_str(&format!("${number}"));
            from = at + 1;
        }
        numbered.push_str(&text[from..]);
        AssertSqlSafe(numbered).into_sql_str()
    }
}

fn all<R>(rows: Vec<R>) -> Vec<Row>
where
    Row: From<R>,
{
    rows.into_iter().map(Row::from).collect()
}

#[derive(Debug)]
pub struct QueryAs<T>(Query, PhantomData<fn() -> T>);

impl<T: FromRow> QueryAs<T> {
    pub(super) fn of(query: Query) -> Self {
        Self(query, PhantomData)
    }

    pub fn bind(self, value: impl Into<Value>) -> Self {
        Self::of(self.0.bind(value))
    }

    pub async fn fetch_all<'c>(self, on: impl Into<On<'c>>) -> Result<Vec<T>, Error> {
        self.0.fetch_all(on).await?.iter().map(T::from_row).collect()
    }

    pub async fn fetch_optional<'c>(self, on: impl Into<On<'c>>) -> Result<Option<T>, Error> {
        self.0.fetch_optional(on).await?.as_ref().map(T::from_row).transpose()
    }

    pub async fn fetch_one<'c>(self, on: impl Into<On<'c>>) -> Result<T, Error> {
        T::from_row(&self.0.fetch_one(on).await?)
    }
}

#[derive(Debug)]
pub struct QueryScalar<T>(Query, PhantomData<fn() -> T>);

impl<T: for<'r> Column<'r>> QueryScalar<T> {
    pub(super) fn of(query: Query) -> Self {
        Self(query, PhantomData)
    }

    pub fn bind(self, value: impl Into<Value>) -> Self {
        Self::of(self.0.bind(value))
    }

    pub async fn fetch_all<'c>(self, on: impl Into<On<'c>>) -> Result<Vec<T>, Error> {
        self.0.fetch_all(on).await?.iter().map(|row| row.try_get(0)).collect()
    }

    pub async fn fetch_optional<'c>(self, on: impl Into<On<'c>>) -> Result<Option<T>, Error> {
        self.0.fetch_optional(on).await?.as_ref().map(|row| row.try_get(0)).transpose()
    }

    pub async fn fetch_one<'c>(self, on: impl Into<On<'c>>) -> Result<T, Error> {
        self.0.fetch_one(on).await?.try_get(0)
    }
}

/// Statements without values, one after the other.
pub async fn raw_sql<'c>(sql: impl SqlSafeStr, on: impl Into<On<'c>>) -> Result<(), Error> {
    let sql = sqlx::raw_sql(sql);
    match on.into() {
        On::Pool(Pool::Sqlite(pool)) => sql.execute(pool).await.map(drop),
        On::Pool(Pool::Postgres(pool)) => sql.execute(pool).await.map(drop),
        On::Transaction(Transaction::Sqlite(transaction)) => {
            sql.execute(&mut **transaction).await.map(drop)
        }
        On::Transaction(Transaction::Postgres(transaction)) => {
            sql.execute(&mut **transaction).await.map(drop)
        }
    }
}
