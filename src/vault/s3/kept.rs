//! What keeps an object: its lock and its flag of a hold; and deletion, which goes by
//! both.

use bytes::Bytes;

use super::client::CallError;
use super::{HELD_BRIEFLY, S3, call_failed};
use crate::vault::bucket::{BucketError, Place};
use crate::vault::retention::{Lock, Mode};

impl S3 {
    pub(in crate::vault) async fn retention(
        &self,
        place: &Place,
    ) -> Result<Option<Lock>, BucketError> {
        let found = self.client.retention(place).await;
        found.map_err(|error| call_failed("read the lock of", &place.name, error))
    }

    /// Locks an object as its name asks, where it is not.
    pub(in crate::vault) async fn ensure_lock(&self, place: &Place) -> Result<(), BucketError> {
        let Some(lock) = self.lock_now(&place.name).await? else { return Ok(()) };
        match self.retention(place).await? {
            Some(found) if found.holds(&lock) => Ok(()),
            // One that a bucket gives by itself may be longer and weaker.
            Some(found) => {
                let until = lock.until.max(found.until);
                let firm = self.extend(place, &Lock { until, ..lock }).await;
                firm.map_err(|source| match found.until >= lock.until {
                    true => BucketError::WeakRule(Box::new(source)),
                    false => source,
                })
            }
            None => self.extend(place, &lock).await,
        }
    }

    pub(in crate::vault) async fn extend(
        &self,
        place: &Place,
        lock: &Lock,
    ) -> Result<(), BucketError> {
        self.check_far(lock).await?;
        let answer = self.client.set_retention(place, lock, false).await;
        let done = answer.and_then(|answer| answer.done());
        done.map_err(|error| call_failed("lock", &place.name, error))?;
        Ok(())
    }

    /// Locks an object until `lock` or longer, where it is not; whether it was not.
    pub(in crate::vault) async fn lengthen(
        &self,
        place: &Place,
        lock: &Lock,
    ) -> Result<bool, BucketError> {
        let found = match self.client.retention(place).await {
            Err(CallError::Refused { status, .. }) if status.as_u16() == 404 => {
                return Err(BucketError::Missing(place.name.clone()));
            }
            found => found.map_err(|error| call_failed("read the lock of", &place.name, error))?,
        };
        if found.is_some_and(|found| found.holds(lock)) {
            return Ok(false);
        }
        let until = found.map_or(lock.until, |found| found.until.max(lock.until));
        let lock = Lock { until, ..*lock };
        self.check_far(&lock).await?;
        let extended = self.extend(place, &lock).await;
        // From governance on to compliance takes the right to bypass it.
        match (extended, &self.disposition) {
            (Err(_), Some(client)) if found.is_some_and(|found| found.mode != lock.mode) => {
                let answer = client.set_retention(place, &lock, true).await;
                let done = answer.and_then(|answer| answer.done());
                done.map_err(|error| call_failed("lock", &place.name, error))?;
            }
            (done, _) => done?,
        }
        self.check_lock(place, &lock).await?;
        Ok(true)
    }

    /// The lock of what lasts longest, which is put now, is one that the bucket keeps.
    pub(in crate::vault) async fn check_longest(&self) -> Result<(), BucketError> {
        match self.lock_now("log").await? {
            Some(lock) => self.check_far(&lock).await,
            None => Ok(()),
        }
    }

    /// Refuses a date that the bucket would not keep to, before anything gets it. RGW 16
    /// takes one after 2106 and locks until another, long past, and so unlocks what was
    /// locked. It is tried on an object that is nobody's.
    pub(super) async fn check_far(&self, lock: &Lock) -> Result<(), BucketError> {
        let soft = Lock { mode: Mode::Governance, ..*lock };
        let is_near = lock.until.seconds() <= i64::from(u32::MAX);
        if is_near || self.proven.lock().expect(HELD_BRIEFLY).contains(&soft) {
            return Ok(());
        }
        let name = format!("canary/until-{}", lock.until.seconds());
        let content = Bytes::from_static(b"It is tried whether a date so far is kept.");
        let (version, _) = self.create(&name, content, Some(soft)).await?;
        let place = Place { name, version };
        self.check_lock(&place, &soft).await?;
        if let Some(client) = &self.disposition {
            // What it leaves where it may not is as small as it is harmless.
            let _ = client.try_delete_version(&place, true).await;
        }
        self.proven.lock().expect(HELD_BRIEFLY).insert(soft);
        Ok(())
    }

    /// That the bucket locks as it was told: one may count years in too few bits.
    pub(super) async fn check_lock(&self, place: &Place, lock: &Lock) -> Result<(), BucketError> {
        let found = self.retention(place).await?;
        match found {
            Some(found) if found.holds(lock) => Ok(()),
            _ => Err(BucketError::OtherLock {
                name: place.name.clone(),
                asked: *lock,
                found: found.map_or("it is not locked".into(), |found| {
                    format!("it is locked until {} ({})", found.until, found.mode.word())
                }),
            }),
        }
    }

    pub(in crate::vault) async fn is_held(&self, place: &Place) -> Result<bool, BucketError> {
        let found = self.client.is_held(place).await;
        found.map_err(|error| call_failed("read the hold of", &place.name, error))
    }

    /// What can set a flag can lift it, so that ingest has neither right.
    pub(in crate::vault) async fn set_held(
        &self,
        place: &Place,
        is_held: bool,
    ) -> Result<(), BucketError> {
        let client = self.disposition.as_ref();
        let client = client.ok_or_else(|| BucketError::NoDisposition(place.name.clone()))?;
        let operation = if is_held { "hold" } else { "lift the hold of" };
        let set = client.set_held(place, is_held).await;
        set.map_err(|error| call_failed(operation, &place.name, error))
    }

    /// Deletes every version of an object with the credentials for disposition, once
    /// the flags of holds are lifted from them.
    pub(in crate::vault) async fn delete_all(&self, name: &str) -> Result<(), BucketError> {
        let client =
            self.disposition.as_ref().ok_or_else(|| BucketError::NoDestruction(name.to_owned()))?;
        for version in self.versions_of(name).await? {
            let place = Place { name: name.to_owned(), version: Some(version) };
            if self.is_held(&place).await? {
                // As long as it stays, so does its flag.
                self.refuse_locked(&place).await?;
                self.set_held(&place, false).await?;
            }
            let answer = client.try_delete_version(&place, false).await;
            let answer = answer.map_err(|error| call_failed("delete", name, error))?;
            if answer.status.as_u16() == 403 {
                self.refuse_locked(&place).await?;
                return Err(BucketError::NotDeletable(name.to_owned()));
            }
            answer.done().map_err(|error| call_failed("delete", name, error))?;
        }
        Ok(())
    }

    /// Deletes every version of an object that nobody but who bypasses governance can.
    /// What is locked so that nobody can is left as it is, its flags too.
    pub(in crate::vault) async fn delete_governed(&self, name: &str) -> Result<(), BucketError> {
        let client =
            self.disposition.as_ref().ok_or_else(|| BucketError::NoDestruction(name.to_owned()))?;
        let named = |version| Place { name: name.to_owned(), version: Some(version) };
        let places: Vec<Place> = self.versions_of(name).await?.into_iter().map(named).collect();
        for place in &places {
            let lock = self.retention(place).await?;
            if let Some(lock) = lock.filter(|lock| lock.mode == Mode::Compliance)
                && lock.until > self.now().await?
            {
                return Err(BucketError::LockedForAll { name: name.to_owned(), lock });
            }
        }
        for place in &places {
            if self.is_held(place).await? {
                self.set_held(place, false).await?;
            }
            let answer = client.try_delete_version(place, true).await;
            let answer = answer.map_err(|error| call_failed("delete", name, error))?;
            if answer.status.as_u16() == 403 {
                return Err(BucketError::NotBypassable(name.to_owned()));
            }
            answer.done().map_err(|error| call_failed("delete", name, error))?;
        }
        Ok(())
    }

    async fn refuse_locked(&self, place: &Place) -> Result<(), BucketError> {
        match self.retention(place).await? {
            Some(lock) if lock.until > self.now().await? => {
                Err(BucketError::Locked { name: place.name.clone(), lock })
            }
            _ => Ok(()),
        }
    }
}
