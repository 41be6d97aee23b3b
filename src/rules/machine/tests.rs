use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::rules::{Severity, parse};

fn rule(keys: &str) -> Rule {
    parse("alerts.toml", &format!("[[rule]]\nname = 'R'\n{keys}"), None).unwrap().rules.remove(0)
}

fn series(name: &str) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("i", name)])
}

/// A machine that is fed by the second.
struct Run {
    rule: Rule,
    machine: Machine,
}

impl Run {
    fn new(keys: &str) -> Self {
        Self { rule: rule(keys), machine: Machine::new() }
    }

    /// What changes at a second, with the values of the series `a`, `b` and so on.
    #[track_caller]
    fn at(&mut self, second: i64, values: &[Option<f64>], expected: &str) {
        let named = ["a", "b", "c"].into_iter().zip(values);
        let result: Vec<(Labels, f64)> =
            named.filter_map(|(name, value)| Some((series(name), (*value)?))).collect();
        let transitions = self.machine.observe(&self.rule, &result, second * 1_000).unwrap();
        assert_eq!(said(&transitions), expected, "at {second}");
    }
}

fn said(transitions: &[Transition]) -> String {
    let mut words: Vec<String> = transitions
        .iter()
        .map(|Transition { change, alert }| {
            let name = alert.series.get("i").unwrap_or("-");
            let mark = if alert.severity == Severity::Critical { "!" } else { "" };
            let no_data = if alert.no_data { "?" } else { "" };
            format!("{change:?} {name}{mark} {}{no_data}", alert.value)
        })
        .collect();
    words.sort();
    words.join(", ")
}

#[test]
fn an_alert_waits_fires_and_is_over() {
    let mut run = Run::new("expr = 'm > 5'\nfor = '10s'\nsummary = '{{ value }} on {{ labels.i }}'");
    run.at(0, &[Some(5.0), Some(9.0)], "Pending b 9");
    assert_eq!(run.machine.wake_ms(&run.rule), Some(10_000));
    run.at(9, &[Some(7.0), Some(8.0)], "Pending a 7");
    run.at(10, &[Some(1.0), Some(12.0)], "Cleared a 1, Fired b 12");
    let alert = run.machine.alerts().next().unwrap();
    assert_eq!(alert.labels.to_string(), r#"{alertname="R", i="b", severity="warning"}"#);
    assert_eq!((alert.summary.as_str(), alert.since, alert.fired), ("12 on b", 0, Some(10_000)));
    assert_eq!(alert.fingerprint, alert.labels.fingerprint());
    run.at(20, &[None, Some(2.5)], "Resolved b 2.5");
    let alert = run.machine.alerts().next().unwrap();
    assert_eq!((alert.extreme, alert.no_data), (Extreme { value: 12.0, at: 10_000 }, false));
    assert_eq!(alert.summary, "12 on b", "it tells of the time when it stood");
    run.at(920, &[], "");
    assert_eq!(run.machine.alerts().count(), 1, "for 15 minutes");
    run.at(921, &[], "");
    assert_eq!((run.machine.alerts().count(), run.machine.wake_ms(&run.rule)), (0, None));
}

#[test]
fn without_for_it_fires_at_once() {
    let mut run = Run::new("expr = 'm < 5'");
    run.at(0, &[Some(4.0)], "Fired a 4");
    run.at(1, &[Some(3.0)], "");
    run.at(2, &[Some(f64::NAN)], "Resolved a NaN");
    run.at(3, &[Some(2.0)], "Fired a 2");
    assert_eq!(run.machine.alerts().next().unwrap().since, 3_000, "it is a new one");
}

#[test]
fn severities_are_alerts_of_their_own() {
    let mut run =
        Run::new("expr = 'm'\nabove = { warning = 80, critical = 95 }\nclear_below = { warning = 70 }");
    run.at(0, &[Some(96.0)], "Fired a 96, Fired a! 96");
    run.at(1, &[Some(90.0)], "Resolved a! 90");
    run.at(2, &[Some(70.0)], "");
    run.at(3, &[Some(69.9)], "Resolved a 69.9");
    run.at(4, &[Some(75.0)], "");
}

#[test]
fn it_clears_inside_of_a_range() {
    let mut run = Run::new("expr = 'm'\noutside = [10, 60]\nclear_above = 15\nclear_below = 55");
    run.at(0, &[Some(9.0), Some(61.0)], "Fired a 9, Fired b 61");
    run.at(1, &[Some(14.0), Some(56.0)], "");
    run.at(2, &[Some(16.0), Some(54.0)], "Resolved a 16, Resolved b 54");
}

#[test]
fn it_is_kept_firing() {
    let mut run = Run::new("expr = 'm > 5'\nkeep_firing_for = '10s'");
    run.at(0, &[Some(9.0)], "Fired a 9");
    run.at(1, &[Some(1.0)], "");
    assert_eq!(run.machine.wake_ms(&run.rule), Some(11_000));
    run.at(5, &[Some(9.0)], "");
    run.at(6, &[Some(1.0)], "");
    run.at(15, &[Some(1.5)], "");
    run.at(16, &[Some(1.5)], "Resolved a 1.5");
}

#[test]
fn no_data_is_what_the_rule_says() {
    let mut resolve = Run::new("expr = 'm > 5'");
    resolve.at(0, &[Some(9.0)], "Fired a 9");
    resolve.at(1, &[], "Resolved a 9?");
    let mut keep = Run::new("expr = 'm > 5'\non_no_data = 'keep'");
    keep.at(0, &[Some(9.0), Some(1.0)], "Fired a 9");
    keep.at(1, &[], "");
    assert!(keep.machine.alerts().all(|alert| alert.no_data));
    keep.at(2, &[Some(1.0)], "Resolved a 1");
}

#[test]
fn what_was_well_is_not_kept() {
    let mut run = Run::new("expr = 'm > 5'\nkeep_firing_for = '10s'\non_no_data = 'keep'");
    run.at(0, &[Some(9.0), Some(9.0)], "Fired a 9, Fired b 9");
    run.at(1, &[Some(1.0), Some(9.0)], "");
    run.at(5, &[], "");
    assert_eq!(run.machine.wake_ms(&run.rule), Some(11_000), "a stays well, b as it was");
    run.at(11, &[], "Resolved a 1?");
    run.at(100, &[], "");
    run.at(101, &[None, Some(1.0)], "");
    run.at(111, &[], "Resolved b 1?");
}

#[test]
fn silence_itself_can_be_an_alert() {
    let keys = "expr = 'm'\nabove = { warning = 5, critical = 9 }\non_no_data = 'alert'\nfor = '2s'";
    let mut run = Run::new(keys);
    run.at(0, &[], "Pending - NaN?");
    run.at(1, &[Some(1.0), Some(10.0)], "Cleared - NaN?, Pending b 10, Pending b! 10");
    run.at(3, &[Some(1.0), Some(10.0)], "Fired b 10, Fired b! 10");
    run.at(4, &[], "Pending a NaN?");
    run.at(6, &[], "Fired a NaN?");
    run.at(7, &[Some(2.0), Some(3.0)], "Resolved a 2, Resolved b 3, Resolved b! 3");
}

#[test]
fn duplicates_leave_the_state() {
    let rule = rule("expr = 'm > 5'\nlabels = { i = 'same' }");
    let mut machine = Machine::new();
    machine.observe(&rule, &[(series("a"), 9.0), (series("b"), 1.0)], 0).unwrap();
    let before: Vec<Alert> = machine.alerts().cloned().collect();
    let error = machine.observe(&rule, &[(series("a"), 9.0), (series("b"), 9.0)], 1).unwrap_err();
    assert!(matches!(error, RuleError::Duplicate { .. }), "{error}");
    assert_eq!(machine.alerts().cloned().collect::<Vec<_>>(), before);
    let many: Vec<(Labels, f64)> = (0..=ALERTS_MAX).map(|i| (series(&i.to_string()), 9.0)).collect();
    let rule = self::rule("expr = 'm > 5'");
    assert_eq!(Machine::new().observe(&rule, &many, 0).unwrap_err(), RuleError::TooMany { count: 5_001 });
}

#[test]
fn of_those_that_are_over_the_oldest_go() {
    let rule = rule("expr = 'm > 5'");
    let mut machine = Machine::new();
    let past = |from: usize, to: usize| -> Vec<(Labels, f64)> {
        (from..to).map(|i| (series(&i.to_string()), 9.0)).collect()
    };
    machine.observe(&rule, &past(0, 3), 0).unwrap();
    machine.observe(&rule, &past(3, 3 + RESOLVED_MAX), 1_000).unwrap();
    assert_eq!(machine.alerts().count(), 3 + ALERTS_MAX);
    assert_eq!(machine.observe(&rule, &[], 2_000).unwrap().len(), RESOLVED_MAX);
    assert_eq!(machine.alerts().count(), RESOLVED_MAX);
    assert!(machine.alerts().all(|alert| alert.resolved == Some(2_000)), "the three of before went");
}

#[test]
fn another_version_of_the_rule_judges_again() {
    let mut run = Run::new("expr = 'm > 5'\nfor = '2s'");
    run.at(0, &[Some(9.0)], "Pending a 9");
    run.at(3, &[Some(9.0)], "Fired a 9");
    let longer = rule("expr = 'm > 5'\nfor = '10s'");
    let transitions = run.machine.reload(&run.rule, &longer, 4_000);
    let changes: Vec<Change> = transitions.iter().map(|one| one.change).collect();
    assert_eq!(changes, [Change::Resolved, Change::Pending]);
    run.rule = longer;
    run.at(9, &[Some(9.0)], "");
    run.at(10, &[Some(9.0)], "Fired a 9");
    let shorter = rule("expr = 'm > 5'\nfor = '1s'");
    assert!(run.machine.reload(&run.rule, &shorter, 11_000).is_empty());
    let other = rule("expr = 'm > 5'\nlabels = { team = 'x' }");
    assert_eq!(said(&run.machine.reload(&shorter, &other, 12_000)), "Resolved a 9");
    run.rule = other;
    run.at(13, &[Some(9.0)], "Fired a 9");
    let critical = rule("expr = 'm > 5'\nlabels = { team = 'x' }\nseverity = 'critical'");
    assert_eq!(said(&run.machine.reload(&run.rule, &critical, 14_000)), "Resolved a 9");
}

#[test]
fn a_restart_loses_nothing() {
    let mut run = Run::new("expr = 'm'\nabove = 5\nfor = '10s'\non_no_data = 'alert'");
    run.at(0, &[Some(9.0)], "Pending a 9");
    run.machine = Machine::restore(run.machine.alerts().cloned().collect());
    run.at(8, &[], "");
    run.at(10, &[Some(9.0)], "Fired a 9");
    run.machine = Machine::restore(run.machine.alerts().cloned().collect());
    run.rule = rule("expr = 'm'\nabove = 5\nfor = '30s'\non_no_data = 'alert'");
    run.at(11, &[Some(9.0)], "Pending a 9, Resolved a 9");
}

#[test]
fn a_clock_that_is_set_back_ends_nothing() {
    let mut run = Run::new("expr = 'm > 5'\nfor = '10s'");
    run.at(100, &[Some(9.0)], "Pending a 9");
    run.at(20, &[Some(9.0)], "");
    run.at(30, &[Some(9.0)], "Fired a 9");
    run.at(5, &[Some(9.0)], "");
}

fn values() -> impl Strategy<Value = Vec<(i64, Vec<Option<f64>>)>> {
    let value = prop_oneof![
        6 => (0i32..=12).prop_map(|v| Some(f64::from(v))),
        1 => Just(None),
        1 => Just(Some(f64::NAN)),
    ];
    prop::collection::vec((1i64..8, prop::collection::vec(value, 3)), 1..60)
}

/// As written, since a NaN equals nothing.
fn written(machine: &Machine) -> Vec<String> {
    machine.alerts().map(Alert::write).collect()
}

proptest! {
    #[test]
    fn alerts_that_are_read_back_go_on(
        steps in values(),
        for_s in 0i64..20,
        keep_s in 0i64..10,
        no_data in prop_oneof![Just("keep"), Just("resolve")],
        restarts in prop::collection::vec(any::<bool>(), 60),
    ) {
        let rule = rule(&format!(
            "expr = 'm'\nabove = {{ warning = 5, critical = 8 }}\nclear_below = 4\nfor = '{for_s}s'\n\
             keep_firing_for = '{keep_s}s'\non_no_data = '{no_data}'\nsummary = '{{{{ value }}}}'\n\
             labels = {{ team = '{{{{ labels.i }}}} \u{e4}' }}"
        ));
        let (mut runs_on, mut restarted) = (Machine::new(), Machine::new());
        let mut now = 0;
        for ((step, values), restart) in steps.into_iter().zip(restarts) {
            now += step * 1_000;
            let named = ["a", "b", "c"].into_iter().zip(values);
            let result: Vec<_> = named.filter_map(|(name, value)| Some((series(name), value?))).collect();
            if restart {
                let texts = written(&restarted);
                let alerts: Vec<Alert> = texts.iter().filter_map(|text| Alert::read(text)).collect();
                prop_assert_eq!(alerts.len(), texts.len());
                restarted = Machine::restore(alerts);
            }
            let expected = runs_on.observe(&rule, &result, now).unwrap();
            let found = restarted.observe(&rule, &result, now).unwrap();
            let told = |all: &[Transition]| -> Vec<_> {
                all.iter().map(|one| (one.change, one.alert.write())).collect()
            };
            prop_assert_eq!(told(&found), told(&expected));
            prop_assert_eq!(written(&restarted), written(&runs_on));
            prop_assert_eq!(restarted.wake_ms(&rule), runs_on.wake_ms(&rule));
        }
    }

    #[test]
    fn alerts_keep_their_promises(
        steps in values(),
        for_s in 0i64..20,
        keep_s in 0i64..10,
        no_data in prop_oneof![Just("keep"), Just("resolve"), Just("alert")],
        restarts in prop::collection::vec(any::<bool>(), 60),
    ) {
        let rule = rule(&format!(
            "expr = 'm'\nabove = {{ warning = 5, critical = 8 }}\nclear_below = 4\nfor = '{for_s}s'\n\
             keep_firing_for = '{keep_s}s'\non_no_data = '{no_data}'"
        ));
        let mut machine = Machine::new();
        let mut open: HashMap<u64, (State, i64)> = HashMap::new();
        let mut now = 0;
        for ((step, values), restart) in steps.into_iter().zip(restarts) {
            now += step * 1_000;
            let named = ["a", "b", "c"].into_iter().zip(values);
            let result: Vec<_> = named.filter_map(|(name, value)| Some((series(name), value?))).collect();
            if restart {
                machine = Machine::restore(machine.alerts().cloned().collect());
            }
            for Transition { change, alert } in machine.observe(&rule, &result, now).unwrap() {
                let before = open.get(&alert.fingerprint).copied();
                match change {
                    Change::Pending => {
                        prop_assert_eq!(before, None);
                        prop_assert!(0 < for_s);
                        open.insert(alert.fingerprint, (State::Pending, now));
                    }
                    Change::Fired => {
                        let since = match before {
                            Some((State::Pending, since)) => since,
                            None => now,
                            other => return Err(TestCaseError::fail(format!("{other:?} fired"))),
                        };
                        prop_assert!(for_s * 1_000 <= now - since, "before `for`");
                        prop_assert_eq!(alert.since, since);
                        open.insert(alert.fingerprint, (State::Firing, since));
                    }
                    Change::Resolved => {
                        prop_assert_eq!(before.map(|(state, _)| state), Some(State::Firing));
                        open.remove(&alert.fingerprint);
                    }
                    Change::Cleared => {
                        prop_assert_eq!(before.map(|(state, _)| state), Some(State::Pending));
                        open.remove(&alert.fingerprint);
                    }
                }
            }
            let mut seen = HashSet::new();
            for alert in machine.alerts() {
                prop_assert!(seen.insert(alert.labels.clone()), "one identity twice");
                let expected = alert.is_active().then_some(alert.state);
                prop_assert_eq!(open.get(&alert.fingerprint).map(|(state, _)| *state), expected);
                let late = alert.state == State::Pending && for_s * 1_000 <= now - alert.since;
                prop_assert!(!late, "it should fire");
            }
        }
        let ends = machine.retire(now).len();
        prop_assert_eq!(ends, open.len());
        prop_assert!(machine.alerts().all(|alert| !alert.is_active()));
    }
}
