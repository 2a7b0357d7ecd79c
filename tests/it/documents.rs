//! Families and what is read of them: real files end to end, hostile and broken
//! ones within bounds.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use bytes::Bytes;
use muniment::access::Role;
use muniment::base::config;
use muniment::base::hash::Digest;
use muniment::base::ids::DeliverySeq;
use muniment::extract::{self, Parsed, Reason, parse_message};
use muniment::worker::Pool;
use serde_json::Value;
use zip::write::SimpleFileOptions;

use super::follow::Following;
use super::support::laid::laid;
use super::support::random::Random;
use super::support::web::Web;
use super::support::{Scratch, binary, corpus, deliver};

/// A message with these attachments.
pub fn mail(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut mail = b"From: a@b.example\r\nSubject: documents\r\n\
        Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nsee it\r\n"
        .to_vec();
    for (name, content) in files {
        let encoded = base64::engine::general_purpose::STANDARD.encode(content);
        write!(
            mail,
            "--x\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n"
        )
        .unwrap();
    }
    mail.extend_from_slice(b"--x--\r\n");
    mail
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn reasons(parsed: &Parsed) -> Vec<(Option<u32>, Reason)> {
    parsed.gaps.iter().map(|gap| (gap.ordinal, gap.reason)).collect()
}

fn pool(change: impl FnOnce(&mut config::Worker)) -> Pool {
    let mut settings = config::Worker::default();
    change(&mut settings);
    Pool::new(binary().into(), settings)
}

#[test]
fn mail_in_archives_in_mail_is_taken_apart() {
    let inner = mail(&[("note.txt", b"the innermost word")]);
    let archive = zipped(&[("Q3/forwarded.eml", &inner)]);
    let packed = zipped(&[("Q3.zip", &archive)]);
    let parsed = parse_message(&mail(&[("all.zip", &packed)]));
    let paths: Vec<String> =
        parsed.attachments.iter().map(|file| extract::path(&parsed.attachments, file)).collect();
    assert_eq!(
        paths,
        [
            "all.zip",
            "Q3.zip in all.zip",
            "Q3/forwarded.eml in Q3.zip in all.zip",
            "note.txt in Q3/forwarded.eml in Q3.zip in all.zip",
        ]
    );
    let last = &parsed.attachments[3];
    assert_eq!((last.parent, last.is_part), (Some(2), false));
    assert_eq!(last.text.as_deref(), Some("the innermost word"));
    assert_eq!(last.sha256, Digest::of(b"the innermost word"));
    assert_eq!(reasons(&parsed), []);
}

#[test]
fn names_of_documents_cannot_mislead() {
    let archive = zipped(&[("..\\../\u{202e}fdp.exe\n", b"word")]);
    let parsed = parse_message(&mail(&[("a.zip", &archive)]));
    let path = extract::path(&parsed.attachments, &parsed.attachments[1]);
    assert_eq!(path, "../../\u{fffd}fdp.exe\u{fffd} in a.zip");
}

#[test]
fn bombs_and_quines_are_bounded_and_declared() {
    let zeros = zipped(&[("zeros", &vec![0; 300 << 20])]);
    let parsed = parse_message(&mail(&[("bomb.zip", &zeros)]));
    assert_eq!(reasons(&parsed), [(Some(1), Reason::TooLarge)]);

    let mut nested = b"word".to_vec();
    for _ in 0..60 {
        nested = zipped(&[("a.zip", &nested)]);
    }
    let parsed = parse_message(&mail(&[("a.zip", &nested)]));
    assert!(parsed.gaps.iter().any(|gap| gap.reason == Reason::TooDeep), "{:?}", parsed.gaps);

    let names: Vec<String> = (0..11_000).map(|number| number.to_string()).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let parsed = parse_message(&mail(&[("many.zip", &zipped(&many))]));
    assert!(parsed.gaps.contains(&extract::Gap {
        ordinal: Some(0),
        reason: Reason::TooLarge,
        detail: "it has more documents than are read".into(),
    }));
    assert_eq!(parsed.attachments.len(), 10_000);
}

/// Each costs its own child, within its limits, and its neighbour is read.
#[tokio::test]
async fn every_hostile_document_leaves_its_family_readable() {
    let Some(folder) = corpus("hostile") else { return };
    let pool = pool(|settings| settings.seconds_max = 5);
    let begun = Instant::now();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let content = std::fs::read(&path).unwrap();
        let after = ("after.txt", &b"found all the same"[..]);
        let message = Bytes::from(mail(&[(&name, &content), after]));
        let answer = pool.parse_one(&message.into()).await.unwrap();
        let parsed = answer.unwrap_or_else(|error| panic!("{name}: {error}")).message;
        let last = parsed.attachments.last().unwrap();
        assert_eq!(last.text.as_deref(), Some("found all the same"), "{name}: {:?}", parsed.gaps);
        seen += 1;
    }
    assert!(seen >= 13, "only {seen} files");
    assert!(begun.elapsed() < Duration::from_secs(150), "{:?}", begun.elapsed());
}

/// A word of each real file, through the archive and its search.
const KNOWN: &[(&str, &str)] = &[
    ("tika/testPDF.pdf", "\"Content Analysis Toolkit\""),
    ("tika/testComment.pdf", "comment"),
    ("tika/footnotes.docx", "snoskoy"),
    ("tika/testWORD.docx", "\"Sample Word Document\""),
    ("tika/testWORD.doc", "\"Sample Word Document\""),
    ("tika/testComment.doc", "comment"),
    ("tika/testEXCEL.xls", "\"Sample Excel Worksheet\""),
    ("tika/testEXCEL.xlsb", "\"example spreadsheet\""),
    ("tika/testComment.xlsx", "comment"),
    ("tika/testPPT.ppt", "\"Sample Powerpoint Slide\""),
    ("tika/testPPT_various.pptx", "\"Row 2 Col 3\" AND 𐌲𐌿𐍄𐌹𐍃𐌺"),
    ("tika/testRTF-ms932.rtf", "こんにちは"),
    ("tika/testRTFVarious.rtf", "footnote"),
    ("tika/testODFwithOOo3.odt", "Tika"),
    ("tika/LibreOfficeImpress_odp_1.3.odp", "\"example Impress file\""),
    ("tika/test-columnar.ods", "\"Percent Increment\""),
    ("tika/testMSG.msg", "\"MIME registry\""),
    ("tika/testMSG_att_msg.msg", "message"),
    ("tika/testICalendar.ics", "VEVENT"),
    ("tika/foo.csv", "\"abc def\""),
    ("mimekit/attachments.tnef", "attachment:jpg OR attachment:doc"),
    ("tika/test-nested-tarball.tar", "attachment:tar"),
    ("hoover/targz-with-pdf-doc-docx.tar.gz", "attachment:pdf"),
    ("tika/test-documents.7z", "attachment:pdf"),
    ("hoover/archives.zip", "attachment:zip"),
    ("iped/test_sample.pst", "message"),
    ("pst-extractor/enron-mlokay-nonpriv.pst", "\"Burlington Resources\""),
];

#[tokio::test(flavor = "multi_thread")]
async fn known_words_of_every_format_are_found_by_searching() {
    let Some(folder) = corpus("attachments") else { return };
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    let mut hashes = Vec::new();
    for (name, _) in KNOWN {
        let content = std::fs::read(folder.join(name)).unwrap();
        deliver(&scratch.archive, &ingest, &mail(&[(name, &content)])).await;
        hashes.push(Digest::of(&content));
    }
    following.catch_up(&scratch).await;
    let mut missing = Vec::new();
    for ((name, words), sha256) in KNOWN.iter().zip(hashes) {
        // Some are in an archive among these, too.
        if following.find(&format!("({words}) AND hash:{sha256}")).is_empty() {
            missing.push(format!("{words} in {name}"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_opens_with_a_password_is_a_gap_that_says_so() {
    const CLOSED: &[&str] = &[
        "hoover/zip-with-password.zip",
        "iped/test_cryptoDoc.docx",
        "tika/full_encrypted.7z",
        "tika/test7Z_protected_passTika.7z",
        "tika/testEXCEL_protected_passtika.xlsx",
        "tika/testODTEncrypted.odt",
        "tika/testPPT_protected_passtika.ppt",
        "tika/testPPT_protected_passtika.pptx",
        "tika/testUnicodePassword.pdf",
        "tika/testWORD_protected_passtika.doc",
    ];
    let Some(folder) = corpus("attachments") else { return };
    for name in CLOSED {
        let content = std::fs::read(folder.join(name)).unwrap();
        let parsed = parse_message(&mail(&[(name, &content)]));
        let is_said = parsed.gaps.iter().any(|gap| gap.reason == Reason::Encrypted);
        assert!(is_said, "{name}: {:?}", parsed.gaps);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_are_counted_listed_and_on_record() {
    let scratch = Scratch::new().await;
    let (context, _) = laid(&scratch).await;
    let progress = context.progress.clone();
    let archive = zipped(&[("sound.mp3", b"ID3\x01\x02"), ("empty.txt", b"")]);
    let message = mail(&[("a.zip", &archive)]);
    let message = String::from_utf8(message).unwrap().replace("a@b.example", "alice@a.example");
    deliver(&scratch.archive, &context.ingest, message.as_bytes()).await;
    assert!(progress.settled(DeliverySeq(3)).await.unwrap());
    let web = Web::new(context);
    let wide = web.signed_in("grace", Role::Legal, true).await;
    let found =
        web.get(&wide, "/api/v1/gaps?limit=1&media_type=application/octet-stream").await.json();
    let counts: Vec<_> = found["counts"].as_array().unwrap().iter().collect();
    assert_eq!(counts.iter().map(|it| it["gaps"].as_u64().unwrap()).sum::<u64>(), 3);
    assert!(counts.iter().all(|it| it["reason"] == "no-text"), "{counts:?}");
    assert_eq!(found["gaps"][0]["path"], "sound.mp3 in a.zip");
    let next = format!(
        "/api/v1/gaps?limit=1&cursor={}&media_type=application/octet-stream",
        found["next"].as_str().unwrap()
    );
    let last = web.get(&wide, &next).await.json();
    assert_eq!(
        (&last["gaps"][0]["path"], &last["next"]),
        (&"empty.txt in a.zip".into(), &Value::Null)
    );
    let none = web.get(&wide, "/api/v1/gaps?reason=encrypted").await.json();
    assert_eq!(none["gaps"].as_array().unwrap().len(), 0);
    let audit = web.get(&wide, "/api/v1/audit?action=gap").await.json();
    assert_eq!(audit["rows"].as_array().unwrap().len(), 3);

    // What is within an archive comes out of it again.
    let set = found["gaps"][0]["message_id"].as_i64().unwrap();
    let taken = web.get(&wide, &format!("/api/v1/messages/{set}/attachments/1")).await;
    assert_eq!((taken.status.as_u16(), &taken.body[..]), (200, &b"ID3\x01\x02"[..]));
}

/// Files that are cut off at any byte, or have any byte changed.
#[test]
fn broken_files_are_read_without_a_panic() {
    let Some(folder) = corpus("attachments") else { return };
    let seed = Random::seed();
    println!("MUNIMENT_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let until = Instant::now() + Duration::from_secs(40);
    let mut tried = 0;
    for name in small(&folder) {
        let content = std::fs::read(folder.join(&name)).unwrap();
        // Of long files only some.
        let step = (content.len() / 400).max(1);
        for end in (0..content.len()).step_by(step) {
            check(&name, &content[..end]);
            let mut changed = content.clone();
            changed[end] = random.next() as u8;
            check(&name, &changed);
            tried += 2;
        }
        if Instant::now() > until {
            break;
        }
    }
    assert!(tried > 1000, "only {tried} files");
}

fn check(name: &str, content: &[u8]) {
    let parsed = parse_message(&mail(&[(name, content)]));
    let is_failure = |gap: &&extract::Gap| gap.reason == Reason::Crashed;
    // A crate may panic within what catches it; what we wrote may not.
    let ours = !name.ends_with("7z");
    let failed = parsed.gaps.iter().find(is_failure).filter(|_| ours);
    assert!(failed.is_none(), "{name} of {} bytes: {failed:?}", content.len());
    let of_file = |ordinal| parsed.gaps.iter().any(|gap| gap.ordinal == Some(ordinal));
    for file in &parsed.attachments {
        assert!(file.text.is_some() || of_file(file.ordinal), "{name}: {} is silent", file.name);
    }
}

/// The smallest file of each format that is read without a child of its own; PDF
/// can overflow its stack.
fn small(folder: &Path) -> Vec<String> {
    const FORMATS: &[&str] = &[
        "docx", "xlsx", "pptx", "xlsb", "odt", "rtf", "doc", "xls", "ppt", "msg", "tnef", "zip",
        "tar", "gz", "7z", "ics", "html",
    ];
    let mut found: Vec<(u64, String)> = Vec::new();
    for part in std::fs::read_dir(folder).unwrap() {
        let part = part.unwrap();
        for file in std::fs::read_dir(part.path()).unwrap() {
            let file = file.unwrap();
            let name = format!("{}/{}", part.file_name().display(), file.file_name().display());
            found.push((file.metadata().unwrap().len(), name));
        }
    }
    found.sort();
    let smallest = |format: &&str| {
        let suffix = format!(".{format}");
        let of_format = found.iter().find(|(size, name)| *size > 50 && name.ends_with(&suffix));
        of_format.map(|(_, name)| name.clone())
    };
    FORMATS.iter().filter_map(smallest).collect()
}
