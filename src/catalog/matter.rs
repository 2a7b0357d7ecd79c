//! Rows of matters, their members and their custodians.

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::ids::{CustodianId, MatterId, SetId, UserId};

#[derive(Clone, Debug)]
pub struct MatterRow {
    pub matter_id: MatterId,
    pub name: String,
    /// The court's or the firm's number.
    pub reference: String,
    /// IANA name; dates are read in it.
    pub zone: String,
    pub is_closed: bool,
    pub created_at: Timestamp,
    /// The sign-in name of who opened it.
    pub created_by: String,
    pub custodians: i64,
    /// In force.
    pub holds: i64,
}

type Columns = (i64, String, String, String, i64, i64, String, i64, i64);

const SELECT: &str = "SELECT m.matter_id, m.name, m.reference, m.zone, m.is_closed, m.created_at,
        p.name,
        (SELECT COUNT(*) FROM custodian c WHERE c.matter_id = m.matter_id),
        (SELECT COUNT(*) FROM hold h WHERE h.matter_id = m.matter_id AND h.released_at IS NULL)
    FROM matter m JOIN person p ON p.user_id = m.created_by";

fn row(columns: Columns) -> MatterRow {
    MatterRow {
        matter_id: MatterId(columns.0),
        name: columns.1,
        reference: columns.2,
        zone: columns.3,
        is_closed: columns.4 != 0,
        created_at: Timestamp(columns.5),
        created_by: columns.6,
        custodians: columns.7,
        holds: columns.8,
    }
}

/// The matters of which `member` is one, open ones first.
pub async fn list(catalog: &Catalog, member: UserId) -> Result<Vec<MatterRow>, CatalogError> {
    let rows = db::query_as::<Columns>(db::AssertSqlSafe(format!(
        "{SELECT} WHERE m.matter_id IN
             (SELECT matter_id FROM matter_member WHERE user_id = $1)
         ORDER BY m.is_closed, m.matter_id DESC"
    )))
    .bind(member.0)
    .fetch_all(catalog.read())
    .await
    .during("list matters")?;
    Ok(rows.into_iter().map(row).collect())
}

pub async fn by_id(catalog: &Catalog, id: MatterId) -> Result<Option<MatterRow>, CatalogError> {
    let found =
        db::query_as::<Columns>(db::AssertSqlSafe(format!("{SELECT} WHERE m.matter_id = $1")))
            .bind(id.0)
            .fetch_optional(catalog.read())
            .await
            .during("find a matter")?;
    Ok(found.map(row))
}

pub async fn insert(
    tx: &mut WriteTransaction,
    name: &str,
    reference: &str,
    zone: &str,
    created_at: Timestamp,
    created_by: UserId,
) -> Result<MatterId, CatalogError> {
    let id = db::query_scalar(
        "INSERT INTO matter (name, reference, zone, is_closed, created_at, created_by)
         VALUES ($1, $2, $3, 0, $4, $5) RETURNING matter_id",
    )
    .bind(name)
    .bind(reference)
    .bind(zone)
    .bind(created_at.0)
    .bind(created_by.0)
    .fetch_one(&mut *tx)
    .await
    .during("open a matter")?;
    Ok(MatterId(id))
}

pub async fn update(tx: &mut WriteTransaction, matter: &MatterRow) -> Result<(), CatalogError> {
    db::query(
        "UPDATE matter SET name = $2, reference = $3, zone = $4, is_closed = $5
         WHERE matter_id = $1",
    )
    .bind(matter.matter_id.0)
    .bind(&matter.name)
    .bind(&matter.reference)
    .bind(&matter.zone)
    .bind(i64::from(matter.is_closed))
    .execute(&mut *tx)
    .await
    .during("change a matter")?;
    Ok(())
}

pub async fn is_member(
    catalog: &Catalog,
    matter: MatterId,
    user: UserId,
) -> Result<bool, CatalogError> {
    let count: i64 = db::query_scalar(
        "SELECT COUNT(*) FROM matter_member WHERE matter_id = $1 AND user_id = $2",
    )
    .bind(matter.0)
    .bind(user.0)
    .fetch_one(catalog.read())
    .await
    .during("look for a member")?;
    Ok(count > 0)
}

/// Every membership, as matter, person and the person's shown name.
pub async fn members(catalog: &Catalog) -> Result<Vec<(MatterId, UserId, String)>, CatalogError> {
    let rows = db::query_as::<(i64, i64, String)>(
        "SELECT mm.matter_id, mm.user_id, p.display_name
         FROM matter_member mm JOIN person p ON p.user_id = mm.user_id
         ORDER BY p.display_name, mm.user_id",
    )
    .fetch_all(catalog.read())
    .await
    .during("list members")?;
    Ok(rows
        .into_iter()
        .map(|(matter, user, name)| (MatterId(matter), UserId(user), name))
        .collect())
}

pub async fn set_members(
    tx: &mut WriteTransaction,
    matter: MatterId,
    members: &[UserId],
) -> Result<(), CatalogError> {
    db::query("DELETE FROM matter_member WHERE matter_id = $1")
        .bind(matter.0)
        .execute(&mut *tx)
        .await
        .during("replace members")?;
    for member in members {
        db::query(
            "INSERT INTO matter_member (matter_id, user_id) VALUES ($1, $2)
             ON CONFLICT (matter_id, user_id) DO NOTHING",
        )
        .bind(matter.0)
        .bind(member.0)
        .execute(&mut *tx)
        .await
        .during("add a member")?;
    }
    Ok(())
}

#[derive(Clone, Debug)]
pub struct CustodianRow {
    pub custodian_id: CustodianId,
    pub name: String,
    /// In lower case, sorted.
    pub addresses: Vec<String>,
}

pub async fn custodians(
    catalog: &Catalog,
    matter: MatterId,
) -> Result<Vec<CustodianRow>, CatalogError> {
    let rows = db::query_as::<(i64, String, Option<String>)>(
        "SELECT c.custodian_id, c.name, a.address
         FROM custodian c LEFT JOIN custodian_address a ON a.custodian_id = c.custodian_id
         WHERE c.matter_id = $1 ORDER BY c.name, c.custodian_id, a.address",
    )
    .bind(matter.0)
    .fetch_all(catalog.read())
    .await
    .during("list custodians")?;
    let mut custodians: Vec<CustodianRow> = Vec::new();
    for (id, name, address) in rows {
        match custodians.last_mut() {
            Some(last) if last.custodian_id.0 == id => last.addresses.extend(address),
            _ => custodians.push(CustodianRow {
                custodian_id: CustodianId(id),
                name,
                addresses: address.into_iter().collect(),
            }),
        }
    }
    Ok(custodians)
}

pub async fn insert_custodian(
    tx: &mut WriteTransaction,
    matter: MatterId,
    name: &str,
) -> Result<CustodianId, CatalogError> {
    let id = db::query_scalar(
        "INSERT INTO custodian (matter_id, name) VALUES ($1, $2) RETURNING custodian_id",
    )
    .bind(matter.0)
    .bind(name)
    .fetch_one(&mut *tx)
    .await
    .during("add a custodian")?;
    Ok(CustodianId(id))
}

pub async fn rename_custodian(
    tx: &mut WriteTransaction,
    custodian: CustodianId,
    name: &str,
) -> Result<(), CatalogError> {
    db::query("UPDATE custodian SET name = $2 WHERE custodian_id = $1")
        .bind(custodian.0)
        .bind(name)
        .execute(&mut *tx)
        .await
        .during("rename a custodian")?;
    Ok(())
}

pub async fn set_addresses(
    tx: &mut WriteTransaction,
    custodian: CustodianId,
    addresses: &[String],
) -> Result<(), CatalogError> {
    db::query("DELETE FROM custodian_address WHERE custodian_id = $1")
        .bind(custodian.0)
        .execute(&mut *tx)
        .await
        .during("replace addresses")?;
    for address in addresses {
        db::query("INSERT INTO custodian_address (custodian_id, address) VALUES ($1, $2)")
            .bind(custodian.0)
            .bind(address)
            .execute(&mut *tx)
            .await
            .during("add an address")?;
    }
    Ok(())
}

pub async fn remove_custodian(
    tx: &mut WriteTransaction,
    custodian: CustodianId,
) -> Result<(), CatalogError> {
    set_addresses(tx, custodian, &[]).await?;
    db::query("DELETE FROM custodian WHERE custodian_id = $1")
        .bind(custodian.0)
        .execute(&mut *tx)
        .await
        .during("remove a custodian")?;
    Ok(())
}

/// Every address of every custodian of the matter.
pub async fn addresses(catalog: &Catalog, matter: MatterId) -> Result<Vec<String>, CatalogError> {
    db::query_scalar(
        "SELECT DISTINCT a.address FROM custodian_address a
         JOIN custodian c ON c.custodian_id = a.custodian_id
         WHERE c.matter_id = $1 ORDER BY a.address",
    )
    .bind(matter.0)
    .fetch_all(catalog.read())
    .await
    .during("list a matter's addresses")
}

/// Whether a custodian of the matter takes part in the message set.
pub async fn has_set(
    catalog: &Catalog,
    matter: MatterId,
    set: SetId,
) -> Result<bool, CatalogError> {
    let count: i64 = db::query_scalar(
        "SELECT COUNT(*) FROM participant p
         JOIN address a ON a.address_id = p.address_id
         JOIN custodian_address ca ON ca.address = a.address
         JOIN custodian c ON c.custodian_id = ca.custodian_id
         WHERE p.set_id = $1 AND c.matter_id = $2",
    )
    .bind(set.0)
    .bind(matter.0)
    .fetch_one(catalog.read())
    .await
    .during("look for a message in a matter")?;
    Ok(count > 0)
}

pub async fn holds_in_force(
    tx: &mut WriteTransaction,
    matter: MatterId,
) -> Result<i64, CatalogError> {
    db::query_scalar("SELECT COUNT(*) FROM hold WHERE matter_id = $1 AND released_at IS NULL")
        .bind(matter.0)
        .fetch_one(&mut *tx)
        .await
        .during("count holds")
}

/// The name of a hold in force that names the custodian.
pub async fn hold_in_force_on(
    tx: &mut WriteTransaction,
    custodian: CustodianId,
) -> Result<Option<String>, CatalogError> {
    db::query_scalar(
        "SELECT h.name FROM hold h JOIN hold_custodian k ON k.hold_id = h.hold_id
         WHERE k.custodian_id = $1 AND h.released_at IS NULL ORDER BY h.hold_id LIMIT 1",
    )
    .bind(custodian.0)
    .fetch_optional(&mut *tx)
    .await
    .during("look for a custodian's holds")
}

/// The name of any hold, released or not, that names the custodian.
pub async fn hold_naming(
    tx: &mut WriteTransaction,
    custodian: CustodianId,
) -> Result<Option<String>, CatalogError> {
    db::query_scalar(
        "SELECT h.name FROM hold h JOIN hold_custodian k ON k.hold_id = h.hold_id
         WHERE k.custodian_id = $1 ORDER BY h.hold_id LIMIT 1",
    )
    .bind(custodian.0)
    .fetch_optional(&mut *tx)
    .await
    .during("look for a custodian's holds")
}
