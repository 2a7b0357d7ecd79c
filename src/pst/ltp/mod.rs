//! The layer of lists, tables and properties (MS-PST 2.3): heaps on nodes,
//! B-trees on heaps, property contexts and table contexts.

mod bth;
mod context;
mod heap;
mod table;
mod value;

pub use context::{PropertyContext, write_properties};
pub use heap::{HEAP_ALLOCATION_MAX, Measure};
pub use table::{Column, Table};
pub use value::{Property, Value, text_bytes};
