//! Tables for spreadsheets: CSV as RFC 4180 has it.

use axum::http::{HeaderName, header};

/// A table's text, line by line.
pub struct Table(String);

impl Table {
    pub fn new(titles: &[String]) -> Self {
        let mut table = Self(String::new());
        table.row(titles);
        table
    }

    pub fn row(&mut self, cells: &[String]) {
        let line: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        self.0.push_str(&line.join(","));
        self.0.push_str("\r\n");
    }

    /// The answer that gives it as a file, whose name is one of ours.
    pub fn into_file(self, name: &str) -> ([(HeaderName, String); 2], String) {
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        ];
        (headers, self.0)
    }
}

/// A spreadsheet takes what begins so for a formula, and names of documents are
/// what strangers wrote.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mark = if is_formula { "'" } else { "" };
    format!("\"{mark}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_wrote_is_no_formula_and_ends_no_cell() {
        assert_eq!(quoted("a \"b\",c"), "\"a \"\"b\"\",c\"");
        assert_eq!(quoted("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
    }
}
