//! A structural check of Unicode PST files against MS-PST: header, maps, trees,
//! blocks, heaps, tables and the objects of the messaging layer.
//!
//! It shares no code with the writer, so that both would have to be wrong in
//! the same way. It reads any file, and reports what breaks which rule.

mod columns;
mod form;
mod heap;
mod image;
mod layer;
mod maps;
mod message;
#[cfg(test)]
mod mutations;
mod names;
mod ndb;
mod object;
mod pages;
mod rule;
#[cfg(test)]
pub mod samples;
mod table;

use std::io::{self, Read, Seek};

pub use rule::{Finding, Report, Rule};

/// Checks the whole file; findings are capped, so that a wrong file ends too.
pub fn check<R: Read + Seek>(source: R) -> io::Result<Report> {
    let mut report = Report::default();
    let image = image::Image::new(source)?;
    if let Some(mut database) = ndb::Database::open(image, &mut report)? {
        match layer::check(&mut database, &mut report) {
            Ok(()) => database.check_references(&mut report),
            Err(error) if error.get_ref().is_some_and(|inner| inner.is::<ndb::TooMuch>()) => {
                let place = "what is left was not checked".to_owned();
                report.findings.insert(0, Finding { rule: Rule::NamedAgain, place });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(report)
}
