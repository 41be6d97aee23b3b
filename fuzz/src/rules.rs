//! `alerts.toml`.

use watchroom::model::Labels;
use watchroom::query::Plan;
use watchroom::rules::{LABELS_MAX, Machine, RECORDS_MAX, RULES_MAX, parse};

/// What is read has levels in order, expressions that can be read again, and alerts of their own.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let file = match parse("alerts.toml", text, None) {
        Ok(file) => file,
        Err(problems) => {
            assert!(!problems.0.is_empty());
            for problem in &problems.0 {
                let (line, column) = problem.place();
                assert!(0 < line && 0 < column && line <= text.split('\n').count());
            }
            return;
        }
    };
    assert!(file.rules.len() <= RULES_MAX && file.records.len() <= RECORDS_MAX);
    for (at, record) in file.records.iter().enumerate() {
        let before = &file.records[..at];
        assert!(record.reads.iter().all(|read| before.iter().any(|one| one.id == *read)));
        assert!(before.iter().all(|one| !one.may_read(record) && one.id != record.id));
    }
    for rule in &file.rules {
        assert!(!rule.levels.is_empty() && rule.levels.is_sorted_by(|a, b| a.severity < b.severity));
        assert!(rule.labels.len() <= LABELS_MAX && !rule.name.is_empty());
        assert!(text.contains(rule.text.lines().next().unwrap_or_default()));
        for (_, expression) in rule.explain() {
            // Brackets that are added may be those that are too many.
            if expression.len() < 1_000 && expression.matches('(').count() < 20 {
                Plan::parse(&expression).expect("an expression that was explained");
            }
        }
        let mut machine = Machine::new();
        for (now, value) in [(0, 1e9), (1_000, -1e9), (1_000_000_000_000, 50.0)] {
            let result = [(Labels::from_pairs([("instance", "a")]), value)];
            machine.observe(rule, &result, now).expect("one series is no two alerts");
            assert!(machine.alerts().all(|alert| alert.fingerprint == alert.labels.fingerprint()));
        }
    }
}
