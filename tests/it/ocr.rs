//! Words that are only to be seen: pictures and scanned pages, by the programs that
//! read them.

use std::io::Write;
use std::process::{Command, Stdio};

use bytes::Bytes;
use muniment::base::config;
use muniment::extract::{Parsed, Passwords, Reason};
use muniment::worker::Pool;

use super::documents::mail;
use super::follow::Following;
use super::support::{Scratch, binary, compound, corpus, deliver};

const SEEN: &str = "heron among the reeds";

fn has_programs() -> bool {
    let are_there = ["tesseract", "pdftoppm"].iter().all(|name| {
        Command::new(name).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    });
    if !are_there {
        eprintln!("SKIPPED: tesseract or pdftoppm is not installed");
    }
    are_there
}

fn pool(change: impl FnOnce(&mut config::Worker)) -> Pool {
    let mut settings = config::Worker { ocr: true, ..config::Worker::default() };
    change(&mut settings);
    Pool::new(binary().into(), settings)
}

/// A PDF of these objects, the first its catalog.
fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (object, number) in objects.iter().zip(1..) {
        places.push(pdf.len());
        writeln!(pdf, "{number} 0 obj").unwrap();
        pdf.extend_from_slice(object);
        pdf.extend_from_slice(b"\nendobj\n");
    }
    let (at, count) = (pdf.len(), objects.len() + 1);
    writeln!(pdf, "xref\n0 {count}\n0000000000 65535 f ").unwrap();
    for place in places {
        writeln!(pdf, "{place:010} 00000 n ").unwrap();
    }
    write!(pdf, "trailer<</Size {count}/Root 1 0 R>>\nstartxref\n{at}\n%%EOF").unwrap();
    pdf
}

fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("<<{dictionary}/Length {}>>\nstream\n", content.len());
    [head.as_bytes(), content, b"\nendstream"].concat()
}

/// A page with words on it.
fn page_of(text: &str) -> Vec<u8> {
    let drawn = format!("BT /F1 24 Tf 40 100 Td ({text}) Tj ET");
    pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 200]/Contents 4 0 R\
          /Resources<</Font<</F1 5 0 R>>>>>>"
            .to_vec(),
        stream("", drawn.as_bytes()),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_vec(),
    ])
}

/// What a scanner would make of that page.
fn drawn(text: &str, format: &[&str]) -> Vec<u8> {
    let mut child = Command::new("pdftoppm")
        .args(["-r", "150", "-gray"])
        .args(format)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&page_of(text)).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && !output.stdout.is_empty());
    output.stdout
}

/// A PDF whose one page is a picture of `text`.
fn scanned(text: &str) -> Vec<u8> {
    let picture = drawn(text, &["-jpeg"]);
    pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 200]/Contents 4 0 R\
          /Resources<</XObject<</Im1 5 0 R>>>>>>"
            .to_vec(),
        stream("", b"q 500 0 0 200 0 0 cm /Im1 Do Q"),
        stream(
            "/Type/XObject/Subtype/Image/Width 1042/Height 417/ColorSpace/DeviceRGB\
             /BitsPerComponent 8/Filter/DCTDecode",
            &picture,
        ),
    ])
}

async fn read(pool: &Pool, files: &[(&str, &[u8])]) -> Parsed {
    let message = Bytes::from(mail(files)).into();
    pool.parse_in_full(&message, Passwords::default()).await.unwrap().unwrap().message
}

fn reasons(parsed: &Parsed) -> Vec<(Option<u32>, Reason)> {
    parsed.gaps.iter().map(|gap| (gap.ordinal, gap.reason)).collect()
}

#[tokio::test]
async fn words_of_pictures_and_of_scanned_pages_are_read() {
    if !has_programs() {
        return;
    }
    let pool = pool(|_| {});
    pool.check_ocr().await.unwrap();
    let (picture, page) = (drawn(SEEN, &["-png"]), scanned(SEEN));
    let mut document = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [
        ("[Content_Types].xml", &b"<Types/>"[..]),
        ("word/document.xml", &b"<document><p><t>around it</t></p></document>"[..]),
        ("word/media/image1.png", &picture[..]),
    ] {
        document.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        document.write_all(content).unwrap();
    }
    let document = document.finish().unwrap().into_inner();
    let files = [("a.png", &picture[..]), ("b.pdf", &page[..]), ("c.docx", &document[..])];
    let parsed = read(&pool, &files).await;
    assert_eq!(reasons(&parsed), []);
    for file in &parsed.attachments {
        let text = file.text.as_deref().unwrap_or_default();
        assert!(text.contains(SEEN) && file.is_ocred, "{}: {text:?}", file.name);
    }
    assert!(parsed.attachments[2].text.as_deref().unwrap().starts_with("around it"));

    // Where nobody reads them, that is said.
    let off = self::pool(|settings| settings.ocr = false);
    let parsed = read(&off, &files).await;
    let expected = [0, 1, 2].map(|at| (Some(at), Reason::NotOcred));
    assert_eq!(reasons(&parsed), expected);
}

/// Programs of before 2007 keep pictures in streams of their own; RTF as digits.
#[tokio::test]
async fn words_of_pictures_in_old_documents_are_read() {
    if !has_programs() {
        return;
    }
    let pool = pool(|_| {});
    let (picture, other) = (drawn(SEEN, &["-png"]), drawn("owl in the barn", &["-png"]));
    let files = [
        ("a.doc", &compound::doc("around it", &picture, &other)[..]),
        ("b.xls", &compound::xls("around it", &picture)[..]),
        ("c.ppt", &compound::ppt("around it", &picture)[..]),
        ("d.rtf", &compound::rtf("around it", &picture)[..]),
    ];
    let parsed = read(&pool, &files).await;
    assert_eq!(reasons(&parsed), []);
    let types = ["msword", "vnd.ms-excel", "vnd.ms-powerpoint", "rtf"];
    for (file, media_type) in parsed.attachments.iter().zip(types) {
        assert_eq!(file.media_type, format!("application/{media_type}"));
        let text = file.text.as_deref().unwrap_or_default();
        assert!(text.starts_with("around it") && file.is_ocred, "{}: {text:?}", file.name);
        assert!(text.contains(SEEN), "{}: {text:?}", file.name);
    }
    assert!(parsed.attachments[0].text.as_deref().unwrap().contains("owl in the barn"));

    // Where nobody reads them, that is said.
    let off = self::pool(|settings| settings.ocr = false);
    let parsed = read(&off, &files).await;
    assert_eq!(reasons(&parsed), [0, 1, 2, 3].map(|at| (Some(at), Reason::NotOcred)));
    let details: Vec<_> = parsed.gaps.iter().map(|gap| gap.detail.as_str()).collect();
    assert!(details[0].ends_with(": 2") && details[1].ends_with(": 1"), "{details:?}");
}

/// Of documents that programs of that time wrote.
#[tokio::test]
async fn pictures_of_real_old_documents_are_read() {
    let Some(folder) = corpus("attachments/tika").filter(|_| has_programs()) else { return };
    const NAMES: [&str; 5] = [
        "testWORD_1img.doc",
        "testWORD_3imgs.doc",
        "testPPT_2imgs.ppt",
        "testEXCEL_1img.xls",
        "testEXCEL_extra_metadata.xls",
    ];
    let pool = pool(|_| {});
    let contents = NAMES.map(|name| std::fs::read(folder.join(name)).unwrap());
    let files: Vec<_> = NAMES.into_iter().zip(contents.iter().map(Vec::as_slice)).collect();
    let parsed = read(&pool, &files).await;
    for (name, _) in files {
        let file = parsed.attachments.iter().find(|file| file.name == name).unwrap();
        let gaps: Vec<_> =
            parsed.gaps.iter().filter(|gap| gap.ordinal == Some(file.ordinal)).collect();
        assert!(file.is_ocred && gaps.is_empty(), "{name}: {gaps:?}");
    }
}

#[tokio::test]
async fn a_picture_that_cannot_be_read_is_a_gap_and_its_neighbour_is_read() {
    if !has_programs() {
        return;
    }
    let pool = pool(|settings| settings.ocr_seconds_max = 20);
    let picture = drawn(SEEN, &["-png"]);
    let (cut, blank) = (&picture[..picture.len() / 3], drawn(" ", &["-png"]));
    // Sides that no memory holds.
    let mut huge = picture.clone();
    huge[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    let files = [
        ("cut.png", cut),
        ("blank.png", &blank[..]),
        ("huge.png", &huge[..]),
        ("good.png", &picture[..]),
    ];
    let parsed = read(&pool, &files).await;
    let of = |at: u32| parsed.gaps.iter().find(|gap| gap.ordinal == Some(at));
    assert_eq!(of(1).unwrap().reason, Reason::NoText);
    for at in [0, 2] {
        let text = parsed.attachments[at as usize].text.as_deref().unwrap_or_default();
        assert!(of(at).is_some() || text.contains("heron"), "{at} is silent");
    }
    assert_eq!(of(2).unwrap().reason, Reason::NotOcred);
    assert!(of(3).is_none());
    assert!(parsed.attachments[3].text.as_deref().unwrap().contains(SEEN));
}

/// A program of the system's is kept from the same things.
#[test]
fn a_program_that_reads_pictures_reaches_nobody() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.pdf");
    std::fs::write(&secret, page_of("secret")).unwrap();
    let everybody: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), everybody).unwrap();
    let run = |arguments: &[&str]| {
        Command::new(binary())
            .args(["worker", "--run"])
            .args(arguments)
            .env_clear()
            .env("MUNIMENT_WORKER_MEMORY_BYTES", (1u64 << 30).to_string())
            .env("MUNIMENT_WORKER_SECONDS", "20")
            .env("MUNIMENT_WORKER_USER", "65534")
            .stdin(std::fs::File::open(&secret).unwrap())
            .output()
            .unwrap()
    };
    assert!(run(&["tesseract", "--", "--list-langs"]).status.success());
    // The same program, unconfined, reads and writes these.
    let (from, to) = (secret.to_str().unwrap(), folder.path().join("out"));
    let to = to.to_str().unwrap();
    let free = Command::new("pdftoppm").args(["-r", "10", from, to]).status().unwrap();
    assert!(free.success());
    let writes = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(writes(), 2);
    // By its pipe it reads the same, and by its name it does not.
    assert!(run(&["pdftoppm", "--", "-r", "20", "-"]).stdout.starts_with(b"P6"));
    assert!(run(&["pdftoppm", "--", "-r", "20", from]).stdout.is_empty());
    assert!(!run(&["pdftoppm", "--", "-r", "20", "-", to]).status.success());
    assert_eq!(writes(), 2);
    // And no other program is run at all.
    assert!(!run(&["sh", "--", "-c", "true"]).status.success());
    assert!(!run(&["../../bin/sh", "--", "-c", "true"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_is_found_after_the_rest_of_its_mail() {
    if !has_programs() {
        return;
    }
    let scratch = Scratch::with(|config| config.worker.ocr = true).await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    let message = mail(&[("a.png", &drawn(SEEN, &["-png"]))]);
    deliver(&scratch.archive, &ingest, &message).await;
    following.catch_up(&scratch).await;
    assert_eq!(following.find(&format!("attachment:\"{SEEN}\"")).len(), 1);
    assert!(following.progress.lag().await.unwrap().pending == 0);
}

#[tokio::test]
async fn a_language_that_is_not_installed_is_named() {
    if !has_programs() {
        return;
    }
    let pool = pool(|settings| settings.ocr_languages = vec!["eng".into(), "tlh".into()]);
    let error = pool.check_ocr().await.unwrap_err().to_string();
    assert!(error.contains("\"tlh\"") && error.contains("tesseract-ocr-tlh"), "{error}");
}
