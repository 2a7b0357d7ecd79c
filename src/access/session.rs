//! Signing in, staying signed in, signing out. A session is a token of whose it is and of
//! random bytes; the catalog has only a code of it under a key of the archive, so that no
//! row that somebody writes there is anybody's session.

use std::net::IpAddr;

use serde_json::json;

use super::audit::{Act, Outcome, record_in};
use super::{Access, AccessError, Actor, Refused, Role, password, secret, throttle};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::limits;
use crate::catalog::person::{self, PersonRow};
use crate::catalog::session::{self as rows, SessionRow};
use crate::catalog::{CatalogError, WriteTransaction};

/// A person who is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    pub actor: Actor,
    pub display_name: String,
    /// To be repeated in a header of everything that changes something.
    pub csrf: String,
    /// Signed in with a one-time password: may only choose a new one.
    pub must_change: bool,
    token: Digest,
}

/// A new session, with the token that only the person's browser keeps.
pub struct SignedIn {
    pub token: String,
    pub session: Session,
}

/// `seen_at` is written at most this often.
const TOUCH_SECONDS: i64 = 60;

impl Access {
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        peer: IpAddr,
    ) -> Result<SignedIn, AccessError> {
        let name = canonical(name)?;
        let peer = throttle::peer_text(peer);
        self.admit(&name, &peer).await?;
        let person = person::by_name(&self.catalog, &name).await?;
        let hash = person.as_ref().map(|person| person.password_hash.as_str());
        let fits = password.len() <= limits::PASSWORD_BYTES_MAX
            && self.passwords.verify(password, hash).await?;
        let now = self.clock.now();
        let act = Act::new("session.begin", None, &name).with(json!({ "peer": peer }));
        let mut tx = self.catalog.write().await?;
        match person.filter(|person| fits && !person.is_disabled) {
            Some(person) => {
                rows::note_success(&mut tx, &name, &peer, now).await?;
                let begun = self.begin_session(&mut tx, &person, now).await?;
                record_in(&mut tx, now, &name, &act, Outcome::Done).await?;
                self.catalog.commit(tx, "sign in").await?;
                Ok(begun)
            }
            None => {
                record_in(&mut tx, now, "nobody", &act, Outcome::Refused).await?;
                self.catalog.commit(tx, "refuse to sign in").await?;
                Err(AccessError::WrongCredentials)
            }
        }
    }

    /// Counts an attempt before it is looked at; success takes it back.
    async fn admit(&self, name: &str, peer: &str) -> Result<(), AccessError> {
        let now = self.clock.now();
        let since = now.plus_seconds(-throttle::WINDOW_SECONDS);
        let mut tx = self.catalog.write().await?;
        let failures = rows::failures(&mut tx, name, peer, since).await?;
        if let Some(seconds) = throttle::wait_seconds(&failures, now) {
            return Err(AccessError::Throttled { seconds });
        }
        rows::note_failure(&mut tx, name, peer, now, since).await?;
        self.catalog.commit(tx, "count a sign-in").await?;
        Ok(())
    }

    async fn begin_session(
        &self,
        tx: &mut WriteTransaction,
        person: &PersonRow,
        now: Timestamp,
    ) -> Result<SignedIn, AccessError> {
        let token = format!("{}.{}", person.user_id, secret()?);
        let csrf = secret()?;
        let digest = self.code(&token);
        rows::prune(tx, self.idle_since(now), oldest(now)).await?;
        let row = SessionRow {
            user_id: person.user_id,
            csrf: csrf.clone(),
            created_at: now,
            seen_at: now,
        };
        rows::insert(tx, &digest, &row).await?;
        Ok(SignedIn { token, session: session(person, csrf, digest)? })
    }

    /// The session of `token`, if it still is one.
    pub async fn resume(&self, token: &str) -> Result<Session, AccessError> {
        if token.len() > 64 {
            return Err(AccessError::SignedOut);
        }
        let digest = self.code(token);
        let found = rows::find(&self.catalog, &digest).await?.ok_or(AccessError::SignedOut)?;
        let whose = token.split_once('.').map(|(user_id, _)| user_id);
        if whose != Some(found.user_id.to_string().as_str()) {
            return Err(AccessError::SignedOut);
        }
        let now = self.clock.now();
        if found.seen_at < self.idle_since(now) || found.created_at < oldest(now) {
            return Err(AccessError::SignedOut);
        }
        let person = person::by_id(&self.catalog, found.user_id)
            .await?
            .filter(|person| !person.is_disabled)
            .ok_or(AccessError::SignedOut)?;
        if found.seen_at.plus_seconds(TOUCH_SECONDS) < now {
            self.touch(&digest, now).await?;
        }
        Ok(session(&person, found.csrf, digest)?)
    }

    fn code(&self, token: &str) -> Digest {
        Digest(self.sessions.derive(token.as_bytes()))
    }

    async fn touch(&self, token: &Digest, now: Timestamp) -> Result<(), CatalogError> {
        let mut tx = self.catalog.write().await?;
        rows::touch(&mut tx, token, now).await?;
        self.catalog.commit(tx, "touch a session").await
    }

    pub async fn sign_out(&self, session: &Session) -> Result<(), AccessError> {
        let mut tx = self.catalog.write().await?;
        rows::remove(&mut tx, &session.token).await?;
        let act = Act::new("session.end", None, &session.actor.name);
        record_in(&mut tx, self.clock.now(), &session.actor.name, &act, Outcome::Done).await?;
        Ok(self.catalog.commit(tx, "sign out").await?)
    }

    /// Chooses a new password. Every session of the person ends; the answer is
    /// a new one.
    pub async fn change_password(
        &self,
        session: &Session,
        current: &str,
        new: &str,
        peer: IpAddr,
    ) -> Result<SignedIn, AccessError> {
        let name = &session.actor.name;
        password::check_chosen(name, new)?;
        if new == current {
            return Err(Refused::Invalid("choose a password that is new".to_owned()).into());
        }
        let peer = throttle::peer_text(peer);
        self.admit(name, &peer).await?;
        let mut person = person::by_id(&self.catalog, session.actor.user_id)
            .await?
            .ok_or(AccessError::SignedOut)?;
        if !self.passwords.verify(current, Some(&person.password_hash)).await? {
            return Err(AccessError::WrongCredentials);
        }
        let hash = self.passwords.hash(new).await?;
        let now = self.clock.now();
        let mut tx = self.catalog.write().await?;
        rows::note_success(&mut tx, name, &peer, now).await?;
        person::set_password(&mut tx, person.user_id, &hash, false).await?;
        rows::remove_all(&mut tx, person.user_id).await?;
        person.must_change = false;
        let begun = self.begin_session(&mut tx, &person, now).await?;
        let act = Act::new("session.password", None, name);
        record_in(&mut tx, now, name, &act, Outcome::Done).await?;
        self.catalog.commit(tx, "change a password").await?;
        Ok(begun)
    }

    fn idle_since(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(-self.idle_seconds)
    }
}

impl Session {
    /// Whether `presented` is this session's token against forged requests.
    pub fn is_csrf(&self, presented: &str) -> bool {
        use subtle::ConstantTimeEq as _;
        presented.as_bytes().ct_eq(self.csrf.as_bytes()).into()
    }
}

/// However much it is used, a session ends at this age.
fn oldest(now: Timestamp) -> Timestamp {
    now.plus_seconds(-limits::SESSION_AGE_SECONDS_MAX)
}

/// A sign-in name as it is stored; what could not be one is wrong.
fn canonical(name: &str) -> Result<String, AccessError> {
    let name = name.trim().to_lowercase();
    let is_possible = !name.is_empty() && name.len() <= limits::PERSON_NAME_BYTES_MAX;
    if is_possible { Ok(name) } else { Err(AccessError::WrongCredentials) }
}

fn session(person: &PersonRow, csrf: String, token: Digest) -> Result<Session, CatalogError> {
    let role = Role::from_row(&person.role)?;
    Ok(Session {
        actor: Actor {
            user_id: person.user_id,
            name: person.name.clone(),
            role,
            is_archive_wide: person.is_archive_wide && role.may_be_archive_wide(),
        },
        display_name: person.display_name.clone(),
        csrf,
        must_change: person.must_change,
        token,
    })
}
