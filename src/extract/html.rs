//! HTML to text: every word that a reader or a machine could see, including
//! what style sheets hide, and beside it where it links to, which may differ from
//! what it shows; no scripts or styles, and of comments those that Outlook reads.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use lol_html::errors::RewritingError;
use lol_html::html_content::{Comment, Element, TextChunk, TextType};
use lol_html::{
    DocumentContentHandlers, ElementContentHandlers, HandlerResult, HtmlRewriter, MemorySettings,
    Selector, Settings,
};

use super::attributes::Attributes;
use super::entity;
use crate::base::limits;

/// Elements that begin and end a line.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "button",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "legend",
    "li",
    "main",
    "menu",
    "nav",
    "noframes",
    "noscript",
    "ol",
    "optgroup",
    "option",
    "p",
    "pre",
    "section",
    "select",
    "summary",
    "table",
    "tbody",
    "template",
    "textarea",
    "tfoot",
    "thead",
    "title",
    "tr",
    "ul",
];

/// What an HTML document says.
#[derive(Debug, PartialEq, Eq)]
pub struct Html {
    pub text: String,
    /// What is not in the text: the targets of links and sources of pictures, as
    /// written and as meant, and the words of tooltips and form fields; each once,
    /// on a line of its own.
    pub attributes: String,
    /// Something was left out.
    pub is_cut: bool,
}

pub fn to_text(source: &str) -> Html {
    let out = Rc::new(RefCell::new(Text::default()));
    let is_cut = rewrite(source, &out).is_err();
    let mut text = std::mem::take(&mut *out.borrow_mut());
    text.flush();
    Html { text: text.out, attributes: text.attributes.lines, is_cut }
}

/// What `source`, an HTML document, says of its own charset in its first bytes.
pub fn declared_charset(source: &[u8]) -> Option<&str> {
    const SCANNED_BYTES_MAX: usize = 2048;
    let start = &source[..source.len().min(SCANNED_BYTES_MAX)];
    let at = start.windows(8).position(|window| window.eq_ignore_ascii_case(b"charset="))?;
    let rest = start[at + 8..].trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'")).unwrap_or(rest);
    let is_label = |b: &u8| b.is_ascii_alphanumeric() || b"-_:.".contains(b);
    let len = rest.iter().take_while(|b| is_label(b)).count();
    std::str::from_utf8(&rest[..len]).ok().filter(|label| !label.is_empty())
}

fn rewrite(source: &str, out: &Rc<RefCell<Text>>) -> Result<(), RewritingError> {
    let Ok(any) = "*".parse::<Selector>() else { return Ok(()) };
    let elements = ElementContentHandlers::default().element({
        let out = out.clone();
        move |element: &mut Element<'_, '_>| open(&out, element)
    });
    let texts = DocumentContentHandlers::default().text({
        let out = out.clone();
        move |chunk: &mut TextChunk<'_>| {
            let mut text = out.borrow_mut();
            let is_shown = match chunk.text_type() {
                TextType::ScriptData => false,
                TextType::RawText => !text.in_style,
                _ => true,
            };
            if is_shown {
                text.raw.push_str(chunk.as_str());
            }
            if chunk.last_in_text_node() {
                text.flush();
            }
            Ok(())
        }
    });
    let texts = texts.comments({
        let out = out.clone();
        move |comment: &mut Comment<'_>| {
            let comment = comment.text();
            let mut out = out.borrow_mut();
            if let Some(shown) = conditional(&comment) {
                out.inside(shown)?;
            }
            Ok(())
        }
    });
    let memory = MemorySettings::new().with_max_allowed_memory_usage(limits::HTML_MEMORY_BYTES_MAX);
    let settings = Settings::new()
        .append_element_content_handler((Cow::Owned(any), elements))
        .append_document_content_handler(texts)
        .with_strict(false)
        .with_memory_settings(memory);
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    rewriter.write(source.as_bytes())?;
    rewriter.end()
}

/// What Outlook shows of a comment and other programs do not: `[if mso]>…<![endif]`.
fn conditional(comment: &str) -> Option<&str> {
    let (condition, shown) = comment.trim_start().strip_prefix("[if")?.split_once("]>")?;
    let end = shown.rfind("<![endif]").unwrap_or(shown.len());
    (!condition.contains(['<', '\n'])).then_some(&shown[..end])
}

fn open(out: &Rc<RefCell<Text>>, element: &mut Element<'_, '_>) -> HandlerResult {
    let name = element.tag_name();
    let mut text = out.borrow_mut();
    text.flush();
    text.in_style = name == "style";
    for attribute in element.attributes() {
        text.attributes.add(&attribute.name(), &attribute.value());
        if attribute.name() == "srcdoc" {
            let mut document = String::new();
            entity::push_decoded(&mut document, &attribute.value());
            text.inside(&document)?;
        }
    }
    match name.as_str() {
        "br" => text.line_break(),
        "td" | "th" => text.is_space_due = true,
        "img" | "area" => {
            if let Some(alt) = element.get_attribute("alt") {
                text.is_space_due = true;
                text.raw.push_str(&alt);
                text.flush();
                text.is_space_due = true;
            }
        }
        block if BLOCKS.binary_search(&block).is_ok() => {
            text.begin_line();
            let is_pre = block == "pre";
            text.pre_depth += usize::from(is_pre);
            if let Some(handlers) = element.end_tag_handlers() {
                let out = out.clone();
                handlers.push(Box::new(move |_| {
                    let mut text = out.borrow_mut();
                    text.flush();
                    text.pre_depth = text.pre_depth.saturating_sub(usize::from(is_pre));
                    text.begin_line();
                    Ok(())
                }));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Text in the making, with white space as a browser would show it.
#[derive(Default)]
struct Text {
    out: String,
    /// Of the text node that is being read; references are not yet resolved,
    /// since one may straddle two chunks.
    raw: String,
    is_space_due: bool,
    in_style: bool,
    /// It is a document in a document, and those in it are nothing.
    is_inside: bool,
    pre_depth: usize,
    attributes: Attributes,
}

impl Text {
    /// Takes the words of a document that a comment or an attribute is beside the text.
    fn inside(&mut self, source: &str) -> Result<(), RewritingError> {
        if self.is_inside {
            return Ok(());
        }
        let inside = Rc::new(RefCell::new(Self { is_inside: true, ..Self::default() }));
        rewrite(source, &inside)?;
        let mut inside = inside.borrow_mut();
        inside.flush();
        let lines = inside.out.lines().chain(inside.attributes.lines.lines());
        lines.for_each(|line| self.attributes.line(line.trim()));
        Ok(())
    }

    fn is_line_start(&self) -> bool {
        self.out.is_empty() || self.out.ends_with('\n')
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.is_space_due = false;
    }

    fn begin_line(&mut self) {
        if !self.is_line_start() {
            self.out.push('\n');
        }
        self.is_space_due = false;
    }

    fn flush(&mut self) {
        if self.raw.is_empty() {
            return;
        }
        let mut text = String::with_capacity(self.raw.len());
        entity::push_decoded(&mut text, &self.raw);
        self.raw.clear();
        if self.pre_depth > 0 {
            self.out.push_str(&text);
            return;
        }
        let is_space = |c: char| c == '\u{a0}' || c.is_ascii_whitespace();
        let mut rest = text.as_str();
        loop {
            let word_at = rest.find(|c| !is_space(c)).unwrap_or(rest.len());
            self.is_space_due |= word_at > 0;
            rest = &rest[word_at..];
            if rest.is_empty() {
                return;
            }
            let end = rest.find(is_space).unwrap_or(rest.len());
            if self.is_space_due && !self.is_line_start() {
                self.out.push(' ');
            }
            self.is_space_due = false;
            self.out.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let found = to_text(source);
        assert_eq!((found.text.as_str(), found.is_cut), (expected, false));
    }

    #[test]
    fn blocks_break_lines() {
        check("<p>one</p>two<div>three<br>four</div>", "one\ntwo\nthree\nfour\n");
        check("<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>", "a b\nc\n");
        check("wo<b>r</b>d and\n  <i>more</i> ", "word and more");
        check("<ul><li>one<li>two</ul>", "one\ntwo\n");
        check("<pre>a  b\n c</pre>", "a  b\n c\n");
    }

    #[test]
    fn scripts_styles_and_comments_are_dropped() {
        check("a<script>var b='<p>';</script><style>c{}</style><!-- d -->e", "ae");
    }

    #[test]
    fn hidden_text_and_alternatives_are_kept() {
        check("<div style='display:none'>secret</div><img alt='a &lt;logo'>", "secret\na <logo");
        check("<noscript>off</noscript><title>T&amp;C</title>", "off\nT&C\n");
    }

    #[test]
    fn what_outlook_alone_shows_is_beside_the_text() {
        let found =
            to_text("a<!--[if gte mso 9]><p>only <b>there</b></p><![endif]-->b<!--[if x-->");
        assert_eq!((found.text.as_str(), found.attributes.as_str()), ("ab", "only there\n"));
        let framed =
            to_text("a<iframe srcdoc='&lt;p title=&quot;hint&quot;>in &amp;amp; out&lt;/p>'>b");
        assert_eq!(framed.attributes, "in & out\nhint\n");
        let nested = "<iframe/srcdoc=".repeat(10_000) + "x>";
        assert!(!to_text(&nested).is_cut);
        let nested = "<!--[if a]>".repeat(100_000) + "x";
        assert!(!to_text(&nested).is_cut);
        check("<button>a</button><template>b</template><noscript>c</noscript>", "a\nb\nc\n");
    }

    #[test]
    fn blocks_are_sorted() {
        assert!(BLOCKS.is_sorted());
    }

    #[test]
    fn charsets_are_found() {
        assert_eq!(declared_charset(b"<meta charset=\"koi8-r\">"), Some("koi8-r"));
        assert_eq!(declared_charset(b"<meta content='text/html; charset=big5'>"), Some("big5"));
        assert_eq!(declared_charset(b"<p>"), None);
    }

    #[test]
    fn deep_nesting_ends() {
        let source = "<div>".repeat(200_000) + "word";
        let found = to_text(&source);
        assert!(found.text.contains("word") || found.is_cut);
    }
}
