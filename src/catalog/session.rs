//! Rows of sessions and of sign-in attempts. A session is found by a keyed code of its
//! token: whoever reads the catalog cannot take a session over, and whoever writes it
//! cannot make one.

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::UserId;

pub struct SessionRow {
    pub user_id: UserId,
    pub csrf: String,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
}

pub async fn insert(
    tx: &mut WriteTransaction,
    token: &Digest,
    session: &SessionRow,
) -> Result<(), CatalogError> {
    db::query(
        "INSERT INTO session (token_mac, user_id, csrf, created_at, seen_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(token.as_bytes().as_slice())
    .bind(session.user_id.0)
    .bind(&session.csrf)
    .bind(session.created_at.0)
    .bind(session.seen_at.0)
    .execute(&mut *tx)
    .await
    .during("begin a session")?;
    Ok(())
}

pub async fn find(catalog: &Catalog, token: &Digest) -> Result<Option<SessionRow>, CatalogError> {
    let found = db::query_as::<(i64, String, i64, i64)>(
        "SELECT user_id, csrf, created_at, seen_at FROM session WHERE token_mac = $1",
    )
    .bind(token.as_bytes().as_slice())
    .fetch_optional(catalog.read())
    .await
    .during("find a session")?;
    Ok(found.map(|(user_id, csrf, created_at, seen_at)| SessionRow {
        user_id: UserId(user_id),
        csrf,
        created_at: Timestamp(created_at),
        seen_at: Timestamp(seen_at),
    }))
}

pub async fn touch(
    tx: &mut WriteTransaction,
    token: &Digest,
    seen_at: Timestamp,
) -> Result<(), CatalogError> {
    db::query("UPDATE session SET seen_at = $2 WHERE token_mac = $1")
        .bind(token.as_bytes().as_slice())
        .bind(seen_at.0)
        .execute(&mut *tx)
        .await
        .during("touch a session")?;
    Ok(())
}

pub async fn remove(tx: &mut WriteTransaction, token: &Digest) -> Result<(), CatalogError> {
    db::query("DELETE FROM session WHERE token_mac = $1")
        .bind(token.as_bytes().as_slice())
        .execute(&mut *tx)
        .await
        .during("end a session")?;
    Ok(())
}

/// Ends every session of a person.
pub async fn remove_all(tx: &mut WriteTransaction, user_id: UserId) -> Result<(), CatalogError> {
    db::query("DELETE FROM session WHERE user_id = $1")
        .bind(user_id.0)
        .execute(&mut *tx)
        .await
        .during("end sessions")?;
    Ok(())
}

/// Drops sessions that nobody can resume any more.
pub async fn prune(
    tx: &mut WriteTransaction,
    seen_before: Timestamp,
    created_before: Timestamp,
) -> Result<(), CatalogError> {
    db::query("DELETE FROM session WHERE seen_at < $1 OR created_at < $2")
        .bind(seen_before.0)
        .bind(created_before.0)
        .execute(&mut *tx)
        .await
        .during("prune sessions")?;
    Ok(())
}

/// What the throttle counts, all since one instant.
pub struct Failures {
    /// Of this name from this peer.
    pub pair: i64,
    pub peer: i64,
    /// Of this name from anywhere.
    pub name: i64,
    /// The latest failure of this name from this peer.
    pub pair_last: Timestamp,
    pub peer_last: Timestamp,
    pub name_last: Timestamp,
    /// Whether this name has signed in from this peer before.
    pub is_peer_known: bool,
}

pub async fn failures(
    tx: &mut WriteTransaction,
    name: &str,
    peer: &str,
    since: Timestamp,
) -> Result<Failures, CatalogError> {
    let count = "SELECT COUNT(*), COALESCE(MAX(at), 0) FROM login_failure WHERE at >= $1";
    let pair = db::query_as::<(i64, i64)>(db::AssertSqlSafe(format!(
        "{count} AND name = $2 AND peer = $3"
    )))
    .bind(since.0)
    .bind(name)
    .bind(peer)
    .fetch_one(&mut *tx)
    .await
    .during("count failed sign-ins")?;
    let by_peer = db::query_as::<(i64, i64)>(db::AssertSqlSafe(format!("{count} AND peer = $2")))
        .bind(since.0)
        .bind(peer)
        .fetch_one(&mut *tx)
        .await
        .during("count failed sign-ins")?;
    let by_name = db::query_as::<(i64, i64)>(db::AssertSqlSafe(format!("{count} AND name = $2")))
        .bind(since.0)
        .bind(name)
        .fetch_one(&mut *tx)
        .await
        .during("count failed sign-ins")?;
    let known =
        db::query_scalar::<i64>("SELECT COUNT(*) FROM known_peer WHERE name = $1 AND peer = $2")
            .bind(name)
            .bind(peer)
            .fetch_one(&mut *tx)
            .await
            .during("count failed sign-ins")?;
    Ok(Failures {
        pair: pair.0,
        peer: by_peer.0,
        name: by_name.0,
        pair_last: Timestamp(pair.1),
        peer_last: Timestamp(by_peer.1),
        name_last: Timestamp(by_name.1),
        is_peer_known: known > 0,
    })
}

/// Notes an attempt as failed before its password is looked at, so that
/// attempts made at once cannot pass the throttle together.
pub async fn note_failure(
    tx: &mut WriteTransaction,
    name: &str,
    peer: &str,
    at: Timestamp,
    prune_before: Timestamp,
) -> Result<(), CatalogError> {
    db::query("DELETE FROM login_failure WHERE at < $1")
        .bind(prune_before.0)
        .execute(&mut *tx)
        .await
        .during("note a failed sign-in")?;
    db::query("INSERT INTO login_failure (name, peer, at) VALUES ($1, $2, $3)")
        .bind(name)
        .bind(peer)
        .bind(at.0)
        .execute(&mut *tx)
        .await
        .during("note a failed sign-in")?;
    Ok(())
}

/// The attempt was right: forgets this pair's failures and knows the peer.
pub async fn note_success(
    tx: &mut WriteTransaction,
    name: &str,
    peer: &str,
    at: Timestamp,
) -> Result<(), CatalogError> {
    db::query("DELETE FROM login_failure WHERE name = $1 AND peer = $2")
        .bind(name)
        .bind(peer)
        .execute(&mut *tx)
        .await
        .during("note a sign-in")?;
    db::query(
        "INSERT INTO known_peer (name, peer, seen_at) VALUES ($1, $2, $3) \
         ON CONFLICT (name, peer) DO UPDATE SET seen_at = excluded.seen_at",
    )
    .bind(name)
    .bind(peer)
    .bind(at.0)
    .execute(&mut *tx)
    .await
    .during("note a sign-in")?;
    Ok(())
}
