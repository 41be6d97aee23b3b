//! The `watchroom` binary.

use std::{io::Write, process::ExitCode};

use clap::Parser;
use miette::{GraphicalReportHandler, Report};
use tikv_jemallocator::Jemalloc;
use watchroom::{
    app,
    check::{self, Findings},
    cli::{Cli, Command, Serve},
    load::measure::Measure,
};

// Ten thousand connections come and go: the system's allocator keeps what they leave behind.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => serve(&cli.serve),
        Some(Command::Serve(arguments)) => serve(&arguments),
        Some(Command::Check { explain, centrifugo, folders }) => {
            return checked(&check::check(&folders, centrifugo.as_deref()), explain);
        }
        Some(Command::TestRules { files }) => return report(&check::test_rules(&files), ""),
        Some(Command::Bench(bench)) => {
            Measure::from(bench).run(&mut std::io::stdout(), &mut std::io::stderr())
        }
        Some(Command::Backup { file, folders }) => app::backup(&folders, &file),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&mut std::io::stderr(), &format!("watchroom: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Writes to a terminal that may be gone already.
fn say(out: &mut impl Write, text: &str) {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).unwrap_or_default();
}

fn serve(arguments: &Serve) -> anyhow::Result<()> {
    app::log(arguments.log_json);
    app::serve(arguments, &mut |address| {
        say(&mut std::io::stdout(), &format!("watchroom is at http://{address}\n"));
    })
}

fn checked(findings: &Findings, explain: bool) -> ExitCode {
    let more = if explain { check::explain(&findings.rules) } else { String::new() };
    report(findings, &more)
}

/// Says what was found, and `more` behind it.
fn report(findings: &Findings, more: &str) -> ExitCode {
    let mut text = String::new();
    let handler = GraphicalReportHandler::new();
    for problem in &findings.problems {
        let report = Report::new(problem.clone());
        // Rendering into a String fails only if the source cannot be read; then the words alone are said.
        if handler.render_report(&mut text, report.as_ref()).is_err() {
            text.push_str(&format!("{problem}\n"));
        }
    }
    for error in &findings.unreadable {
        text.push_str(&format!("{error}\n"));
    }
    for warning in &findings.warnings {
        text.push_str(&format!("warning  {warning}\n"));
    }
    for good in &findings.good {
        text.push_str(&format!("ok  {good}\n"));
    }
    let count = findings.problems.len() + findings.unreadable.len();
    if count != 0 {
        text.push_str(&format!("\n{count} {}\n", if count == 1 { "problem" } else { "problems" }));
    }
    text.push_str(more);
    say(&mut std::io::stdout(), &text);
    if findings.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
