//! Logs to standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Sets up logging; `RUST_LOG` chooses what is said.
pub fn log(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // A second call (in tests) leaves the first in place.
    let result = if json { builder.json().try_init() } else { builder.with_target(false).try_init() };
    result.unwrap_or_default();
}
