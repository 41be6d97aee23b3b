//! From the backend, the live queries and the alerts to the subscribers.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    Hub,
    bases::Bases,
    channel::Class,
    outbox::Delivery,
    shard::{Command, Publish, TOGETHER_MAX, To},
};
use crate::alerts::{Change, TRANSITIONS};
use crate::backend::Delivery as Delivered;
use crate::live::Step;
use crate::wire::centrifugo::{Publication, PushBody, raw};
use crate::wire::{Cast, Close};

/// Changes of alerts that go out at once, in bytes: half of what may wait for a reader.
const CHANGES_BYTES_MAX: usize = 32 << 10;
/// The pause before more of them, so that a storm of alerts does not close readers that keep up.
const CHANGES_PAUSE: Duration = Duration::from_millis(10);
/// The wait before what nodes share is asked for again.
const RESYNC_WAIT: Duration = Duration::from_secs(1);

impl Hub {
    /// Hands deliveries of the backend to the subscribers, and other nodes' samples to `samples`.
    ///
    /// # Errors
    ///
    /// None; the type is the supervisor's.
    pub async fn deliver(self, mut deliveries: mpsc::Receiver<Delivered>) -> anyhow::Result<()> {
        let shutdown = self.0.supervisor.end().clone();
        loop {
            let delivery = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                delivery = deliveries.recv() => delivery,
            };
            match delivery {
                None => return Ok(()),
                Some(Delivered::Publication { channel, publication, .. }) if *channel == *TRANSITIONS => {
                    if let Ok(event) = raw::value(&publication.data) {
                        self.0.parts.alerts.event(event).await;
                    }
                }
                Some(Delivered::Publication { channel, publication, delta }) => {
                    self.publication(channel, publication, delta).await;
                }
                Some(Delivered::Map(change)) => self.changed(change).await,
                Some(Delivered::Join { channel, info }) => {
                    self.tell(Cast::other(channel, PushBody::Join(info)), To::Watchers).await;
                }
                Some(Delivered::Leave { channel, info }) => {
                    self.tell(Cast::other(channel, PushBody::Leave(info)), To::Watchers).await;
                }
                Some(Delivered::Order(order)) => self.told(order.get()),
                Some(Delivered::Record(record)) => self.0.parts.alerts.record(record).await,
                Some(Delivered::Samples(batch)) => self.0.parts.live.carried(batch).await,
                Some(Delivered::Gap) => {
                    self.resync();
                    // Offsets may have been given again: what we know of one is not what its readers have.
                    for bases in [&self.0.bases, &self.0.map_bases] {
                        *bases.lock().unwrap_or_else(PoisonError::into_inner) = Bases::default();
                    }
                    for shard in &self.0.shards {
                        // A shard that has stopped has no connections.
                        drop(shard.send(Command::CloseAll(Close::InsufficientState)).await);
                    }
                }
            }
        }
    }

    /// Acts on what a node says to the hubs of all.
    fn told(&self, text: &str) {
        let error = match serde_json::from_str(text) {
            Ok(order) => return self.carry_out(order),
            Err(error) => error,
        };
        if let Ok(word) = serde_json::from_str(text) {
            return self.heard(word);
        }
        self.0.counters.orders_unknown.increment();
        tracing::debug!(error = %error, "an order of a newer node");
    }

    async fn publication(&self, channel: Arc<str>, publication: Publication, delta: bool) {
        let own = self.own(&channel);
        let delivery = match own {
            Some(rules) if rules.class == Class::Signal => {
                self.kept().note(&channel, &publication.data);
                Delivery::Signal
            }
            _ => Delivery::Event,
        };
        let offset = (publication.offset != 0).then_some(publication.offset);
        let epoch = (!publication.epoch.is_empty()).then(|| Arc::from(publication.epoch.as_str()));
        let namespaces = &self.0.parts.namespaces;
        let takes_delta = || namespaces.configured(&channel).is_some_and(|rules| rules.allow_delta);
        let base = if offset.is_some() && own.is_none() && takes_delta() {
            let mut bases = self.0.bases.lock().unwrap_or_else(PoisonError::into_inner);
            bases.put(&channel, &publication).filter(|_| delta)
        } else {
            None
        };
        let cast = match base {
            Some(base) => Cast::difference(channel, publication, base),
            None => Cast::publication(channel, publication),
        };
        self.publish(Publish { cast, offset, delivery, to: To::All, epoch }).await;
    }

    async fn tell(&self, cast: Cast, to: To) {
        self.publish(Publish { cast, offset: None, delivery: Delivery::Event, to, epoch: None }).await;
    }

    /// Hands the steps of live queries to their subscribers.
    ///
    /// # Errors
    ///
    /// None; the type is the supervisor's.
    pub async fn steps(self, mut steps: mpsc::Receiver<Step>) -> anyhow::Result<()> {
        let shutdown = self.0.supervisor.token().clone();
        let mut taken = Vec::new();
        loop {
            match shutdown.run_until_cancelled(steps.recv_many(&mut taken, TOGETHER_MAX)).await {
                None | Some(0) => return Ok(()),
                Some(_) => {}
            }
            // At once, so that a shard that is awake does not take the first alone: what stands together is one message.
            let together = taken.drain(..).map(|Step { cast, offset }| {
                let delivery = offset.map_or(Delivery::Correction, Delivery::Step);
                Publish { cast, offset, delivery, to: To::All, epoch: None }
            });
            self.publish_all(together.collect()).await;
        }
    }

    /// Hands changes of alerts to their subscribers.
    ///
    /// # Errors
    ///
    /// None; the type is the supervisor's.
    pub async fn changes(self, mut changes: mpsc::Receiver<Change>) -> anyhow::Result<()> {
        let shutdown = self.0.supervisor.token().clone();
        let mut written = 0;
        loop {
            let Some(Some(change)) = shutdown.run_until_cancelled(changes.recv()).await else {
                return Ok(());
            };
            let Change { cast, seq } = change;
            written += cast.as_publication().map_or(0, |publication| publication.data.len());
            if changes.is_empty() {
                written = 0;
            } else if CHANGES_BYTES_MAX < written {
                tokio::time::sleep(CHANGES_PAUSE).await;
                written = 0;
            }
            let delivery = seq.map_or(Delivery::Signal, |_| Delivery::State);
            self.publish(Publish { cast, offset: seq, delivery, to: To::All, epoch: None }).await;
        }
    }

    /// Reads again what nodes share of alerts: what changed while the bus was away was not delivered.
    fn resync(&self) {
        let (alerts, shutdown) = (self.0.parts.alerts.clone(), self.0.supervisor.token().clone());
        self.0.supervisor.track(async move {
            while let Some(Err(error)) = shutdown.run_until_cancelled(alerts.resync()).await {
                tracing::debug!(error = %error, "silences and acks not read again yet");
                if shutdown.run_until_cancelled(tokio::time::sleep(RESYNC_WAIT)).await.is_none() {
                    return;
                }
            }
        });
    }

    /// Hands a push to subscribers of a channel on this node.
    pub(super) async fn publish(&self, publish: Publish) {
        self.publish_all(Arc::new([publish])).await;
    }

    /// Hands pushes to subscribers of their channels on this node, together.
    async fn publish_all(&self, together: Arc<[Publish]>) {
        self.0.counters.publications.add(together.len() as u64);
        for shard in &self.0.shards {
            // A shard that has stopped has no subscribers.
            drop(shard.send(Command::Publish(Arc::clone(&together))).await);
        }
    }
}
