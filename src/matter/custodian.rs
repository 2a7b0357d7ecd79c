//! Custodians: people whose mail a matter is about, with all their addresses.
//!
//! What a hold in force covers may grow with a custodian's addresses, and never
//! shrinks: an address leaves only when no hold needs it.

use serde_json::json;

use super::{MatterError, check_name, open, open_to_change};
use crate::access::audit::{Act, Outcome, record_in};
use crate::access::{Actor, Refused};
use crate::base::clock::Clock;
use crate::base::ids::{CustodianId, MatterId};
use crate::base::limits;
use crate::catalog::Catalog;
use crate::catalog::matter::{self as rows, CustodianRow};
use crate::mail::address;

pub async fn list(
    actor: &Actor,
    catalog: &Catalog,
    matter: MatterId,
) -> Result<Vec<CustodianRow>, MatterError> {
    open(actor, catalog, matter).await?;
    Ok(rows::custodians(catalog, matter).await?)
}

pub async fn add(
    actor: &Actor,
    catalog: &Catalog,
    clock: &Clock,
    matter: MatterId,
    name: &str,
    addresses: &[String],
) -> Result<CustodianRow, MatterError> {
    open_to_change(actor, catalog, matter).await?;
    let name = check_name(name, "custodian")?;
    let addresses = check_addresses(addresses)?;
    let mut tx = catalog.write().await?;
    let id = rows::insert_custodian(&mut tx, matter, &name).await?;
    rows::set_addresses(&mut tx, id, &addresses).await?;
    let act = Act::new("custodian.add", Some(matter), &name)
        .with(json!({ "custodian": id, "addresses": addresses }));
    record_in(&mut tx, clock.now(), &actor.name, &act, Outcome::Done).await?;
    catalog.commit(tx, "add a custodian").await?;
    Ok(CustodianRow { custodian_id: id, name, addresses })
}

pub async fn change(
    actor: &Actor,
    catalog: &Catalog,
    clock: &Clock,
    (matter, id): (MatterId, CustodianId),
    name: Option<&str>,
    addresses: Option<&[String]>,
) -> Result<CustodianRow, MatterError> {
    open_to_change(actor, catalog, matter).await?;
    let mut row = find(catalog, matter, id).await?;
    if let Some(name) = name {
        row.name = check_name(name, "custodian")?;
    }
    let before = row.addresses.clone();
    if let Some(addresses) = addresses {
        row.addresses = check_addresses(addresses)?;
    }
    let is_narrower = before.iter().any(|address| !row.addresses.contains(address));

    let mut tx = catalog.write().await?;
    if is_narrower && let Some(hold) = rows::hold_in_force_on(&mut tx, id).await? {
        return Err(Refused::Conflict(format!(
            "the hold {hold:?} needs these addresses; release it before one is taken away"
        ))
        .into());
    }
    rows::rename_custodian(&mut tx, id, &row.name).await?;
    rows::set_addresses(&mut tx, id, &row.addresses).await?;
    let act = Act::new("custodian.change", Some(matter), &row.name)
        .with(json!({ "custodian": id, "before": before, "addresses": row.addresses }));
    record_in(&mut tx, clock.now(), &actor.name, &act, Outcome::Done).await?;
    catalog.commit(tx, "change a custodian").await?;
    Ok(row)
}

pub async fn remove(
    actor: &Actor,
    catalog: &Catalog,
    clock: &Clock,
    matter: MatterId,
    id: CustodianId,
) -> Result<(), MatterError> {
    open_to_change(actor, catalog, matter).await?;
    let row = find(catalog, matter, id).await?;
    let mut tx = catalog.write().await?;
    if let Some(hold) = rows::hold_naming(&mut tx, id).await? {
        return Err(Refused::Conflict(format!(
            "the hold {hold:?} names {}: holds keep their record, even when released",
            row.name
        ))
        .into());
    }
    rows::remove_custodian(&mut tx, id).await?;
    let act = Act::new("custodian.remove", Some(matter), &row.name)
        .with(json!({ "custodian": id, "addresses": row.addresses }));
    record_in(&mut tx, clock.now(), &actor.name, &act, Outcome::Done).await?;
    Ok(catalog.commit(tx, "remove a custodian").await?)
}

async fn find(
    catalog: &Catalog,
    matter: MatterId,
    id: CustodianId,
) -> Result<CustodianRow, MatterError> {
    let found = rows::custodians(catalog, matter).await?;
    let found = found.into_iter().find(|row| row.custodian_id == id);
    Ok(found.ok_or(Refused::Hidden("custodian"))?)
}

/// Addresses as participants are compared: in lower case, each once, sorted.
fn check_addresses(addresses: &[String]) -> Result<Vec<String>, Refused> {
    if addresses.len() > limits::CUSTODIAN_ADDRESSES_MAX {
        return Err(Refused::Invalid(format!(
            "a custodian has at most {} addresses",
            limits::CUSTODIAN_ADDRESSES_MAX
        )));
    }
    let mut checked =
        addresses.iter().map(|address| check_address(address)).collect::<Result<Vec<_>, _>>()?;
    checked.sort();
    checked.dedup();
    if checked.is_empty() {
        return Err(Refused::Invalid("give at least one address of the custodian".to_owned()));
    }
    Ok(checked)
}

/// A mail address, or an X.500 one as Exchange writes for its own people, as
/// participants are compared.
fn check_address(address: &str) -> Result<String, Refused> {
    let key = address::key(address);
    // A pattern would match nobody, and a hold on it would keep nothing.
    if key.contains('*') || key.starts_with('@') {
        return Err(Refused::Invalid(format!(
            "{address:?} stands for more than one address; name the custodian's addresses one by \
             one, each in full"
        )));
    }
    let is_plain = |text: &str| {
        !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "<>,;\"".contains(c))
    };
    let is_mail = key.rsplit_once('@').is_some_and(|(local, domain)| {
        // RFC 5321 section 4.1.2: between quotes anything may stand.
        let is_quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
        (is_quoted || is_plain(local)) && is_plain(domain)
    });
    // In an X.500 name commas are common.
    let is_x500 = key.starts_with("/o=");
    let is_clean = !key.chars().any(char::is_control);
    if (is_mail || is_x500) && is_clean {
        Ok(key)
    } else {
        Err(Refused::Invalid(format!(
            "{address:?} is not an address; write it as name@example.com, or as /o=… for an X.500 \
             one"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lowered_and_checked() {
        for (given, kept) in [
            (" Alice@Example.COM ", "alice@example.com"),
            ("<bob@example.com>", "bob@example.com"),
            ("ÄRZTE@Bücher.example", "ärzte@xn--bcher-kva.example"),
            ("/O=Corp/OU=First (X)/CN=Alice", "/o=corp/ou=first (x)/cn=alice"),
            ("EX:/O=Corp/CN=Alice", "/o=corp/cn=alice"),
            ("[EX:/O=Corp/CN=Alice]", "/o=corp/cn=alice"),
            ("/o=Corp/ou=Exchange, Admin (X)/cn=A", "/o=corp/ou=exchange, admin (x)/cn=a"),
            ("\"a, B;\"@x.example", "\"a, b;\"@x.example"),
        ] {
            assert_eq!(check_address(given).unwrap(), kept);
        }
        for wrong in ["", "alice", "@example.com", "alice@", "a b@c", "a@b, c@d", "a@b\r\n"] {
            let is_trimmed = wrong.trim() != wrong && check_address(wrong).is_ok();
            assert!(is_trimmed || check_address(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn patterns_are_refused_with_what_to_do() {
        for pattern in ["*@corp.test", "@corp.test", "alice@*.test"] {
            let Err(Refused::Invalid(said)) = check_address(pattern) else {
                panic!("{pattern} was taken");
            };
            assert!(said.contains(pattern) && said.contains("one by one"), "{said}");
        }
    }
}
