//! Passwords of documents, per matter: whoever works on it names those that are
//! known, and documents that are closed are tried with them. They are kept sealed,
//! shown to nobody again, and part of no audit row and no log line.

use serde_json::json;

use super::{MatterError, open, open_to_change};
use crate::access::audit::{Act, Outcome, record_in};
use crate::access::{Actor, Refused};
use crate::base::clock::Clock;
use crate::base::ids::MatterId;
use crate::base::limits::{DOCUMENT_PASSWORD_BYTES_MAX, DOCUMENT_PASSWORDS_MAX};
use crate::catalog::document_password::{self as rows, Row};
use crate::catalog::{Catalog, CatalogError};
use crate::extract::Passwords;
use crate::vault::Vault;

const CONTEXT: &str = "document password";

pub async fn list(
    actor: &Actor,
    catalog: &Catalog,
    matter: MatterId,
) -> Result<Vec<Row>, MatterError> {
    open(actor, catalog, matter).await?;
    Ok(rows::list(catalog, matter).await?)
}

pub async fn add(
    actor: &Actor,
    (catalog, clock, vault): (&Catalog, &Clock, &Vault),
    matter: MatterId,
    password: &str,
) -> Result<Row, MatterError> {
    let row = open_to_change(actor, catalog, matter).await?;
    if password.is_empty() || password.len() > DOCUMENT_PASSWORD_BYTES_MAX {
        let text = format!("give a password of 1 to {DOCUMENT_PASSWORD_BYTES_MAX} bytes");
        return Err(Refused::Invalid(text).into());
    }
    if rows::list(catalog, matter).await?.len() >= DOCUMENT_PASSWORDS_MAX {
        let text = format!(
            "the matter has {DOCUMENT_PASSWORDS_MAX} passwords, and each closed document is tried \
             with all; take one away first"
        );
        return Err(Refused::Conflict(text).into());
    }
    let now = clock.now();
    let sealed = vault.seal_secret(CONTEXT, password);
    let mut tx = catalog.write().await?;
    let id = rows::insert(&mut tx, matter, &sealed, (now, actor.user_id)).await?;
    let act = Act::new("password.add", Some(matter), &row.name).with(json!({ "password": id }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    catalog.commit(tx, "keep a document's password").await?;
    Ok(Row { password_id: id, added_at: now, added_by: actor.name.clone() })
}

/// What it opened stays in the index until it is read again.
pub async fn remove(
    actor: &Actor,
    catalog: &Catalog,
    clock: &Clock,
    (matter, id): (MatterId, i64),
) -> Result<(), MatterError> {
    let row = open_to_change(actor, catalog, matter).await?;
    let mut tx = catalog.write().await?;
    if !rows::remove(&mut tx, matter, id).await? {
        return Err(Refused::Hidden("password").into());
    }
    let act = Act::new("password.remove", Some(matter), &row.name).with(json!({ "password": id }));
    record_in(&mut tx, clock.now(), &actor.name, &act, Outcome::Done).await?;
    catalog.commit(tx, "forget a document's password").await?;
    Ok(())
}

/// All that are known in open matters, for whoever reads documents. One that does
/// not open any more opens nothing.
pub async fn known(catalog: &Catalog, vault: &Vault) -> Result<Passwords, CatalogError> {
    let sealed = rows::sealed(catalog, DOCUMENT_PASSWORDS_MAX).await?;
    let open = |sealed: &String| vault.open_secret(CONTEXT, sealed).ok();
    let mut passwords: Vec<String> = sealed.iter().filter_map(open).collect();
    passwords.dedup();
    Ok(Passwords::new(passwords))
}
