//! Files that are attached: tables, minutes, pages, and small real PDF and PNG
//! files written here, byte by byte.

use super::dice::Dice;

/// What a topic's mail carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Table,
    Minutes,
    Page,
    Pdf,
    Chart,
}

pub struct Attachment {
    pub name: String,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

impl Attachment {
    /// A file about `subject` with `text` in it where the kind holds text.
    pub fn new(kind: Kind, dice: &mut Dice, subject: &str, text: &str) -> Self {
        let number = dice.between(100, 999);
        let stem = stem(subject);
        let (name, media_type, bytes) = match kind {
            Kind::Table => (format!("{stem}-{number}.csv"), "text/csv", table(dice)),
            Kind::Minutes => (format!("{stem}-{number}.txt"), "text/plain", minutes(subject, text)),
            Kind::Page => (format!("{stem}-{number}.html"), "text/html", page(subject, text)),
            Kind::Pdf => (format!("{stem}-{number}.pdf"), "application/pdf", pdf(subject, text)),
            Kind::Chart => (format!("chart-{number}.png"), "image/png", chart(dice, 160, 90)),
        };
        Self { name, media_type, bytes }
    }
}

/// A file name's beginning out of a subject, whatever its script.
fn stem(subject: &str) -> String {
    let words = subject.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let stem = words.take(4).collect::<Vec<_>>().join("-").to_lowercase();
    if stem.is_empty() { "file".into() } else { stem }
}

fn table(dice: &mut Dice) -> Vec<u8> {
    let mut text = String::from("position,article,quantity,unit price EUR,total EUR\r\n");
    let articles = [
        "FM-200 flow meter",
        "PT-85 pressure probe",
        "Cable set 5 m",
        "Calibration",
        "Freight",
        "Mounting kit",
    ];
    for position in 1..=dice.between(3, 40) {
        let (quantity, price) = (dice.between(1, 60), dice.between(12, 2400));
        let article = dice.pick(&articles);
        let total = quantity * price;
        text.push_str(&format!("{position},{article},{quantity},{price}.00,{total}.00\r\n"));
    }
    text.into_bytes()
}

fn minutes(subject: &str, text: &str) -> Vec<u8> {
    let text = format!(
        "Notes: {subject}\n{}\n\n{text}\n\nActions: none beyond the above.\n",
        "=".repeat(40)
    );
    text.replace('\n', "\r\n").into_bytes()
}

fn page(subject: &str, text: &str) -> Vec<u8> {
    let (subject, text) = (escaped(subject), escaped(text).replace('\n', "<br>\n"));
    format!("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{subject}</title></head>\n<body><h1>{subject}</h1>\n<p>{text}</p></body></html>\n").into_bytes()
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A one-page PDF 1.4 (ISO 32000-1 section 7.5) with its text in Helvetica.
/// Characters beyond ASCII, which that font's encoding lacks, become `?`.
pub fn pdf(title: &str, text: &str) -> Vec<u8> {
    let literal = |line: &str| {
        let ascii: String =
            line.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
        ascii.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)")
    };
    let mut content =
        format!("BT /F1 14 Tf 56 780 Td ({}) Tj /F1 10 Tf 0 -24 Td 14 TL\n", literal(title));
    for line in wrapped(text, 90).iter().take(50) {
        content.push_str(&format!("({}) Tj T*\n", literal(line)));
    }
    content.push_str("ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut out = b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", number + 1).as_bytes());
    }
    let start = out.len();
    out.extend_from_slice(
        format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1).as_bytes(),
    );
    for offset in &offsets {
        out.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let trailer = format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        offsets.len() + 1
    );
    out.extend_from_slice(trailer.as_bytes());
    out
}

/// `text` in lines of about `columns` characters.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > columns {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// A bar chart as an indexed PNG (ISO 15948), stored without compression.
pub fn chart(dice: &mut Dice, width: usize, height: usize) -> Vec<u8> {
    let bars: Vec<usize> = (0..8).map(|_| dice.between(height / 8, height - 8)).collect();
    let hue = dice.below(3);
    let mut rows = Vec::with_capacity((width + 1) * height);
    for y in 0..height {
        rows.push(0);
        rows.extend((0..width).map(|x| {
            let bar = bars[x * bars.len() / width];
            let is_gap = x * bars.len() % width < bars.len() * 3;
            u8::from(!is_gap && height - y <= bar)
        }));
    }
    let mut palette = vec![0xFF, 0xFF, 0xFF, 0x33, 0x33, 0x33];
    palette[3 + hue] = 0xA0;
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let (w, h) = ((width as u32).to_be_bytes(), (height as u32).to_be_bytes());
    chunk(&mut out, b"IHDR", &[&w[..], &h[..], &[8, 3, 0, 0, 0]].concat());
    chunk(&mut out, b"PLTE", &palette);
    chunk(&mut out, b"IDAT", &stored(&rows));
    chunk(&mut out, b"IEND", b"");
    out
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let start = out.len();
    out.extend_from_slice(kind);
    out.extend_from_slice(data);
    let sum = crc32(&out[start..]);
    out.extend_from_slice(&sum.to_be_bytes());
}

/// A zlib stream of stored blocks (RFC 1950, RFC 1951 section 3.2.4).
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = data.chunks(0xFFFF).peekable();
    while let Some(block) = blocks.next() {
        let len = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
    }
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    out.extend_from_slice(&(b << 16 | a).to_be_bytes());
    out
}

/// The check sum of PNG chunks (ISO 15948 annex D).
fn crc32(data: &[u8]) -> u32 {
    let mut sum = !0_u32;
    for byte in data {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = sum >> 1 ^ (0xEDB8_8320 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_are_right() {
        assert_eq!(crc32(b"IEND"), 0xAE42_6082);
        assert_eq!(stored(b"a"), [0x78, 1, 1, 1, 0, 0xFE, 0xFF, b'a', 0, 0x62, 0, 0x62]);
    }
}
