use std::sync::Arc;

use super::*;
use crate::alerts::places::Places;
use crate::alerts::silence::{Condition as Matched, Silence};
use crate::model::Person;
use crate::rules::{Machine, parse};

const RULES: &str = "[[rule]]\nname = 'Hot'\nmetric = 'celsius'\nabove = { warning = 80, critical = 95 }\n\
    [[rule]]\nname = 'Odd'\nexpr = 'odd == 1'\nfor = '10s'\n\
    [[rule]]\nname = 'Slow'\nmetric = 'celsius'\nabove = { warning = 80, critical = 95 }\nfor = '10s'\n\
    [[rule]]\nname = 'Wide'\nmetric = 'celsius'\nabove = { warning = 80, critical = 95 }\n\
    clear_below = { critical = 70 }\n\
    [[rule]]\nname = 'Kept'\nexpr = 'celsius > 80'\nkeep_firing_for = '1m'\n";

/// A board with the machines of [`RULES`], fed by hand.
struct Room {
    board: Board,
    rules: Vec<Subject>,
    machines: Vec<Machine>,
}

impl Room {
    fn new() -> Self {
        let places = Arc::new(Places { rooms: vec!["host".to_owned()], panels: BTreeMap::new() });
        let subject = |rule| Subject { rule: Arc::new(rule), places: Arc::clone(&places) };
        let rules: Vec<Subject> =
            parse("alerts.toml", RULES, None).unwrap().rules.into_iter().map(subject).collect();
        let machines = rules.iter().map(|_| Machine::new()).collect();
        Self { board: Board::default(), rules, machines }
    }

    /// One series of a rule has this value now, or none.
    fn step(&mut self, rule: usize, value: Option<f64>, now: i64) -> Changed {
        let result: Vec<_> =
            value.map(|value| (Labels::from_pairs([("core", "1")]), value)).into_iter().collect();
        let transitions = self.machines[rule].observe(&self.rules[rule].rule, &result, now).unwrap();
        let alerts = self.machines[rule].alerts();
        self.board.observed(&self.rules[rule], alerts, &transitions, now)
    }

    fn id(&self, severity: &str) -> String {
        let found = self.board.all().find(|(_, one)| one.alert.severity.name() == severity);
        found.map(|(id, _)| id.clone()).unwrap()
    }
}

/// What the time lines are told, as `state severity`.
fn told(changed: &Changed) -> Vec<String> {
    let word = |tell: &Tell| {
        let shape = serde_json::to_value(&tell.shape).unwrap();
        format!("{} {}", tell.target, shape["severity"].as_str().unwrap())
    };
    changed.tell.iter().map(word).collect()
}

#[test]
fn what_is_worse_speaks_alone() {
    let mut room = Room::new();
    assert_eq!(told(&room.step(0, Some(85.0), 1_000)), ["firing warning"]);
    // The critical one speaks, and the warning, which was told, stays on the board without a word.
    let worse = room.step(0, Some(96.0), 2_000);
    assert_eq!((told(&worse), worse.alerts.len()), (vec!["firing critical".to_owned()], 2), "pages see both");
    let warning = room.id("warning");
    assert!(room.board.get(&warning).unwrap().inhibited);
    // Both end at once.
    let mut ends = told(&room.step(0, Some(20.0), 3_000));
    ends.sort_unstable();
    assert_eq!(ends, ["resolved critical", "resolved warning"]);

    // A jump past both limits is one alert; the warning speaks when the critical one is over.
    let mut room = Room::new();
    assert_eq!(told(&room.step(0, Some(99.0), 1_000)), ["firing critical"]);
    let mut after = told(&room.step(0, Some(85.0), 2_000));
    after.sort_unstable();
    assert_eq!(after, ["firing warning", "resolved critical"]);
}

#[test]
fn the_end_of_what_is_outranked_is_told() {
    // The warning was told as pending; the critical one pends over it; both are cleared at once.
    let mut room = Room::new();
    assert_eq!(told(&room.step(2, Some(85.0), 1_000)), ["pending warning"]);
    assert_eq!(told(&room.step(2, Some(97.0), 2_000)), ["pending critical"]);
    let mut ends = told(&room.step(2, Some(50.0), 3_000));
    ends.sort_unstable();
    assert_eq!(ends, ["cleared critical", "cleared warning"]);

    // The warning resolves while the critical one is not clear yet.
    let mut room = Room::new();
    assert_eq!(told(&room.step(3, Some(85.0), 1_000)), ["firing warning"]);
    assert_eq!(told(&room.step(3, Some(97.0), 2_000)), ["firing critical"]);
    assert_eq!(told(&room.step(3, Some(75.0), 3_000)), ["resolved warning"]);
}

#[test]
fn timers_and_the_worst_value_are_remembered() {
    let mut room = Room::new();
    room.step(4, Some(85.0), 1_000);
    assert!(room.step(4, Some(90.0), 2_000).remember.is_empty(), "not each second");
    assert_eq!(room.step(4, Some(95.0), 6_000).remember.len(), 1);
    assert!(room.step(4, Some(85.0), 20_000).remember.is_empty(), "nothing is worse");
    assert_eq!(room.step(4, Some(20.0), 21_000).remember.len(), 1, "keep_firing_for runs from here");
    assert!(room.step(4, Some(20.0), 22_000).remember.is_empty());
}

#[test]
fn an_ack_is_of_one_life_of_an_alert() {
    let mut room = Room::new();
    room.step(0, Some(85.0), 100_000);
    let id = room.id("warning");
    let ack = |at| Some(Ack { by: Person::new("p", "Olena").unwrap(), at, reason: String::new() });
    // Of the time before, and of another node whose clock is two seconds behind.
    room.board.set_ack(&id, ack(90_000));
    assert!(room.board.ack(&id).is_none());
    room.board.set_ack(&id, ack(98_000));
    assert!(room.board.ack(&id).is_some());
}

#[test]
fn an_ack_falls_with_its_alert() {
    let mut room = Room::new();
    room.step(0, Some(85.0), 1_000);
    let id = room.id("warning");
    let by = Person::new("p", "Olena").unwrap();
    assert!(room.board.set_ack(&id, Some(Ack { by, at: 1_500, reason: String::new() })));
    let shape = |room: &Room| serde_json::to_value(room.board.shape(&id, 2_000).unwrap()).unwrap();
    assert_eq!(shape(&room)["ack"]["by"]["name"], "Olena");
    room.step(0, Some(20.0), 2_000);
    assert_eq!(shape(&room)["state"], "resolved");
    assert!(shape(&room)["ack"].is_null());
    assert!(!room.board.set_ack("0000000000000000", None), "there is no such alert");
}

#[test]
fn a_pending_alert_that_is_cleared_leaves_the_board() {
    let mut room = Room::new();
    assert_eq!(told(&room.step(1, Some(1.0), 1_000)), ["pending warning"]);
    let id = room.id("warning");
    let changed = room.step(1, Some(0.0), 2_000);
    assert_eq!(told(&changed), ["cleared warning"]);
    assert_eq!(changed.gone, [id]);
    assert!(changed.alerts.is_empty());
    let shape = serde_json::to_value(&changed.tell[0].shape).unwrap();
    assert_eq!((&shape["state"], &shape["resolved"]), (&"cleared".into(), &2_000.into()));
    assert!(room.board.all().next().is_none());
}

#[test]
fn a_silence_shows_on_the_alerts_that_it_holds_back() {
    let mut room = Room::new();
    room.step(0, Some(85.0), 1_000);
    let id = room.id("warning");
    let matched = Matched { name: "alertname".to_owned(), op: "=".to_owned(), value: "Hot".to_owned() };
    let silence = Silence {
        id: "s".to_owned(),
        matchers: vec![matched],
        start: 1_500,
        end: 3_000,
        by: Person::new("p", "Olena").unwrap(),
        reason: String::new(),
        ended: None,
    };
    room.board.set_silence("s", Some(silence.compiled(1_000).unwrap()));
    let silences = |room: &Room, now: i64| {
        let shape = serde_json::to_value(room.board.shape(&id, now).unwrap()).unwrap();
        shape["silences"].as_array().unwrap().len()
    };
    assert_eq!((silences(&room, 1_499), silences(&room, 1_500), silences(&room, 3_000)), (0, 1, 0));
    assert_eq!(room.board.passed(1_000, 1_499), Vec::<String>::new());
    assert_eq!(room.board.passed(1_499, 1_500), std::slice::from_ref(&id));
    assert_eq!(room.board.passed(2_999, 3_000), [id]);
    room.board.passed(3_000, 3_000 + super::super::silence::OVER_MS);
    assert!(room.board.silences().is_empty());
}
