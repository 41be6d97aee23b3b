//! Tests of rules, in our form and in promtool's.

use watchroom::rules::{Suite, SuiteError};

/// The rules that a test file can name.
const RULES: &str = "[[rule]]\nname = 'Hot'\nexpr = 'celsius > 80'\nfor = '1m'\n";

/// Either form is read or refused; a rule file in YAML that is named is the same bytes.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for name in ["a.toml", "a.yml"] {
        let load = |path: &str| -> Result<(String, String), SuiteError> {
            let text = if path.ends_with(".yml") { text } else { RULES };
            Ok((path.to_owned(), text.to_owned()))
        };
        match Suite::parse(name, text, &load) {
            Ok(suite) => drop(suite),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
