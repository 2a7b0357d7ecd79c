//! Key pages of past days put together, in classes whose keys can be deleted: one
//! object in place of hundreds, so that they stay countable. In strict classes nothing
//! could be deleted, and each segment keeps its page.
//!
//! What a crash leaves: before the commit, an object that no segment has, which goes
//! when it has been so for an hour; after it, old pages that go an hour later, so that
//! who has just read where a page is still finds it.

use super::replaced::Replaced;
use super::{Retention, RetentionError};
use crate::base::clock::Timestamp;
use crate::base::crash;
use crate::base::limits::{COMPACT_PAGES_MAX, COMPACT_PAGES_MIN};
use crate::catalog::disposition;
use crate::catalog::lease::{Standing, Turn};
use crate::catalog::spare::{self, Alone};
use crate::vault::VaultError;
use crate::vault::bucket::{BucketError, Place};

/// How long a page that no segment has any more stays.
const GRACE_SECONDS: i64 = 3600;
const DAY_SECONDS: i64 = 24 * 3600;
/// Pages deleted at once.
const AT_ONCE: u32 = 200;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Pages that were put together, and the objects that they are in now.
    pub pages: u64,
    pub objects: u64,
    /// Objects that left the bucket.
    pub deleted: u64,
}

/// Puts together what is of past days, and deletes what no segment has any more.
/// Ends where it is another node's turn.
pub async fn run(retention: &Retention, turn: &mut Turn) -> Result<Compacted, RetentionError> {
    let mut done = Compacted::default();
    let Retention { catalog, clock, .. } = retention;
    let now = clock.now();
    let today = Timestamp::from_seconds(now.seconds().div_euclid(DAY_SECONDS) * DAY_SECONDS);
    let before = now.plus_seconds(-GRACE_SECONDS);
    spare::give_up_before(catalog, before).await?;
    let classes: Vec<String> = retention.schedule.erasable().map(str::to_owned).collect();
    for class in &classes {
        // First, so that what was cut off can be put again under its name.
        done.deleted += sweep(retention, class, before, turn).await?;
        for epoch in spare::epochs(catalog, class).await? {
            let mut after = String::new();
            while turn.take().await? != Standing::Others {
                let found = spare::alone(catalog, (class, &epoch), &after, COMPACT_PAGES_MAX);
                let found = found.await?;
                let Some(last) = found.last() else { break };
                after.clone_from(&last.page.name);
                let past: Vec<Alone> =
                    found.into_iter().filter(|it| it.created_at < today).collect();
                // What is left of a day waits for the next.
                if past.len() < COMPACT_PAGES_MIN {
                    continue;
                }
                if together(retention, (class, &epoch), &past).await? {
                    done.pages += past.len() as u64;
                    done.objects += 1;
                }
            }
        }
    }
    Ok(done)
}

/// False where others changed one of the pages: the next run sees to them.
async fn together(
    retention: &Retention,
    (class, epoch): (&str, &str),
    pages: &[Alone],
) -> Result<bool, RetentionError> {
    let Retention { catalog, vault, clock, .. } = retention;
    let places: Vec<Place> = pages.iter().map(|it| it.page.clone()).collect();
    let is_held = pages.iter().any(|it| it.is_flagged);
    let new = match vault.pages_together(&places, is_held).await {
        Ok(new) => new,
        // One was rewritten just now.
        Err(VaultError::Bucket(BucketError::Missing(_))) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if !spare::expect(catalog, &new.name, clock.now()).await? {
        return Ok(false);
    }
    let place = vault.put_page(&new).await?;
    crash::point("compact.after_put");
    let mut tx = catalog.write().await?;
    if disposition::is_destroying(catalog, class, epoch).await?
        || !spare::take(&mut tx, &place.name).await?
        || !spare::put_together(&mut tx, pages, &place, clock.now()).await?
    {
        return Ok(false);
    }
    catalog.commit(tx, "put key pages together").await?;
    crash::point("compact.after_commit");
    Ok(true)
}

/// Deletes the pages of a class that no segment has any more.
async fn sweep(
    retention: &Retention,
    class: &str,
    before: Timestamp,
    turn: &mut Turn,
) -> Result<u64, RetentionError> {
    let catalog = &retention.catalog;
    let mut replaced = Replaced::new(retention);
    let (mut count, mut kept, mut after) = (0, 0, String::new());
    while turn.take().await? != Standing::Others {
        let prefix = format!("key/{class}");
        let going = spare::going(catalog, &prefix, (&after, before), AT_ONCE).await?;
        let Some(last) = going.last() else { break };
        after.clone_from(&last.object);
        let mut gone = Vec::new();
        for page in going {
            match replaced.destroy(&page.object).await {
                Ok(None) => gone.push(page.object),
                // Whoever changed the catalog wants it gone.
                Ok(Some(why)) => {
                    tracing::error!(
                        page = page.object,
                        "the catalog says that a key page goes, and it stays, because {why}; run \
                         `muniment verify`"
                    );
                }
                // It opens nothing that is erased; it stays until its date.
                Err(RetentionError::Vault(VaultError::Bucket(
                    error @ (BucketError::LockedForAll { .. }
                    | BucketError::NotBypassable(_)
                    | BucketError::NoDestruction(_)),
                ))) => {
                    if kept == 0 {
                        tracing::warn!(%error, "a key page that is not needed stays");
                    }
                    kept += 1;
                }
                Err(error) => return Err(error),
            }
        }
        crash::point("compact.after_delete");
        count += gone.len() as u64;
        spare::forget(catalog, &gone).await?;
    }
    Ok(count)
}
