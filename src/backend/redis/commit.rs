//! Commits, records and claims, each in one step inside Redis.

use std::time::Duration;

use serde_json::value::RawValue;

use super::{Redis, message, meta_ttl_ms, new_epoch, place::Place, position, route::Moving, scripts, ttl_ms};
use crate::backend::{Appended, BackendError, Claim, Claimed, Commit, Publishing, RecordKind, SETTLE};
use crate::journal::{KEY_MS_MAX, KeyValues};

impl Redis {
    /// See [`crate::backend::Backend::forget`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn forget(&self, channel: &str) -> Result<(), BackendError> {
        // The caller does not say whether the channel is of the journal.
        for keys in [self.0.keys.channel(channel), self.0.keys.journal(channel)] {
            let mut del = redis::cmd("DEL");
            del.arg(keys.log());
            self.0.run::<()>(keys.place, &del, Moving::Follows).await?;
        }
        Ok(())
    }

    /// See [`crate::backend::Backend::order`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn order(&self, order: &RawValue) -> Result<(), BackendError> {
        self.0.publish_only(Place::NODES, &message::order(order)).await.map(drop)
    }

    /// See [`crate::backend::Backend::commit`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`]. Where the answer was lost, the commit may have been stored.
    pub async fn commit(&self, commit: &Commit) -> Result<Vec<Appended>, BackendError> {
        let committed = self.commit_in_redis(commit).await;
        committed.inspect_err(|_| self.0.counters.publish_errors.increment())
    }

    async fn commit_in_redis(&self, commit: &Commit) -> Result<Vec<Appended>, BackendError> {
        let kept = self.0.retention;
        let ttl = Duration::from_millis(u64::try_from(kept.ms).unwrap_or_default());
        let keys = &self.0.keys;
        let count = 1 + RecordKind::ALL.len() + 3 * commit.appends.len() + commit.records.len();
        let mut invocation = scripts::call(&self.0.scripts.commit, count);
        invocation.arg(keys.record_ends());
        for kind in RecordKind::ALL {
            invocation.arg(keys.records(kind));
        }
        for append in &commit.appends {
            let keys = keys.journal(&append.channel);
            invocation.arg(keys.log()).arg(keys.meta());
            // A script's keys are all named; the one without an author's id is not touched.
            invocation.arg(keys.author(append.key.as_deref().unwrap_or_default()));
        }
        for record in &commit.records {
            invocation.arg(keys.claim(&record.key));
        }
        invocation.arg(keys.topic(Place::JOURNAL)).arg(message::PUBLICATION_HEAD);
        invocation.arg(kept.events_max).arg(kept.bytes_max).arg(ttl_ms(ttl)).arg(meta_ttl_ms(ttl));
        invocation.arg(KEY_MS_MAX);
        invocation.arg(RecordKind::ALL.len()).arg(commit.appends.len()).arg(commit.records.len());
        for kind in RecordKind::ALL {
            invocation.arg(kind.name());
        }
        for append in &commit.appends {
            let data = append.data.get().to_owned().into();
            let publishing = Publishing { data, info: append.info.clone(), ..Publishing::default() };
            let body = message::publication_body(&append.channel, &publishing);
            invocation.arg(new_epoch()).arg(body).arg(if append.key.is_some() { "1" } else { "" });
        }
        for record in &commit.records {
            let value = record.value.as_deref().map_or("", RawValue::get);
            let expires = record.expires_ms.map(|expires| expires.max(0).to_string()).unwrap_or_default();
            invocation.arg(record.kind.name()).arg(&record.key).arg(value).arg(expires);
            invocation.arg(message::record(record));
        }
        let reply: Vec<Vec<u8>> = self.0.run(Place::JOURNAL, &invocation, Moving::Waits).await?;
        let appended = |three: &[Vec<u8>]| match three {
            [epoch, offset, new] => {
                Ok(Appended { position: position(epoch, offset)?, is_new: !new.is_empty() })
            }
            _ => Err(BackendError::Unreachable("an answer of another shape".to_owned())),
        };
        reply.chunks(3).map(appended).collect()
    }

    /// See [`crate::backend::Backend::records`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn records(&self, kind: RecordKind) -> Result<KeyValues, BackendError> {
        let mut invocation = scripts::call(&self.0.scripts.records, 1);
        invocation.arg(self.0.keys.records(kind));
        let found: Vec<(String, String)> = self.0.run(Place::JOURNAL, &invocation, Moving::Follows).await?;
        let value = |(key, value)| Some((key, RawValue::from_string(value).ok()?));
        Ok(found.into_iter().filter_map(value).collect())
    }

    /// See [`crate::backend::Backend::claim`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn claim(&self, claim: &Claim) -> Result<Claimed, BackendError> {
        let mut invocation = scripts::call(&self.0.scripts.claim, 2);
        invocation.arg(self.0.keys.records(RecordKind::Notified)).arg(self.0.keys.claim(&claim.key));
        invocation.arg(&claim.key).arg(&claim.target).arg(&claim.node);
        invocation.arg(ttl_ms(claim.lease)).arg(ttl_ms(SETTLE));
        let (what, number): (String, u64) = self.0.run(Place::JOURNAL, &invocation, Moving::Waits).await?;
        let retry = Duration::from_millis(number);
        match what.as_str() {
            "granted" => Ok(Claimed::Granted { turn: number }),
            "done" => Ok(Claimed::Done),
            "held" => Ok(Claimed::Held { retry }),
            "settling" => Ok(Claimed::Settling { retry }),
            other => Err(BackendError::Unreachable(format!("an answer of another shape: {other}"))),
        }
    }

    /// See [`crate::backend::Backend::release`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn release(&self, claim: &Claim) -> Result<(), BackendError> {
        let mut invocation = scripts::call(&self.0.scripts.release, 1);
        invocation.arg(self.0.keys.claim(&claim.key)).arg(&claim.node);
        self.0.run(Place::JOURNAL, &invocation, Moving::Waits).await
    }
}
