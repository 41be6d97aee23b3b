//! The task that owns the connections: makes them, serves them, and makes them again.
//!
//! Where a server of a cluster is away, what the others have goes on; requests to it wait. When every place is served
//! again, one [`Delivery::Gap`] says that something may be missing. A message is delivered only if it came by the
//! connection that serves its place: what another one brings meanwhile is recovered after the gap.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::SelectAll};
use rustc_hash::FxHashMap;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    BackendError, START_MAX, Shared,
    connection::{ConnectionId, Message, Pushed, Pushes},
    heart::Heart,
    map::Sweeper,
    message,
    place::Place,
    repair::{Blocking, Made, Maker},
    route::Table,
    samples::Samples,
    settings::Seeds,
    slots::Owners,
};
use crate::backend::Delivery;
use crate::backoff::Backoff;

/// Waits between attempts: from this,
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// to this.
const RETRY_LONGEST: Duration = Duration::from_secs(1);
/// Connections that stood for so long were good ones: the next wait is short again.
const STABLE: Duration = Duration::from_secs(10);
/// How often the slots of a cluster are read, if nothing hints that they moved.
const SLOTS_EVERY: Duration = Duration::from_secs(5);
/// And how often at most.
const SLOTS_PAUSE: Duration = Duration::from_millis(100);

/// What ended the service of a connection.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Nobody takes deliveries any more.
    Stopped,
    /// A connection is lost; why.
    Lost(ConnectionId, String),
    /// These serve places that are elsewhere by now.
    Moved(Vec<ConnectionId>),
    /// The connection that waits for samples is lost; why.
    Samples(String),
}

/// The task.
#[derive(Debug)]
pub(super) struct Link {
    shared: Arc<Shared>,
    maker: Maker,
    listening: Listening,
    samples: Samples,
    blocking: Option<Blocking>,
    heart: Heart,
    sweeper: Sweeper,
    table: Table,
    backoff: Backoff,
    has_served: bool,
}

impl Link {
    pub(super) fn new(seeds: Seeds, shared: Arc<Shared>, deliveries: mpsc::Sender<Delivery>) -> Self {
        let samples = Samples::new(Arc::clone(&shared), deliveries.clone());
        let topics = Place::all().map(|place| (shared.keys.topic(place).into_bytes(), place)).collect();
        Self {
            shared,
            maker: Maker::new(seeds),
            listening: Listening { topics, streams: SelectAll::new(), deliveries },
            samples,
            blocking: None,
            heart: Heart::new(),
            sweeper: Sweeper::new(),
            table: Table::default(),
            backoff: Backoff::new(RETRY_FIRST, RETRY_LONGEST),
            has_served: false,
        }
    }

    /// Makes the first connections.
    ///
    /// # Errors
    ///
    /// [`BackendError::TooOld`] and [`BackendError::NotACluster`] at once, [`BackendError::Unreachable`] after
    /// [`START_MAX`].
    pub(super) async fn first(&mut self) -> Result<(), BackendError> {
        let mut last = BackendError::Unreachable(format!("redis did not answer within {START_MAX:?}"));
        let attempts = async {
            loop {
                let made = self.maker.make(&self.shared, &self.table, None).await;
                let served = match made {
                    Ok(made) => self.serve(made).await,
                    Err(error) => Err(error),
                };
                match served {
                    Ok(()) => return Ok(()),
                    Err(error @ (BackendError::TooOld(_) | BackendError::NotACluster(_))) => {
                        return Err(error);
                    }
                    Err(error) => last = error,
                }
                sleep(self.backoff.wait()).await;
            }
        };
        let first = timeout(START_MAX, attempts).await;
        first.unwrap_or_else(|_| Err(last))
    }

    /// Serves the connections, and makes them anew, until the end.
    ///
    /// # Errors
    ///
    /// None; the type is the supervisor's.
    pub(super) async fn run(mut self, shutdown: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = self.serve_for_ever() => {}
        }
        self.shared.up.send_modify(|up| up.table = Arc::default());
        Ok(())
    }

    async fn serve_for_ever(&mut self) {
        let mut whole_since = Instant::now();
        let mut is_whole = true;
        loop {
            let Self { shared, maker, listening, samples, blocking, heart, sweeper, table, backoff, .. } =
                self;
            let (is_cluster, samples_at) =
                (maker.is_cluster(), blocking.as_ref().map(|one| one.address.clone()));
            // Each arm may be dropped wherever it waits.
            let made = tokio::select! {
                trouble = listening.listen(shared, table) => Err(trouble),
                trouble = heart.beat(shared, table) => Err(trouble),
                trouble = pump(samples, blocking) => Err(trouble),
                never = sweeper.run(shared), if is_whole => match never {},
                trouble = watch(shared, table), if is_cluster => Err(trouble),
                made = mend(maker, backoff, shared, table, samples_at.as_deref()), if !is_whole => Ok(made),
            };
            match made {
                Err(Trouble::Stopped) => return,
                Err(trouble) => {
                    if is_whole && STABLE <= whole_since.elapsed() {
                        self.backoff.reset();
                    }
                    is_whole &= !self.part(trouble);
                }
                Ok(made) => match self.serve(made).await {
                    Ok(()) => {
                        (is_whole, whole_since) = (true, Instant::now());
                        self.shared.counters.reconnects.increment();
                        tracing::info!("redis reached again");
                    }
                    Err(BackendError::Stopped) => return,
                    Err(error) => tracing::debug!(error = %error, "redis still away"),
                },
            }
        }
    }

    /// Takes out what is lost; false if it was out already.
    fn part(&mut self, trouble: Trouble) -> bool {
        let mut parted = false;
        let lost = match trouble {
            Trouble::Stopped => Vec::new(),
            Trouble::Samples(error) => {
                tracing::warn!(error, "redis lost");
                parted = self.blocking.take().is_some();
                Vec::new()
            }
            Trouble::Lost(id, error) => {
                if let Some(one) = self.table.connections().iter().find(|one| one.id == id) {
                    tracing::warn!(error, server.address = %one.address, "redis lost");
                }
                vec![id]
            }
            Trouble::Moved(ids) => {
                tracing::info!("slots of redis moved");
                self.shared.counters.moves.increment();
                ids
            }
        };
        for id in lost {
            let address =
                self.table.connections().iter().find(|one| one.id == id).map(|one| one.address.clone());
            // Where one connection to a server fails, the other is not trusted.
            self.blocking.take_if(|blocking| address.as_deref() == Some(&*blocking.address));
            parted |= self.table.part(id);
        }
        if parted {
            self.publish_table();
        }
        parted
    }

    /// Takes connections into service.
    async fn serve(&mut self, made: Made) -> Result<(), BackendError> {
        let Made { table, pushes, blocking } = made;
        if let Some(mut blocking) = blocking {
            self.samples.resume(&mut blocking.connection).await.map_err(super::unreachable)?;
            self.blocking = Some(blocking);
        }
        // The first time nobody has heard anything that could be missing.
        if self.has_served && self.listening.deliveries.send(Delivery::Gap).await.is_err() {
            return Err(BackendError::Stopped);
        }
        self.has_served = true;
        for connection in self.table.connections() {
            if table.to(&connection.address).is_none() {
                connection.hang_up();
            }
        }
        self.table = table;
        // They listen already: what was published from their subscription on arrives after the gap.
        self.listening.streams.extend(pushes);
        self.heart.mended();
        self.publish_table();
        Ok(())
    }

    fn publish_table(&self) {
        let table = Arc::new(self.table.clone());
        self.shared.up.send_modify(|up| up.table = table);
    }
}

/// Mends until all places are served.
async fn mend(
    maker: &mut Maker,
    backoff: &mut Backoff,
    shared: &Shared,
    standing: &Table,
    samples_at: Option<&str>,
) -> Made {
    loop {
        sleep(backoff.wait()).await;
        // A server that takes connections and answers nothing must not hold us longer than one that is away.
        match timeout(START_MAX, maker.make(shared, standing, samples_at)).await {
            Ok(Ok(made)) => return made,
            Ok(Err(error)) => tracing::debug!(error = %error, "redis still away"),
            Err(_) => tracing::debug!("redis still away"),
        }
    }
}

/// Reads samples, while there is a connection for it.
async fn pump(samples: &mut Samples, blocking: &mut Option<Blocking>) -> Trouble {
    match blocking {
        Some(blocking) => samples.pump(&mut blocking.connection).await,
        None => std::future::pending().await,
    }
}

/// Reads which server has which slots, until one has others.
async fn watch(shared: &Shared, table: &Table) -> Trouble {
    loop {
        // A hint, or its time.
        drop(timeout(SLOTS_EVERY, shared.moved.notified()).await);
        if let Some(owners) = Owners::ask(table.connections()).await {
            let mut moved: Vec<ConnectionId> = Place::all()
                .filter_map(|place| table.at(place).filter(|one| *one.address != *owners.of(place)))
                .map(|one| one.id)
                .collect();
            moved.dedup();
            if !moved.is_empty() {
                return Trouble::Moved(moved);
            }
        }
        sleep(SLOTS_PAUSE).await;
    }
}

/// Delivers what the connections push.
#[derive(Debug)]
struct Listening {
    topics: FxHashMap<Vec<u8>, Place>,
    streams: SelectAll<Pushes>,
    deliveries: mpsc::Sender<Delivery>,
}

impl Listening {
    /// Delivers until a connection is lost. Dropped at any time, it goes on with the next message.
    async fn listen(&mut self, shared: &Shared, table: &Table) -> Trouble {
        loop {
            let Ok(room) = self.deliveries.reserve().await else { return Trouble::Stopped };
            match self.streams.next().await {
                Some(Pushed::Message(id, Message { topic, payload })) => {
                    let place = self.topics.get(&topic);
                    if !place.is_some_and(|place| table.is_heard(*place, id)) {
                        continue;
                    }
                    match message::read(&payload) {
                        Ok(delivery) => room.send(delivery),
                        Err(reason) => shared.counters.skipped(reason).increment(),
                    }
                }
                Some(Pushed::Lost(id)) => {
                    let why = "the connection ended, a slot moved, or more arrived than could be read";
                    return Trouble::Lost(id, why.to_owned());
                }
                None => return std::future::pending().await,
            }
        }
    }
}
