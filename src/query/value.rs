//! What stands inside a word or between quotation marks: wildcards, dates,
//! sizes.

use super::Dialect;
use super::ast::{Piece, Test, Word};
use super::date::When;
use super::error::{QueryError, Span, Warning};

/// Remarks on how words were read, made once a query each.
#[derive(Default)]
pub(super) struct Remarks {
    symbols: Vec<char>,
    symbols_at: Option<Span>,
    one_char: Option<Span>,
    inner: Option<Span>,
    /// What the dialect's own program does not know, as it was written.
    extensions: Vec<String>,
    extensions_at: Option<Span>,
}

impl Remarks {
    pub fn finish(self, dialect: Dialect, warnings: &mut Vec<Warning>) {
        if let Some(span) = self.symbols_at {
            let symbols: String = self.symbols.iter().flat_map(|symbol| [' ', *symbol]).collect();
            let message =
                format!("symbols are read as blanks between words that stand together:{symbols}");
            warnings.push(Warning { span, message });
        }
        if let Some(span) = self.one_char {
            let message =
                "? stands for exactly one character here; Purview reads it as a blank".to_owned();
            warnings.push(Warning { span, message });
        }
        if let Some(span) = self.inner {
            let message =
                "* at the start or inside of a word is not understood by Purview".to_owned();
            warnings.push(Warning { span, message });
        }
        if let Some(span) = self.extensions_at {
            let program = match dialect {
                Dialect::Kql => "Purview",
                Dialect::DtSearch => "dtSearch",
            };
            let named = self.extensions.join(", ");
            let message = format!("understood here and not by {program}: {named}");
            warnings.push(Warning { span, message });
        }
    }

    /// Marks what is ours alone.
    pub fn extension(&mut self, written: &str, span: Span) {
        self.extensions_at.get_or_insert(span);
        if !self.extensions.iter().any(|known| known == written) {
            self.extensions.push(written.to_owned());
        }
    }

    pub fn symbol(&mut self, symbol: char, span: Span) {
        const SYMBOLS_MAX: usize = 20;
        self.symbols_at.get_or_insert(span);
        if !self.symbols.contains(&symbol) && self.symbols.len() < SYMBOLS_MAX {
            self.symbols.push(symbol);
        }
    }
}

/// The words between blanks. Those of symbols alone are left out with a remark.
pub(super) fn words(
    text: &str,
    span: Span,
    remarks: &mut Remarks,
) -> Result<Vec<Word>, QueryError> {
    let mut words = Vec::new();
    for piece in text.split_whitespace() {
        words.extend(word(piece, span, remarks)?);
    }
    Ok(words)
}

fn word(text: &str, span: Span, remarks: &mut Remarks) -> Result<Option<Word>, QueryError> {
    let Some(pattern) = pattern(text, Dialect::Kql, span, remarks)? else { return Ok(None) };
    for c in text.chars() {
        if !c.is_alphanumeric() && c.is_ascii() && !"*?._-@'/:".contains(c) {
            remarks.symbol(c, span);
        }
    }
    if pattern.contains(&Piece::OneChar) {
        remarks.one_char.get_or_insert(span);
    }
    let last = pattern.len() - 1;
    if pattern[..last].contains(&Piece::AnyChars) {
        remarks.inner.get_or_insert(span);
    }
    Ok(Some(Word::Pattern(pattern)))
}

/// A link is pasted as it is: what else means something in a word is its own there.
pub(super) fn is_link(text: &str) -> bool {
    text.contains("://")
}

/// The pieces of a word; none where it is symbols alone, with a remark.
pub(super) fn pattern(
    text: &str,
    dialect: Dialect,
    span: Span,
    remarks: &mut Remarks,
) -> Result<Option<Vec<Piece>>, QueryError> {
    let is_link = is_link(text);
    let has_digits = dialect == Dialect::DtSearch && !is_link;
    let mut pattern: Vec<Piece> = Vec::new();
    for c in text.chars() {
        match (c, pattern.last_mut()) {
            ('*', Some(Piece::AnyChars)) => {}
            ('*', _) => pattern.push(Piece::AnyChars),
            ('?', _) if !is_link => pattern.push(Piece::OneChar),
            ('=', _) if has_digits => pattern.push(Piece::OneDigit),
            (_, Some(Piece::Literal(literal))) => literal.push(c),
            _ => pattern.push(Piece::Literal(c.into())),
        }
    }
    let is_searchable = pattern.iter().any(|piece| match piece {
        Piece::Literal(literal) => literal.chars().any(char::is_alphanumeric),
        Piece::OneDigit => true,
        Piece::AnyChars | Piece::OneChar => false,
    });
    if is_searchable {
        return Ok(Some(pattern));
    }
    if pattern.iter().any(|piece| !matches!(piece, Piece::Literal(_))) {
        return Err(QueryError::new(span, "a wildcard needs a letter or digit beside it")
            .hint("write the letters that are known, for example contra*"));
    }
    text.chars().for_each(|c| remarks.symbol(c, span));
    Ok(None)
}

/// `operator` and `text` as a test of dates.
pub(super) fn date_test(operator: &str, text: &str, span: Span) -> Result<Test<When>, QueryError> {
    let read = |text: &str| {
        When::parse(text.trim()).ok_or_else(|| {
            QueryError::new(span, format!("`{}` is no date", shortened(text)))
                .hint("write 2020, 2020-03, 2020-03-31 or 2020-03-31T17:05+02:00")
        })
    };
    let test = test(operator, text, span, read)?;
    if let Test::Between(from, until) = test
        && from.offset.is_none()
        && until.offset.is_none()
        && from.start > until.start
    {
        return Err(QueryError::new(span, "the range ends before it begins")
            .hint(format!("write {until}..{from}")));
    }
    Ok(test)
}

/// `operator` and `text` as a test of bytes.
pub(super) fn size_test(operator: &str, text: &str, span: Span) -> Result<Test<u64>, QueryError> {
    let read = |text: &str| {
        bytes(text.trim()).ok_or_else(|| {
            QueryError::new(span, format!("`{}` is no size", shortened(text)))
                .hint("write a number of bytes, or 200kb, 10mb, 1gb")
        })
    };
    let test = test(operator, text, span, read)?;
    if let Test::Between(from, until) = test
        && from > until
    {
        return Err(QueryError::new(span, "the range ends before it begins")
            .hint(format!("write {until}..{from}")));
    }
    Ok(test)
}

fn test<T>(
    operator: &str,
    text: &str,
    span: Span,
    read: impl Fn(&str) -> Result<T, QueryError>,
) -> Result<Test<T>, QueryError> {
    Ok(match operator {
        ">=" => Test::From(read(text)?),
        "<=" => Test::UpTo(read(text)?),
        ">" => Test::After(read(text)?),
        "<" => Test::Before(read(text)?),
        ":" | "=" => match text.split_once("..") {
            Some((from, "")) => Test::From(read(from)?),
            Some(("", until)) => Test::UpTo(read(until)?),
            Some((from, until)) => Test::Between(read(from)?, read(until)?),
            None => Test::At(read(text)?),
        },
        _ => {
            return Err(QueryError::new(span, format!("`{operator}` is not known here"))
                .hint("put NOT before the field"));
        }
    })
}

fn bytes(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1 << 10,
        "mb" => 1 << 20,
        "gb" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}

/// As much of `text` as an error can quote.
pub(super) fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    match text.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("10"), Some(10));
        assert_eq!(bytes("10MB"), Some(10 << 20));
        assert_eq!(bytes("mb"), None);
        assert_eq!(bytes("99999999999gb"), None);
    }
}
