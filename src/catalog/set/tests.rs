use super::super::tests::scratch;
use super::*;

fn person(address: &str, role: &'static str) -> NewParticipant {
    NewParticipant { address: address.into(), role, name: String::new() }
}

fn derived(seq: i64, message: &[u8], key: &[u8]) -> Derived {
    Derived {
        seq: DeliverySeq(seq),
        entry: 0,
        message_sha256: Digest::of(message),
        set: NewSet {
            key: Digest::of(key),
            subject: "subject".into(),
            from_text: "a@b.c".into(),
            message_id: String::new(),
            sent_at: None,
            received_at: Timestamp(seq),
            size_bytes: message.len() as u64,
        },
        is_proven: false,
        header: vec![person("a@b.c", "from"), person("d@e.f", "to")],
        envelope: vec![person("g@h.i", "bcc")],
        attachments: vec![],
        gaps: vec![NewGap::of_message("damaged", String::new())],
    }
}

fn up_to(after: i64, up_to: i64) -> (DeliverySeq, DeliverySeq) {
    (DeliverySeq(after), DeliverySeq(up_to))
}

/// Deliveries that the rows can refer to.
async fn deliveries(catalog: &Catalog, count: i64) {
    let mut tx = catalog.write().await.unwrap();
    db::query("INSERT INTO segment VALUES ($1, 'c', 'e', 'o', 'p', 1, $1, 0, NULL, NULL)")
        .bind(vec![0])
        .execute(&mut tx)
        .await
        .unwrap();
    for seq in 1..=count {
        db::query(
            "INSERT INTO delivery VALUES ($1, $2, $3, 0, 's', 0, 'c', 'e', 1, $3,
                 'bare', 1, '{}', NULL, '[]')",
        )
        .bind(seq)
        .bind(seq.to_be_bytes().to_vec())
        .bind(vec![0])
        .execute(&mut tx)
        .await
        .unwrap();
    }
    catalog.commit(tx, "prepare").await.unwrap();
}

async fn count(catalog: &Catalog, what: &'static str) -> i64 {
    db::query_scalar(what).fetch_one(catalog.read()).await.unwrap()
}

#[tokio::test]
async fn equal_messages_share_a_set_and_merge_participants() {
    let (catalog, _directory) = scratch().await;
    deliveries(&catalog, 4).await;
    let mut cache = AddressCache::default();
    let first = [derived(1, b"m1", b"k"), derived(2, b"m2", b"k"), derived(3, b"n", b"other")];
    let to = write(&catalog, &mut cache, &first, &[], up_to(0, 3)).await.unwrap().unwrap();
    assert_eq!((to[0].set, to[0].is_new, to[1].is_new), (to[1].set, true, false));
    assert_ne!(to[0].set, to[2].set);

    // The same bytes again, by a proven way, with another blind recipient.
    let mut again = derived(4, b"m1", b"k");
    again.is_proven = true;
    again.envelope = vec![person("j@k.l", "bcc")];
    let to = write(&catalog, &mut cache, &[again], &[], up_to(3, 4)).await.unwrap().unwrap();
    assert!(!to[0].is_new);
    let set = to[0].set;
    assert_eq!(lookup(&catalog, &[Digest::of(b"m2")]).await.unwrap()[&Digest::of(b"m2")], set);
    assert_eq!(count(&catalog, "SELECT COUNT(*) FROM message_set").await, 2);
    assert_eq!(count(&catalog, "SELECT COUNT(*) FROM message_set WHERE is_proven = 1").await, 1);
    assert_eq!(count(&catalog, "SELECT COUNT(*) FROM set_delivery").await, 4);
    assert_eq!(count(&catalog, "SELECT COUNT(*) FROM gap").await, 2);
    assert_eq!(cursor::get(&catalog, FOLLOWER).await.unwrap(), 4);
    let blind = "SELECT COUNT(DISTINCT address_id) FROM participant WHERE role = 'bcc'";
    assert_eq!(count(&catalog, blind).await, 2);
    let header = "SELECT COUNT(*) FROM participant WHERE source = 'header'";
    assert_eq!(count(&catalog, header).await, 6, "once for each message");
}

#[tokio::test]
async fn a_batch_may_be_large() {
    let (catalog, _directory) = scratch().await;
    deliveries(&catalog, 1).await;
    let mut large = derived(1, b"m", b"k");
    large.envelope = (0..12_000).map(|n| person(&format!("{n}@list"), "recipient")).collect();
    let mut cache = AddressCache::default();
    write(&catalog, &mut cache, &[large], &[], up_to(0, 1)).await.unwrap().unwrap();
    assert_eq!(count(&catalog, "SELECT COUNT(*) FROM participant").await, 12_002);
}

/// Headers can have it, and PostgreSQL's texts cannot.
#[tokio::test]
async fn a_nul_in_a_text_comes_back() {
    let (catalog, _directory) = scratch().await;
    deliveries(&catalog, 1).await;
    let mut odd = derived(1, b"m", b"k");
    odd.set.subject = "a\0b \u{10fffe}0".into();
    odd.header[0] = NewParticipant { name: "\0".into(), ..person("nul\0@b.c", "from") };
    odd.gaps = vec![NewGap::of_message("damaged", "at \0".into())];
    let mut cache = AddressCache::default();
    let to = write(&catalog, &mut cache, &[odd], &[], up_to(0, 1)).await.unwrap().unwrap();
    let hits = super::super::hit::load(&catalog, &[to[0].set]).await.unwrap();
    assert_eq!(hits[0].subject, "a\0b \u{10fffe}0");
    let people = super::super::review::participants(&catalog, to[0].set, 9).await.unwrap();
    assert!(people.iter().any(|p| p.address == "nul\0@b.c" && p.name == "\0"), "{people:?}");
    let found = super::super::review::addresses_from(&catalog, None, "nul\0", 5).await.unwrap();
    assert_eq!(found, ["nul\0@b.c"]);
    assert_eq!(super::super::review::gaps(&catalog, to[0].set).await.unwrap()[0].detail, "at \0");
}

#[tokio::test]
async fn who_is_overtaken_writes_nothing() {
    let Some(server) = super::super::tests::scratch_server().await else { return };
    let catalog = Catalog::create(&server).await.unwrap();
    deliveries(&catalog, 2).await;
    let mut cache = AddressCache::default();
    let first = [derived(1, b"m1", b"k")];
    write(&catalog, &mut cache, &first, &[], up_to(0, 1)).await.unwrap().unwrap();
    let both = [derived(1, b"m1", b"k"), derived(2, b"m2", b"k")];
    let late = write(&catalog, &mut cache, &both, &[], up_to(0, 2)).await.unwrap();
    assert_eq!(late, None);
    assert_eq!(count(&catalog, "SELECT COUNT(*) FROM set_delivery").await, 1);
    assert_eq!(cursor::get(&catalog, FOLLOWER).await.unwrap(), 1);
}
