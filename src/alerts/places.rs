//! Where an alert is shown: the panels that read what its rule reads, and their rooms.

use std::{collections::BTreeMap, sync::Arc};

use super::index::metric;
use crate::dashboards::{Dashboard, Dashboards, Pushed};
use crate::model::{MatchOp, Matcher};
use crate::query::Plan;
use crate::rules::Rule;

/// Where a rule's alerts are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// The rooms whose time lines have them.
    pub(super) rooms: Vec<String>,
    /// The panels that read what the rule reads, by room.
    pub(super) panels: BTreeMap<String, Vec<String>>,
}

/// A rule, and where its alerts are shown.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) rule: Arc<Rule>,
    pub(super) places: Arc<Places>,
}

/// Finds where rules' alerts are shown. It knows again only when dashboards or pushed metrics have changed.
#[derive(Debug)]
pub(super) struct Map {
    dashboards: Dashboards,
    pushed: Pushed,
    /// The dashboards that were read, and how many metrics were pushed then; those only become more.
    seen: (Arc<Vec<Dashboard>>, usize),
    all: Vec<Dashboard>,
}

impl Map {
    pub(super) fn new(dashboards: Dashboards, pushed: Pushed) -> Self {
        Self { dashboards, pushed, seen: (Arc::default(), usize::MAX), all: Vec::new() }
    }

    /// Reads the dashboards again if they are others; tells whether they are.
    pub(super) fn refresh(&mut self) -> bool {
        let dashboards = self.dashboards.all();
        let pushed = self.pushed.len();
        if Arc::ptr_eq(&dashboards, &self.seen.0) && pushed == self.seen.1 {
            return false;
        }
        self.all = dashboards.iter().cloned().chain([self.pushed.dashboard()]).collect();
        self.seen = (dashboards, pushed);
        true
    }

    /// A rule with where its alerts are shown.
    pub(super) fn subject(&self, rule: Rule) -> Subject {
        let places = Arc::new(self.of(&rule));
        Subject { rule: Arc::new(rule), places }
    }

    /// Where the alerts of a rule are shown: in the rooms that it names, else in those whose panels read what it
    /// reads, else in the first.
    pub(super) fn of(&self, rule: &Rule) -> Places {
        let mut panels = BTreeMap::new();
        for dashboard in &self.all {
            let plans = |panel: &crate::dashboards::Panel| {
                let mut plans = panel.queries.iter().filter_map(|query| query.expr.plan.as_ref());
                plans.any(|plan| share_series(&rule.value, plan))
            };
            let ids: Vec<String> =
                dashboard.panels.iter().filter(|panel| plans(panel)).map(|panel| panel.id.clone()).collect();
            if !ids.is_empty() {
                panels.insert(dashboard.id.clone(), ids);
            }
        }
        let is_there = |room: &&String| self.all.iter().any(|dashboard| dashboard.id == **room);
        let mut rooms: Vec<String> = rule.rooms.iter().filter(is_there).cloned().collect();
        if rooms.is_empty() {
            rooms = panels.keys().cloned().collect();
        }
        if rooms.is_empty() {
            rooms.extend(self.all.first().map(|dashboard| dashboard.id.clone()));
        }
        Places { rooms, panels }
    }
}

/// Whether two expressions can read one and the same series.
fn share_series(a: &Plan, b: &Plan) -> bool {
    let theirs = b.selectors();
    a.selectors().into_iter().any(|ours| theirs.iter().any(|other| can_meet(ours, other)))
}

fn can_meet(a: &[Matcher], b: &[Matcher]) -> bool {
    // Without a metric's name a selector reads anything, which says nothing about a panel.
    (metric(a).is_some() || metric(b).is_some()) && allows(a, b) && allows(b, a)
}

/// Whether what `a` wants of labels, `b` lets through.
fn allows(a: &[Matcher], b: &[Matcher]) -> bool {
    a.iter()
        .filter(|one| one.op == MatchOp::Equal)
        .all(|one| b.iter().filter(|other| other.name == one.name).all(|other| other.matches(&one.value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(a: &str, b: &str, expected: bool) {
        let (a, b) = (Plan::parse(a).unwrap(), Plan::parse(b).unwrap());
        assert_eq!((share_series(&a, &b), share_series(&b, &a)), (expected, expected));
    }

    #[test]
    fn expressions_share_series_where_their_conditions_meet() {
        check(
            "rate(node_cpu_seconds_total{mode='iowait'}[1m])",
            "sum(rate(node_cpu_seconds_total[2s]))",
            true,
        );
        check("node_cpu_seconds_total{mode='iowait'}", "node_cpu_seconds_total{mode='idle'}", false);
        check("node_cpu_seconds_total{mode='iowait'}", "node_cpu_seconds_total{mode=~'io.*|user'}", true);
        check("node_load1", "node_load5", false);
        check("a / b", "b", true);
        check("{job='x'}", "{job='x'}", false);
        check("1", "a", false);
    }
}
