//! The conformance run: Prometheus's own test data against our evaluator.
//!
//! The data is read from where it lies and never copied in, see [`folder`]. Every `eval` is one try.
//! It passes, or it ends in [`QueryError::NotYet`](super::QueryError) and is counted by the name of
//! what is missing, which must be experimental, or the test fails. Annotations (`expect info`,
//! `expect warn`) are compared with their words and places.

mod case;
mod compare;
mod script;
mod store;

use std::{collections::BTreeMap, path::PathBuf};

use case::Outcome;
use script::Command;
use store::Store;

/// What may be left out: Prometheus has these behind flags, and may change them.
const EXPERIMENTAL: [&str; 4] = ["anchored modifier", "smoothed modifier", "info", "start times"];
/// Evals that must remain.
const REMAIN_MIN: usize = 1_370;

/// Where the data is: `WATCHROOM_PROMQLTEST`, else beside the project.
fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("WATCHROOM_PROMQLTEST").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/promqltest");
    named.or_else(|| beside.is_dir().then_some(beside))
}

#[derive(Default)]
struct Tally {
    passed: usize,
    tried: usize,
    not_yet: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn count(&mut self, place: &str, outcome: Outcome) {
        self.tried += 1;
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::NotYet(what) => *self.not_yet.entry(what).or_default() += 1,
            Outcome::Wrong(why) => self.wrong.push(format!("{place}: {why}")),
        }
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.tried += other.tried;
        for (what, count) in other.not_yet {
            *self.not_yet.entry(what).or_default() += count;
        }
        self.wrong.extend(other.wrong);
    }
}

fn run(name: &str, text: &str) -> Tally {
    let mut tally = Tally::default();
    let mut store = Store::default();
    for (line, command) in script::parse(text) {
        match command {
            Command::Clear => store = Store::default(),
            Command::Load(load) => store.load(&load),
            Command::Eval(eval) => {
                let outcome = case::eval(&store, &eval);
                tally.count(&format!("{name}:{line}: {}", eval.query), outcome);
            }
        }
    }
    tally
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are what the run is for")]
fn prometheus_test_data() {
    let Some(folder) = folder() else {
        assert!(std::env::var_os("CI").is_none(), "no test data: set WATCHROOM_PROMQLTEST");
        println!("skipped: no test data, set WATCHROOM_PROMQLTEST");
        return;
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder can be read")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "test"))
        .collect();
    files.sort();
    let mut all = Tally::default();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        let tally = run(&name, &text);
        let not_yet: usize = tally.not_yet.values().sum();
        println!("{name}: {} of {} passed, {not_yet} left out", tally.passed, tally.tried);
        all.add(tally);
    }
    let not_yet: usize = all.not_yet.values().sum();
    let remain = all.tried - not_yet;
    println!("in all: {} of {remain} passed; of {} evals {not_yet} are left out:", all.passed, all.tried);
    for (what, count) in &all.not_yet {
        println!("  {what}: {count}, experimental");
        assert!(EXPERIMENTAL.contains(&what.as_str()), "{what} is stable");
    }
    assert!(REMAIN_MIN <= remain, "only {remain} evals remain");
    assert!(all.wrong.is_empty(), "{} wrong:\n{}", all.wrong.len(), all.wrong.join("\n"));
}
