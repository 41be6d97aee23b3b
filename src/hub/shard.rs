//! One worker of the fan-out: it owns the subscribers of its connections, channel by channel.
//!
//! Commands come through one queue, so a subscription and the publications around it have one order.

mod bundle;
mod held;
mod look;
mod subscriber;
mod wheel;

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Duration, Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{connection::Connection, ledger::Ledger, outbox::Delivery};
use crate::clock::Clock;
use crate::telemetry::Gauge;
use crate::wire::{Cast, Close, Frame};
use bundle::Bundles;
use subscriber::Subscriber;
pub use subscriber::{Base, Start, Wants};
use wheel::Wheel;

/// Commands that wait for a shard.
pub const COMMANDS_MAX: usize = 4_096;
/// Commands taken at once: what comes together, such as the steps of one second, is written together.
pub const TOGETHER_MAX: usize = 256;
/// Publications times readers that are sorted by reader at once; more are written in parts.
const LETTERS_MAX: usize = 131_072;

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
        /// What it wants.
        wants: Wants,
    },
    /// Sends the subscribe reply and then what was held, but for what the reply has.
    Activate {
        /// The channel.
        channel: Arc<str>,
        /// Whose.
        number: u64,
        /// The reply, if it was not sent already.
        reply: Option<Frame>,
        /// Where the subscriber stands with it.
        start: Start,
        /// Told when that is done: what the client asked for next is answered after it.
        done: oneshot::Sender<()>,
    },
    /// Ends a subscription.
    Unsubscribe {
        /// The channel.
        channel: Arc<str>,
        /// Whose.
        number: u64,
        /// Told when that is done, where someone waits: nothing of the channel is told after it.
        done: Option<oneshot::Sender<()>>,
    },
    /// Hands frames to all subscribers of their channels, together.
    Publish(Arc<[Publish]>),
    /// Ends all subscriptions of a channel, in which nothing is as it was.
    Lost(Arc<str>),
    /// Tells which channels have subscribers, and what was heard there.
    Channels(oneshot::Sender<Vec<(Arc<str>, Heard)>>),
    /// Tells how many subscribers a channel has.
    Subscribers(Arc<str>, oneshot::Sender<usize>),
    /// Tells the channels of some connections, by the numbers of these.
    ChannelsOf(Whose, oneshot::Sender<FxHashMap<u64, Vec<Arc<str>>>>),
    /// Closes every connection.
    CloseAll(Close),
}

/// Which subscribers of a channel are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// All of them.
    All,
    /// Those that want joins and leaves.
    Watchers,
}

/// A push for subscribers of a channel.
#[derive(Debug, Clone)]
pub struct Publish {
    /// What, encoded once for each way of reading.
    pub cast: Cast,
    /// Its offset, if the channel has offsets.
    pub offset: Option<u64>,
    /// How it behaves towards slow readers.
    pub delivery: Delivery,
    /// Whom it is for.
    pub to: To,
    /// The epoch that it is of, where subscribers must know: with the first of a stream, and wherever there are no offsets to
    /// tell by that something was forgotten.
    pub epoch: Option<Arc<str>>,
}

/// What passes with time.
#[derive(Debug, Clone)]
pub struct Seconds {
    /// The time of day.
    pub clock: Clock,
    /// Seconds between two pings to a connection; spread over them, so that no second pings all.
    pub ping_every: u32,
    /// Seconds that a pong may take; nothing where none is expected.
    pub pong_within: Option<u32>,
}

/// What was heard of a channel.
#[derive(Debug, Clone, Copy, Default)]
pub struct Heard {
    /// Its subscribers.
    pub subscribers: usize,
    /// Messages while it had some.
    pub messages: u64,
}

/// Some connections.
#[derive(Debug, Clone)]
pub enum Whose {
    /// Those of these numbers.
    Numbers(FxHashSet<u64>),
    /// Those that are in a channel with this in its name; in lower case.
    Like(Box<str>),
}

/// A channel of this shard.
#[derive(Debug, Default)]
struct Channel {
    subscribers: Vec<Subscriber>,
    messages: u64,
}

/// The worker.
#[derive(Debug)]
pub struct Shard {
    commands: mpsc::Receiver<Command>,
    channels: FxHashMap<Arc<str>, Channel>,
    connections: Wheel,
    ledger: Arc<Ledger>,
    seconds: Seconds,
    waiting_bytes: Gauge,
}

impl Shard {
    /// Creates a shard and the end that commands it.
    pub fn new(number: usize, seconds: Seconds, ledger: Arc<Ledger>) -> (Self, mpsc::Sender<Command>) {
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        let shard = Self {
            commands,
            channels: FxHashMap::default(),
            connections: Wheel::new(seconds.ping_every),
            waiting_bytes: ledger.counters.waiting_bytes(number),
            ledger,
            seconds,
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
                // Before the commands, of which there may be no end.
                _ = second.tick() => self.second(),
                taken = self.commands.recv_many(&mut commands, TOGETHER_MAX) => match taken {
                    0 => return Ok(()),
                    _ => self.carry_out(&mut commands),
                },
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
                self.connections.insert(connection);
            }
            Command::Gone(number) => self.connections.remove(number),
            Command::Subscribe { channel, connection, wants } => {
                let subscriber = Subscriber::joining(connection, wants);
                let own = self.channels.entry(Arc::clone(&channel)).or_default();
                self.ledger.counters.tally.joined(&channel, own.subscribers.is_empty());
                own.subscribers.push(subscriber);
            }
            Command::Activate { channel, number, reply, start, done } => {
                if let Some(subscriber) = self.subscriber(&channel, number) {
                    subscriber.begin(&channel, reply.as_ref(), start);
                }
                // Who asked may be gone.
                done.send(()).ok();
            }
            Command::Unsubscribe { channel, number, done } => {
                self.unsubscribe(&channel, number);
                if let Some(done) = done {
                    // Who asked may be gone.
                    done.send(()).ok();
                }
            }
            Command::Publish(some) => together.extend_from_slice(&some),
            Command::Lost(channel) => {
                for own in self.channels.get_mut(&channel).into_iter().flat_map(|own| &mut own.subscribers) {
                    own.lose(&channel);
                }
            }
            // Who asked may be gone.
            Command::Channels(answer) => drop(answer.send(self.heard())),
            Command::Subscribers(channel, answer) => drop(answer.send(self.subscribers(&channel).len())),
            Command::ChannelsOf(whose, answer) => drop(answer.send(self.channels_of(&whose))),
            Command::CloseAll(close) => {
                for connection in self.connections.all() {
                    connection.close(&close);
                }
            }
        }
    }

    fn publish(&mut self, together: &[Publish]) {
        for publish in together {
            self.hold(publish);
        }
        for some in together.chunks(TOGETHER_MAX) {
            self.send(some);
        }
    }

    fn send(&self, together: &[Publish]) {
        let subscribers = |publish: &Publish| self.subscribers(publish.cast.channel()).iter();
        match together {
            [] => {}
            [publish] => {
                for subscriber in subscribers(publish).filter(|subscriber| subscriber.takes(publish)) {
                    subscriber.send(publish);
                }
            }
            // One write for each connection, with all that is for it, in their order.
            several => {
                let readers = |publish: &Publish| self.subscribers(publish.cast.channel()).len();
                if LETTERS_MAX < several.iter().map(readers).sum() {
                    let (one, rest) = several.split_at(several.len() / 2);
                    self.send(one);
                    self.send(rest);
                    return;
                }
                // At most TOGETHER_MAX.
                let places = (0..=u16::MAX).zip(several);
                let mut letters: Vec<(&Subscriber, u16, &Publish)> = places
                    .flat_map(|(at, publish)| {
                        subscribers(publish).map(move |subscriber| (subscriber, at, publish))
                    })
                    .filter(|(subscriber, _, publish)| subscriber.takes(publish))
                    .collect();
                letters.sort_by_key(|(subscriber, ..)| subscriber.connection.number);
                let (mut bundles, mut own) = (Bundles::new(several), Vec::new());
                for letters in letters.chunk_by(|(a, ..), (b, ..)| a.connection.number == b.connection.number)
                {
                    own.clear();
                    own.extend(
                        letters.iter().map(|(subscriber, at, publish)| (*at, subscriber.view(publish))),
                    );
                    if let Some((subscriber, ..)) = letters.first() {
                        bundles.send(&subscriber.connection, &own);
                    }
                }
            }
        }
    }

    /// Counts a publication's deliveries, and holds it back for those whose history is being read.
    fn hold(&mut self, publish: &Publish) {
        let Some(channel) = self.channels.get_mut(publish.cast.channel()) else { return };
        channel.messages += 1;
        self.ledger.counters.deliveries.add(channel.subscribers.len() as u64);
        for subscriber in &mut channel.subscribers {
            subscriber.hold(publish);
        }
    }

    fn subscriber(&mut self, channel: &str, number: u64) -> Option<&mut Subscriber> {
        let subscribers = &mut self.channels.get_mut(channel)?.subscribers;
        // Who is activated came lately.
        subscribers.iter_mut().rfind(|subscriber| subscriber.connection.number == number)
    }

    fn unsubscribe(&mut self, channel: &str, number: u64) {
        let Some(own) = self.channels.get_mut(channel) else { return };
        let before = own.subscribers.len();
        own.subscribers.retain(|subscriber| subscriber.connection.number != number);
        let (after, is_last) = (own.subscribers.len(), own.subscribers.is_empty());
        if is_last {
            self.channels.remove(channel);
        }
        self.ledger.counters.tally.left(channel, before - after, is_last);
    }

    fn subscribers(&self, channel: &str) -> &[Subscriber] {
        self.channels.get(channel).map_or(&[], |channel| &channel.subscribers)
    }

    fn second(&mut self) {
        self.connections.turn();
        let Seconds { clock, pong_within, .. } = &self.seconds;
        // Before new pings: of who has as long for a pong as there is between two pings, the last one is judged.
        for connection in pong_within.iter().flat_map(|within| self.connections.pinged(*within)) {
            connection.expect_pong();
        }
        for connection in self.connections.pinged(0) {
            connection.ping(pong_within.is_some());
        }
        let now_s = clock.now_ms() / 1_000;
        // One that is not here yet is due in the next second.
        for connection in self.ledger.due(now_s).into_iter().filter_map(|number| self.connections.get(number))
        {
            connection.due(now_s);
        }
        #[expect(clippy::cast_precision_loss, reason = "bytes of queues stay far below 2^53")]
        self.waiting_bytes.set(self.ledger.waiting_bytes() as f64);
    }
}
