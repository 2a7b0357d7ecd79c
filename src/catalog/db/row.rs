//! Rows, and what is read of them.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Error, Row as _, TypeInfo as _};

use super::value::with_nul;

pub enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Self::Sqlite(row)
    }
}

impl From<PgRow> for Row {
    fn from(row: PgRow) -> Self {
        Self::Postgres(row)
    }
}

impl Row {
    /// The value of a column.
    ///
    /// # Panics
    /// Where the schema gives it no such type.
    pub fn get<'r, T: Column<'r>>(&'r self, at: usize) -> T {
        self.try_get(at).expect("a column of the type that the schema gives it")
    }

    pub fn try_get<'r, T: Column<'r>>(&'r self, at: usize) -> Result<T, Error> {
        match self {
            Self::Sqlite(row) => T::of_sqlite(row, at),
            Self::Postgres(row) => T::of_postgres(row, at),
        }
    }
}

/// What a column can be read as.
pub trait Column<'r>: Sized {
    fn of_sqlite(row: &'r SqliteRow, at: usize) -> Result<Self, Error>;
    fn of_postgres(row: &'r PgRow, at: usize) -> Result<Self, Error>;
}

/// Both as they are, and as one that may be null.
macro_rules! column {
    ($life:lifetime, $type:ty, |$row:ident, $at:ident| $postgres:expr) => {
        impl<$life> Column<$life> for Option<$type> {
            fn of_sqlite(row: &$life SqliteRow, at: usize) -> Result<Self, Error> {
                row.try_get(at)
            }

            fn of_postgres($row: &$life PgRow, $at: usize) -> Result<Self, Error> {
                $postgres
            }
        }

        impl<$life> Column<$life> for $type {
            fn of_sqlite(row: &$life SqliteRow, at: usize) -> Result<Self, Error> {
                row.try_get(at)
            }

            fn of_postgres(row: &$life PgRow, at: usize) -> Result<Self, Error> {
                let value = <Option<$type>>::of_postgres(row, at)?;
                value.ok_or_else(|| null(at))
            }
        }
    };
}

column!('r, i64, |row, at| match row.try_column(at)?.type_info().name() {
    // A number that stands in a statement.
    "INT4" => Ok(row.try_get::<Option<i32>, _>(at)?.map(i64::from)),
    _ => row.try_get(at),
});
column!('r, String, |row, at| Ok(row.try_get::<Option<String>, _>(at)?.map(with_nul)));
column!('r, Vec<u8>, |row, at| row.try_get(at));
column!('r, &'r [u8], |row, at| row.try_get(at));

fn null(at: usize) -> Error {
    let source = Box::new(sqlx::error::UnexpectedNullError);
    Error::ColumnDecode { index: at.to_string(), source }
}

/// A row as a tuple of its columns.
pub trait FromRow: Sized {
    fn from_row(row: &Row) -> Result<Self, Error>;
}

macro_rules! tuple {
    ($($type:ident $at:literal),+) => {
        impl<$($type: for<'r> Column<'r>),+> FromRow for ($($type,)+) {
            fn from_row(row: &Row) -> Result<Self, Error> {
                Ok(($(row.try_get::<$type>($at)?,)+))
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
