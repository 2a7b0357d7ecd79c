//! Text of `text/enriched` (RFC 1896) without the commands that say how it looks.

/// No longer command is one (RFC 1896, "The Syntax").
const COMMAND_CHARS_MAX: usize = 60;

/// The text, its lines broken where the commands do not say otherwise.
pub fn text(source: &str) -> String {
    let source = source.replace("\r\n", "\n");
    let mut out = String::with_capacity(source.len());
    // Commands that are open: how often lines are kept, and what is no text.
    let (mut unfilled, mut parameters) = (0_usize, 0_usize);
    let mut rest = source.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("<<") {
            push(&mut out, "<", parameters);
            rest = behind;
        } else if let Some((command, behind)) = command(rest) {
            let (name, is_end) =
                command.strip_prefix('/').map_or((command, false), |it| (it, true));
            let count = match name.to_ascii_lowercase().as_str() {
                "nofill" => &mut unfilled,
                "param" => &mut parameters,
                _ => &mut 0,
            };
            *count = if is_end { count.saturating_sub(1) } else { *count + 1 };
            rest = behind;
        } else if c == '\n' && unfilled == 0 {
            // One is a blank, and more are one less.
            let count = rest.bytes().take_while(|byte| *byte == b'\n').count();
            push(&mut out, if count == 1 { " " } else { &rest[..count - 1] }, parameters);
            rest = &rest[count..];
        } else {
            push(&mut out, &rest[..c.len_utf8()], parameters);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn push(out: &mut String, text: &str, parameters: usize) {
    if parameters == 0 {
        out.push_str(text);
    }
}

/// What is between `<` and `>` at the start, and what follows.
fn command(rest: &str) -> Option<(&str, &str)> {
    let inner = rest.strip_prefix('<')?;
    let is_of_one = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '/';
    let end = inner.char_indices().take(COMMAND_CHARS_MAX + 1).find(|(_, c)| !is_of_one(*c))?.0;
    Some((&inner[..end], inner[end..].strip_prefix('>')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_no_text() {
        for (source, seen) in [
            ("<bold>Now</bold> is\r\nthe time\r\n\r\nfor all", "Now is the time\nfor all"),
            ("a <<b> c", "a <b> c"),
            ("<color><param>red</param>Blood</color>!", "Blood!"),
            ("<nofill>a\nb\n\nc</nofill>\nd", "a\nb\n\nc d"),
            ("a < b, a <no command> and a <", "a < b, a <no command> and a <"),
            ("</param></nofill>\u{e4}", "\u{e4}"),
        ] {
            assert_eq!(text(source), seen);
        }
    }
}
