//! An error and what caused it, on one line.

use std::error::Error;

/// The error with its causes, outermost first. None of ours quotes mail.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("open the door")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn every_cause_is_said_once() {
        let inner = std::io::Error::other("it is locked");
        assert_eq!(chain(&Outer(inner)), "open the door: it is locked");
    }
}
