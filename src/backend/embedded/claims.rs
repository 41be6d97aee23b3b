//! Claims of a single process: the journal has what was told, memory has the leases.

use rustc_hash::FxHashMap;
use tokio::time::{Duration, Instant};

use super::super::{
    Claim, Claimed, Notified, Record, SETTLE,
    claim::{follows, goes_on},
};

/// What was told of an alert.
#[derive(Debug)]
struct Told {
    notified: Notified,
    /// When; nothing if an earlier process told it.
    at: Option<Instant>,
    expires_ms: Option<i64>,
}

#[derive(Debug)]
struct Lease {
    node: String,
    until: Instant,
}

/// The log, and the claims that stand. As many as there are alerts: records expire.
#[derive(Debug, Default)]
pub(super) struct Claims {
    told: FxHashMap<String, Told>,
    leases: FxHashMap<String, Lease>,
}

impl Claims {
    /// What was told by earlier processes.
    pub(super) fn new(records: Vec<Record>) -> Self {
        let told = records.into_iter().filter_map(|record| {
            let notified = Notified::read(&record.value?)?;
            Some((record.key, Told { notified, at: None, expires_ms: record.expires_ms }))
        });
        Self { told: told.collect(), leases: FxHashMap::default() }
    }

    /// See [`crate::backend::Backend::claim`].
    pub(super) fn claim(&mut self, claim: &Claim) -> Claimed {
        let now = Instant::now();
        let told = self.told.get(&claim.key);
        if !follows(told.map(|told| told.notified.state.as_str()), &claim.target) {
            return Claimed::Done;
        }
        if let Some(lease) = self.leases.get(&claim.key)
            && lease.node != claim.node
            && now < lease.until
        {
            return Claimed::Held { retry: lease.until - now };
        }
        if let Some(Told { notified, at: Some(at), .. }) = told
            && notified.node != claim.node
            && !goes_on(&notified.state, &claim.target)
            && now < *at + SETTLE
        {
            return Claimed::Settling { retry: *at + SETTLE - now };
        }
        let turn = told.map_or(0, |told| told.notified.turn) + 1;
        let lease = Lease { node: claim.node.clone(), until: now + claim.lease };
        self.leases.insert(claim.key.clone(), lease);
        Claimed::Granted { turn }
    }

    /// See [`crate::backend::Backend::release`].
    pub(super) fn release(&mut self, claim: &Claim) {
        if self.leases.get(&claim.key).is_some_and(|lease| lease.node == claim.node) {
            self.leases.remove(&claim.key);
        }
    }

    /// A record is on disk: it is told, or forgotten.
    pub(super) fn told(&mut self, record: &Record) {
        self.leases.remove(&record.key);
        match record.value.as_deref().and_then(Notified::read) {
            Some(notified) => {
                let told = Told { notified, at: Some(Instant::now()), expires_ms: record.expires_ms };
                self.told.insert(record.key.clone(), told);
            }
            None => {
                self.told.remove(&record.key);
            }
        }
    }

    /// Forgets what is over.
    pub(super) fn sweep(&mut self, now_ms: i64) {
        let now = Instant::now();
        self.leases.retain(|_, lease| now < lease.until + Duration::from_secs(1));
        self.told.retain(|_, told| told.expires_ms.is_none_or(|expires| now_ms < expires));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::RecordKind;

    #[test]
    fn what_an_earlier_process_told_is_forgotten_at_its_end() {
        let notified = Notified { state: "firing".to_owned(), turn: 1, node: "a".to_owned() };
        let record = |key: &str, expires_ms| Record {
            kind: RecordKind::Notified,
            key: key.to_owned(),
            value: Some(notified.value()),
            expires_ms,
        };
        let mut claims = Claims::new(vec![record("ends", Some(2_000)), record("stays", None)]);
        claims.sweep(1_999);
        assert_eq!(claims.told.len(), 2);
        claims.sweep(2_000);
        assert_eq!(claims.told.keys().collect::<Vec<_>>(), ["stays"]);
    }
}
