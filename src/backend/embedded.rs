//! The backend of a single node: everything in memory.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustc_hash::FxHashMap;
use serde_json::value::RawValue;
use tokio::{
    sync::mpsc::{self, Permit},
    time::Instant,
};

use super::{
    BackendError, DELIVERIES_MAX, Delivery, HISTORY_BYTES_MAX, HistoryFilter, HistoryPage, StreamOptions,
    StreamPosition,
};
use crate::wire::centrifugo::{ClientInfo, Publication};

/// Everything in this process. A clone is the same backend.
#[derive(Debug, Clone)]
pub struct Embedded {
    state: Arc<Mutex<State>>,
    deliveries: mpsc::Sender<Delivery>,
}

#[derive(Debug, Default)]
struct State {
    streams: FxHashMap<Arc<str>, Stream>,
    presence: FxHashMap<Arc<str>, BTreeMap<String, ClientInfo>>,
}

#[derive(Debug)]
struct Stream {
    epoch: String,
    offset: u64,
    kept: VecDeque<Kept>,
    bytes: usize,
    expires: Instant,
}

#[derive(Debug)]
struct Kept {
    publication: Publication,
    bytes: usize,
    at: Instant,
}

impl Embedded {
    /// Creates the backend and the end at which the hub takes deliveries.
    pub fn new() -> (Self, mpsc::Receiver<Delivery>) {
        let (deliveries, receiver) = mpsc::channel(DELIVERIES_MAX);
        (Self { state: Arc::default(), deliveries }, receiver)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place in the queue, taken before the lock: what is sent under the lock keeps its order.
    async fn permit(&self) -> Result<Permit<'_, Delivery>, BackendError> {
        self.deliveries.reserve().await.map_err(|_| BackendError::Stopped)
    }

    /// See [`super::Backend::publish`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Stopped`].
    pub async fn publish(
        &self,
        channel: &str,
        data: Box<RawValue>,
        info: Option<ClientInfo>,
        options: StreamOptions,
    ) -> Result<StreamPosition, BackendError> {
        let permit = self.permit().await?;
        let mut publication = Publication { data: Some(data), offset: 0, info };
        let mut state = self.state();
        let channel: Arc<str> = Arc::from(channel);
        let position = if options.is_kept() {
            let stream = state.streams.entry(Arc::clone(&channel)).or_insert_with(Stream::new);
            stream.append(&mut publication, options)
        } else {
            StreamPosition::default()
        };
        permit.send(Delivery::Publication { channel, publication });
        Ok(position)
    }

    /// See [`super::Backend::history`].
    pub fn history(&self, channel: &str, filter: &HistoryFilter, options: StreamOptions) -> HistoryPage {
        if !options.is_kept() {
            return HistoryPage::default();
        }
        let mut state = self.state();
        // A stream that was asked for has an epoch, so that a client can recover from offset 0.
        let stream = state.streams.entry(Arc::from(channel)).or_insert_with(Stream::new);
        stream.expires = stream.expires.max(Instant::now() + options.ttl);
        stream.trim(options);
        stream.page(filter)
    }

    /// See [`super::Backend::enter`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Stopped`].
    pub async fn enter(&self, channel: &str, info: &ClientInfo, announce: bool) -> Result<(), BackendError> {
        let permit = self.permit().await?;
        let mut state = self.state();
        let channel: Arc<str> = Arc::from(channel);
        let present = state.presence.entry(Arc::clone(&channel)).or_default();
        if present.insert(info.client.clone(), info.clone()).is_none() && announce {
            permit.send(Delivery::Join { channel, info: info.clone() });
        }
        Ok(())
    }

    /// See [`super::Backend::leave`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Stopped`].
    pub async fn leave(&self, channel: &str, info: &ClientInfo, announce: bool) -> Result<(), BackendError> {
        let permit = self.permit().await?;
        let mut state = self.state();
        let channel: Arc<str> = Arc::from(channel);
        let Some(present) = state.presence.get_mut(&channel) else { return Ok(()) };
        let was_there = present.remove(&info.client).is_some();
        if present.is_empty() {
            state.presence.remove(&channel);
        }
        if was_there && announce {
            permit.send(Delivery::Leave { channel, info: info.clone() });
        }
        Ok(())
    }

    /// See [`super::Backend::presence`].
    pub fn presence(&self, channel: &str) -> Vec<ClientInfo> {
        self.state()
            .presence
            .get(channel)
            .map_or_else(Vec::new, |present| present.values().cloned().collect())
    }

    /// See [`super::Backend::sweep`].
    pub fn sweep(&self) {
        let now = Instant::now();
        self.state().streams.retain(|_, stream| now < stream.expires);
    }
}

impl Stream {
    fn new() -> Self {
        Self {
            epoch: format!("{:08x}", fastrand::u32(..)),
            offset: 0,
            kept: VecDeque::new(),
            bytes: 0,
            expires: Instant::now(),
        }
    }

    fn position(&self) -> StreamPosition {
        StreamPosition { offset: self.offset, epoch: self.epoch.clone() }
    }

    fn append(&mut self, publication: &mut Publication, options: StreamOptions) -> StreamPosition {
        let now = Instant::now();
        self.offset += 1;
        publication.offset = self.offset;
        let bytes = publication.data.as_ref().map_or(0, |data| data.get().len());
        self.kept.push_back(Kept { publication: publication.clone(), bytes, at: now });
        self.bytes += bytes;
        self.expires = now + options.ttl;
        self.trim(options);
        self.position()
    }

    fn trim(&mut self, options: StreamOptions) {
        let now = Instant::now();
        while let Some(oldest) = self.kept.front() {
            let expired = oldest.at + options.ttl <= now;
            if !expired && self.kept.len() <= options.size && self.bytes <= HISTORY_BYTES_MAX {
                break;
            }
            self.bytes -= oldest.bytes;
            self.kept.pop_front();
        }
    }

    fn page(&self, filter: &HistoryFilter) -> HistoryPage {
        let limit = filter.limit.unwrap_or(usize::MAX);
        let wanted = |kept: &&Kept| match (filter.since, filter.reverse) {
            (None, _) => true,
            (Some(since), false) => since < kept.publication.offset,
            (Some(since), true) => kept.publication.offset < since,
        };
        let publication = |kept: &Kept| kept.publication.clone();
        let publications = if filter.reverse {
            self.kept.iter().rev().filter(wanted).take(limit).map(publication).collect()
        } else {
            self.kept.iter().filter(wanted).take(limit).map(publication).collect()
        };
        HistoryPage { publications, position: self.position() }
    }
}
