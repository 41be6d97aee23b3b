//! Text exposition.

use std::fmt::Write;

use super::pushed::{self, NOW};
use watchroom::ingest::{Pushed, parse_exposition};
use watchroom::model::METRIC_NAME;

/// Every line that is no comment is taken or refused; what was taken comes back when it is written.
pub fn check(data: &[u8]) {
    let pushed = match parse_exposition(data, NOW) {
        Ok(pushed) => pushed,
        Err(error) => return pushed::check_error(&error),
    };
    let lines = data.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).zip(1..);
    let items: Vec<usize> = lines
        .filter(|(line, _)| !line.is_empty() && !line.starts_with(b"#"))
        .map(|(_, number)| number)
        .collect();
    pushed::check(&pushed, &items);
    pushed::check_again(&pushed, parse_exposition(write(&pushed).as_bytes(), NOW));
}

fn write(pushed: &Pushed) -> String {
    let mut text = String::new();
    for (_, sample) in &pushed.samples {
        let labels: Vec<String> = sample
            .labels
            .iter()
            .map(|label| match &*label.name {
                METRIC_NAME => quoted(&label.value),
                name => format!("{}={}", quoted(name), quoted(&label.value)),
            })
            .collect();
        writeln!(text, "{{{}}} {} {}", labels.join(","), sample.sample.v, sample.sample.t).expect("a string");
    }
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
