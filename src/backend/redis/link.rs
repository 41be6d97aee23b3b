//! The task that owns the connections: makes them, serves them, and makes them again.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind, RedisResult,
    Value,
    aio::MultiplexedConnection,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    BackendError, REQUEST_MAX, START_MAX, Shared, Up, keys, message,
    presence::{self, ALIVE_TTL, REAP_EVERY, RENEW_EVERY},
    samples::{BLOCK, Samples},
    unreachable,
};
use crate::backend::Delivery;
use crate::backoff::Backoff;

/// The oldest Redis that has what the scripts need.
const VERSION_MIN: u32 = 7;
/// How long making one connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// Waits between attempts: from this,
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// to this.
const RETRY_LONGEST: Duration = Duration::from_secs(1);
/// A connection that stood for so long was a good one: the next wait is short again.
const STABLE: Duration = Duration::from_secs(10);
/// How often a node says that it is alive; this finds dead connections, too.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Messages that wait to be read. The crate's reader must not block, so beyond it the connection counts as lost.
const PUSHES_MAX: usize = 16_384;
/// Bytes of messages that wait to be read.
const PUSHES_BYTES_MAX: usize = 32 << 20;

/// Reads an address; the database's number comes with it.
///
/// # Errors
///
/// [`BackendError::Address`].
pub(super) fn client(url: &str) -> Result<(Client, i64), BackendError> {
    let address = |error: redis::RedisError| BackendError::Address(error.to_string());
    let info = url.into_connection_info().map_err(address)?;
    let database = info.redis_settings().db();
    let keepalive =
        TcpKeepalive::new().with_time(Duration::from_secs(5)).with_interval(Duration::from_secs(2));
    let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(Duration::from_secs(5));
    // Version 3 of the protocol: messages and answers share a connection.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let info = info.set_tcp_settings(tcp).set_redis_settings(settings);
    Ok((Client::open(info).map_err(address)?, database))
}

/// How serving a connection ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// Nobody takes deliveries any more.
    Stopped,
    /// The connection is lost; why.
    Lost(String),
}

/// Connections that stand.
#[derive(Debug)]
pub(super) struct Session {
    up: Up,
    blocking: MultiplexedConnection,
    pushes: Pushes,
}

/// The task.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    shared: Arc<Shared>,
    samples: Samples,
    deliveries: mpsc::Sender<Delivery>,
}

impl Link {
    pub(super) fn new(client: Client, shared: Arc<Shared>, deliveries: mpsc::Sender<Delivery>) -> Self {
        let samples =
            Samples::new(shared.node.clone(), shared.run, shared.counters.clone(), deliveries.clone());
        Self { client, shared, samples, deliveries }
    }

    /// The first session.
    ///
    /// # Errors
    ///
    /// [`BackendError::TooOld`] at once, [`BackendError::Unreachable`] after [`START_MAX`].
    pub(super) async fn first(&mut self) -> Result<Session, BackendError> {
        let mut last = BackendError::Unreachable(format!("redis did not answer within {START_MAX:?}"));
        let attempts = async {
            let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
            loop {
                match self.connect().await {
                    Ok(session) => return Ok(session),
                    Err(error @ BackendError::TooOld(_)) => return Err(error),
                    Err(error) => last = error,
                }
                sleep(backoff.wait()).await;
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
    pub(super) async fn run(mut self, first: Session, shutdown: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = self.serve_for_ever(first) => {}
        }
        self.shared.up.send_replace(None);
        Ok(())
    }

    async fn serve_for_ever(&mut self, first: Session) {
        let mut session = first;
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
        loop {
            let begun = Instant::now();
            match self.serve(session).await {
                Ended::Stopped => return,
                Ended::Lost(error) => tracing::warn!(error, "redis lost"),
            }
            self.shared.up.send_replace(None);
            if STABLE <= begun.elapsed() {
                backoff.reset();
            }
            session = self.reconnect(&mut backoff).await;
            self.shared.counters.reconnects.increment();
            tracing::info!("redis reached again");
            // The session listens already: what is published from here on arrives after the gap.
            if self.deliveries.send(Delivery::Gap).await.is_err() {
                return;
            }
        }
    }

    async fn reconnect(&mut self, backoff: &mut Backoff) -> Session {
        loop {
            sleep(backoff.wait()).await;
            // A server that takes connections and answers nothing must not hold us longer than one that is away.
            match timeout(START_MAX, self.connect()).await {
                Ok(Ok(session)) => return session,
                Ok(Err(error)) => tracing::debug!(error = %error, "redis still away"),
                Err(_) => tracing::debug!("redis still away"),
            }
        }
    }

    /// Makes connections that work: one that cannot write or read what it will have to is none, so that no gap is
    /// told for it.
    async fn connect(&mut self) -> Result<Session, BackendError> {
        let (pushes, sender) = Pushes::new();
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_MAX));
        let commands = config.clone().set_response_timeout(Some(REQUEST_MAX)).set_push_sender(sender);
        let waits = config.set_response_timeout(Some(BLOCK + REQUEST_MAX));
        let mut connection = self.open(&commands).await.map_err(unreachable)?;
        check_version(&mut connection).await?;
        let mut blocking = self.open(&waits).await.map_err(unreachable)?;
        let member = format!("{}:{:016x}", self.shared.node, fastrand::u64(..));
        let mut up = Up { connection, member: Arc::from(member) };
        self.prepare(&mut up).await.map_err(unreachable)?;
        self.samples.resume(&mut blocking).await.map_err(unreachable)?;
        Ok(Session { up, blocking, pushes })
    }

    async fn open(&self, config: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
        self.client.get_multiplexed_async_connection_with_config(config).await
    }

    async fn prepare(&self, up: &mut Up) -> RedisResult<()> {
        self.shared.scripts.load(&mut up.connection).await?;
        generation(&self.shared, up).await?;
        presence::keep_alive(&self.shared, up).await?;
        presence::renew(&self.shared, up).await?;
        up.connection.subscribe(&self.shared.topic).await
    }

    async fn serve(&mut self, session: Session) -> Ended {
        let Session { up, mut blocking, mut pushes } = session;
        self.shared.up.send_replace(Some(up.clone()));
        tokio::select! {
            ended = heartbeat(&self.shared, up) => ended,
            ended = events(&self.shared, &mut pushes, &self.deliveries) => ended,
            ended = self.samples.pump(&mut blocking) => ended,
        }
    }
}

/// Takes the generation from Redis, or tells it to a Redis that forgot everything.
async fn generation(shared: &Shared, up: &mut Up) -> RedisResult<()> {
    let wanted = shared.generation.get().copied().unwrap_or_else(|| fastrand::u64(1..));
    let mut set = redis::cmd("SET");
    set.arg(keys::GENERATION).arg(wanted).arg("NX").arg("GET");
    let found: Option<u64> = set.query_async(&mut up.connection).await?;
    let found = found.unwrap_or(wanted);
    if *shared.generation.get_or_init(|| found) != found {
        tracing::warn!(
            "redis has another generation than this node; live charts will not recover across nodes"
        );
    }
    Ok(())
}

async fn check_version(connection: &mut MultiplexedConnection) -> Result<(), BackendError> {
    let mut info = redis::cmd("INFO");
    let info: String = info.arg("server").query_async(connection).await.map_err(unreachable)?;
    let version =
        info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("unknown").trim();
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    // What does not tell its version is no Redis of 7 or newer.
    if major.is_some_and(|major| VERSION_MIN <= major) {
        Ok(())
    } else {
        Err(BackendError::TooOld(version.to_owned()))
    }
}

/// Keeps this node's entries in presence, and takes off those of dead nodes.
async fn heartbeat(shared: &Shared, mut up: Up) -> Ended {
    let begun = Instant::now();
    let (mut renewed, mut reaped) = (begun, begun);
    let mut beat = interval(HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let now = Instant::now();
        let result = async {
            // Nobody knows this node where everything was deleted.
            if presence::keep_alive(shared, &mut up).await? || RENEW_EVERY <= now - renewed {
                generation(shared, &mut up).await?;
                presence::renew(shared, &mut up).await?;
                renewed = now;
            }
            // After an outage all nodes are late: each is given its time to come back.
            if ALIVE_TTL <= now - begun && REAP_EVERY <= now - reaped {
                presence::reap(shared, &mut up).await?;
                reaped = now;
            }
            RedisResult::Ok(())
        };
        if let Err(error) = result.await {
            return Ended::Lost(error.to_string());
        }
    }
}

async fn events(shared: &Shared, pushes: &mut Pushes, deliveries: &mpsc::Sender<Delivery>) -> Ended {
    while let Some(payload) = pushes.next().await {
        match message::read(&payload) {
            Ok(delivery) => {
                if deliveries.send(delivery).await.is_err() {
                    return Ended::Stopped;
                }
            }
            Err(reason) => shared.counters.skipped(reason).increment(),
        }
    }
    Ended::Lost("the connection ended, or more arrived than could be read".to_owned())
}

/// Messages between the crate's reader, which must not wait, and ours. Bounded: what does not fit ends it.
#[derive(Debug)]
struct Pushes {
    queue: mpsc::Receiver<Vec<u8>>,
    bytes: Arc<AtomicUsize>,
}

impl Pushes {
    fn new() -> (Self, impl Fn(PushInfo) -> Result<(), redis::aio::SendError>) {
        let (sender, queue) = mpsc::channel(PUSHES_MAX);
        let bytes = Arc::new(AtomicUsize::new(0));
        let waiting = Arc::clone(&bytes);
        let sender = Mutex::new(Some(sender));
        let push = move |info: PushInfo| {
            let mut sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(open) = sender.as_ref() else { return Err(redis::aio::SendError) };
            let fits = match payload(info) {
                Payload::Message(payload) => {
                    let size = payload.len();
                    let before = waiting.fetch_add(size, Ordering::Relaxed);
                    before + size <= PUSHES_BYTES_MAX && open.try_send(payload).is_ok()
                }
                Payload::Other => true,
                Payload::Disconnected => false,
            };
            if !fits {
                // Without a sender the queue ends behind what is in it.
                *sender = None;
            }
            Ok(())
        };
        (Self { queue, bytes }, push)
    }

    /// The next message; none when the connection is lost.
    async fn next(&mut self) -> Option<Vec<u8>> {
        let payload = self.queue.recv().await?;
        self.bytes.fetch_sub(payload.len(), Ordering::Relaxed);
        Some(payload)
    }
}

enum Payload {
    Message(Vec<u8>),
    Other,
    Disconnected,
}

fn payload(info: PushInfo) -> Payload {
    match info.kind {
        PushKind::Disconnection => Payload::Disconnected,
        PushKind::Message => match info.data.into_iter().nth(1) {
            Some(Value::BulkString(payload)) => Payload::Message(payload),
            // An empty message is skipped as damaged.
            _ => Payload::Message(Vec::new()),
        },
        _ => Payload::Other,
    }
}
