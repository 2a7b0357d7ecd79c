//! One way to ask SQLite and PostgreSQL: the same text of a statement, values of
//! the three types that the catalog's columns have, and rows that are read by them.
//! What the two do differently is here, and nowhere else in the catalog.

mod builder;
mod connection;
mod query;
mod row;
mod value;

pub use builder::{QueryBuilder, Separated};
pub use connection::{Engine, On, Pool, Transaction};
pub use query::{Done, Query, QueryAs, QueryScalar, query, query_as, query_scalar, raw_sql};
pub use row::{Column, FromRow, Row};
pub use sqlx::{AssertSqlSafe, Error};
pub use value::Value;
