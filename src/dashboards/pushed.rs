//! The dashboard that pushed metrics make by themselves: one panel for each metric and job.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Dashboard, Expression, Kind, Panel, PanelQuery};
use crate::model::Labels;
use crate::query::Plan;

/// The dashboard's id.
pub const ID: &str = "pushed";
/// Panels that it shows; more metrics are found by search and by dashboards of one's own.
pub const PANELS_SHOWN_MAX: usize = 60;
/// What is drawn of histograms.
const QUANTILES: [(&str, &str); 3] = [("0.5", "median"), ("0.9", "90 %"), ("0.99", "99 %")];
/// Jobs that come by themselves and have dashboards of their own.
const OWN_JOBS: [&str; 2] = ["node", "watchroom"];

/// Which metrics were pushed, by metric and job. A clone is the same list.
#[derive(Debug, Clone, Default)]
pub struct Pushed(Arc<Mutex<BTreeMap<(String, String), Values>>>);

/// What a metric has, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Numbers,
    Histograms,
}

impl Pushed {
    /// Takes note of a series; true if its metric and job are new.
    pub fn note(&self, labels: &Labels) -> bool {
        self.take(labels, Values::Numbers)
    }

    /// Takes note of a series of native histograms; true if its metric and job are new, or were not known to have them.
    pub fn note_histogram(&self, labels: &Labels) -> bool {
        self.take(labels, Values::Histograms)
    }

    fn take(&self, labels: &Labels, values: Values) -> bool {
        let job = labels.get("job").unwrap_or_default();
        if OWN_JOBS.contains(&job) {
            return false;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (labels.metric_name().to_owned(), job.to_owned());
        let has_room = known.len() < crate::model::limits::SERIES_MAX;
        match known.get_mut(&key) {
            Some(before) if *before == Values::Numbers && values == Values::Histograms => {
                *before = values;
                true
            }
            Some(_) => false,
            None if has_room => {
                known.insert(key, values);
                true
            }
            None => false,
        }
    }

    /// How many metrics there are.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether nothing was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dashboard of all of them.
    pub fn dashboard(&self) -> Dashboard {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let panels = known
            .iter()
            .take(PANELS_SHOWN_MAX)
            .map(|((metric, job), values)| panel(metric, job, *values))
            .collect();
        Dashboard { id: ID.to_owned(), title: "Pushed".to_owned(), order: i64::MAX, panels }
    }
}

fn panel(metric: &str, job: &str, values: Values) -> Panel {
    let selector = format!("{{__name__={metric:?}, job={job:?}}}");
    // By convention these only grow, and their rate is what says something.
    let counts = ["_total", "_count", "_sum", "_bucket"].iter().any(|ending| metric.ends_with(ending));
    let queries = match values {
        Values::Numbers if counts => vec![query(format!("rate({selector}[1m])"), "")],
        Values::Numbers => vec![query(selector, "")],
        Values::Histograms => QUANTILES
            .map(|(q, name)| query(format!("histogram_quantile({q}, sum(rate({selector}[1m])))"), name))
            .to_vec(),
    };
    let unit = match values {
        Values::Numbers if counts => format!("per second · {job}"),
        _ => job.to_owned(),
    };
    let fingerprint = Labels::from_pairs([(metric, job)]).fingerprint();
    Panel {
        id: format!("p-{fingerprint:016x}"),
        title: metric.to_owned(),
        unit,
        of: None,
        kind: Kind::Line,
        width: 4,
        tall: false,
        min: None,
        max: None,
        decimals: None,
        scale: 1.0,
        total: None,
        limit: None,
        rest: None,
        source: None,
        more: None,
        empty: None,
        queries,
    }
}

fn query(text: String, legend: &str) -> PanelQuery {
    PanelQuery {
        expr: Expression { plan: Plan::parse(&text).ok(), text },
        legend: legend.to_owned(),
        color: None,
        negative: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_and_job_are_one_panel() {
        let pushed = Pushed::default();
        let series =
            |job, desk| Labels::from_pairs([("__name__", "room_celsius"), ("job", job), ("desk", desk)]);
        assert!(pushed.note(&series("push", "a")));
        assert!(!pushed.note(&series("push", "b")));
        assert!(pushed.note(&series("other", "a")));
        assert!(!pushed.note(&series("node", "a")));
        let panels = pushed.dashboard().panels;
        assert_eq!(panels.len(), 2);
        assert_eq!(panels[1].queries[0].expr.text, r#"{__name__="room_celsius", job="push"}"#);
        assert!(panels[1].queries[0].expr.plan.is_some());
    }

    #[test]
    fn histograms_are_drawn_as_quantiles() {
        let pushed = Pushed::default();
        let labels = Labels::from_pairs([("__name__", "latency_seconds"), ("job", "shop")]);
        assert!(pushed.note(&labels));
        assert!(pushed.note_histogram(&labels));
        assert!(!pushed.note_histogram(&labels) && !pushed.note(&labels));
        let panel = pushed.dashboard().panels.remove(0);
        let text = r#"histogram_quantile(0.99, sum(rate({__name__="latency_seconds", job="shop"}[1m])))"#;
        assert_eq!((panel.queries.len(), panel.queries[2].expr.text.as_str()), (3, text));
        assert!(panel.queries.iter().all(|query| query.expr.plan.is_some()));
    }

    #[test]
    fn counters_are_drawn_as_rates() {
        let pushed = Pushed::default();
        pushed.note(&Labels::from_pairs([("__name__", "requests_total"), ("job", "shop")]));
        let text = &pushed.dashboard().panels[0].queries[0].expr.text;
        assert_eq!(text, r#"rate({__name__="requests_total", job="shop"}[1m])"#);
    }
}
