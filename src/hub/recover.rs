//! What a client missed while it was away.

use super::refusal::{Stop, internal};
use super::{shard::Wants, subscribe::Joining};
use crate::backend::{Backend, HistoryFilter, StreamPosition};
use crate::wire::Shape;
use crate::wire::cast::shaped;
use crate::wire::centrifugo::{Protocol, Publication};

/// Bytes of what is recovered at once: a reply must find its room among those that wait for a reader.
const BYTES_MAX: usize = 1 << 20;
/// Publications among which the newest that a client wants is looked for.
const NEWEST_AMONG: usize = 300;

/// What was found.
#[derive(Debug)]
pub(super) struct Recovered {
    /// Where the stream stands.
    pub(super) position: StreamPosition,
    /// What the client missed, oldest first.
    pub(super) publications: Vec<Publication>,
    /// Whether that is all that it missed.
    pub(super) is_whole: bool,
}

/// All that a client missed, or only where the stream stands when it does not recover or too much was missed.
///
/// # Errors
///
/// When the backend cannot be read.
pub(super) async fn missed(
    backend: &Backend,
    joining: &Joining,
    recovers: bool,
    limit: usize,
) -> Result<Recovered, Stop> {
    let Joining { request, channel, rules, .. } = joining;
    let filter = if recovers {
        HistoryFilter { since: Some(request.offset), limit: Some(limit), reverse: false }
    } else {
        HistoryFilter { limit: Some(0), ..HistoryFilter::default() }
    };
    let page = backend.history(channel, &filter, rules.stream).await.map_err(internal)?;
    let next = page.publications.first().map_or(page.position.offset + 1, |first| first.offset);
    let all = next + page.publications.len() as u64 == page.position.offset + 1;
    let fits = page.publications.iter().map(Publication::bytes).sum::<usize>() <= BYTES_MAX;
    let is_of_epoch = request.epoch.is_empty() || request.epoch == page.position.epoch;
    let is_whole = recovers && request.offset.saturating_add(1) == next && all && fits && is_of_epoch;
    let publications = if is_whole { page.publications } else { Vec::new() };
    Ok(Recovered { position: page.position, publications, is_whole })
}

/// The newest publication, unless the client has it already.
///
/// # Errors
///
/// When the backend cannot be read.
pub(super) async fn newest(backend: &Backend, joining: &Joining) -> Result<Recovered, Stop> {
    let Joining { request, channel, rules, terms, .. } = joining;
    let limit = if terms.wants.filter.is_some() { NEWEST_AMONG } else { 1 };
    let filter = HistoryFilter { since: None, limit: Some(limit), reverse: true };
    let page = backend.history(channel, &filter, rules.stream).await.map_err(internal)?;
    let position = page.position;
    if 0 < request.offset && request.offset == position.offset && request.epoch == position.epoch {
        return Ok(Recovered { position, publications: Vec::new(), is_whole: true });
    }
    let newest = wanted(page.publications, &terms.wants).into_iter().next();
    let is_whole = newest.is_some();
    Ok(Recovered { position, publications: newest.into_iter().collect(), is_whole })
}

/// Those that a subscriber wants.
pub(super) fn wanted(publications: Vec<Publication>, wants: &Wants) -> Vec<Publication> {
    match &wants.filter {
        Some(filter) => publications.into_iter().filter(|one| filter.matches(&one.tags)).collect(),
        None => publications,
    }
}

/// The first whole, each other one as what changed since the one before; nothing if the protocol cannot tell one.
pub(super) fn differences(publications: &[Publication], protocol: Protocol) -> Option<Vec<Publication>> {
    let mut before = None;
    let mut told = Vec::with_capacity(publications.len());
    for publication in publications {
        let shape = if before.is_some() { Shape::Delta } else { Shape::Whole };
        told.push(shaped(publication, before, protocol, shape)?);
        before = Some(&publication.data);
    }
    Some(told)
}
