//! Signatures outlast the conversion, also where a list has put its footer below
//! the signed part: OpenSSL verifies what comes out of the file.

use std::path::Path;
use std::process::Command;

use muniment::pst::mime;
use muniment::pst::model::{Content, Exception};

use super::{assert_sound, has, samples};
use crate::pst::{again, outlook_pst};

const PART: &str = "Content-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe  =20\r\n";

fn openssl(directory: &Path, arguments: &str) -> bool {
    let mut command = Command::new("openssl");
    let output = command.current_dir(directory).args(arguments.split(' ')).output().unwrap();
    if !output.status.success() {
        eprintln!("{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}

/// A part that is signed with the key `c`, lines in CRLF.
fn signed(directory: &Path) -> String {
    std::fs::write(directory.join("part"), PART).unwrap();
    let key = "req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 3650 -subj /CN=a";
    assert!(openssl(directory, key));
    assert!(openssl(directory, "cms -sign -in part -signer c.pem -inkey k.pem -out signed.eml"));
    let made = std::fs::read_to_string(directory.join("signed.eml")).unwrap();
    made.replace("\r\n", "\n").replace('\n', "\r\n").replace("MIME-Version: 1.0\r\n", "")
}

#[test]
fn signature_below_the_root_is_verified_out_of_the_file() {
    if !has("openssl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let signed = signed(directory);
    let raw = format!(
        "Subject: list\r\nContent-Type: multipart/mixed; boundary=LIST\r\n\r\n--LIST\r\n{signed}\
         \r\n--LIST\r\nContent-Type: text/plain\r\n\r\n____\r\na list\r\n--LIST--\r\n"
    );
    let file = directory.join("signed.pst");
    samples::write(&[(vec!["F".to_owned()], raw.into_bytes())], &file);
    assert_sound(&file);
    let mut verified = 0;
    outlook_pst::each(&file, &mut |_, message| {
        let attachments = again::attachments(message);
        assert_eq!(attachments[0].name, "signed.eml");
        let Content::Bytes(bytes) = &attachments[0].content else { panic!() };
        assert_eq!(String::from_utf8_lossy(bytes), signed);
        std::fs::write(directory.join("out.eml"), bytes).unwrap();
        assert!(openssl(directory, "cms -verify -in out.eml -CAfile c.pem -out said"));
        verified += 1;
    });
    assert_eq!(verified, 1);
}

#[test]
fn signed_part_is_named_and_its_contents_are_shown() {
    let part = "Content-Type: multipart/signed; boundary=S\n\n--S\nContent-Type: multipart/mixed; \
        boundary=M\n\n--M\n\ntext\n--M\nContent-Disposition: attachment; filename=a.bin\n\nbytes\n\
        --M--\n--S\nContent-Type: application/pgp-signature; name=s.asc\n\nsignature\n--S--";
    let raw =
        format!("Content-Type: multipart/mixed; boundary=L\n\n--L\n{part}\n--L\n\nfooter\n--L--\n");
    let message = mime::message(raw.as_bytes());
    let names: Vec<&str> = message.attachments.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["signed.eml", "a.bin", "s.asc"]);
    let Content::Bytes(bytes) = &message.attachments[0].content else { panic!() };
    assert_eq!(String::from_utf8_lossy(bytes), part);
    assert_eq!(message.exceptions, [Exception::SignedPart { name: "signed.eml".to_owned() }]);
    assert_eq!(message.text.as_deref(), Some("text\r\nfooter"));
}
