//! What a series' name and labels may be, whatever format they came in.

use std::sync::Arc;

use super::limits::{METRIC_NAME_BYTES_MAX, QUOTED_BYTES_MAX};
use crate::model::{
    Label, Labels, METRIC_NAME,
    limits::{LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_MAX},
};

/// The `job` of a series whose sender named none.
pub const DEFAULT_JOB: &str = "push";

/// Collects one series' labels, checks them, and makes the set.
#[derive(Debug, Default)]
pub struct SeriesParts {
    name: Option<String>,
    pairs: Vec<(String, String)>,
}

impl SeriesParts {
    /// Sets the metric's name.
    ///
    /// # Errors
    ///
    /// When it is set already, or not a name: it may be any UTF-8 text (as in Prometheus 3) that is
    /// not empty, has no control characters, and at most [`METRIC_NAME_BYTES_MAX`] bytes.
    pub fn set_name(&mut self, name: String) -> Result<(), String> {
        if self.name.is_some() {
            return Err("the metric is named twice".to_owned());
        }
        check_name("the metric's name", &name, METRIC_NAME_BYTES_MAX)?;
        self.name = Some(name);
        Ok(())
    }

    /// Adds a label. One with an empty value counts as not there.
    ///
    /// # Errors
    ///
    /// When name or value break a rule, the name is there already, or there are too many.
    pub fn add(&mut self, name: String, value: String) -> Result<(), String> {
        check_name("a label's name", &name, LABEL_NAME_BYTES_MAX)?;
        if name == METRIC_NAME {
            return Err(format!("label {METRIC_NAME} is the metric's name, which is given apart"));
        }
        if value.len() > LABEL_VALUE_BYTES_MAX {
            let quoted = quoted(&name);
            return Err(format!(
                "the value of label {quoted} has {} bytes; {LABEL_VALUE_BYTES_MAX} are allowed",
                value.len()
            ));
        }
        if self.pairs.iter().any(|(known, _)| *known == name) {
            return Err(format!("label {} is given twice", quoted(&name)));
        }
        // Name and job are labels, too; each has its place whether it was given yet or not.
        let others = self.pairs.iter().filter(|(known, _)| known != "job").count();
        if others + 2 >= LABELS_MAX && name != "job" {
            return Err(format!("more than {LABELS_MAX} labels, name and job counted"));
        }
        self.pairs.push((name, value));
        Ok(())
    }

    /// Makes the label set; without a job it gets [`DEFAULT_JOB`].
    ///
    /// # Errors
    ///
    /// When no name was set.
    pub fn finish(self) -> Result<Labels, String> {
        let Some(name) = self.name else { return Err("the metric has no name".to_owned()) };
        let has_job = self.pairs.iter().any(|(name, value)| name == "job" && !value.is_empty());
        let mut labels: Vec<Label> =
            self.pairs.into_iter().map(|(name, value)| label(&name, &value)).collect();
        labels.push(label(METRIC_NAME, &name));
        if !has_job {
            labels.push(label("job", DEFAULT_JOB));
        }
        Ok(Labels::new(labels))
    }
}

fn label(name: &str, value: &str) -> Label {
    Label { name: Arc::from(name), value: Arc::from(value) }
}

fn check_name(what: &str, name: &str, bytes_max: usize) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!("{what} is empty"));
    }
    if name.len() > bytes_max {
        return Err(format!("{what} has {} bytes; {bytes_max} are allowed", name.len()));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("{what} {} has a control character", quoted(name)));
    }
    Ok(())
}

/// A sender's text for a reason: quoted, escaped, cut at [`QUOTED_BYTES_MAX`].
pub fn quoted(text: &str) -> String {
    if text.len() <= QUOTED_BYTES_MAX {
        return format!("{text:?}");
    }
    let end = text.floor_char_boundary(QUOTED_BYTES_MAX);
    format!("{:?}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(name: &str, pairs: &[(&str, &str)]) -> Result<Labels, String> {
        let mut parts = SeriesParts::default();
        parts.set_name(name.to_owned())?;
        for (name, value) in pairs {
            parts.add((*name).to_owned(), (*value).to_owned())?;
        }
        parts.finish()
    }

    #[track_caller]
    fn check(name: &str, pairs: &[(&str, &str)], expected: Result<&str, &str>) {
        let made = made(name, pairs).map(|labels| labels.to_string());
        assert_eq!(made, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn names_are_any_text_without_control_characters() {
        check("up", &[], Ok(r#"up{job="push"}"#));
        check("température.cpu", &[("job", "a"), ("ключ", "b")], Ok(r#"température.cpu{job="a", ключ="b"}"#));
        check("", &[], Err("the metric's name is empty"));
        check("a\nb", &[], Err(r#"the metric's name "a\nb" has a control character"#));
        check(&"a".repeat(257), &[], Err("the metric's name has 257 bytes; 256 are allowed"));
        check("a", &[("", "b")], Err("a label's name is empty"));
        check("a", &[("__name__", "b")], Err("label __name__ is the metric's name, which is given apart"));
        check("a", &[("b", "1"), ("b", "2")], Err(r#"label "b" is given twice"#));
        check("a", &[("job", "")], Ok(r#"a{job="push"}"#));
    }

    #[test]
    fn labels_have_limits() {
        let long = "x".repeat(2_049);
        check("a", &[("b", &long)], Err(r#"the value of label "b" has 2049 bytes; 2048 are allowed"#));
        let names: Vec<String> = (0..31).map(|at| format!("l{at}")).collect();
        let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        check("a", &pairs, Err("more than 32 labels, name and job counted"));
        let mut parts = SeriesParts::default();
        parts.set_name("a".to_owned()).unwrap();
        for name in &names[..30] {
            parts.add(name.clone(), "1".to_owned()).unwrap();
        }
        parts.add("job".to_owned(), "x".to_owned()).unwrap();
        assert_eq!(parts.finish().unwrap().len(), 32);
        // A job that comes first takes no other label's place.
        let mut pairs = vec![("job", "x")];
        pairs.extend(names[..30].iter().map(|name| (name.as_str(), "1")));
        assert_eq!(made("a", &pairs).unwrap().len(), 32);
        pairs.push(("one_more", "1"));
        assert!(made("a", &pairs).is_err());
    }

    #[test]
    fn a_quote_is_cut_at_a_character() {
        assert_eq!(quoted(&"é".repeat(40)), format!("{:?}…", "é".repeat(32)));
    }
}
