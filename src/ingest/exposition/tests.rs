//! Texts, and what becomes of them.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::model::METRIC_NAME;
use crate::model::Metadata;

const NOW: i64 = 1_790_000_000_500;

/// The samples and refusals of a text, as lines.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let pushed = parse_exposition(text.as_bytes(), NOW).unwrap();
    assert_eq!(pushed.lines(), expected, "{text}");
}

#[track_caller]
fn check_refused(line: &str, reason: &str) {
    check(line, &[&format!("item 1: {reason}")]);
}

#[test]
fn the_specification_s_example_is_read() {
    let text = r#"# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
"#;
    check(
        text,
        &[
            r#"3 http_requests_total{code="200", job="push", method="post"} 1027 1395066363000"#,
            r#"6 msdos_file_access_time_seconds{error="Cannot find file:\n\"FILE.TXT\"", job="push", path="C:\\DIR\\FILE.TXT"} 1458255915 1790000000500"#,
            r#"7 metric_without_timestamp_and_labels{job="push"} 12.47 1790000000500"#,
            r#"8 something_weird{job="push", problem="division by zero"} inf -3982045"#,
        ],
    );
    let metadata = parse_exposition(text.as_bytes(), NOW).unwrap().metadata;
    let expected = Metadata {
        kind: MetricKind::Counter,
        help: "The total number of HTTP requests.".to_owned(),
        unit: String::new(),
    };
    assert_eq!(metadata.into_iter().collect::<Vec<_>>(), [("http_requests_total".to_owned(), expected)]);
}

#[test]
fn what_is_said_of_metrics_is_kept() {
    let text = "# HELP \"my metric\" a \\\\ and\\n\\d\n# UNIT \"my metric\" seconds\n# TYPE \"my metric\" stateset\n#TYPED x\n# HELP\n";
    let metadata = parse_exposition(text.as_bytes(), NOW).unwrap().metadata;
    let expected =
        Metadata { kind: MetricKind::Unknown, help: "a \\ and\n\\d".to_owned(), unit: "seconds".to_owned() };
    assert_eq!(metadata.into_iter().collect::<Vec<_>>(), [("my metric".to_owned(), expected)]);
}

#[test]
fn blanks_and_commas_are_free() {
    let line = r#"1 a{b="c", job="push"} 1 1790000000500"#;
    check("a{b=\"c\"} 1", &[line]);
    check("\t a { b = \"c\" , }\t1  \r\n", &[line]);
    check("a{b=\"c\",}1", &[line]);
    check("a{} 1", &[r#"1 a{job="push"} 1 1790000000500"#]);
    check("\n\n# only a comment\n#\n", &[]);
    check(r#"a{b="C:\dir"} 1"#, &[r#"1 a{b="C:\\dir", job="push"} 1 1790000000500"#]);
}

#[test]
fn names_may_be_quoted() {
    let line = r#"1 my.metric{job="push", my.label="x"} 1 1790000000500"#;
    check(r#"{"my.metric","my.label"="x"} 1"#, &[line]);
    check(r#"{ "my.label" = "x", "my.metric" } 1"#, &[line]);
    check_refused(r#"a{"b"} 1"#, "the metric is named twice");
    check_refused(r#"{b="c"} 1"#, "the metric has no name");
}

#[test]
fn open_metrics_has_seconds_and_exemplars() {
    let text = "# TYPE a counter\na_total 5 1790000000.25 # {trace_id=\"x\"} 0.5 1\nb 1 # {} 2\n# EOF\n";
    check(text, &[r#"2 a_total{job="push"} 5 1790000000250"#, r#"3 b{job="push"} 1 1790000000500"#]);
    check("a 5 1790000000123", &[r#"1 a{job="push"} 5 1790000000123"#]);
}

#[test]
fn a_wrong_line_does_not_spoil_the_rest() {
    check(
        "a 1\nb\nc 3\n",
        &[
            r#"1 a{job="push"} 1 1790000000500"#,
            r#"3 c{job="push"} 3 1790000000500"#,
            "item 2: the value is missing",
        ],
    );
}

#[test]
fn each_refusal_says_what_is_wrong() {
    check_refused("1a 2", r#"the metric's name "1a" begins with a digit; quote it"#);
    check_refused("é 2", r#"expected a metric's name, found "é 2""#);
    check_refused("a x", r#"the value "x" is not a number"#);
    check_refused("a 1e999", r#"the value "1e999" is beyond the range of a float"#);
    check_refused("a 1 soon", r#"the timestamp "soon" is not a number"#);
    check_refused("a 1 2 3", r#"unexpected "3" after the timestamp"#);
    check_refused("a{b} 1", r#"label "b" has no value"#);
    check_refused("a{b=c} 1", r#"the value of label "b" is not quoted"#);
    check_refused(r#"a{b="c} 1"#, r#"the quote is not closed: "\"c} 1""#);
    check_refused(r#"a{b="c\"#, r#"the quote is not closed: "\"c\\""#);
    check_refused(r#"a{b="c" d="e"} 1"#, r#"expected a comma or a closing brace, found "d=\"e\"} 1""#);
    check_refused("a{b=\"c\",", r#"expected a label's name, found """#);
    check_refused(r#"a{b="1",b="2"} 1"#, r#"label "b" is given twice"#);
    let pushed = parse_exposition(b"a{b=\"\xff\"} 1\n", NOW).unwrap();
    assert_eq!(pushed.refused[0].reason, "the line is not UTF-8");
}

#[test]
fn a_text_has_limits() {
    let text = "a 1\n".repeat(PUSH_ITEMS_MAX + 1);
    let error = parse_exposition(text.as_bytes(), NOW).unwrap_err();
    assert_eq!(error, PushError::TooManyItems { items: PUSH_ITEMS_MAX + 1 });
}

/// One line in the text's form.
fn printed(entry: &BatchSample) -> String {
    let escaped = |text: &str| text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
    let mut line = format!("{{\"{}\"", escaped(entry.labels.metric_name()));
    for label in entry.labels.iter().filter(|label| &*label.name != METRIC_NAME) {
        write!(line, ",\"{}\"=\"{}\"", escaped(&label.name), escaped(&label.value)).unwrap();
    }
    writeln!(line, "}} {} {}", entry.sample.v, entry.sample.t).unwrap();
    line
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(parse_exposition(&text, NOW));
    }

    #[test]
    fn nearly_right_lines_do_not_either(text in r#"([a-z_:{}"=, \\#0-9.+é-]|NaN|TYPE|EOF|\n){0,60}"#) {
        drop(parse_exposition(text.as_bytes(), NOW));
    }

    #[test]
    fn what_is_printed_is_read(
        name in "[a-zé._ \"\\\\]{1,20}",
        labels in proptest::collection::btree_map("[a-z\u{442}\"\\\\]{1,8}", "(?s:.){1,20}", 0..8),
        value in any::<f64>(),
        t in any::<i64>(),
    ) {
        let mut parts = super::super::series::SeriesParts::default();
        parts.set_name(name).unwrap();
        for (name, value) in labels {
            parts.add(name, value).unwrap();
        }
        let value = if value.is_nan() { f64::NAN } else { value };
        let entry = BatchSample { labels: parts.finish().unwrap(), sample: Sample::new(t, value) };
        let pushed = parse_exposition(printed(&entry).as_bytes(), NOW).unwrap();
        prop_assert_eq!(&pushed.refused, &vec![]);
        prop_assert_eq!(&pushed.samples[0].1.labels, &entry.labels);
        prop_assert_eq!(pushed.samples[0].1.sample, entry.sample);
    }
}
