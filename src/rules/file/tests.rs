use super::*;
use crate::rules::{Level, Severity};

const RULE: &str = "[[rule]]\nname = 'a'\n";

#[track_caller]
fn good(keys: &str) -> Rule {
    let text = format!("{RULE}{keys}");
    parse("alerts.toml", &text, Some(&["host".to_owned()])).unwrap().rules.remove(0)
}

#[track_caller]
fn check_levels(keys: &str, expected: &[(Severity, &str)]) {
    let found = good(keys).explain();
    let found: Vec<(Severity, &str)> =
        found.iter().map(|(severity, text)| (*severity, text.as_str())).collect();
    assert_eq!(found, expected);
    for (_, text) in found {
        crate::query::Plan::parse(text).unwrap();
    }
}

#[track_caller]
fn bad(text: &str, expected: &[&str]) {
    let problems = parse("alerts.toml", text, Some(&["host".to_owned()])).err().unwrap_or_default();
    let lines: Vec<String> = problems.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(&format!("alerts.toml:{expected}")), "{line} is not {expected}");
    }
}

#[track_caller]
fn bad_keys(keys: &str, expected: &[&str]) {
    bad(&format!("{RULE}{keys}"), expected);
}

#[test]
fn both_forms_become_one() {
    use Severity::{Critical, Warning};
    check_levels("expr = 'node_load1 > 8'\nseverity = 'critical'", &[(Critical, "node_load1 > 8")]);
    check_levels(
        "metric = 'node_load1'\nabove = { warning = 80, critical = 95 }",
        &[(Warning, "node_load1 > 80"), (Critical, "node_load1 > 95")],
    );
    check_levels(
        "metric = 'm'\nwhere = { a = 'x\"y', b = '' }\nbelow = 1.5",
        &[(Warning, "m{a=\"x\\\"y\",b=\"\"} < 1.5")],
    );
    check_levels(
        "metric = 'my.metric'\nwhere = 'a=~\"b.*\"'\noutside = [1, 5]",
        &[(Warning, "{__name__=\"my.metric\",a=~\"b.*\"} < 1 or {__name__=\"my.metric\",a=~\"b.*\"} > 5")],
    );
    check_levels("expr = 'a or b'\nabove = { critical = 3 }", &[(Critical, "(a or b) > 3")]);
    check_levels("expr = 'absent(a)'", &[(Warning, "absent(a)")]);
}

#[test]
fn all_keys_are_read() {
    let rule = good(
        "expr = 'a'\nabove = { warning = 80, critical = 95 }\nclear_below = { warning = 70 }\nfor = '5m'\n\
         keep_firing_for = '1m'\non_no_data = 'alert'\nlabels = { team = 'x' }\nsummary = '{{ value }}'\n\
         description = 'd'\nrunbook = 'https://example.org/a'\nrooms = ['host']\nunit = '%'\n\n# the next\n",
    );
    let level = |severity, limit, clear| Level { severity, condition: Condition::Above { limit, clear } };
    assert_eq!(
        rule.levels,
        [level(Severity::Warning, 80.0, Some(70.0)), level(Severity::Critical, 95.0, None)]
    );
    assert_eq!((rule.for_ms, rule.keep_firing_ms, rule.on_no_data), (300_000, 60_000, OnNoData::Alert));
    assert_eq!(
        (rule.unit.as_str(), rule.rooms.as_slice(), rule.line),
        ("%", ["host".to_owned()].as_slice(), 1)
    );
    assert!(rule.text.starts_with("[[rule]]\nname") && rule.text.ends_with("unit = '%'"), "{}", rule.text);
}

#[test]
fn a_rule_has_its_own_text() {
    let text = "# first\n[[rule]]\nname = 'a'\nexpr = 'b'\n\n# second\n[[rule]]\nname = 'c'\n[rule.labels]\nx = 'y'\n[rule.above]\nwarning = 1\n";
    let text = text.replace("name = 'c'", "name = 'c'\nexpr = 'd'");
    let rules = parse("a", &text, None).unwrap().rules;
    assert_eq!((rules[0].text.as_str(), rules[0].line), ("[[rule]]\nname = 'a'\nexpr = 'b'", 2));
    assert_eq!(rules[1].line, 7);
    assert!(rules[1].text.ends_with("warning = 1"), "{}", rules[1].text);
    let rules = parse("a", "rule = [{name='a', expr='b'}, {name='c', expr='d'}]", None).unwrap().rules;
    assert_eq!(rules[1].text, "{name='c', expr='d'}");
}

#[test]
fn every_problem_has_its_place() {
    bad(
        "[[rule]]\nname = 'a'\nexpr = 'sum('\nseverity = 'bad'\nfro = '5m'\n",
        &["3:12: the expression", "4:12: no severity", "5:1: unknown key `fro`"],
    );
    bad("[[rule]]\nexpr = 'a'\n", &["1:1: `name` is missing"]);
    bad(&format!("{RULE}expr = 'a'\n{RULE}expr = 'a'"), &["5:8: a second rule"]);
    bad_keys("", &["1:1: a rule needs `expr` or `metric`"]);
    bad_keys("expr = 'a'\nmetric = 'b'\nabove = 1", &["4:10: a rule has either"]);
    bad_keys("metric = 'b'", &["3:10: a rule with `metric` needs"]);
    bad_keys("metric = 'rate(b[5m])'\nabove = 1", &["3:10: `rate(b[5m])` is no metric's name"]);
    bad_keys("metric = 'b'\nwhere = 'a=b'\nabove = 1", &["4:12: the expression"]);
    bad_keys("expr = 'b'\nwhere = 'a=\"b\"'\nabove = 1", &["4:9: `where` goes with `metric`"]);
    bad_keys("expr = 'a[5m]'", &["3:8: the expression gives a range"]);
    bad_keys("expr = '\"a\"'\nabove = 1", &["3:8: the expression gives a text"]);
    bad_keys("expr = 'a > 3'\nabove = 1", &["3:8: the expression compares already"]);
    bad_keys("expr = 'a'\nsummary = '{{ valeu }}'", &["4:11: the template: nothing is called `valeu`"]);
    bad_keys("expr = 'a'\ndescription = '''x\n{{ value | humanise }}'''", &["5:1: the template"]);
    bad_keys("expr = 'a'\nrunbook = 'javascript:alert(1)'", &["4:11: `runbook` is an address"]);
    bad_keys("expr = 'a'\nrooms = ['hots']", &["4:10: there is no dashboard `hots`"]);
    bad_keys("expr = 'a'\nlabels = { severity = 'x', '1a' = 'y' }", &["4:23: `severity`", "4:35: `1a`"]);
    bad_keys("expr = 'a'\nlabels = { x = '{{ value | round }}' }", &["4:16: `x` names the value"]);
    bad_keys("expr = 'a'\nlabels = { x = '{{ $value }}' }", &["4:16: `x` names the value"]);
    bad_keys("expr = 'a'\non_no_data = 'keep'", &["4:14: without a limit"]);
    bad_keys("expr = 'a > 1'\non_no_data = 'kep'", &["4:14: `on_no_data` cannot"]);
}

#[test]
fn limits_must_make_sense() {
    bad_keys("expr = 'a'\nabove = 1\nbelow = 0", &["5:9: a rule has one of"]);
    bad_keys("expr = 'a'\nabove = { warning = 5, critical = 3 }", &["4:35: `critical` must be past"]);
    bad_keys("expr = 'a'\nbelow = { warning = 5, critical = 7 }", &["4:35: `critical` must be past"]);
    bad_keys("expr = 'a'\nabove = {}", &["4:9: `above` has neither"]);
    bad_keys("expr = 'a'\nabove = nan", &["4:9: a limit must be finite"]);
    bad_keys("expr = 'a'\nabove = { warn = 3 }", &["4:9: `above` has neither", "4:11: unknown key `warn`"]);
    bad_keys("expr = 'a'\noutside = [5, 1]", &["4:11: a range is two numbers"]);
    bad_keys("expr = 'a'\nabove = 5\nclear_below = 6", &["5:15: `clear_below` must be on the well side"]);
    bad_keys("expr = 'a'\nabove = 5\nclear_above = 6", &["5:15: `clear_above` goes with `below`"]);
    bad_keys(
        "expr = 'a'\nabove = { warning = 5 }\nclear_below = { critical = 4 }",
        &["5:28: there is no limit"],
    );
    bad_keys(
        "expr = 'a'\nabove = { warning = 5 }\nseverity = 'critical'",
        &["5:12: `severity` is said twice"],
    );
    bad_keys(
        "expr = 'a'\nabove = { warning = 5, critical = 7 }\nseverity = 'critical'",
        &["5:12: `severity` is said twice"],
    );
    bad_keys("expr = 'a == 3'\nclear_below = 1", &["4:15: `clear_below` goes with"]);
}

/// Recording rules of a text, each with its id and rank.
#[track_caller]
fn check_order(text: &str, expected: &[(&str, usize)]) {
    let records = parse("alerts.toml", text, None).unwrap().records;
    let found: Vec<(&str, usize)> = records.iter().map(|one| (one.id.as_str(), one.rank)).collect();
    assert_eq!(found, expected);
}

#[test]
fn recording_rules_come_after_those_that_they_read() {
    check_order("", &[]);
    check_order(
        "[[record]]\nname = 'c'\nexpr = 'b + a'\n[[record]]\nname = 'b'\nexpr = 'sum(a)'\n\
         [[record]]\nname = 'a'\nexpr = 'm'\n[[record]]\nname = 'd'\nexpr = 'm'",
        &[("a", 0), ("d", 0), ("b", 1), ("c", 2)],
    );
    // Names and labels that are set tell them apart, whatever else there is.
    check_order(
        "[[record]]\nname = 'a'\nexpr = 'a{of=\"part\"}'\nlabels = { of = 'all' }\n\
         [[record]]\nname = 'a'\nexpr = '{__name__=~\"m.*\", x=\"1\"}'\nlabels = { of = 'part' }",
        &[("a{of=\"part\"}", 0), ("a{of=\"all\"}", 1)],
    );
    let text = "[[record]]\nname = 'a:b'\nexpr = 'rate(m[1m])'\ninterval = '15s'\nlabels = { x = 'y' }";
    let one = parse("alerts.toml", text, None).unwrap().records.remove(0);
    assert_eq!((one.name.as_str(), one.step, one.line, one.value.text()), ("a:b", 15_000, 1, "rate(m[1m])"));
    assert_eq!(one.labels, [("x".to_owned(), "y".to_owned())]);
}

#[test]
fn wrong_recording_rules_say_where() {
    let record = |keys: &str| format!("[[record]]\nname = 'a'\n{keys}");
    bad(&record("expr = 'a offset 1m'"), &["3:8: `a` reads what it writes"]);
    bad(&record("expr = '{x=\"1\"}'"), &["3:8: `a` reads what it writes"]);
    bad(
        &format!("{}\n[[record]]\nname = 'b'\nexpr = 'sum(a)'", record("expr = 'b'")),
        &["3:8: `a` reads `b`, which reads `a`: each would have to be evaluated before the other"],
    );
    bad(&record("expr = 'sum(m'"), &["3:12: "]);
    bad(&record("expr = '\"text\"'"), &["3:8: the expression gives a text, which cannot be recorded"]);
    bad("[[record]]\nexpr = 'm'", &["1:1: "]);
    bad("[[record]]\nname = 'a b'\nexpr = 'm'", &["2:8: `a b` is no metric's name"]);
    bad(&record("expr = 'm'\ninterval = '1500ms'"), &["4:1: `interval` is whole seconds, from 1s to 5m"]);
    bad(&record("expr = 'm'\ninterval = '6m'"), &["4:1: `interval` is whole seconds, from 1s to 5m"]);
    bad(&record("expr = 'm'\nlabels = { __x = '1' }"), &["4:"]);
    bad(&record("expr = 'm'\nabove = 5"), &["4:"]);
    bad(&record(&format!("expr = 'm'\n{}", record("expr = 'n'"))), &["5:8: a second recording rule for `a`"]);
    let many: String =
        (0..=RECORDS_MAX).map(|n| format!("[[record]]\nname = 'a{n}'\nexpr = 'm'\n")).collect();
    bad(&many, &["1:1: 501 recording rules, at most 500"]);
    let labels: String = (0..=LABELS_MAX).map(|n| format!("l{n} = 'x', ")).collect();
    bad(&record(&format!("expr = 'm'\nlabels = {{ {} }}", labels.trim_end_matches(", "))), &["1:"]);
}
