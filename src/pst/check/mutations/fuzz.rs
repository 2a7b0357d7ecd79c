//! Files that are wrong in many ways at once, with every checksum right: the
//! check of each ends, and says something of most.

use std::io::Cursor;

use super::super::check;
use super::super::image::u64_at;
use super::patient::{BLOCKS, NODES, Patient, Which};

/// A sequence that is the same each time (Steele and Vigna's SplitMix64).
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }
}

/// Pages of a tree and the keys of its leaves.
fn tree(patient: &Patient, at: usize, pages: &mut Vec<usize>, keys: &mut Vec<u64>) {
    pages.push(at);
    let page = &patient.bytes[at..at + 512];
    let (count, each, level) = (page[488] as usize, page[490] as usize, page[491]);
    for entry in page[..count * each].chunks(each) {
        match level {
            0 => keys.push(u64_at(entry, 0)),
            _ => tree(patient, u64_at(entry, 16) as usize, pages, keys),
        }
    }
}

/// Mostly what leads elsewhere: ids of blocks, small counts, ends of ranges.
fn wound(bytes: &mut [u8], ids: &[u64], sequence: &mut Sequence) {
    for _ in 0..=sequence.below(3) {
        // Counts, levels and first entries are at the beginning, maps at the end.
        let at = match sequence.below(3) {
            0 => sequence.below(bytes.len().min(40)),
            1 => bytes.len() - 1 - sequence.below(bytes.len().min(24)),
            _ => sequence.below(bytes.len()),
        };
        match sequence.below(3) {
            0 => bytes[at] = sequence.next() as u8,
            1 => bytes[at] = [0, 1, 2, 0x7F, 0x80, 0xFF][sequence.below(6)],
            _ => {
                let at = at & !7;
                let id = ids[sequence.below(ids.len())].to_le_bytes();
                let end = bytes.len().min(at + 8);
                bytes[at..end].copy_from_slice(&id[..end - at]);
            }
        }
    }
}

#[test]
fn no_file_is_beyond_the_checker() {
    let rounds = if std::env::var_os("MUNIMENT_TEST_LONG").is_some() { 20_000 } else { 300 };
    for which in [Which::Sound, Which::Deep] {
        let sound = which.patient();
        let (mut pages, mut ids) = (Vec::new(), Vec::new());
        tree(&sound, sound.root(BLOCKS), &mut pages, &mut ids);
        tree(&sound, sound.root(NODES), &mut pages, &mut Vec::new());
        // Half of them blocks of blocks, of which there are few.
        let internal: Vec<u64> = ids.iter().copied().filter(|id| id & 2 == 2).collect();
        let mut silent = 0;
        for round in 0..rounds {
            let mut sequence = Sequence(round);
            let mut patient = which.patient();
            match sequence.below(4) {
                0 => {
                    let page = pages[sequence.below(pages.len())];
                    patient.page(page, |bytes| wound(bytes, &ids, &mut sequence));
                }
                1 => {
                    let id = internal[sequence.below(internal.len())];
                    patient.block(id, |bytes| wound(bytes, &internal, &mut sequence));
                }
                _ => {
                    let id = ids[sequence.below(ids.len())];
                    patient.block(id, |bytes| wound(bytes, &ids, &mut sequence));
                }
            }
            let report = check(Cursor::new(&patient.bytes)).unwrap();
            silent += usize::from(report.findings.is_empty());
        }
        // What is no structure, as a text, may be anything.
        assert!(silent < rounds as usize, "{which:?}: none was noticed");
        eprintln!("{which:?}: {silent} of {rounds} have no finding");
    }
}
