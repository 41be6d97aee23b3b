//! One worker of the fan-out: it owns the subscribers of its connections, channel by channel.
//!
//! Commands come through one queue, so a subscription and the publications around it have one order.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tokio::{
    sync::mpsc,
    time::{Duration, Interval, MissedTickBehavior, interval},
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
/// Publications held for a subscriber while its history is read.
const JOINING_MAX: usize = 1_024;

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
    Publish {
        /// The channel.
        channel: Arc<str>,
        /// The frame, encoded once.
        frame: Frame,
        /// Its offset, if the channel has offsets.
        offset: Option<u64>,
        /// How it behaves towards slow readers.
        delivery: Delivery,
    },
    /// Closes every connection.
    CloseAll(Close),
}

#[derive(Debug)]
struct Subscriber {
    connection: Arc<Connection>,
    /// What is held back while the history is read.
    held: Option<Vec<(Frame, Option<u64>, Delivery)>>,
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
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {
                    // What was published before the end still goes out, then the close.
                    while let Ok(command) = self.commands.try_recv() {
                        self.apply(command);
                    }
                    self.apply(Command::CloseAll(Close::Shutdown));
                    return Ok(());
                }
                command = self.commands.recv() => match command {
                    Some(command) => self.apply(command),
                    None => return Ok(()),
                },
                _ = second.tick() => self.ping(),
            }
        }
    }

    fn apply(&mut self, command: Command) {
        match command {
            Command::Open(connection) => {
                self.connections.insert(connection.number, connection);
            }
            Command::Gone(number) => self.forget(number),
            Command::Subscribe { channel, connection } => {
                let subscriber = Subscriber { connection, held: Some(Vec::new()) };
                self.channels.entry(channel).or_default().push(subscriber);
            }
            Command::Activate { channel, number, reply, after } => {
                self.activate(&channel, number, &reply, after)
            }
            Command::Unsubscribe { channel, number } => self.unsubscribe(&channel, number),
            Command::Publish { channel, frame, offset, delivery } => {
                self.publish(&channel, &frame, offset, delivery);
            }
            Command::CloseAll(close) => {
                for connection in self.connections.values() {
                    connection.close(close);
                }
            }
        }
    }

    fn publish(&mut self, channel: &str, frame: &Frame, offset: Option<u64>, delivery: Delivery) {
        let Some(subscribers) = self.channels.get_mut(channel) else { return };
        self.counters.deliveries.add(subscribers.len() as u64);
        for subscriber in subscribers {
            match &mut subscriber.held {
                None => subscriber.connection.send(frame, delivery),
                Some(held) if held.len() < JOINING_MAX => held.push((frame.clone(), offset, delivery)),
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
