//! Where a statement is run: on some connection of a pool, or in a transaction.

use sqlx::postgres::{PgPool, Postgres};
use sqlx::sqlite::{Sqlite, SqlitePool};
use sqlx::{Error, SqlSafeStr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Connections. Cloning shares them.
#[derive(Clone, Debug)]
pub enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Rolled back when it is dropped.
#[derive(Debug)]
pub enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Pool {
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Begins a transaction in which all statements see what the first one saw.
    pub async fn snapshot(&self) -> Result<Transaction, Error> {
        match self {
            Self::Sqlite(_) => self.begin_with("BEGIN").await,
            Self::Postgres(_) => {
                self.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
            }
        }
    }

    pub(in crate::catalog) async fn begin_with(
        &self,
        statement: impl SqlSafeStr,
    ) -> Result<Transaction, Error> {
        match self {
            Self::Sqlite(pool) => pool.begin_with(statement).await.map(Transaction::Sqlite),
            Self::Postgres(pool) => pool.begin_with(statement).await.map(Transaction::Postgres),
        }
    }

    /// Closes one connection; the next that is wanted is a new one.
    pub(in crate::catalog) async fn renew(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(pool) => pool.acquire().await?.close().await,
            Self::Postgres(pool) => pool.acquire().await?.close().await,
        }
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Transaction {
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }

    pub async fn rollback(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(transaction) => transaction.rollback().await,
            Self::Postgres(transaction) => transaction.rollback().await,
        }
    }
}

/// Where a statement is run.
pub enum On<'c> {
    Pool(&'c Pool),
    Transaction(&'c mut Transaction),
}

impl<'c> From<&'c Pool> for On<'c> {
    fn from(pool: &'c Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'c> From<&'c mut Transaction> for On<'c> {
    fn from(transaction: &'c mut Transaction) -> Self {
        Self::Transaction(transaction)
    }
}
