//! A client reads a map page by page until it is live in it.
//!
//! ```text
//! state ─▶ state ─▶ … ─▶ live              the usual way: what changed meanwhile comes with the last reply
//!                    └▶ stream ─▶ … ─▶ live    where more changed meanwhile than a page holds
//! stream ─▶ … ─▶ live                      a client that comes back with a position
//! ```
//!
//! Commands of a client are carried out one after another, so that two pages of one map are never read at once. Where an
//! ephemeral map is read, what changes is held from the first page on: it has no stream to catch up by.

mod over;

use std::sync::Arc;

use tokio::time::Instant;

use super::{Joined, Session, connect::later};
use crate::backend::{HistoryFilter, MapFilter, MapMode, MapPage, StreamPosition};
use crate::hub::{
    channel::MapRules,
    map, recover,
    refusal::{Stop, internal},
    shard::{Base, Command, Start},
    subscribe::{self, Joining},
};
use crate::wire::cast::shaped;
use crate::wire::centrifugo::{Answer, ErrorCode, Publication, Reply, Subscribe, SubscribeResult};
use crate::wire::{Close, Shape};

/// Bytes of entries in one page, but for an entry that is larger: a page is written as one message.
pub(super) const PAGE_BYTES_MAX: usize = 256 << 10;
/// What every reply about a map says that it is about.
const TYPE: i32 = 1;
/// The phases of a subscription.
const LIVE: i32 = 0;
const STREAM: i32 = 1;
const STATE: i32 = 2;

/// A map that a client reads, and is not live in yet.
#[derive(Debug)]
pub(super) struct Pages {
    /// What was agreed on with the first page.
    joining: Joining,
    map: Arc<MapRules>,
    began: Instant,
    /// When it is surely over, s since the epoch.
    late_at: Option<i64>,
    /// Where the stream stood when the first page was read.
    position: Option<StreamPosition>,
    /// Where the stream stood when the client began to read it.
    top: Option<u64>,
    /// Whether what changes is held back for it.
    is_held: bool,
    /// Whether what it has read is of no use any more.
    is_lost: bool,
}

/// How a page ends.
enum Next {
    /// The client asks for another one.
    More(Box<SubscribeResult>),
    /// It goes live from here.
    Live { since: StreamPosition, state: Vec<Publication>, recovers: bool },
}

/// Whether a subscribe is about a map.
pub(super) const fn is_map(request: &Subscribe) -> bool {
    matches!(request.r#type, 1..=3)
}

impl Pages {
    /// The map's channel.
    pub(super) const fn channel(&self) -> &Arc<str> {
        &self.joining.channel
    }

    /// Entries of a page.
    fn limit(&self, request: &Subscribe) -> usize {
        let (least, most) = self.map.page_sizes;
        let asked = usize::try_from(request.limit).ok().filter(|limit| 0 < *limit);
        asked.unwrap_or(self.map.page_size).clamp(least.min(most), most).max(1)
    }
}

fn unrecoverable() -> Stop {
    Stop::refuse(ErrorCode::UnrecoverablePosition)
}

fn count(limit: usize) -> u64 {
    u64::try_from(limit).unwrap_or(u64::MAX)
}

impl Session {
    /// Carries out one step of reading a map.
    ///
    /// # Errors
    ///
    /// Why it is not; then what was read so far is forgotten, but where another page is under way.
    pub(super) async fn read_map(&mut self, id: u32, request: Subscribe) -> Result<(), Stop> {
        let mut pages = self.pages_of(id, request.clone()).await?;
        match self.step(&mut pages, &request).await {
            Ok(Next::More(result)) => {
                self.pages.push(pages);
                self.look();
                self.reply(id, Answer::Subscribe(result));
                Ok(())
            }
            Ok(Next::Live { since, state, recovers }) => {
                pages.joining.id = id;
                self.go_live(pages, &since, state, recovers).await
            }
            Err(stop) => {
                self.release(&pages).await;
                Err(stop)
            }
        }
    }

    /// Whether a subscribe is the next step of reading a map, and not the first one.
    pub(super) fn reads_on(&self, request: &Subscribe) -> bool {
        let goes_on = !request.cursor.is_empty() || request.phase != STATE;
        goes_on && self.pages.iter().any(|pages| *pages.joining.channel == *request.channel)
    }

    /// What was agreed on before, or is now.
    async fn pages_of(&mut self, id: u32, request: Subscribe) -> Result<Pages, Stop> {
        self.joinable(&request)?;
        let channel = request.channel.as_str();
        let at = self.pages.iter().position(|pages| *pages.joining.channel == *channel);
        if at.is_some() && !self.reads_on(&request) {
            return Err(Stop::refuse(ErrorCode::AlreadySubscribed));
        }
        let own = at.map(|at| self.pages.swap_remove(at));
        self.forget_late().await;
        let is_full = self.is_full();
        if let Some(pages) = own {
            if pages.is_over() {
                self.release(&pages).await;
                return Err(Close::Slow.into());
            }
            return Ok(pages);
        }
        if is_full {
            return Err(Stop::refuse(ErrorCode::LimitExceeded));
        }
        if !request.cursor.is_empty() || request.phase == STREAM && !request.recover {
            return Err(Stop::refuse(ErrorCode::PermissionDenied));
        }
        let joining = self.admit(request, id)?;
        let map = map::of(&joining.rules).map(|map| Arc::new(map.clone()));
        let map = map.map_err(|_| Stop::refuse(ErrorCode::PermissionDenied))?;
        let began = Instant::now();
        // Rounded up: it is over by then.
        let late_at = map.catch_up_timeout.map(|most| later(self.hub.now_s(), most).saturating_add(2));
        let (position, top, is_held, is_lost) = (None, None, false, false);
        Ok(Pages { joining, map, began, late_at, position, top, is_held, is_lost })
    }

    async fn step(&mut self, pages: &mut Pages, request: &Subscribe) -> Result<Next, Stop> {
        let known = pages.position.as_ref().map(|position| position.epoch.as_str()).unwrap_or_default();
        let is_other = !request.epoch.is_empty() && !known.is_empty() && known != request.epoch;
        if pages.is_lost || is_other {
            return Err(unrecoverable());
        }
        match request.phase {
            STATE => self.state_page(pages, request).await,
            STREAM if pages.map.mode == MapMode::Ephemeral => Err(Stop::refuse(ErrorCode::BadRequest)),
            STREAM => self.stream_page(pages, request).await,
            // There is nothing to come back by.
            LIVE if pages.map.mode == MapMode::Ephemeral => Err(unrecoverable()),
            LIVE => {
                let since = StreamPosition { offset: request.offset, epoch: request.epoch.clone() };
                Ok(Next::Live { since, state: Vec::new(), recovers: request.recover })
            }
            _ => Err(Stop::refuse(ErrorCode::BadRequest)),
        }
    }

    async fn state_page(&mut self, pages: &mut Pages, request: &Subscribe) -> Result<Next, Stop> {
        let is_ephemeral = pages.map.mode == MapMode::Ephemeral;
        if is_ephemeral && !pages.is_held {
            pages.is_held = true;
            self.hold(&pages.joining).await;
        }
        let limit = pages.limit(request);
        let filter = MapFilter {
            cursor: request.cursor.clone(),
            limit: Some(limit),
            bytes: Some(PAGE_BYTES_MAX),
            key: None,
        };
        let options = pages.map.options();
        let backend = &self.hub.0.parts.backend;
        let page = backend.map_state(&request.channel, &filter, options).await.map_err(internal)?;
        let MapPage { mut entries, position: now, cursor } = page;
        let since = pages.position.get_or_insert_with(|| now.clone()).clone();
        if since.epoch != now.epoch || !request.epoch.is_empty() && request.epoch != now.epoch {
            return Err(unrecoverable());
        }
        // What changed after the first page comes by the stream.
        entries.retain(|entry| entry.offset <= since.offset);
        if cursor.is_empty() && (is_ephemeral || now.offset <= since.offset.saturating_add(count(limit))) {
            return Ok(Next::Live { since, state: entries, recovers: false });
        }
        let state = self.told(pages, entries)?;
        let StreamPosition { offset, epoch } = since;
        let result = SubscribeResult {
            r#type: TYPE,
            phase: STATE,
            cursor,
            epoch,
            offset,
            state,
            ..Default::default()
        };
        Ok(Next::More(Box::new(result)))
    }

    async fn stream_page(&mut self, pages: &mut Pages, request: &Subscribe) -> Result<Next, Stop> {
        let limit = pages.limit(request);
        let since = Some(request.offset);
        let filter = HistoryFilter { since, limit: Some(limit), reverse: false };
        let options = pages.map.options();
        let backend = &self.hub.0.parts.backend;
        let page = backend.map_stream(&request.channel, &filter, options).await.map_err(internal)?;
        let now = page.position;
        if !request.epoch.is_empty() && request.epoch != now.epoch {
            return Err(unrecoverable());
        }
        let top = *pages.top.get_or_insert(now.offset);
        if top <= request.offset.saturating_add(count(limit)) {
            let since = StreamPosition { offset: request.offset, epoch: request.epoch.clone() };
            return Ok(Next::Live { since, state: Vec::new(), recovers: request.recover });
        }
        is_whole(&page.publications, request.offset, now.offset)?;
        let offset = page.publications.last().map_or(request.offset, |last| last.offset);
        pages.position.get_or_insert_with(|| now.clone());
        let publications = self.told(pages, page.publications)?;
        let result = SubscribeResult {
            r#type: TYPE,
            phase: STREAM,
            epoch: now.epoch,
            offset,
            publications,
            ..Default::default()
        };
        Ok(Next::More(Box::new(result)))
    }

    /// Subscribes, and tells what changed since a position.
    async fn go_live(
        &mut self,
        pages: Pages,
        since: &StreamPosition,
        state: Vec<Publication>,
        recovers: bool,
    ) -> Result<(), Stop> {
        self.note(&pages.joining);
        if !pages.is_held {
            self.hold(&pages.joining).await;
        }
        match self.caught_up(&pages, since, state, recovers).await {
            Ok(result) => {
                let Joining { id, channel, rules, info, .. } = &pages.joining;
                let reply = Reply::answer(*id, Answer::Subscribe(Box::new(result.0)));
                let Some(reply) = reply.encode(self.connection.dialect.protocol) else {
                    self.leave(channel, Joined::No).await;
                    return Err(Close::InappropriateProtocol.into());
                };
                self.hub.arrive(rules, channel, info).await;
                self.flush();
                let frame = self.connection.dialect.frame(&[reply]);
                let channel = Arc::clone(channel);
                subscribe::activate(&self.hub, &self.connection, channel, Some(frame), result.1).await;
                Ok(())
            }
            Err(stop) => {
                self.leave(&pages.joining.channel, Joined::No).await;
                Err(stop)
            }
        }
    }

    async fn caught_up(
        &self,
        pages: &Pages,
        since: &StreamPosition,
        state: Vec<Publication>,
        recovers: bool,
    ) -> Result<(SubscribeResult, Start), Stop> {
        let Joining { channel, info, terms, .. } = &pages.joining;
        let backend = &self.hub.0.parts.backend;
        let mut result = SubscribeResult {
            r#type: TYPE,
            epoch: since.epoch.clone(),
            state: self.told(pages, state)?,
            delta: terms.wants.delta,
            id: terms.wants.id(channel),
            recovered: recovers,
            was_recovering: recovers,
            ..SubscribeResult::default()
        };
        // Who comes back may have values that a failover of Redis took away, and stands at places that were given again.
        let base = if recovers { Base::Never } else { Base::Now };
        let epoch = Some(since.epoch.as_str().into());
        let mut start = Start { base, epoch, ..Start::default() };
        if pages.map.mode != MapMode::Ephemeral {
            let most = pages.map.live_transition_max;
            let filter = HistoryFilter {
                since: Some(since.offset),
                limit: Some(most.saturating_add(1)),
                reverse: false,
            };
            let page = backend.map_stream(channel, &filter, pages.map.options()).await.map_err(internal)?;
            if page.position.epoch != since.epoch || most < page.publications.len() {
                return Err(unrecoverable());
            }
            is_whole(&page.publications, since.offset, page.position.offset)?;
            result.recoverable = true;
            result.offset = page.position.offset;
            result.publications = self.told(pages, page.publications)?;
            start.after = page.position.offset;
        }
        if terms.presence {
            backend.enter(channel, info, terms.announce).await.map_err(internal)?;
        }
        Ok((result, start))
    }

    /// Those that the client wants, as it takes them.
    fn told(&self, pages: &Pages, publications: Vec<Publication>) -> Result<Vec<Publication>, Stop> {
        let wants = &pages.joining.terms.wants;
        let protocol = self.connection.dialect.protocol;
        let shape = if wants.delta { Shape::Whole } else { Shape::Plain };
        let told = |one| shaped(&map::told(one), None, protocol, shape);
        let told: Option<Vec<_>> = recover::wanted(publications, wants).into_iter().map(told).collect();
        told.ok_or_else(|| Close::InappropriateProtocol.into())
    }

    /// Holds back what changes, until the client is live.
    async fn hold(&self, joining: &Joining) {
        let (channel, wants) = (Arc::clone(&joining.channel), joining.terms.wants.clone());
        let hold = Command::Subscribe { channel, connection: Arc::clone(&self.connection), wants };
        // A shard that has stopped closes the connection itself.
        drop(self.hub.shard(self.connection.number).send(hold).await);
    }
}

/// Whether changes have none missing between two offsets, as far as they go.
///
/// # Errors
///
/// `unrecoverable position`.
fn is_whole(changes: &[Publication], since: u64, top: u64) -> Result<(), Stop> {
    let first = changes.first().map(|first| first.offset);
    let is_whole = first.map_or(since == top, |first| Some(first) == since.checked_add(1));
    if is_whole { Ok(()) } else { Err(unrecoverable()) }
}
