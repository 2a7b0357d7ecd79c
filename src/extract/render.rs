//! A message's HTML made safe to show: an allow-list of elements and attributes,
//! pictures from the message itself, and nothing that loads from elsewhere.
//!
//! What comes out is a fragment for a sandboxed frame with a strict policy; it
//! must be harmless without them too. Style sheets are dropped; style attributes
//! keep the properties that cannot load anything.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lol_html::errors::RewritingError;
use lol_html::html_content::{ContentType, Element, TextChunk, TextType};
use lol_html::{
    DocumentContentHandlers, ElementContentHandlers, HandlerResult, HtmlRewriter, MemorySettings,
    Selector, Settings,
};
use serde::{Deserialize, Serialize};

use super::header::{self, Header};
use super::{decode, message, text, walk};
use crate::base::limits;
use crate::mail::header::from_first_field;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rendered {
    /// A fragment of HTML; none if the message has no HTML body.
    pub html: Option<String>,
    /// Loads from elsewhere that were taken out.
    pub blocked_remote: u32,
    pub is_cut: bool,
}

/// The HTML body of `message`, safe to show.
pub fn render_html(message: &[u8]) -> Rendered {
    let mut bodies = Bodies::default();
    bodies.collect(message, 0, false);
    if bodies.html.is_empty() {
        return Rendered::default();
    }
    let source = text::prefix(&bodies.html, limits::HTML_RENDER_BYTES_MAX);
    let is_cut = source.len() < bodies.html.len();
    let blocked = Rc::new(Cell::new(0));
    match prepare(source, Rc::new(bodies.images), &blocked) {
        Ok(prepared) => {
            Rendered { html: Some(sanitise(&prepared)), blocked_remote: blocked.get(), is_cut }
        }
        // Too deep even to be read: there is the text view.
        Err(_) => Rendered { html: None, blocked_remote: blocked.get(), is_cut: true },
    }
}

/// The HTML bodies and the pictures that they can name.
#[derive(Default)]
struct Bodies {
    html: String,
    images: HashMap<String, String>,
    image_bytes: usize,
    parts: usize,
}

impl Bodies {
    fn collect(&mut self, bytes: &[u8], depth: usize, is_part: bool) {
        self.parts += 1;
        if depth > limits::MIME_DEPTH_MAX || self.parts > limits::MIME_PARTS_MAX {
            return;
        }
        let bytes = if is_part { bytes } else { from_first_field(bytes) };
        let (block, body) = bytes.split_at(header::block_len(bytes));
        let header = header::parse(block);
        let media_type = header.media_type.as_deref().unwrap_or("text/plain");
        if media_type.starts_with("multipart/") {
            let Some(boundary) = &header.boundary else { return };
            let parts_max = limits::MIME_PARTS_MAX.saturating_sub(self.parts);
            for part in walk::split(body, boundary, parts_max).parts {
                self.collect(part, depth + 1, true);
            }
        } else if media_type == "text/html" && !header.is_attachment && header.file_name.is_none() {
            let content = decode::transfer(body, &header.encoding);
            self.html.push_str(&message::decode_html(&content, header.charset.as_deref()));
        } else if is_part {
            self.image(&header, media_type, body);
        }
    }

    fn image(&mut self, header: &Header, media_type: &str, body: &[u8]) {
        let is_picture = matches!(
            media_type,
            "image/png" | "image/jpeg" | "image/jpg" | "image/gif" | "image/webp" | "image/bmp"
        );
        if !is_picture || header.content_id.is_empty() {
            return;
        }
        let content = decode::transfer(body, &header.encoding);
        self.image_bytes += content.len();
        if self.image_bytes <= limits::HTML_IMAGE_BYTES_MAX {
            let url = format!("data:{media_type};base64,{}", STANDARD.encode(&content));
            self.images.insert(header.content_id.clone(), url);
        }
    }
}

/// First pass: takes out and counts what loads from elsewhere, puts pictures of
/// the message in their place, and caps nesting and attributes, in both of which
/// the sanitiser's time is quadratic.
fn prepare(
    source: &str,
    images: Rc<HashMap<String, String>>,
    blocked: &Rc<Cell<u32>>,
) -> Result<String, RewritingError> {
    let depth = Rc::new(Cell::new(0usize));
    let elements = ElementContentHandlers::default().element({
        let blocked = blocked.clone();
        move |element: &mut Element<'_, '_>| {
            if element.attributes().len() > limits::HTML_ATTRIBUTES_MAX {
                element.remove_and_keep_content();
                return Ok(());
            }
            take_out_loads(element, &images, &blocked)?;
            cap_depth(element, &depth)
        }
    });
    let styles = ElementContentHandlers::default().text({
        let blocked = blocked.clone();
        move |chunk: &mut TextChunk<'_>| {
            let css = chunk.as_str().to_ascii_lowercase();
            let loads = css.matches("url(").count() + css.matches("@import").count();
            blocked.set(blocked.get().saturating_add(loads as u32));
            Ok(())
        }
    });
    let memory = MemorySettings::new().with_max_allowed_memory_usage(limits::HTML_MEMORY_BYTES_MAX);
    let mut settings = Settings::new().with_strict(false).with_memory_settings(memory);
    settings = settings.append_document_content_handler(DocumentContentHandlers::default().text({
        let mut run = 0;
        move |chunk: &mut TextChunk<'_>| split_text(chunk, &mut run)
    }));
    for (selector, handler) in [("*", elements), ("style", styles)] {
        if let Ok(selector) = selector.parse::<Selector>() {
            settings = settings.append_element_content_handler((Cow::Owned(selector), handler));
        }
    }
    let mut out = Vec::with_capacity(source.len());
    let mut rewriter = HtmlRewriter::new(settings, |bytes: &[u8]| out.extend_from_slice(bytes));
    rewriter.write(source.as_bytes())?;
    rewriter.end()?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn take_out_loads(
    element: &mut Element<'_, '_>,
    images: &HashMap<String, String>,
    blocked: &Cell<u32>,
) -> HandlerResult {
    let block = |loads: usize| blocked.set(blocked.get().saturating_add(loads as u32));
    let is_link = element.tag_name() == "link";
    let too_long: Vec<String> = element
        .attributes()
        .iter()
        .map(|attribute| (attribute.name(), attribute.value()))
        .filter(|(name, value)| is_too_long(name, value))
        .map(|(name, _)| name)
        .collect();
    for name in too_long {
        element.remove_attribute(&name);
    }
    for name in ["src", "background", "srcset", "poster", "data", "lowsrc", "dynsrc"] {
        let Some(value) = element.get_attribute(name) else { continue };
        let value = value.trim();
        if name == "src" && starts_with(value, "cid:") {
            match images.get(value[4..].trim_matches(['<', '>'])) {
                Some(url) => element.set_attribute("src", url)?,
                None => element.remove_attribute("src"),
            }
        } else if !(name == "src" && is_picture_url(value)) {
            block(usize::from(!value.is_empty() && !starts_with(value, "data:")));
            element.remove_attribute(name);
        }
    }
    if is_link && element.has_attribute("href") {
        block(1);
        element.remove_attribute("href");
    }
    if let Some(style) = element.get_attribute("style") {
        let kept: Vec<&str> = style.split(';').filter(|part| !may_load(part)).collect();
        let loads = style.to_ascii_lowercase().matches("url(").count();
        block(loads);
        element.set_attribute("style", &kept.join(";"))?;
    }
    Ok(())
}

/// CSS can spell `url(` with escapes; a declaration with any is dropped.
fn may_load(declaration: &str) -> bool {
    let lower = declaration.to_ascii_lowercase();
    ["url", "image", "\\", "@", "expression", "element(", "src("].iter().any(|s| lower.contains(s))
}

/// The sanitiser writes a text with time quadratic in its length, so a long one
/// is cut into several, at white space, by an element that shows nothing.
/// `run` is the length of the text so far.
fn split_text(chunk: &mut TextChunk<'_>, run: &mut usize) -> HandlerResult {
    let before = *run;
    *run = if chunk.last_in_text_node() { 0 } else { before + chunk.as_str().len() };
    let text = chunk.as_str();
    if chunk.text_type() != TextType::Data || before + text.len() <= limits::HTML_TEXT_BYTES_MAX {
        return Ok(());
    }
    let mut out = String::with_capacity(text.len() + 64);
    let (mut rest, mut room) = (text, limits::HTML_TEXT_BYTES_MAX.saturating_sub(before));
    while rest.len() > room {
        let is_space = |c: char| c.is_ascii_whitespace();
        let near = text::prefix(rest, room).rfind(is_space).filter(|at| *at > 0);
        let next = || rest.char_indices().skip(1).find(|(_, c)| is_space(*c)).map(|(at, _)| at);
        let Some(at) = near.or_else(next) else { break };
        out.push_str(&rest[..at]);
        out.push_str("<wbr>");
        (rest, room) = (&rest[at..], limits::HTML_TEXT_BYTES_MAX);
        if *run > 0 {
            *run = rest.len();
        }
    }
    out.push_str(rest);
    chunk.replace(&out, ContentType::Html);
    Ok(())
}

/// Attributes are written in quadratic time too; pictures have nothing to escape.
fn is_too_long(name: &str, value: &str) -> bool {
    let is_picture = name == "src" && is_picture_url(value) && !value.contains(['&', '"', '<']);
    value.len() > limits::HTML_TEXT_BYTES_MAX && !(is_picture && value.is_ascii())
}

fn cap_depth(element: &mut Element<'_, '_>, depth: &Rc<Cell<usize>>) -> HandlerResult {
    if !element.can_have_content() {
        return Ok(());
    }
    let above = depth.get();
    if above >= limits::HTML_DEPTH_MAX {
        element.remove_and_keep_content();
        return Ok(());
    }
    depth.set(above + 1);
    // Elements whose end was left out are ended by their parent's end tag.
    if let Some(handlers) = element.end_tag_handlers() {
        let depth = depth.clone();
        handlers.push(Box::new(move |_| {
            depth.set(above);
            Ok(())
        }));
    }
    Ok(())
}

fn sanitise(prepared: &str) -> String {
    let mut builder = ammonia::Builder::default();
    builder
        .add_tags(["font", "big", "tfoot", "legend", "fieldset"])
        .add_generic_attributes(["style", "dir", "align", "valign", "bgcolor"])
        .add_tag_attributes("font", ["color", "face", "size"])
        .add_tag_attributes("table", ["border", "cellpadding", "cellspacing", "width", "height"])
        .add_tag_attributes("td", ["width", "height", "nowrap"])
        .add_tag_attributes("th", ["width", "height", "nowrap"])
        .add_clean_content_tags(["title", "iframe", "object", "embed", "noframes", "template"])
        .filter_style_properties(STYLE_PROPERTIES.iter().copied().collect())
        .url_schemes(["http", "https", "mailto", "tel", "data"].into_iter().collect())
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer"))
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(|element, attribute, value| {
            let is_allowed = match (element, attribute) {
                ("img", "src") => is_picture_url(value),
                (_, "href" | "cite" | "src") => !starts_with(value.trim(), "data:"),
                _ => true,
            };
            is_allowed.then_some(Cow::Borrowed(value))
        });
    builder.clean(prepared).to_string()
}

const STYLE_PROPERTIES: &[&str] = &[
    "background",
    "background-color",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-left-color",
    "border-left-style",
    "border-left-width",
    "border-radius",
    "border-right",
    "border-right-color",
    "border-right-style",
    "border-right-width",
    "border-spacing",
    "border-style",
    "border-top",
    "border-top-color",
    "border-top-style",
    "border-top-width",
    "border-width",
    "clear",
    "color",
    "direction",
    "display",
    "float",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "table-layout",
    "text-align",
    "text-decoration",
    "text-indent",
    "text-transform",
    "vertical-align",
    "visibility",
    "white-space",
    "width",
    "word-break",
    "word-spacing",
    "word-wrap",
];

fn is_picture_url(url: &str) -> bool {
    ["png", "jpeg", "jpg", "gif", "webp", "bmp"]
        .iter()
        .any(|kind| starts_with(url, &format!("data:image/{kind};base64,")))
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(html: &str) -> Rendered {
        render_html(format!("Content-Type: text/html; charset=utf-8\r\n\r\n{html}").as_bytes())
    }

    #[track_caller]
    fn check(html: &str, expected: &str, blocked_remote: u32) {
        let rendered = render(html);
        // The sanitiser writes these two in either order.
        let html = rendered.html.map(|html| {
            html.replace("rel=\"noopener noreferrer\" target=\"_blank\"", LINK)
                .replace("target=\"_blank\" rel=\"noopener noreferrer\"", LINK)
        });
        assert_eq!((html.as_deref(), rendered.blocked_remote), (Some(expected), blocked_remote));
    }

    const LINK: &str = "outside";

    #[test]
    fn nothing_runs() {
        check("<script>x()</script><p onclick='x()'>a</p>", "<p>a</p>", 0);
        check("<a href='javascript:x()'>a</a>", "<a outside>a</a>", 0);
        check("<form action='http://h/'><input name=q>b</form>", "b", 0);
        check("<iframe src='http://h/'>c</iframe>d<svg onload=x()></svg>", "d", 1);
        check("<a href='data:text/html,x'>a</a>", "<a outside>a</a>", 0);
    }

    #[test]
    fn nothing_is_loaded() {
        check("<img src='http://h/p.gif' alt=a><img src=//h/q>", "<img alt=\"a\"><img>", 2);
        check("<td background=http://h/>a", "a", 1);
        check(
            "<p style='color:red;background:url(http://h/x)'>a",
            "<p style=\"color:red\">a</p>",
            1,
        );
        check("<p style='background:u\\72l(http://h/)'>a", "<p style=\"\">a</p>", 0);
        check("<style>@import url(http://h/);p{background:url(x)}</style>a", "a", 3);
        check("<link rel=stylesheet href=http://h/>a", "a", 1);
        check(
            "<img srcset='http://h/a 2x' src=data:image/png;base64,AA==>",
            "<img src=\"data:image/png;base64,AA==\">",
            1,
        );
        check(
            "<video poster=http://h/ src=http://h/></video><object data=http://h/></object>a",
            "a",
            3,
        );
    }

    #[test]
    fn links_open_outside_without_referrer() {
        check("<a href='https://h/' target=_top>a</a>", "<a href=\"https://h/\" outside>a</a>", 0);
    }

    #[test]
    fn pictures_of_the_message_are_shown() {
        let rendered = render_html(
            b"Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n\
              <img src=\"CID:a@b\"><img src=cid:none>\r\n--x\r\nContent-Type: image/png\r\n\
              Content-ID: <a@b>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBO\r\n--x--\r\n",
        );
        assert_eq!(rendered.html.as_deref(), Some("<img src=\"data:image/png;base64,iVBO\"><img>"));
        assert_eq!(rendered.blocked_remote, 0);
    }

    #[test]
    fn text_alone_is_not_html() {
        assert_eq!(render_html(b"Subject: a\r\n\r\nb"), Rendered::default());
    }

    #[test]
    fn deep_nesting_is_rendered_in_time() {
        let rendered = render(&("<div>".repeat(200_000) + "word"));
        assert!(rendered.html.is_none_or(|html| html.contains("word")));
    }
}
