//! Looking in the index around one message: what belongs to it, within what its reader
//! may see.

use super::{Search, SearchError};
use crate::access::{Actor, Refused};
use crate::base::ids::{MatterId, SetId};
use crate::index::{Index, IndexError, Scope};
use crate::matter::{self, Reach};

/// What `look` finds, in its turn among searches; refused where `set` is not for the
/// reader to see.
pub(super) async fn around<T: Send + 'static>(
    actor: &Actor,
    search: &Search,
    matter: Option<MatterId>,
    set: SetId,
    look: impl FnOnce(&Index, &Scope) -> Result<T, IndexError> + Send + 'static,
) -> Result<T, SearchError> {
    let reach = matter::reach(actor, &search.catalog, matter).await?;
    if !matter::sees(&search.catalog, &reach, set).await? {
        return Err(Refused::Hidden("message").into());
    }
    let addresses = match reach {
        Reach::Archive(_) => None,
        Reach::Matter(scope) => Some(scope.addresses),
    };
    let turn = search.at_once.clone().acquire_owned().await.map_err(|_| SearchError::Stopped)?;
    let (index, scope) = (search.index.clone(), Scope { addresses, ..Scope::default() });
    let found = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        look(&index, &scope)
    });
    Ok(found.await.map_err(|_| SearchError::Stopped)??)
}
