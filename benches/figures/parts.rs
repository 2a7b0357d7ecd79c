//! What the work on one message costs when each part of it is done alone.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use muniment::base::config::Sends;
use muniment::base::hash::Digest;
use muniment::base::ids::{ArchiveId, RecordId};
use muniment::mail::delivery::Reader;
use muniment::mail::transaction::Transaction;
use muniment::vault::cut;
use muniment::vault::record::{self, RecordContext, RecordMeta};

/// Processor time for each message, by part, in order.
pub fn parts(reports: &[Vec<u8>]) -> Vec<(&'static str, Duration)> {
    let each = |work: &mut dyn FnMut(&[u8])| {
        let begin = Instant::now();
        for report in reports {
            work(report);
        }
        begin.elapsed() / reports.len() as u32
    };
    let hash = each(&mut |bytes| _ = std::hint::black_box(Digest::of(bytes)));
    let mut compressor = zstd::bulk::Compressor::new(3).expect("zstd starts");
    let zstd = each(&mut |bytes| {
        drop(std::hint::black_box(compressor.compress(bytes).expect("it compresses")))
    });
    let scan = each(&mut |bytes| {
        let mut reader = Reader::new(Sends::Reports);
        reader.push(bytes);
        std::hint::black_box(reader.finish());
    });
    // Sealing compresses, encrypts, hashes the ciphertext and commits; what is
    // left of it without zstd is the encryption's and the commitments' share.
    let context = RecordContext {
        archive: ArchiveId([1; 16]),
        record: RecordId([2; 16]),
        class: "standard".into(),
    };
    let whole = each(&mut |bytes| {
        let mut reader = Reader::new(Sends::Reports);
        reader.push(bytes);
        let transaction = Transaction {
            source: "bench".into(),
            peer: [127, 0, 0, 1].into(),
            helo: "bench.example".into(),
            tls: None,
            reverse_path: String::new(),
            recipients: vec!["journal@archive.invalid".into()],
            received_at: Default::default(),
        };
        let meta = RecordMeta { transaction, delivery: reader.finish(), is_proven: true };
        let cuts = cut::cuts(bytes, &meta.delivery, true);
        let draft = record::draft(context.clone(), bytes, meta, &cuts, &HashMap::new());
        let draft = draft.expect("it seals");
        drop(std::hint::black_box(draft.finish(|part| Ok(part.at(0))).expect("it seals")));
    });
    vec![
        ("SHA-256 of the delivery", hash),
        ("zstd -3", zstd),
        ("scan (with its hashes)", scan),
        ("encrypt and commit", whole.saturating_sub(scan).saturating_sub(zstd)),
        ("sum: scan and seal", whole),
    ]
}
