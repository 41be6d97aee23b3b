//! One worker of the fan-out: it owns the subscribers of its connections, channel by channel.
//!
//! Commands come through one queue, so a subscription and the publications around it have one order.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tokio::{
    sync::mpsc,
    time::{Duration, Instant, Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{connection::Connection, counters::Counters, outbox::Delivery};
use crate::telemetry::Gauge;
use crate::wire::centrifugo::PING;
use crate::wire::{Close, Frame};

/// Commands that wait for a shard.
pub const COMMANDS_MAX: usize = 4_096;
/// Seconds between two pings to a connection; spread over them, so that no second pings all.
pub const PING_SECONDS: u64 = 25;
/// Commands taken at once: what comes together, such as the steps of one second, is written together.
const TOGETHER_MAX: usize = 256;
/// Publications times readers that are sorted by reader at once; more are written in parts.
const LETTERS_MAX: usize = 16_384;
/// Publications held for a subscriber while its history is read.
const JOINING_MAX: usize = 1_024;

/// How long a publication that is in the history already may be on its way to the shard.
const LAG_MAX: Duration = Duration::from_secs(10);

/// What a shard is told.
#[derive(Debug)]
pub enum Command {
    /// A new connection, to be pinged.
    Open(Arc<Connection>),
    /// A connection is gone: forget it everywhere.
    Gone(u64),
    /// Holds a channel's publications for this connection until [`Command::Activate`].
    Subscribe {
        /// The channel.
        channel: Arc<str>,
        /// Who.
        connection: Arc<Connection>,
    },
    /// Sends the subscribe reply and then what was held, but for publications up to `after`.
    Activate {
        /// The channel.
        channel: Arc<str>,
        /// Whose.
        number: u64,
        /// The reply.
        reply: Frame,
        /// The newest offset that the reply holds.
        after: u64,
    },
    /// Ends a subscription.
    Unsubscribe {
        /// The channel.
        channel: Arc<str>,
        /// Whose.
        number: u64,
    },
    /// Hands a frame to all subscribers of a channel.
    Publish(Publish),
    /// Closes every connection.
    CloseAll(Close),
}

/// A frame for all subscribers of a channel.
#[derive(Debug, Clone)]
pub struct Publish {
    /// The channel.
    pub channel: Arc<str>,
    /// The frame, encoded once.
    pub frame: Frame,
    /// Its offset, if the channel has offsets.
    pub offset: Option<u64>,
    /// How it behaves towards slow readers.
    pub delivery: Delivery,
}

#[derive(Debug)]
struct Subscriber {
    connection: Arc<Connection>,
    /// What is held back while the history is read.
    held: Option<Vec<(Frame, Option<u64>, Delivery)>>,
    /// The newest offset that its history had: what is not above it and still on its way is known to it.
    known: Option<Known>,
}

/// What a subscriber's history had.
#[derive(Debug, Clone, Copy)]
struct Known {
    offset: u64,
    /// Until when something older may arrive.
    until: Instant,
}

/// The worker.
#[derive(Debug)]
pub struct Shard {
    commands: mpsc::Receiver<Command>,
    channels: FxHashMap<Arc<str>, Vec<Subscriber>>,
    connections: FxHashMap<u64, Arc<Connection>>,
    counters: Counters,
    ping: Frame,
    tick: u64,
    waiting_bytes: Gauge,
}

impl Subscriber {
    /// Whether it takes a publication now.
    fn takes(&self, offset: Option<u64>) -> bool {
        let known = |Known { offset: known, until }| {
            offset.is_some_and(|offset| offset <= known) && Instant::now() < until
        };
        self.held.is_none() && !self.known.is_some_and(known)
    }
}

impl Shard {
    /// Creates a shard and the end that commands it.
    pub fn new(number: usize, counters: Counters) -> (Self, mpsc::Sender<Command>) {
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        let shard = Self {
            commands,
            channels: FxHashMap::default(),
            connections: FxHashMap::default(),
            waiting_bytes: counters.waiting_bytes(number),
            counters,
            ping: Frame::text(PING),
            tick: 0,
        };
        (shard, sender)
    }

    /// Works until the end.
    ///
    /// # Errors
    ///
    /// None; the type is the supervisor's.
    pub async fn run(mut self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let mut second: Interval = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut commands = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {
                    // What was published before the end still goes out, then the close.
                    while let Ok(command) = self.commands.try_recv() {
                        commands.push(command);
                    }
                    commands.push(Command::CloseAll(Close::Shutdown));
                    self.carry_out(&mut commands);
                    return Ok(());
                }
                taken = self.commands.recv_many(&mut commands, TOGETHER_MAX) => match taken {
                    0 => return Ok(()),
                    _ => self.carry_out(&mut commands),
                },
                _ = second.tick() => self.ping(),
            }
        }
    }

    /// Carries commands out in their order; publications that stand together are written together.
    fn carry_out(&mut self, commands: &mut Vec<Command>) {
        let mut together = Vec::new();
        for command in commands.drain(..) {
            self.apply(command, &mut together);
        }
        self.publish(&together);
    }

    fn apply(&mut self, command: Command, together: &mut Vec<Publish>) {
        if !matches!(command, Command::Publish(_)) {
            self.publish(&std::mem::take(together));
        }
        match command {
            Command::Open(connection) => {
                self.connections.insert(connection.number, connection);
            }
            Command::Gone(number) => self.forget(number),
            Command::Subscribe { channel, connection } => {
                let subscriber = Subscriber { connection, held: Some(Vec::new()), known: None };
                self.channels.entry(channel).or_default().push(subscriber);
            }
            Command::Activate { channel, number, reply, after } => {
                self.activate(&channel, number, &reply, after)
            }
            Command::Unsubscribe { channel, number } => self.unsubscribe(&channel, number),
            Command::Publish(publish) => together.push(publish),
            Command::CloseAll(close) => {
                for connection in self.connections.values() {
                    connection.close(close);
                }
            }
        }
    }

    fn publish(&mut self, together: &[Publish]) {
        for publish in together {
            self.hold(publish);
        }
        self.send(together);
    }

    fn send(&self, together: &[Publish]) {
        let subscribers = |channel| self.channels.get(channel).into_iter().flatten();
        match together {
            [] => {}
            [Publish { channel, frame, delivery, offset }] => {
                for subscriber in subscribers(channel).filter(|subscriber| subscriber.takes(*offset)) {
                    subscriber.connection.send(frame, *delivery);
                }
            }
            // One write for each connection, with all that is for it, in their order.
            several => {
                let readers = |publish: &Publish| self.channels.get(&publish.channel).map_or(0, Vec::len);
                let most = several.iter().map(readers).max().unwrap_or_default();
                if several.len().saturating_mul(most) > LETTERS_MAX && 1 < several.len() {
                    let (one, rest) = several.split_at(several.len() / 2);
                    self.send(one);
                    self.send(rest);
                    return;
                }
                let mut letters: Vec<(&Arc<Connection>, &Publish)> = several
                    .iter()
                    .flat_map(|publish| {
                        subscribers(&publish.channel).map(move |subscriber| (subscriber, publish))
                    })
                    .filter(|(subscriber, publish)| subscriber.takes(publish.offset))
                    .map(|(subscriber, publish)| (&subscriber.connection, publish))
                    .collect();
                letters.sort_by_key(|(connection, _)| connection.number);
                let mut frames = Vec::new();
                for own in letters.chunk_by(|(a, _), (b, _)| a.number == b.number) {
                    frames.clear();
                    frames.extend(own.iter().map(|(_, publish)| (&publish.frame, publish.delivery)));
                    if let Some((connection, _)) = own.first() {
                        connection.send_all(&frames);
                    }
                }
            }
        }
    }

    /// Counts a publication's deliveries, and holds it back for those whose history is being read.
    fn hold(&mut self, publish: &Publish) {
        let Some(subscribers) = self.channels.get_mut(&publish.channel) else { return };
        self.counters.deliveries.add(subscribers.len() as u64);
        for subscriber in subscribers {
            match &mut subscriber.held {
                None => {}
                Some(held) if held.len() < JOINING_MAX => {
                    held.push((publish.frame.clone(), publish.offset, publish.delivery));
                }
                Some(_) => subscriber.connection.close(Close::Slow),
            }
        }
    }

    fn activate(&mut self, channel: &str, number: u64, reply: &Frame, after: u64) {
        let Some(subscriber) = self.channels.get_mut(channel).and_then(|subscribers| {
            subscribers.iter_mut().find(|subscriber| subscriber.connection.number == number)
        }) else {
            return;
        };
        subscriber.connection.send(reply, Delivery::Reply);
        subscriber.known = Some(Known { offset: after, until: Instant::now() + LAG_MAX });
        for (frame, offset, delivery) in subscriber.held.take().unwrap_or_default() {
            if offset.is_none_or(|offset| after < offset) {
                subscriber.connection.send(&frame, delivery);
            }
        }
    }

    fn unsubscribe(&mut self, channel: &str, number: u64) {
        let Some(subscribers) = self.channels.get_mut(channel) else { return };
        subscribers.retain(|subscriber| subscriber.connection.number != number);
        if subscribers.is_empty() {
            self.channels.remove(channel);
        }
    }

    fn forget(&mut self, number: u64) {
        self.connections.remove(&number);
    }

    fn ping(&mut self) {
        self.tick += 1;
        let mut waiting = 0;
        for connection in self.connections.values() {
            waiting += connection.waiting_bytes();
            if connection.number % PING_SECONDS != self.tick % PING_SECONDS {
                continue;
            }
            if connection.pinged() {
                connection.send(&self.ping, Delivery::Event);
            } else {
                connection.close(Close::NoPong);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "bytes of queues stay far below 2^53")]
        self.waiting_bytes.set(waiting as f64);
    }
}
