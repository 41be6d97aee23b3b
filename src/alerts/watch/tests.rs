use super::*;
use crate::alerts::board::Board;
use crate::dashboards::{Dashboards, Pushed};
use crate::model::{BatchSample, Sample, Source};
use crate::rules::{Change, parse};

fn map() -> Map {
    Map::new(Dashboards::default(), Pushed::default())
}

fn rules(text: &str) -> Vec<Rule> {
    parse("alerts.toml", text, None).unwrap().rules
}

fn batch(metric: &str) -> Batch {
    let labels = Labels::from_pairs([("__name__", metric), ("core", "1")]);
    let sample = BatchSample { labels, sample: Sample::new(1, 1.0) };
    Batch::new(Source::Pushed, None, vec![sample])
}

fn found(value: f64) -> Outcome {
    Ok(vec![(Labels::from_pairs([("core", "1")]), value)])
}

const TWO: &str = "[[rule]]\nname = 'Hot'\nexpr = 'celsius > 80'\nfor = '10s'\n\
    [[rule]]\nname = 'Full'\nexpr = 'bytes > 5'\n";

#[test]
fn a_rule_is_due_when_its_samples_come_and_each_second() {
    let mut watch = Watch::new(rules(TWO), BTreeMap::new(), &map(), 0);
    assert_eq!((watch.due(4_999), watch.due(5_000)), (vec![], vec![0, 1]), "nothing is missing before that");
    for at in [0, 1] {
        watch.observed(at, found(1.0), (0, 0));
    }
    assert_eq!(watch.due(999), Vec::<usize>::new());
    assert_eq!(watch.wake(500), 1_000);
    watch.touch(&batch("celsius"), 500);
    assert_eq!(watch.due(500), [0], "only what reads the metric");
    // After an evaluation of 3 ms it rests for 30.
    watch.observed(0, found(1.0), (500, 3));
    watch.touch(&batch("celsius"), 501);
    assert_eq!((watch.due(532), watch.due(533)), (vec![], vec![0]));
    assert_eq!(watch.due(1_000), [0, 1]);
}

#[test]
fn a_rule_is_due_when_its_alert_is_to_fire() {
    let mut watch = Watch::new(rules(TWO), BTreeMap::new(), &map(), 0);
    let (_, transitions, turned) = watch.observed(0, found(90.0), (200, 0)).unwrap();
    assert_eq!((transitions[0].change, turned), (Change::Pending, true));
    watch.observed(1, found(1.0), (200, 0));
    watch.observed(0, found(90.0), (9_900, 0));
    watch.observed(1, found(1.0), (9_900, 0));
    assert_eq!(watch.wake(9_900), 10_200, "not a second later, but when `for` is over");
    let (watched, transitions, _) = watch.observed(0, found(90.0), (10_200, 0)).unwrap();
    assert_eq!(transitions[0].change, Change::Fired);
    assert_eq!(watched.health.state, RuleState::Firing);
}

#[test]
fn a_clock_that_is_set_back_stops_no_rule() {
    let mut watch = Watch::new(rules(TWO), BTreeMap::new(), &map(), 10_000_000);
    for at in [0, 1] {
        watch.observed(at, found(1.0), (10_000_000, 3));
    }
    watch.touch(&batch("celsius"), 6_400_000);
    assert_eq!(watch.due(6_400_000), [0, 1]);
}

#[test]
fn an_error_leaves_the_alerts_and_is_said() {
    let mut watch = Watch::new(rules(TWO), BTreeMap::new(), &map(), 0);
    watch.observed(1, found(9.0), (0, 0));
    let (watched, transitions, turned) = watch.observed(1, Err("too much".to_owned()), (1_000, 0)).unwrap();
    assert!(transitions.is_empty() && turned);
    assert_eq!(watched.health.state, RuleState::Error);
    assert_eq!(watched.health.error.as_deref(), Some("too much"));
    assert_eq!(watched.machine.alerts().next().unwrap().state, State::Firing);
    let (watched, _, _) = watch.observed(1, Ok(Vec::new()), (2_000, 0)).unwrap();
    assert_eq!(watched.health.state, RuleState::NoData);
}

/// The alerts of a run that ended at 5,000 with both rules' alerts standing.
fn before(text: &str) -> BTreeMap<String, Vec<Alert>> {
    let mut watch = Watch::new(rules(text), BTreeMap::new(), &map(), 0);
    let mut alerts = BTreeMap::new();
    for at in [0, 1] {
        let (watched, _, _) = watch.observed(at, found(90.0), (0, 0)).unwrap();
        alerts.insert(watched.of.rule.name.clone(), watched.machine.alerts().cloned().collect());
    }
    alerts
}

#[test]
fn after_a_restart_alerts_wait_for_their_series() {
    let mut watch = Watch::new(rules(TWO), before(TWO), &map(), 6_000);
    // Nothing came back yet: the timers run on.
    let (_, transitions, _) = watch.observed(0, Ok(Vec::new()), (6_000, 0)).unwrap();
    assert!(transitions.is_empty());
    let (_, transitions, _) = watch.observed(0, Ok(Vec::new()), (10_000, 0)).unwrap();
    assert_eq!(transitions[0].change, Change::Fired);
    // The series is back, and well.
    let (_, transitions, _) = watch.observed(0, found(20.0), (11_000, 0)).unwrap();
    assert_eq!(transitions[0].change, Change::Resolved);
    // From then on its absence counts.
    watch.observed(0, found(90.0), (12_000, 0));
    let (_, transitions, _) = watch.observed(0, Ok(Vec::new()), (13_000, 0)).unwrap();
    assert_eq!(transitions[0].change, Change::Cleared);
    // One that never comes back ends.
    assert!(watch.observed(1, Ok(Vec::new()), (6_000 + RESTART_GRACE_MS - 1, 0)).unwrap().1.is_empty());
    let (_, transitions, _) = watch.observed(1, Ok(Vec::new()), (6_000 + RESTART_GRACE_MS, 0)).unwrap();
    assert_eq!(transitions[0].change, Change::Resolved);
}

#[test]
fn after_a_restart_an_expression_that_gives_nothing_counts_when_its_samples_came() {
    let text = "[[rule]]\nname = 'Apart'\nexpr = 'celsius > on (core) limit'\n\
        [[rule]]\nname = 'Full'\nexpr = 'bytes > 5'\n";
    let mut watch = Watch::new(rules(text), before(text), &map(), 6_000);
    assert!(watch.observed(0, Ok(Vec::new()), (60_000, 0)).unwrap().1.is_empty());
    watch.touch(&batch("celsius"), 61_000);
    assert!(watch.observed(0, Ok(Vec::new()), (61_000, 0)).unwrap().1.is_empty());
    let (_, transitions, _) = watch.observed(0, Ok(Vec::new()), (63_000, 0)).unwrap();
    assert_eq!(transitions[0].change, Change::Resolved);
}

#[test]
fn a_reload_keeps_what_is_unchanged() {
    let mut watch = Watch::new(rules(TWO), BTreeMap::new(), &map(), 0);
    watch.observed(0, found(90.0), (1_000, 0));
    watch.observed(1, found(90.0), (1_000, 0));
    let other = "[[rule]]\nname = 'New'\nexpr = 'a > 1'\n[[rule]]\nname = 'Hot'\nexpr = 'celsius > 80'\nfor = '10s'\n";
    let turned = watch.reload(rules(other), &map(), 2_000);
    let kept = turned.iter().find(|one| one.of.rule.name == "Hot").unwrap();
    assert!(kept.transitions.is_empty());
    assert_eq!(kept.alerts[0].since, 1_000, "its time runs on");
    let gone = turned.iter().find(|one| one.of.rule.name == "Full").unwrap();
    assert_eq!(gone.transitions[0].change, Change::Resolved);
    assert_eq!(watch.all().iter().map(|one| one.of.rule.name.as_str()).collect::<Vec<_>>(), ["New", "Hot"]);
    watch.touch(&batch("celsius"), 2_000);
    assert_eq!(watch.due(2_000), [0, 1]);
    // What is gone leaves the board, too.
    let mut board = Board::default();
    let step = board.observed(&gone.of, gone.alerts.iter(), &gone.transitions, 2_000);
    assert_eq!(step.tell.len(), 1);
}
