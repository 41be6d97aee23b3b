//! Bodies, and what becomes of them.

use proptest::prelude::*;

use super::*;
use crate::ingest::limits::PUSH_BODY_BYTES_MAX;

const NOW: i64 = 1_790_000_000_500;

/// The samples and refusals of a body, as lines.
#[track_caller]
fn check(body: &str, expected: &[&str]) {
    let pushed = parse_push(body.as_bytes(), NOW).unwrap();
    assert_eq!(pushed.lines(), expected, "{body}");
}

#[track_caller]
fn check_error(body: &str, expected: &str) {
    assert_eq!(parse_push(body.as_bytes(), NOW).unwrap_err().to_string(), expected);
}

#[track_caller]
fn check_refused(item: &str, reason: &str) {
    check(&format!("[{item}]"), &[&format!("item 0: {reason}")]);
}

#[test]
fn three_forms_are_taken() {
    let item = r#"{"metric":"a","labels":{"b":"c"},"value":1.5,"timestamp":1790000000000}"#;
    let line = r#"0 a{b="c", job="push"} 1.5 1790000000000"#;
    check(item, &[line]);
    check(&format!(" [{item}]"), &[line]);
    check(&format!(r#"{{"samples":[{item}]}}"#), &[line]);
    check("[]", &[]);
    check(r#"{"samples":[]}"#, &[]);
}

#[test]
fn a_histogram_stands_in_the_place_of_a_value() {
    let one =
        r#"{"metric":"h","histogram":"{{schema:0 count:3 sum:4 buckets:[1 2]}}","timestamp":1790000000000}"#;
    let line = r#"0 h{job="push"} {count:3, sum:4, (0.5,1]:1, (1,2]:2} 1790000000000"#;
    check(one, &[line]);
    check(&format!(r#"[{one},{{"metric":"a","value":1}}]"#), &[r#"1 a{job="push"} 1 1790000000500"#, line]);
    check_refused(
        r#"{"metric":"h","value":1,"histogram":{"schema":0,"count":1,"sum":1}}"#,
        "an item has either \"value\" or \"histogram\"",
    );
    check_refused(
        r#"{"metric":"h","histogram":{"schema":0,"sum":1}}"#,
        "\"histogram\": missing field `count`",
    );
    check_refused(
        r#"{"metric":"h","histogramm":1}"#,
        "unknown key \"histogramm\"; did you mean \"histogram\"?",
    );
}

#[test]
fn what_is_missing_has_a_default() {
    check(r#"{"metric":"a","value":1}"#, &[r#"0 a{job="push"} 1 1790000000500"#]);
    check(r#"{"value":-2e3,"labels":{"job":"x"},"metric":"a"}"#, &[r#"0 a{job="x"} -2000 1790000000500"#]);
    check(r#"{"metric":"a","value":"NaN"}"#, &[r#"0 a{job="push"} NaN 1790000000500"#]);
    check(r#"{"metric":"a","value":"-Inf"}"#, &[r#"0 a{job="push"} -inf 1790000000500"#]);
}

#[test]
fn a_wrong_item_does_not_spoil_the_rest() {
    check(
        r#"[{"metric":"a","value":1},7,{"metric":"b"},{"metric":"c","value":3}]"#,
        &[
            r#"0 a{job="push"} 1 1790000000500"#,
            r#"3 c{job="push"} 3 1790000000500"#,
            "item 1: an item must be an object",
            r#"item 2: "value" is missing"#,
        ],
    );
}

#[test]
fn each_refusal_says_what_to_do() {
    check_refused(r#"{"value":1}"#, r#""metric" is missing"#);
    check_refused(r#"{"metric":1,"value":1}"#, r#""metric" must be a string"#);
    check_refused(r#"{"metric":"","value":1}"#, "the metric's name is empty");
    check_refused(r#"{"metric":"a","metric":"b","value":1}"#, "the metric is named twice");
    check_refused(r#"{"metric":"a","value":1,"value":2}"#, r#"key "value" is given twice"#);
    check_refused(r#"{"metric":"a","value":true}"#, r#""value" must be a number"#);
    check_refused(r#"{"metric":"a","value":null}"#, r#""value" must be a number"#);
    check_refused(r#"{"metric":"a","value":1e999}"#, r#""value" is beyond the range of a float"#);
    check_refused(r#"{"metric":"a","value":"1"}"#, r#""value" as a string must be "NaN", "+Inf" or "-Inf""#);
    check_refused(r#"{"metric":"a","value":1,"labels":[]}"#, r#""labels" must be an object of strings"#);
    check_refused(
        r#"{"metric":"a","value":1,"labels":{"b":2}}"#,
        r#"the value of label "b" must be a string"#,
    );
    check_refused(
        r#"{"metric":"a","value":1,"timestamp":1.5}"#,
        r#""timestamp" must be whole milliseconds since 1970"#,
    );
    check_refused(
        r#"{"metric":"a","value":1,"timestamp":1790000000}"#,
        r#""timestamp" looks like seconds; it must be milliseconds"#,
    );
}

#[test]
fn an_unknown_key_names_its_neighbour() {
    check_refused(r#"{"metrc":"a"}"#, r#"unknown key "metrc"; did you mean "metric"?"#);
    check_refused(r#"{"Value":1}"#, r#"unknown key "Value"; did you mean "value"?"#);
    check_refused(r#"{"name":"a"}"#, r#"unknown key "name"; did you mean "metric"?"#);
    check_refused(
        r#"{"colour":1}"#,
        r#"unknown key "colour"; the keys are metric, labels, value, histogram, timestamp"#,
    );
}

#[test]
fn what_is_not_json_has_a_place() {
    check_error("[\n {]", "not JSON: key must be a string at line 2 column 3");
    check_error("", "not JSON: EOF while parsing a value at line 1 column 0");
    check_error("[] x", "not JSON: trailing characters at line 1 column 4");
    check_error("7", r#"expected an object, an array of objects, or {"samples": [...]}"#);
    check_error(r#"{"samples":7}"#, r#""samples" must be an array"#);
    check_error(r#"{"samples":[],"job":"x"}"#, r#"unknown key "job" beside "samples""#);
    assert!(matches!(parse_push(b"[\"\xff\"]", NOW), Err(PushError::NotJson { line: 1, .. })));
}

#[test]
fn a_body_has_limits() {
    let items = format!("[{}0]", "0,".repeat(PUSH_ITEMS_MAX));
    check_error(&items, "the body has 50001 items; 50000 are allowed");
    let large = vec![b' '; PUSH_BODY_BYTES_MAX + 1];
    assert_eq!(parse_push(&large, NOW).unwrap_err(), PushError::TooLarge { bytes: large.len() });
    let wrong = format!("[{}0]", "0,".repeat(1_499));
    let pushed = parse_push(wrong.as_bytes(), NOW).unwrap();
    assert_eq!((pushed.refused.len(), pushed.refused_count), (1_000, 1_500));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(parse_push(&body, NOW));
    }

    #[test]
    fn nearly_right_bodies_do_not_either(body in r#"[\[{]{0,2}("(metric|value|labels|samples|timestamp)":?|[0-9a-z"\\,:.\[\]{}-]){0,30}"#) {
        drop(parse_push(body.as_bytes(), NOW));
    }

    #[test]
    fn what_is_written_is_read(
        name in "[a-zé._ \"\\\\]{1,20}",
        labels in proptest::collection::btree_map("[a-z\u{442}]{1,8}", ".{1,20}", 0..8),
        value in any::<f64>().prop_filter("finite", |value| value.is_finite()),
        t in 1_000_000_000_000_i64..3_000_000_000_000,
    ) {
        let body = serde_json::json!({"metric": name, "labels": labels, "value": value, "timestamp": t});
        let pushed = parse_push(body.to_string().as_bytes(), NOW).unwrap();
        prop_assert_eq!(pushed.refused, vec![]);
        let (_, entry) = &pushed.samples[0];
        prop_assert_eq!(entry.sample, Sample::new(t, value));
        prop_assert_eq!(entry.labels.metric_name(), name);
        for (name, value) in &labels {
            prop_assert_eq!(entry.labels.get(name), Some(value.as_str()));
        }
    }
}
