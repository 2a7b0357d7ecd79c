//! The one-pass reader on mail that nobody meant to be read: pieces of any size,
//! real hard cases, and bytes made to exhaust it.

use std::path::Path;
use std::time::Duration;

use muniment::base::config::Sends;
use muniment::base::limits;
use muniment::mail::delivery::{self, Form, Reader, Role};
use proptest::prelude::*;

use crate::journal::check_entries;
use crate::support::corpus;

/// Far above what any of these needs, far below what a quadratic scan takes.
const TIME_MAX: Duration = Duration::from_secs(40);

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn hard_cases_of_twenty_parsers_are_read() {
    for part in ["mime", "hostile", "reports", "crypto", "attachments"] {
        let Some(folder) = corpus(part) else { continue };
        let mut found = Vec::new();
        files(&folder, &mut found);
        assert!(!found.is_empty());
        for path in found {
            let bytes = std::fs::read(&path).unwrap();
            let start = thread_time();
            let read = delivery::read(&bytes);
            assert!(thread_time() - start < TIME_MAX, "{}", path.display());
            check_entries(&bytes, &read);
            let mut reader = Reader::new(Sends::Reports);
            bytes.chunks(251).for_each(|piece| reader.push(piece));
            assert_eq!(reader.finish(), read, "{}", path.display());
        }
    }
}

/// Pieces of mail that meet in every order.
const PIECES: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "--",
    "-",
    "--a",
    "--b",
    "--a--",
    "--b--",
    "--ab",
    " ",
    "\t",
    "x",
    "=",
    "=4",
    "QUJD",
    "=\r\n",
    "Content-Type: multipart/mixed; boundary=a\r\n",
    "Content-Type: multipart/digest; boundary=b\n",
    "Content-Type: message/rfc822\r\n",
    "Content-Type: application/x; name=n\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Transfer-Encoding: quoted-printable\r\n",
    "X-MS-Journal-Report:\r\n",
    "Content-Type: text/plain\r\n",
    "\r\n\r\n",
    "Sender: a@x\r\n",
    "To: b@x\r\n",
];

fn mail() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(PIECES);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn how_the_bytes_arrive_changes_nothing(
        bytes in mail(),
        cuts in prop::collection::vec(0_usize..8, 1..20),
    ) {
        let whole = delivery::read(&bytes);
        let mut reader = Reader::new(Sends::Reports);
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, left) = rest.split_at((*cut).clamp(1, rest.len()));
            reader.push(piece);
            rest = left;
        }
        prop_assert_eq!(&reader.finish(), &whole);
        check_entries(&bytes, &whole);
    }
}

fn check_quick(bytes: &[u8]) -> delivery::Delivery {
    let start = thread_time();
    let read = delivery::read(bytes);
    let spent = thread_time() - start;
    assert!(spent < TIME_MAX, "{spent:?} for {} bytes", bytes.len());
    read
}

/// What this thread has computed for: a busy machine does not count.
fn thread_time() -> Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(spent.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn fifty_thousand_nested_messages_do_not_recurse() {
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(50_000);
    let read = check_quick(nested.as_bytes());
    assert!(read.entries.len() <= limits::MIME_DEPTH_MAX + 1);
    let encoded =
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    let read = check_quick(encoded.repeat(50_000).as_bytes());
    assert!(read.entries.len() <= limits::MIME_DEPTH_MAX + 1);
    check_entries(encoded.repeat(100).as_bytes(), &delivery::read(encoded.repeat(100).as_bytes()));
}

#[test]
fn nested_multiparts_and_boundless_parts_are_bounded() {
    let mut bytes = String::new();
    for n in 0..50_000 {
        bytes.push_str(&format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"));
    }
    check_quick(bytes.as_bytes());
    let mut parts = String::from("Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    parts.push_str(&"--b\r\nContent-Type: image/png\r\n\r\nx\r\n".repeat(100_000));
    let read = check_quick(parts.as_bytes());
    assert!(read.entries.len() <= limits::MIME_PARTS_MAX + 1);
    assert!(!read.defects.is_empty());
}

#[test]
fn long_lines_and_headers_are_linear() {
    check_quick(&b"a: \"".repeat(4 << 20));
    check_quick(&b"Content-Type: x/y; a=(".repeat(1 << 20));
    check_quick(&[b"Content-Type: x/y; ".as_slice(), &b"a*0*=''%".repeat(1 << 17)].concat());
    check_quick(
        &[b"Content-Disposition: a; filename=\"", b"=?a?q?".repeat(1 << 17).as_slice()].concat(),
    );
    let head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    check_quick(&[head.as_slice(), &b"\r\n-".repeat(8 << 20)].concat());
    check_quick(&[head.as_slice(), &b"\r\n--b".repeat(4 << 20)].concat());
    check_quick(&[head.as_slice(), &b"--".repeat(8 << 20)].concat());
    let qp = b"Content-Type: a/b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    check_quick(&[qp.as_slice(), &b"= \t".repeat(8 << 20)].concat());
    check_quick(&[qp.as_slice(), &b" ".repeat(16 << 20)].concat());
}

#[test]
fn a_delivery_of_nothing_is_a_message() {
    let read = delivery::read(b"");
    assert_eq!((read.form, read.size, read.entries.len()), (Form::Bare, 0, 1));
    assert_eq!(read.entries[0].role, Role::Message);
}
