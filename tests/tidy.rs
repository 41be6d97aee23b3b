//! Checks what neither rustc nor clippy checks: who may use whom, and how long files are.

#![expect(clippy::unwrap_used, reason = "a failure must end the test")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Modules from the bottom up. A module uses only what stands before it.
const LAYERS: &[&str] = &[
    "clock",
    "backoff",
    "document",
    "load",
    "supervisor",
    "model",
    "telemetry",
    "sqlite",
    "tokens",
    "store",
    "query",
    "wire",
    "journal",
    "backend",
    "collect",
    "ingest",
    "rules",
    "live",
    "dashboards",
    "rooms",
    "alerts",
    "hub",
    "http",
    "config",
    "cli",
    "check",
    "app",
    "main",
    "lib",
];
/// Lines of a source file, its tests left out.
const RUST_LINES_MAX: usize = 400;
/// Lines of a file of the page.
const PAGE_LINES_MAX: usize = 300;

#[test]
fn modules_use_only_modules_below_them() {
    let mut violations = Vec::new();
    for (path, source) in sources(Path::new("src"), "rs") {
        let module = module_of(&path);
        let rank = rank(&module);
        for used in used_modules(&source) {
            if used != module && LAYERS[rank..].contains(&used) {
                violations
                    .push(format!("{}: `{module}` uses `{used}`, which stands above it", path.display()));
            }
        }
        if source.contains("crate::{") {
            violations.push(format!("{}: split `crate::{{`: one `use` names one module", path.display()));
        }
    }
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for (folder, ending, most) in [("src", "rs", RUST_LINES_MAX), ("static/src", "ts", PAGE_LINES_MAX)] {
        for (path, source) in sources(Path::new(folder), ending) {
            if path.ends_with("tests.rs") {
                continue;
            }
            let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            let lines = code.lines().count();
            if most < lines {
                long.push(format!("{}: {lines} lines, at most {most}", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

fn rank(module: &str) -> usize {
    LAYERS.iter().position(|layer| *layer == module).unwrap_or_else(|| panic!("`{module}` is in no layer"))
}

fn module_of(path: &Path) -> String {
    let below = path.strip_prefix("src").unwrap();
    let first = below.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn used_modules(source: &str) -> impl Iterator<Item = &str> {
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default())
}

fn sources(folder: &Path, ending: &str) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path, ending));
        } else if path.extension().is_some_and(|found| found == ending) {
            found.insert(path.clone(), fs::read_to_string(path).unwrap());
        }
    }
    found
}
