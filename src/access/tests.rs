use super::person::{Change, New};
use super::*;
use crate::base::clock::Timestamp;
use crate::catalog::audit::Filter;
use crate::catalog::tests::scratch;

const PEER: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.9";

struct Fixture {
    access: Access,
    clock: Clock,
    admin: Actor,
    _directory: tempfile::TempDir,
}

async fn fixture() -> Fixture {
    let (catalog, directory) = scratch().await;
    let clock = Clock::fixed(Timestamp::from_seconds(1_800_000_000));
    let access = Access::new(catalog, clock.clone(), 60, Key::from_bytes([7; 32]));
    Fixture { access, clock, admin: Actor::operator(Role::Administrator), _directory: directory }
}

impl Fixture {
    async fn add(&self, name: &str, role: Role) -> (UserId, String) {
        let new = New {
            name: name.to_owned(),
            display_name: name.to_owned(),
            role,
            is_archive_wide: false,
        };
        let (person, password) = person::create(&self.admin, &self.access, new).await.unwrap();
        (person.user_id, password)
    }

    async fn sign_in(
        &self,
        name: &str,
        password: &str,
        peer: &str,
    ) -> Result<session::SignedIn, AccessError> {
        self.access.sign_in(name, password, peer.parse().unwrap()).await
    }

    fn pass(&self, seconds: i64) {
        let Clock::Fixed(at) = &self.clock else { unreachable!() };
        at.fetch_add(seconds * Timestamp::MICROS_PER_SECOND, std::sync::atomic::Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_password_change_ends_every_session() {
    let f = fixture().await;
    let (_, one_time) = f.add("ada", Role::Legal).await;
    let elsewhere = f.sign_in("ada", &one_time, ELSEWHERE).await.unwrap();
    let here = f.sign_in(" ADA ", &one_time, PEER).await.unwrap();
    assert!(here.session.must_change);
    let peer = PEER.parse().unwrap();
    let new = "an engine that weaves";
    let changed = f.access.change_password(&here.session, &one_time, new, peer).await.unwrap();
    assert!(!changed.session.must_change);
    for ended in [&elsewhere.token, &here.token] {
        assert!(matches!(f.access.resume(ended).await, Err(AccessError::SignedOut)));
    }
    assert_eq!(f.access.resume(&changed.token).await.unwrap().actor.name, "ada");
    assert!(f.sign_in("ada", &one_time, PEER).await.is_err());
    f.sign_in("ada", new, PEER).await.unwrap();
}

#[tokio::test]
async fn the_catalog_has_no_token_and_makes_no_session() {
    use crate::base::hash::Digest;
    use crate::catalog::session as rows;
    let f = fixture().await;
    let (ada, one_time) = f.add("ada", Role::Legal).await;
    let signed_in = f.sign_in("ada", &one_time, PEER).await.unwrap();
    let (whose, secret) = signed_in.token.split_once('.').unwrap();
    assert_eq!((whose, secret.len()), (ada.to_string().as_str(), 43), "256 bits");
    let (stored,): (Vec<u8>,) = crate::catalog::db::query_as("SELECT token_mac FROM session")
        .fetch_one(f.access.catalog.read())
        .await
        .unwrap();
    assert_ne!(stored, Digest::of(signed_in.token.as_bytes()).0, "it takes the archive's key");
    // Who writes the catalog chooses a token and a person, or gives a session to another.
    let (bob, _) = f.add("bob", Role::Records).await;
    let mut tx = f.access.catalog.write().await.unwrap();
    let chosen = format!("{bob}.{}", "A".repeat(43));
    let now = f.clock.now();
    let row = rows::SessionRow { user_id: bob, csrf: "c".into(), created_at: now, seen_at: now };
    rows::insert(&mut tx, &Digest::of(chosen.as_bytes()), &row).await.unwrap();
    crate::catalog::db::query("UPDATE session SET user_id = $1")
        .bind(bob.0)
        .execute(&mut tx)
        .await
        .unwrap();
    f.access.catalog.commit(tx, "forge sessions").await.unwrap();
    for token in [&chosen, &signed_in.token] {
        assert!(matches!(f.access.resume(token).await, Err(AccessError::SignedOut)));
    }
    assert!(signed_in.session.is_csrf(&signed_in.session.csrf));
    assert!(!signed_in.session.is_csrf(""));
}

#[tokio::test]
async fn idle_sessions_end_and_used_ones_last_a_week() {
    let f = fixture().await;
    let (_, one_time) = f.add("ada", Role::Legal).await;
    let idle = f.sign_in("ada", &one_time, PEER).await.unwrap();
    let used = f.sign_in("ada", &one_time, PEER).await.unwrap();
    f.pass(3000);
    f.access.resume(&used.token).await.unwrap();
    f.pass(3000);
    assert!(f.access.resume(&idle.token).await.is_err());
    for _ in 0..400 {
        f.pass(3000);
        if f.access.resume(&used.token).await.is_err() {
            return;
        }
    }
    panic!("a session lasted for ever");
}

#[tokio::test]
async fn guessing_is_throttled_without_locking_the_owner_out() {
    let f = fixture().await;
    let (_, one_time) = f.add("ada", Role::Legal).await;
    f.sign_in("ada", &one_time, PEER).await.unwrap();
    let mut throttled = 0;
    for _ in 0..20 {
        match f.sign_in("ada", "a guess that is wrong", ELSEWHERE).await {
            Err(AccessError::Throttled { seconds }) => {
                assert!(seconds > 0);
                throttled += 1;
            }
            Err(AccessError::WrongCredentials) => {}
            other => panic!("{:?}", other.err()),
        }
    }
    assert_eq!(throttled, 15, "five are free");
    let right = f.sign_in("ada", &one_time, ELSEWHERE).await;
    assert!(matches!(right, Err(AccessError::Throttled { .. })));
    f.sign_in("ada", &one_time, PEER).await.unwrap();
    f.pass(1000);
    f.sign_in("ada", &one_time, ELSEWHERE).await.unwrap();
}

#[tokio::test]
async fn unknown_and_disabled_people_look_like_wrong_passwords() {
    let f = fixture().await;
    let (id, one_time) = f.add("ada", Role::Legal).await;
    let open = f.sign_in("ada", &one_time, PEER).await.unwrap();
    let change = Change { is_disabled: Some(true), ..Change::default() };
    person::change(&f.admin, &f.access, id, change).await.unwrap();
    assert!(matches!(f.access.resume(&open.token).await, Err(AccessError::SignedOut)));
    for name in ["ada", "grace", &"x".repeat(500), ""] {
        let refused = f.sign_in(name, &one_time, PEER).await;
        assert!(matches!(refused, Err(AccessError::WrongCredentials)), "{name}");
    }
}

#[tokio::test]
async fn people_are_changed_by_administrators_and_one_remains() {
    let f = fixture().await;
    let (admin, _) = f.add("root", Role::Administrator).await;
    let (_, one_time) = f.add("ada", Role::Legal).await;
    let ada = f.sign_in("ada", &one_time, PEER).await.unwrap().session.actor;
    assert!(matches!(
        person::reset(&ada, &f.access, admin).await,
        Err(AccessError::Refused(Refused::Forbidden(_)))
    ));
    let disable = Change { is_disabled: Some(true), ..Change::default() };
    let last = person::change(&f.admin, &f.access, admin, disable).await;
    assert!(matches!(last, Err(AccessError::Refused(Refused::Conflict(_)))));
    let widen = Change { is_archive_wide: Some(true), ..Change::default() };
    let mail = person::change(&f.admin, &f.access, admin, widen).await;
    assert!(matches!(mail, Err(AccessError::Refused(Refused::Invalid(_)))));
    assert_eq!(person::list(&ada, &f.access).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_audit_tells_each_reader_what_is_theirs() {
    let f = fixture().await;
    let (_, one_time) = f.add("ada", Role::Legal).await;
    f.sign_in("ada", &one_time, PEER).await.unwrap();
    let _ = f.sign_in("ada", "wrong", PEER).await;
    let ada = Actor {
        user_id: UserId(1),
        name: "ada".to_owned(),
        role: Role::Legal,
        is_archive_wide: false,
    };
    let act = audit::Act::new("search", None, "free text");
    audit::record(&f.access.catalog, &f.clock, &ada, &act, audit::Outcome::Done).await.unwrap();

    let seen = async |actor: &Actor| -> Vec<String> {
        let filter = Filter { limit: 100, ..Filter::default() };
        let page = audit::list(actor, &f.access.catalog, filter).await.unwrap();
        page.rows
            .iter()
            .map(|row| format!("{} {} {}", row.actor, row.action, row.outcome))
            .collect()
    };
    assert_eq!(
        seen(&f.admin).await,
        ["nobody session.begin refused", "ada session.begin done", "operator person.create done"]
    );
    assert_eq!(seen(&ada).await, ["ada search done", "ada session.begin done"]);

    let filter = Filter { limit: 1, action: Some("session".to_owned()), ..Filter::default() };
    let page = audit::list(&f.admin, &f.access.catalog, filter).await.unwrap();
    assert_eq!(page.next, Some(page.rows[0].audit_id));
}

/// An administrator lets nobody read mail alone, and never has a password with which it
/// can be read.
#[tokio::test]
async fn who_reads_mail_is_let_in_by_two() {
    let f = fixture().await;
    let (root, _) = f.add("root", Role::Administrator).await;
    let root = Actor { user_id: root, name: "root".to_owned(), ..f.admin.clone() };
    let new = |name: &str, role| New {
        name: name.to_owned(),
        display_name: name.to_owned(),
        role,
        is_archive_wide: false,
    };
    // The first of legal is added where the keys are.
    let alone = second::create(&root, &f.access, new("ada", Role::Legal)).await;
    assert!(matches!(alone, Err(AccessError::Refused(Refused::Conflict(_)))));
    let (ada, _) = f.add("ada", Role::Legal).await;
    let ada =
        Actor { user_id: ada, name: "ada".to_owned(), role: Role::Legal, is_archive_wide: false };
    // Whoever reads no mail needs nobody else.
    let rita = second::create(&root, &f.access, new("rita", Role::Records)).await.unwrap();
    assert!(rita.1.is_some() && !rita.0.is_disabled);

    let (ravi, none) = second::create(&root, &f.access, new("Ravi", Role::Reviewer)).await.unwrap();
    assert!(none.is_none() && ravi.is_disabled);
    let id = ravi.user_id;
    let twice = second::reset(&root, &f.access, id).await;
    assert!(matches!(twice, Err(AccessError::Refused(Refused::Conflict(_)))));
    for other in [&root, &Actor { role: Role::Reviewer, ..ada.clone() }] {
        let refused = second::grant(other, &f.access, id).await;
        assert!(matches!(refused, Err(AccessError::Refused(Refused::Forbidden(_)))));
    }
    let seen = person::list(&ada, &f.access).await.unwrap();
    assert!(seen.iter().any(|person| person.user_id == id), "who is to agree sees whom");
    let (ravi, one_time) = second::grant(&ada, &f.access, id).await.unwrap();
    assert!(!ravi.is_disabled);
    let first = f.sign_in("ravi", &one_time.unwrap(), PEER).await.unwrap();

    // Another password, and nothing before somebody agrees.
    let (_, none) = second::reset(&root, &f.access, id).await.unwrap();
    assert!(none.is_none());
    assert!(f.access.resume(&first.token).await.is_ok());
    let (_, one_time) = second::grant(&ada, &f.access, id).await.unwrap();
    assert!(matches!(f.access.resume(&first.token).await, Err(AccessError::SignedOut)));
    f.sign_in("ravi", &one_time.unwrap(), PEER).await.unwrap();

    // What takes rights is so at once; what gives them again is not.
    let change = |is_disabled| Change { is_disabled: Some(is_disabled), is_archive_wide: None };
    assert!(second::change(&root, &f.access, id, change(true)).await.unwrap().is_disabled);
    assert!(second::change(&root, &f.access, id, change(false)).await.unwrap().is_disabled);
    assert!(second::deny(&ada, &f.access, id).await.unwrap().is_disabled);
    assert!(second::grant(&ada, &f.access, id).await.is_err(), "it was refused");
    assert!(second::list(&root, &f.access).await.unwrap().is_empty());

    // Nobody agrees to their own right, so that one alone is told at once.
    let wide = Change { is_disabled: None, is_archive_wide: Some(true) };
    let alone = second::change(&root, &f.access, ada.user_id, wide).await;
    assert!(matches!(alone, Err(AccessError::Refused(Refused::Conflict(_)))));
    f.add("bob", Role::Legal).await;
    let row = second::change(&root, &f.access, ada.user_id, wide).await.unwrap();
    assert!(!row.is_archive_wide);
    let own = second::grant(&ada, &f.access, ada.user_id).await;
    assert!(matches!(own, Err(AccessError::Refused(Refused::Conflict(_)))));
    // The verbs that need nobody refuse on their own.
    assert!(person::reset(&root, &f.access, ada.user_id).await.is_err());
    assert!(person::change(&root, &f.access, ada.user_id, wide).await.is_err());
    assert!(person::create(&root, &f.access, new("eve", Role::Auditor)).await.is_err());
}
