//! What HTML says, without its tags: for readers that show the text alone.

use super::shown;

/// The text of elements that begin a line.
const BLOCKS: [&str; 18] = [
    "address",
    "blockquote",
    "br",
    "dd",
    "div",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "p",
    "pre",
    "table",
    "tr",
];
/// Elements whose contents are no text to read.
const HIDDEN: [&str; 3] = ["script", "style", "title"];

/// The text, with a line for each block.
pub fn of_html(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        push(&mut out, &rest[..open]);
        rest = &rest[open..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let name = rest[1..].trim_start_matches('/');
        let length = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
        let name = name[..length].to_ascii_lowercase();
        let is_tag = !name.is_empty() || rest.starts_with("<!") || rest.starts_with("<?");
        if !is_tag {
            push(&mut out, "<");
            rest = &rest[1..];
            continue;
        }
        if BLOCKS.contains(&name.as_str()) && !(out.is_empty() || out.ends_with('\n')) {
            out.truncate(out.trim_end_matches(' ').len());
            out.push_str("\r\n");
        }
        let is_open = !rest.starts_with("</");
        rest = after_tag(rest);
        if is_open && HIDDEN.contains(&name.as_str()) {
            rest = after_element(rest, &name);
        }
    }
    push(&mut out, rest);
    out.truncate(out.trim_end().len());
    out
}

fn after_tag(rest: &str) -> &str {
    rest.find('>').map_or("", |end| &rest[end + 1..])
}

/// Behind the end tag of `name`, or nothing where there is none.
pub(super) fn after_element<'h>(rest: &'h str, name: &str) -> &'h str {
    let ends = memchr::memmem::find_iter(rest.as_bytes(), b"</").find(|end| {
        let tag = rest.as_bytes().get(end + 2..end + 2 + name.len());
        tag.is_some_and(|tag| tag.eq_ignore_ascii_case(name.as_bytes()))
    });
    ends.map_or("", |end| after_tag(&rest[end..]))
}

/// Adds text in which white space is one blank.
fn push(out: &mut String, text: &str) {
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    if text.starts_with(is_blank) && !(out.is_empty() || out.ends_with([' ', '\n'])) {
        out.push(' ');
    }
    let words: Vec<&str> = text.split(is_blank).filter(|word| !word.is_empty()).collect();
    out.push_str(&shown::without_entities(&words.join(" ")));
    if !words.is_empty() && text.ends_with(is_blank) {
        out.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::of_html;

    #[test]
    fn words_and_lines_are_those_that_are_shown() {
        for (html, text) in [
            (
                "<html><head><title>t</title></head><body><b>one</b> two<br>three</body>",
                "one two\r\nthree",
            ),
            ("<p>a&amp;b &#8364;&nbsp;1 &lt;x&gt;</p>\r\n<p>c</p>", "a&b \u{20AC}\u{A0}1 <x>\r\nc"),
            ("a<style>p { }</style>b<!-- c --><script>d</script>e", "abe"),
            ("1 < 2 <", "1 < 2 <"),
            ("<style>open", ""),
        ] {
            assert_eq!(of_html(html), text, "{html}");
        }
    }
}
