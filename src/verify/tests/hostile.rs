//! Containers that somebody has been at.

use super::*;

fn check_bytes(case: &Case, bytes: &[u8]) -> Report {
    let path = case.directory.path().join("changed.zip");
    std::fs::write(&path, bytes).unwrap();
    verify(&path, signer().verifier()).unwrap()
}

#[test]
fn a_changed_byte_of_the_zip_itself_never_panics_nor_hides_a_change() {
    let case = Case::new(Format::Eml);
    let good = std::fs::read(case.zip()).unwrap();
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 0x21;
        // Where it still holds, only what is no content was hit, as a time.
        let report = check_bytes(&case, &bad);
        if report.exit_code() == EXIT_GOOD {
            assert_eq!((report.messages, report.attachments, report.proofs), (3, 3, 6));
        }
    }
    for end in (0..good.len()).step_by(37) {
        assert_eq!(check_bytes(&case, &good[..end]).exit_code(), EXIT_BAD, "cut at {end}");
    }
}

#[test]
fn bytes_around_the_zip_and_hostile_names_are_refused() {
    let case = Case::new(Format::Eml);
    let good = std::fs::read(case.zip()).unwrap();
    let other = [0; 30];
    let behind = [&good[..], &other].concat();
    let before = [b"MZ", &good[..]].concat();
    // A second zip behind the first, whose end one reader takes for the end and
    // another passes over; the same with what the end record says of disks.
    let mut second = [&good[..], &good[..]].concat();
    let comment = second.len() - 2;
    second[comment] = 1;
    let mut disk = good.clone();
    let end = disk.len() - 22;
    disk[end + 4] = 1;
    let mut count = good.clone();
    count[end + 8] += 1;
    count[end + 10] += 1;
    let directory = u32::from_le_bytes(good[end + 16..end + 20].try_into().unwrap()) as usize;
    // Bytes between the last file and the directory.
    let mut between = [&good[..directory], b"junk", &good[directory..]].concat();
    let end = between.len() - 22;
    between[end + 16..end + 20].copy_from_slice(&(directory as u32 + 4).to_le_bytes());
    for bad in [behind, before, second, disk, count, between] {
        assert_names(&check_bytes(&case, &bad), "changed.zip", Kind::Format);
    }
    for name in ["../evil", "/etc/evil", "a//b", "a\\b", "messages/../x"] {
        let mut zip = zip::ZipWriter::new_append(Cursor::new(good.clone())).unwrap();
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(name, options).unwrap();
        zip.write_all(b"x").unwrap();
        let report = check_bytes(&case, &zip.finish().unwrap().into_inner());
        assert_names(&report, name, Kind::Added);
    }
}

/// A file that unpacks to far more than is listed is read no further.
#[test]
fn a_bomb_is_read_no_further_than_the_manifest_says() {
    let case = Case::new(Format::Eml);
    let mut from = zip::ZipArchive::new(std::fs::File::open(case.zip()).unwrap()).unwrap();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..from.len() {
        let mut entry = from.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        zip.write_all(&bytes).unwrap();
        if name == "messages/000001.eml" || name == MANIFEST {
            let zeros = vec![0; 1 << 20];
            for _ in 0..64 {
                zip.write_all(&zeros).unwrap();
            }
        }
    }
    let report = check_bytes(&case, &zip.finish().unwrap().into_inner());
    assert_names(&report, MANIFEST, Kind::Changed);
}
