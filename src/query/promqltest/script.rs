//! The language of the test data.

use crate::query::parse::number;

/// `load`
pub(super) struct Load {
    /// Milliseconds between samples.
    pub(super) step: i64,
    /// A line for each series.
    pub(super) lines: Vec<String>,
    /// Whether native histograms are made of classic ones too.
    pub(super) with_nhcb: bool,
}

/// `eval`
pub(super) struct Eval {
    pub(super) query: String,
    pub(super) start: i64,
    pub(super) end: i64,
    /// 0 for an instant query.
    pub(super) step: i64,
    pub(super) fails: bool,
    pub(super) message: Option<String>,
    pub(super) ordered: bool,
    /// `expect range vector`: its start and step.
    pub(super) range_vector: Option<(i64, i64)>,
    pub(super) string: Option<String>,
    pub(super) warnings: Notes,
    pub(super) infos: Notes,
    /// The series or the scalar that is expected.
    pub(super) lines: Vec<String>,
}

/// What is expected of the annotations of one level.
#[derive(Default)]
pub(super) struct Notes {
    /// Each fits one at least, and each that is there fits one, if there are any.
    pub(super) expected: Vec<Pattern>,
    /// There must be none.
    pub(super) none: bool,
}

/// What an annotation is compared with.
pub(super) enum Pattern {
    Any,
    Text(String),
    Regex(regex::Regex),
}

impl Pattern {
    fn parse(text: &str) -> Self {
        match text.trim().split_once(':') {
            Some(("msg", text)) => Self::Text(text.trim().to_owned()),
            Some(("regex", text)) => Self::Regex(regex::Regex::new(text.trim()).expect("an expression")),
            _ => Self::Any,
        }
    }

    pub(super) fn fits(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Text(expected) => expected == text,
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

pub(super) enum Command {
    Clear,
    Load(Load),
    Eval(Box<Eval>),
}

/// The commands with their lines.
pub(super) fn parse(text: &str) -> Vec<(usize, Command)> {
    let mut commands: Vec<(usize, Command)> = Vec::new();
    for (at, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match word {
            "clear" => commands.push((at + 1, Command::Clear)),
            "load" | "load_with_nhcb" => {
                let step = duration(rest.trim()).expect("a duration after load");
                let load = Load { step, lines: Vec::new(), with_nhcb: word != "load" };
                commands.push((at + 1, Command::Load(load)));
            }
            "eval" | "eval_fail" | "eval_ordered" | "eval_warn" | "eval_info" => {
                commands.push((at + 1, Command::Eval(Box::new(eval(word, rest)))));
            }
            _ => match commands.last_mut() {
                Some((_, Command::Load(load))) => load.lines.push(line.to_owned()),
                Some((_, Command::Eval(eval))) => more(eval, line),
                _ => panic!("line {}: unexpected {line:?}", at + 1),
            },
        }
    }
    commands
}

fn eval(word: &str, rest: &str) -> Eval {
    let mut words = rest.trim().splitn(2, char::is_whitespace);
    let kind = words.next().unwrap_or_default();
    let rest = words.next().unwrap_or_default().trim();
    let (start, end, step, query) = if kind == "instant" {
        let rest = rest.strip_prefix("at").expect("at").trim();
        let (at, query) = rest.split_once(char::is_whitespace).expect("a time and a query");
        let at = duration(at).expect("a time");
        (at, at, 0, query)
    } else {
        let words: Vec<&str> = rest.splitn(7, char::is_whitespace).collect();
        let ["from", from, "to", to, "step", step, query] = words.as_slice() else {
            panic!("not a range: {rest}");
        };
        let time = |text| duration(text).expect("a time");
        (time(from), time(to), time(step), *query)
    };
    let any = |of: &str| Notes {
        expected: (word == of).then_some(Pattern::Any).into_iter().collect(),
        none: false,
    };
    Eval {
        query: query.trim().to_owned(),
        start,
        end,
        step,
        fails: word == "eval_fail",
        message: None,
        ordered: word == "eval_ordered",
        range_vector: None,
        string: None,
        warnings: any("eval_warn"),
        infos: any("eval_info"),
        lines: Vec::new(),
    }
}

fn more(eval: &mut Eval, line: &str) {
    let Some(expect) = line.strip_prefix("expect ") else {
        eval.lines.push(line.to_owned());
        return;
    };
    let expect = expect.trim();
    let (kind, rest) = expect.split_once(char::is_whitespace).unwrap_or((expect, ""));
    match kind {
        "fail" => {
            eval.fails = true;
            eval.message = rest.trim().strip_prefix("msg:").map(|text| text.trim().to_owned());
        }
        "ordered" => eval.ordered = true,
        "string" => eval.string = Some(rest.trim().trim_matches('"').to_owned()),
        "range" => {
            let words: Vec<&str> = rest.split_whitespace().collect();
            let ["vector", "from", from, "to", _, "step", step] = words.as_slice() else {
                panic!("not a range vector: {rest}");
            };
            eval.range_vector = duration(from).zip(duration(step));
        }
        "warn" => eval.warnings.expected.push(Pattern::parse(rest)),
        "info" => eval.infos.expected.push(Pattern::parse(rest)),
        "no_warn" => eval.warnings.none = true,
        "no_info" => eval.infos.none = true,
        _ => panic!("unexpected {line:?}"),
    }
}

/// `1h30m`, or seconds, in ms.
pub(super) fn duration(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, reason = "times of the test data are small")]
        return Some((seconds * 1000.0).round() as i64);
    }
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let zero = text.chars().all(|c| c == '0' || c.is_ascii_alphabetic());
    if zero && text.starts_with('0') {
        return Some(0);
    }
    number::duration_ms(text).ok().map(|ms| sign * ms)
}
