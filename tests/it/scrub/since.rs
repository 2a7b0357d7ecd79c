//! A checkpoint that was kept outside.

use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::base::hash::Digest;
use muniment::ledger::checkpoint::Checkpoint;

use super::{said, verify};
use crate::rebuild::send;
use crate::support::served::{Served, init};

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_checkpoint_proves_that_nothing_before_it_changed() {
    let made = init();
    let grow = |numbers| {
        let served = Served::start(&made.config, &[]).unwrap();
        send(&made, &served, numbers);
        served.stop();
    };
    grow(0..20);
    let file = made.config.with_file_name("kept.txt");
    let kept = file.to_str().unwrap();
    let output = verify(&made.config, &["--checkpoint-out", kept]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let note = std::fs::read_to_string(&file).unwrap();
    assert!(said(&output).contains(&note), "{}", said(&output));

    grow(20..40);
    let since = ["--since", kept, "--since-only"];
    let output = verify(&made.config, &since);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("extends the kept checkpoint"), "{}", said(&output));

    // Of another archive.
    let other = init();
    let served = Served::start(&other.config, &[]).unwrap();
    send(&other, &served, 0..3);
    served.stop();
    let output = verify(&other.config, &since);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("no checkpoint of this archive's log"), "{}", said(&output));

    // Of another history of the same archive: who has its key wrote it anew.
    let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
    let signer = archive.vault.log_signer();
    archive.catalog.close().await;
    let origin = signer.verifier().name().to_owned();
    for (size, words) in [(10, "it is another history"), (100_000, "it was cut, or replaced")] {
        let root = Digest::of(b"another history");
        let fork = Checkpoint { origin: origin.clone(), size, root };
        std::fs::write(&file, fork.sign(&signer).unwrap()).unwrap();
        let output = verify(&made.config, &since);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let text = said(&output);
        assert!(text.contains("fault: history-differs") && text.contains(words), "{text}");
    }
}
