use std::collections::BTreeSet;

use super::*;

fn own(text: &str, rules: &str) -> Result<Suite, SuiteError> {
    Suite::parse("a.test.toml", text, &|name| Ok((name.to_owned(), rules.to_owned())))
}

fn promtool(text: &str, rules: &str) -> Result<Suite, SuiteError> {
    Suite::parse("a.test.yml", text, &|name| Ok((name.to_owned(), rules.to_owned())))
}

const RULES: &str = "[[rule]]\nname = 'Hot'\nexpr = 'celsius'\nabove = { warning = 80, critical = 95 }\nfor = '2m'\n\
                     summary = '{{ labels.room }} has {{ value }}'\n";

#[test]
fn what_differs_is_shown() {
    let test = "rules = ['r.toml']\nevaluation_interval = '1m'\n[[test]]\nname = 'oven'\n\
                series = { 'celsius{room=\"a\"}' = '20+20x10' }\n\
                [[test.expect]]\nat = '4m'\nrule = 'Hot'\nalerts = [{ labels = { room = 'a' }, state = 'pending' }, { severity = 'critical', labels = { room = 'a' }, state = 'pending' }]\n\
                [[test.expect]]\nat = '6m'\nalerts = [{ labels = { room = 'b' } }, { severity = 'critical', labels = { room = 'a' }, summary = 'x' }]\n";
    let report = own(test, RULES).unwrap().run();
    assert_eq!((report.tests, report.checks), (1, 2));
    assert_eq!(
        report.failures,
        [
            "a.test.toml:10: oven: all rules at 6m\n  - {room=\"b\", severity=\"warning\"}\n    {room=\"a\", severity=\"critical\"}\n  -   summary = \"x\"\n  +   summary = \"a has 140\"\n  + {room=\"a\", severity=\"warning\"}\n"
        ]
    );
}

#[test]
fn a_wrong_test_file_says_where() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let error = own(text, RULES).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let test = "[[test]]\nname = 'a'\n";
    check(test, "a.test.toml:1:1: a test without");
    check(&format!("{test}series = {{ a = 'x' }}\n[[test.expect]]\nat = '1m'"), "3:16: `a` is no series");
    check(
        &format!("{test}[[test.expect]]\nat = '1m'\nrule = 'Hott'"),
        "3: there is no rule `Hott`, did you mean `Hot`?",
    );
    check(&format!("{test}[[test.expect]]\n"), "3:1: `at` is missing");
    check(&format!("{test}[[test.expect]]\nat = '365d'"), "choose another interval");
    check("evaluation_interval = '0s'", "must be above zero");
}

#[test]
fn promtools_form_is_read() {
    let rules = "groups:\n  - name: g\n    rules:\n      - record: room:celsius:max\n        expr: max by (room) (celsius)\n\
                 \x20     - alert: Hot\n        expr: room:celsius:max > 80\n        for: 2m\n        labels:\n          severity: page\n\
                 \x20       annotations:\n          summary: '{{ $labels.room }} has {{ printf \"%.1f\" $value }}'\n\
                 \x20     - alert: Always\n        expr: 1\n";
    let test = "rule_files:\n  - r.yml\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n\
                \x20     - series: 'celsius{room=\"a\", at=\"1\"}'\n        values: '20+20x20'\n\
                \x20   alert_rule_test:\n      - eval_time: 5m\n        alertname: Hot\n\
                \x20     - eval_time: 6m\n        alertname: Hot\n        exp_alerts:\n\
                \x20         - exp_labels: {severity: page, room: a}\n            exp_annotations: {summary: a has 140.0}\n\
                \x20     - eval_time: 0\n        alertname: Always\n        exp_alerts: [{}]\n\
                \x20   promql_expr_test:\n      - expr: count by (alertstate) (ALERTS)\n        eval_time: 4m\n        exp_samples:\n\
                \x20         - labels: '{alertstate=\"pending\"}'\n            value: 1\n          - labels: '{alertstate=\"firing\"}'\n            value: 1\n";
    let suite = promtool(test, rules).unwrap();
    assert_eq!(suite.run().failures, Vec::<String>::new());
    let wrong = test.replace("140.0", "141.0").replace("eval_time: 5m", "eval_time: 7m");
    let failures = promtool(&wrong, rules).unwrap().run().failures;
    assert_eq!(failures.len(), 2, "{failures:#?}");
    assert!(failures[0].starts_with("a.test.yml:12: test 1: `Hot` at 6m\n"), "{failures:#?}");
}

#[test]
fn recording_rules_are_read_by_those_after_them() {
    let rules = "[[rule]]\nname = 'Busy'\nexpr = 'job:load:max > 5'\n\
                 [[record]]\nname = 'job:load:max'\nexpr = 'max by (job) (host:load:avg)'\n\
                 [[record]]\nname = 'host:load:avg'\nexpr = 'avg by (job, host) (load)'\n";
    let test = "rules = ['r.toml']\nevaluation_interval = '1s'\n[[test]]\nname = 't'\ninterval = '1s'\n[test.series]\n\
                'load{job=\"j\",host=\"a\",core=\"1\"}' = '4 8'\n'load{job=\"j\",host=\"a\",core=\"2\"}' = '4 6'\n\
                [[test.expect]]\nat = '0s'\nrule = 'Busy'\nalerts = []\n\
                [[test.expect]]\nat = '1s'\nrule = 'Busy'\n[[test.expect.alerts]]\nlabels = { job = 'j' }\n";
    let suite = Suite::parse("a.test.toml", test, &|name| Ok((name.to_owned(), rules.to_owned()))).unwrap();
    assert_eq!(suite.run().failures, Vec::<String>::new());
}

#[test]
fn wrong_yaml_says_where() {
    #[track_caller]
    fn check(text: &str, rules: &str, expected: &str) {
        let error = promtool(text, rules).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    check("tests: 3", "", "a.test.yml:1:8: ");
    check("tests:\n  - nope: 3", "", "a.test.yml:2:5: ");
    check("evaluation_interval: x", "", "a.test.yml:1: `x` is not a duration");
    check(
        "rule_files: [r.yml]",
        "groups:\n  - name: a\n    rules:\n      - alert: A\n        expr: sum(",
        "r.yml:5: ",
    );
}

#[test]
fn each_rule_that_is_shipped_has_a_test_that_it_fires() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let suite = Suite::read(&folder.join("tests/alerts.test.toml")).unwrap();
    let report = suite.run();
    assert_eq!(report.failures, Vec::<String>::new());
    let tested: BTreeSet<&str> = suite.tested().into_iter().collect();
    let rules = crate::rules::read(folder, None).unwrap().rules;
    assert!(25 <= rules.len());
    for rule in &rules {
        assert!(tested.contains(rule.name.as_str()), "{} has no test", rule.name);
        assert!(!rule.summary.is_empty() && !rule.description.is_empty(), "{}", rule.name);
        for (_, text) in rule.explain() {
            crate::query::Plan::parse(&text).unwrap();
        }
    }
}
