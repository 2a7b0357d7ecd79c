//! A small document of each kind that is read, made here, so that every reader is
//! reached without any corpus.

use std::io::Write;
use std::path::Path;

use super::compound;

/// A picture of one pixel.
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x20\0\0\0\x20\x08\x06\0\0\0\x1f\x15\xc4\x89";

/// Small documents for the reader of this name; none where nobody could make one here.
pub fn samples(reader: &str) -> Vec<Vec<u8>> {
    match reader {
        "calendar" => vec![CALENDAR.into(), b"BEGIN:VCARD\r\nFN;ENCODING=QUOTED-PRINTABLE:=41=\r\n b\r\nEND:VCARD".into()],
        "cms" => ["opaque.p7m", "opaque-ber.p7m", "detached.p7s", "enveloped.p7m", "authenveloped.p7m"].map(|name| fixture(&format!("../smime/{name}"))).into(),
        "compound" => vec![compound::compound(&[("\u{1}Ole10Native", PACKAGE)])],
        "doc" => vec![compound::doc("around it", PNG, PNG)],
        "docx" => vec![zipped(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("docProps/core.xml", b"<p><title>Plan</title></p>"),
            ("word/document.xml", b"<document><p><r><t>one</t><tab/></r></p><del><delText>two</delText></del></document>"),
            ("word/media/image1.png", PNG),
            ("word/embeddings/a.txt", b"in it"),
        ])],
        "encrypted_office" => vec![fixture("agile.docx")],
        "html" => vec![b"<html><style>p{}</style><p title='a'>one&amp;<b>two</p><a href='x:y'>z</a><!-- c -->".into()],
        "mbox" => vec![b"From a@b Thu Jan  1 00:00:00 1970\nFrom: a@b\nSubject: s\n\none\n>From two\n\nFrom c@d Thu Jan  1 00:00:00 1970\nFrom: c@d\n\nthree\n".into()],
        "message" => vec![MESSAGE.into()],
        "msg" => vec![compound::compound(&[
            ("__properties_version1.0", &[0; 48]),
            ("__substg1.0_0037001F", b"S\0u\0b\0"),
            ("__substg1.0_1000001F", b"B\0o\0d\0y\0"),
            ("__substg1.0_10090102", b"\x10\0\0\0\x04\0\0\0MELA\0\0\0\0{\\rtf"),
        ])],
        "open_document" => vec![zipped(&[
            ("mimetype", b"application/vnd.oasis.opendocument.text"),
            ("META-INF/manifest.xml", b"<manifest/>"),
            ("meta.xml", b"<meta><title>Plan</title></meta>"),
            ("content.xml", b"<office><p>one<s c='3'/>two<tab/></p></office>"),
            ("Pictures/1.png", PNG),
        ])],
        "package" => vec![zipped(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("visio/pages/page1.xml", b"<Page><Text>one</Text></Page>"),
        ])],
        "packed_bzip2" => vec![bzip2(b"one two one two")],
        "packed_gzip" => vec![gzip(b"one two one two")],
        "packed_xz" => vec![XZ.into()],
        "packed_zstd" => vec![zstd::encode_all(&b"one two one two"[..], 1).unwrap()],
        "pdf" => ["aes128.pdf", "aes256.pdf", "rc4.pdf"].map(fixture).into(),
        "picture" => vec![PNG.into(), b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\x01\0\x02\0\x03".into(), b"BM".into()],
        "plain" => vec!["one\r\ntwo \u{e9}\0".into(), b"\xff\xfeo\0n\0e\0".into(), b"caf\xe9 \x1b$B".into()],
        "ppt" => vec![compound::ppt("around it", PNG)],
        "pptx" => vec![zipped(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("ppt/slides/slide1.xml", b"<sld><p><t>one</t></p></sld>"),
            ("ppt/notesSlides/notesSlide1.xml", b"<notes><p><t>two</t></p></notes>"),
        ])],
        "pst" => vec![b"!BDN\0\0\0\0SM\x17\0\x13\0\x01\x01".into()],
        "rtf" => vec![compound::rtf("around it", PNG), RTF.into()],
        "seven_zip" => vec![b"7z\xbc\xaf\x27\x1c\0\x04".into()],
        "tar" => vec![tar("a/b.txt", b"one")],
        "tnef" => vec![tnef()],
        "xls" => vec![compound::xls("around it", PNG), workbook()],
        "xlsb" => vec![zipped(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("xl/workbook.bin", b"\x9c\x01\x10\0\0\0\0\x01\0\0\0\x01\0\0\0a\0\0\0"),
            ("xl/sharedStrings.bin", b"\x13\x0b\0\x03\0\0\0o\0n\0e\0"),
            ("xl/worksheets/sheet1.bin", b"\0\x04\x01\0\0\0\x07\x0c\0\0\0\0\0\0\0\0\0\0\0\0\x02\x0c\0\0\0\0\0\0\0\0\x0a\0\0\0"),
        ])],
        "xlsx" => vec![zipped(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("xl/workbook.xml", b"<workbook><sheet name='a'/></workbook>"),
            ("xl/styles.xml", b"<s><numFmt numFmtId='164' formatCode='0.0%'/><cellXfs><xf numFmtId='164'/></cellXfs></s>"),
            ("xl/sharedStrings.xml", b"<sst><si><t>one</t></si></sst>"),
            ("xl/worksheets/sheet1.xml", b"<s><row><c t='s'><v>0</v></c><c s='0'><f>1+1</f><v>2</v></c></row></s>"),
        ])],
        "xml" => vec![b"<?xml version='1.0' encoding='utf-8'?><a b='c'>one<![CDATA[two]]>&#x41;</a>".into()],
        "zip" => {
            let inner = zipped(&[("c.txt", b"deep")]);
            let mut all = vec![zipped(&[("a.txt", b"one"), ("b.zip", &inner)])];
            all.extend(["old.zip", "aes128.zip", "aes256.zip", "streamed.zip"].map(fixture));
            all
        }
        _ => panic!("no sample for the reader {reader}"),
    }
}

/// `one two one two`, as `xz` packs it.
const XZ: &[u8] = b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\x01\x00\x0e\x6f\x6e\x65\x20\x74\x77\x6f\x20\x6f\x6e\x65\x20\x74\x77\x6f\x00\x00\x07\x8e\x7d\x50\x6e\x9c\x11\x15\x00\x01\x27\x0f\xdf\x1a\xfc\x6a\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a";

const CALENDAR: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY;LANGUAGE=en:Bo\r\n ard\r\n\
    DESCRIPTION:one\\, two\\nthree\r\nATTENDEE;CN=\"Ann: B\":mailto:a@b\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

const MESSAGE: &str = "From: =?utf-8?Q?Ann?= <a@b>\r\nSubject: s\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/html\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>one=3D\r\n--b\r\n\
    Content-Type: application/octet-stream; name*0=a; name*1*=utf-8''%62\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nb25l\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\
    From: c@d\r\n\r\ntwo\r\n--b--\r\n";

const RTF: &str = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset204 A;}}{\info{\title Plan}}
    {\*\generator x;}\f0\'cf\u1088?\uc2\u1088??{\footnote note}{\object{\*\objdata 0105000002000000}
    {\result{\pict\dibitmap0 2800}}}{\field{\*\fldinst HYPERLINK x}}\bin3 }}}\par end}";

/// MS-OLEDS: a packaged file, with its length before it.
const PACKAGE: &[u8] = b"\x20\0\0\0\x02\0a.txt\0c:\\a\0\0\0\x03\0\x02\0\0\0x\0\x03\0\0\0one";

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/locked");
    std::fs::read(folder.join(name)).unwrap()
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder =
        flate2::GzBuilder::new().filename("a.txt").write(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(content: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    let mut at = |place: usize, text: &str| {
        header[place..place + text.len()].copy_from_slice(text.as_bytes());
    };
    at(0, name);
    at(124, &format!("{:011o}", content.len()));
    at(148, "        ");
    at(156, "0");
    at(257, "ustar");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.extend(content);
    header.resize(2048, 0);
    header
}

/// MS-OXTNEF 2.1.3: attributes, each with level, id, length and a sum.
fn tnef() -> Vec<u8> {
    let mut file = b"\x78\x9f\x3e\x22\x01\0".to_vec();
    let mut put = |level: u8, id: u32, content: &[u8]| {
        file.push(level);
        file.extend(id.to_le_bytes());
        file.extend((content.len() as u32).to_le_bytes());
        file.extend(content);
        file.extend(content.iter().map(|byte| u16::from(*byte)).sum::<u16>().to_le_bytes());
    };
    put(1, 0x0006_9007, &1252u32.to_le_bytes());
    put(1, 0x0001_8004, b"Subject\0");
    put(1, 0x0002_800c, b"Body\0");
    put(1, 0x0006_9003, b"\x01\0\0\0\x1e\0\x37\0\x01\0\0\0\x04\0\0\0abc\0");
    put(2, 0x0006_9002, &[0; 14]);
    put(2, 0x0001_8010, b"a.txt\0");
    put(2, 0x0006_800f, b"one");
    file
}

/// A workbook of Excel 5, without a compound file around it, with a picture.
fn workbook() -> Vec<u8> {
    let mut book = Vec::new();
    let mut put = |kind: u16, content: &[u8]| {
        book.extend(kind.to_le_bytes());
        book.extend((content.len() as u16).to_le_bytes());
        book.extend(content);
    };
    put(0x809, b"\0\x05\x05\0\0\0\0\0");
    put(0x42, b"\xe4\x04");
    put(0x85, b"\0\0\0\0\0\0\x03one");
    put(0x204, b"\0\0\0\0\0\0\x03\0one");
    put(0x203, b"\0\0\x01\0\0\0\0\0\0\0\0\0\xf0\x3f");
    put(0x1c, b"\0\0\0\0\x03\0two");
    let bitmap = [
        &b"\x09\0\x01\0\x30\0\0\0\x28\0\0\0\x20\0\0\0\x20\0\0\0\x01\0\x01\0"[..],
        &[0; 24 + 8 + 128],
    ];
    put(0x7f, &bitmap.concat());
    put(0x0a, b"");
    book
}
