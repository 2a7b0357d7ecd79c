//! The messaging layer (MS-PST 2.4): stores, folders, messages, attachments
//! and named properties.

mod attachment;
pub mod bound;
mod fit;
mod folder;
mod message;
mod named;
mod property;
mod rows;
mod skeleton;
mod table_size;
mod template;
mod writer;

pub use folder::FolderId;
pub use writer::{ITEMS_PER_FOLDER, Options, Summary, Writer};
