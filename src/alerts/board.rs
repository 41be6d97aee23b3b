//! What stands now: alerts with who took care of them, what silences them, and what is worse than they are. Pure.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::{
    places::Subject,
    shape::{Ack, AlertShape, Around, id},
    silence::{Compiled, Silence},
};
use crate::backend::RecordKind;
use crate::model::Labels;
use crate::rules::{Alert, Change, Severity, State, Transition};

/// How far nodes' clocks may differ, ms.
const CLOCKS_MS: i64 = 5_000;
/// An extreme that changes all the time is remembered this often, ms.
const REMEMBER_MS: i64 = 5_000;

/// One alert on the board.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) of: Subject,
    pub(super) alert: Alert,
    /// Something worse of the same rule and series stands: this one tells nobody.
    pub(super) inhibited: bool,
    /// The rooms that were told of it, which are told of its end.
    pub(super) rooms: Vec<String>,
    /// When it was last handed out to be remembered, ms.
    remembered: i64,
}

impl Standing {
    /// Whether what is remembered of it would begin a timer anew, or lose the worst value of some seconds.
    fn is_to_be_remembered(&self, now: &Alert, now_ms: i64) -> bool {
        let extreme = |alert: &Alert| (alert.extreme.value.to_bits(), alert.extreme.at);
        let same = (self.alert.state, self.alert.since) == (now.state, now.since);
        same && (self.alert.quiet_since != now.quiet_since
            || (extreme(&self.alert) != extreme(now) && self.remembered + REMEMBER_MS <= now_ms))
    }
}

/// What is to be told of an alert, in the time lines.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tell {
    /// The alert's id.
    pub(super) id: String,
    /// What it became: `pending`, `firing`, `resolved` or `cleared`.
    pub(super) target: &'static str,
    /// The alert as it was then.
    pub(super) shape: AlertShape,
    /// The rooms that are told.
    pub(super) rooms: Vec<String>,
}

/// What a step of a rule changed.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Alerts that are others now, by id.
    pub(super) alerts: BTreeSet<String>,
    /// Alerts that are not there any more.
    pub(super) gone: Vec<String>,
    /// What the time lines are to say.
    pub(super) tell: Vec<Tell>,
    /// Alerts that stand as before, and whose timers or extremes are others.
    pub(super) remember: Vec<String>,
}

/// All alerts that stand or are just resolved, the silences, and the acknowledgements.
#[derive(Debug, Default)]
pub(super) struct Board {
    standing: BTreeMap<String, Standing>,
    /// The ids of each rule's alerts, by the rule's id.
    of_rules: BTreeMap<String, BTreeSet<String>>,
    silences: BTreeMap<String, Compiled>,
    acks: BTreeMap<String, Ack>,
}

impl Board {
    /// Takes over what a rule's machine holds after a step, with the transitions that led there.
    pub(super) fn observed<'a>(
        &mut self,
        of: &Subject,
        alerts: impl Iterator<Item = &'a Alert>,
        transitions: &[Transition],
        now_ms: i64,
    ) -> Changed {
        let mut changed = Changed::default();
        let mut own = BTreeSet::new();
        let mut is_new = false;
        for alert in alerts {
            let id = id(alert);
            let standing = match self.standing.remove(&id) {
                Some(before) => {
                    if before.is_to_be_remembered(alert, now_ms) {
                        changed.remember.push(id.clone());
                    }
                    Standing { of: of.clone(), alert: alert.clone(), ..before }
                }
                None => {
                    is_new = true;
                    Standing {
                        of: of.clone(),
                        alert: alert.clone(),
                        inhibited: false,
                        rooms: Vec::new(),
                        remembered: now_ms,
                    }
                }
            };
            self.standing.insert(id.clone(), standing);
            own.insert(id);
        }
        let before = self.of_rules.remove(&of.rule.id).unwrap_or_default();
        let gone: Vec<String> = before.difference(&own).cloned().collect();
        if !own.is_empty() {
            self.of_rules.insert(of.rule.id.clone(), own);
        }
        // Most evaluations only bring values, which change no rank.
        let (freed, outranked) = if is_new || !transitions.is_empty() {
            self.inhibit(&of.rule.id)
        } else {
            (Vec::new(), Vec::new())
        };
        for transition in transitions {
            let id = id(&transition.alert);
            let is_end = matches!(transition.change, Change::Resolved | Change::Cleared);
            if is_end {
                // It falls with the alert, here at once and for all nodes with the transition's commit.
                self.acks.remove(&id);
            }
            // Ends are told always: what never was told of has none in the log.
            if is_end || self.standing.get(&id).is_none_or(|standing| !standing.inhibited) {
                changed.tell.push(self.tell(of, transition, now_ms));
            }
            changed.alerts.insert(id);
        }
        changed.alerts.extend(outranked);
        for id in freed {
            if !changed.tell.iter().any(|told| told.id == id)
                && let Some(tell) = self.tell_now(&id, now_ms)
            {
                changed.tell.push(tell);
            }
            changed.alerts.insert(id);
        }
        for id in &changed.remember {
            if let Some(standing) = self.standing.get_mut(id) {
                standing.remembered = now_ms;
            }
        }
        for id in gone {
            self.standing.remove(&id);
            self.acks.remove(&id);
            changed.alerts.remove(&id);
            changed.gone.push(id);
        }
        changed
    }

    /// Marks what something worse of the same rule and series stands over; returns what is free again, and what is
    /// held back from now on.
    fn inhibit(&mut self, rule: &str) -> (Vec<String>, Vec<String>) {
        let ids = self.of_rules.get(rule);
        let mut over: FxHashMap<Labels, (Severity, State)> = FxHashMap::default();
        let own = ids.into_iter().flatten().filter_map(|id| self.standing.get(id));
        for Standing { alert, .. } in own.filter(|one| one.alert.is_active()) {
            let worst = over.entry(alert.series.clone()).or_insert((alert.severity, alert.state));
            if worst.0 < alert.severity {
                *worst = (alert.severity, alert.state);
            }
        }
        let (mut freed, mut outranked) = (Vec::new(), Vec::new());
        for id in ids.into_iter().flatten() {
            let Some(Standing { alert, inhibited, .. }) = self.standing.get_mut(id) else { continue };
            let was = *inhibited;
            *inhibited = over.get(&alert.series).is_some_and(|(severity, state)| {
                alert.severity < *severity && rank(alert.state) <= rank(*state)
            });
            if was && !*inhibited && alert.is_active() {
                freed.push(id.clone());
            }
            if !was && *inhibited {
                outranked.push(id.clone());
            }
        }
        (freed, outranked)
    }

    fn tell(&mut self, of: &Subject, transition: &Transition, now_ms: i64) -> Tell {
        let target = transition.change.name();
        let mut shape = self.shape_of(of, &transition.alert, false, now_ms);
        shape.state = target;
        if transition.change == Change::Cleared {
            shape.resolved = shape.resolved.or(Some(now_ms));
        }
        let id = id(&transition.alert);
        let mut rooms = of.places.rooms.clone();
        if let Some(standing) = self.standing.get_mut(&id) {
            rooms.extend(standing.rooms.iter().cloned());
            rooms.sort_unstable();
            rooms.dedup();
            standing.rooms.clone_from(&rooms);
        }
        Tell { id, target, shape, rooms }
    }

    /// What is to be told of an alert as it stands.
    fn tell_now(&mut self, id: &str, now_ms: i64) -> Option<Tell> {
        let Standing { of, alert, .. } = self.standing.get(id)?.clone();
        let change = match alert.state {
            State::Pending => Change::Pending,
            State::Firing => Change::Fired,
            State::Resolved => Change::Resolved,
        };
        Some(self.tell(&of, &Transition { change, alert }, now_ms))
    }

    fn shape_of(&self, of: &Subject, alert: &Alert, inhibited: bool, now_ms: i64) -> AlertShape {
        let held = self.silences.values().filter(|silence| silence.holds(&alert.labels, now_ms));
        let around = Around {
            ack: self.ack(&id(alert)),
            silences: held.map(|silence| silence.silence.id.clone()).collect(),
            inhibited,
        };
        AlertShape::of(of, alert, around)
    }

    /// One alert as pages read it.
    pub(super) fn shape(&self, id: &str, now_ms: i64) -> Option<AlertShape> {
        let Standing { of, alert, inhibited, .. } = self.standing.get(id)?;
        Some(self.shape_of(of, alert, *inhibited, now_ms))
    }

    /// The alerts as pages read them, at most so many, what fires first; and how many more there are.
    pub(super) fn shapes(&self, now_ms: i64, most: usize) -> (Vec<AlertShape>, usize) {
        let mut all: Vec<_> = self.standing.iter().collect();
        all.sort_by_key(|(_, one)| std::cmp::Reverse(rank(one.alert.state)));
        let more = all.len().saturating_sub(most);
        all.truncate(most);
        (all.into_iter().filter_map(|(id, _)| self.shape(id, now_ms)).collect(), more)
    }

    /// Every alert, by id.
    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &Standing)> {
        self.standing.iter()
    }

    /// One alert.
    pub(super) fn get(&self, id: &str) -> Option<&Standing> {
        self.standing.get(id)
    }

    /// Who took care of an alert: of this one, not of what stood under the same labels before.
    pub(super) fn ack(&self, id: &str) -> Option<&Ack> {
        let standing = self.standing.get(id)?;
        self.acks
            .get(id)
            .filter(|ack| standing.alert.is_active() && standing.alert.since - CLOCKS_MS <= ack.at)
    }

    /// The rooms that were told of an alert that stood when the process ended.
    pub(super) fn told(&mut self, id: &str, rooms: Vec<String>) {
        if let Some(standing) = self.standing.get_mut(id) {
            standing.rooms = rooms;
        }
    }

    /// Notes who took care of an alert, or that nobody does any more; tells whether that shows.
    pub(super) fn set_ack(&mut self, id: &str, ack: Option<Ack>) -> bool {
        match ack {
            Some(ack) => self.acks.insert(id.to_owned(), ack),
            None => self.acks.remove(id),
        };
        self.standing.contains_key(id)
    }

    /// Puts a silence in its place, or takes it away.
    pub(super) fn set_silence(&mut self, id: &str, silence: Option<Compiled>) {
        match silence {
            Some(silence) => self.silences.insert(id.to_owned(), silence),
            None => self.silences.remove(id),
        };
    }

    /// One silence.
    pub(super) fn silence(&self, id: &str) -> Option<&Silence> {
        self.silences.get(id).map(|compiled| &compiled.silence)
    }

    /// How many regular expressions the silences have.
    pub(super) fn regexes(&self) -> usize {
        self.silences.values().map(|one| one.silence.regexes()).sum()
    }

    /// How many silences are not over.
    pub(super) fn silences_ahead(&self, now_ms: i64) -> usize {
        self.silences.values().filter(|one| !one.silence.is_over(now_ms)).count()
    }

    /// All silences that pages are told of, by id.
    pub(super) fn silences(&self) -> Vec<&Silence> {
        self.silences.values().map(|compiled| &compiled.silence).collect()
    }

    /// The alerts that one of the silences holds back now.
    pub(super) fn held(&self, silence: &str, now_ms: i64) -> Vec<String> {
        self.silences.get(silence).map_or_else(Vec::new, |silence| self.held_by(silence, now_ms))
    }

    /// Puts all silences and acknowledgements in the place of those that are there, but for those to `keep`.
    pub(super) fn replace(
        &mut self,
        silences: BTreeMap<String, Compiled>,
        acks: BTreeMap<String, Ack>,
        keep: impl Fn(RecordKind, &str) -> bool,
    ) {
        self.silences.retain(|id, _| keep(RecordKind::Silence, id));
        self.silences.extend(silences);
        self.acks.retain(|id, _| keep(RecordKind::Ack, id));
        self.acks.extend(acks);
    }

    /// The alerts that a silence concerns.
    pub(super) fn held_by(&self, silence: &Compiled, now_ms: i64) -> Vec<String> {
        let held = self.standing.iter().filter(|(_, one)| silence.holds(&one.alert.labels, now_ms));
        held.map(|(id, _)| id.clone()).collect()
    }

    /// Silences that began or ended between two times, and forgets those that are long over. Returns the alerts that
    /// are held back or free since then.
    pub(super) fn passed(&mut self, before_ms: i64, now_ms: i64) -> Vec<String> {
        self.silences.retain(|_, silence| !silence.silence.is_past(now_ms));
        let turned: Vec<Compiled> = self
            .silences
            .values()
            .filter(|one| one.silence.is_active(before_ms) != one.silence.is_active(now_ms))
            .cloned()
            .collect();
        let mut ids: Vec<String> = turned
            .iter()
            .flat_map(|one| [before_ms, now_ms].map(|at| self.held_by(one, at)))
            .flatten()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

const fn rank(state: State) -> u8 {
    match state {
        State::Resolved => 0,
        State::Pending => 1,
        State::Firing => 2,
    }
}

#[cfg(test)]
mod tests;
