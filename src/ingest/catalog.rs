//! What pushed texts said of their metrics.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::limits::CATALOG_METRICS_MAX;
use crate::model::Metadata;
use crate::telemetry::{Counter, Registry};

/// The metrics of which something is known, by name; what was said last counts. A clone is the same catalog.
#[derive(Debug, Clone)]
pub struct Catalog {
    known: Arc<Mutex<BTreeMap<String, Metadata>>>,
    unnoted: Counter,
}

impl Catalog {
    /// An empty catalog.
    pub fn new(registry: &Registry) -> Self {
        Self {
            known: Arc::default(),
            unnoted: registry.counter(
                "watchroom_metadata_unnoted_total",
                "Metrics whose type and help were not noted: the catalog is full.",
            ),
        }
    }

    /// Takes note of what a body said.
    pub fn note(&self, said: BTreeMap<String, Metadata>) {
        if said.is_empty() {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, metadata) in said {
            if known.len() < CATALOG_METRICS_MAX || known.contains_key(&name) {
                known.insert(name, metadata);
            } else {
                self.unnoted.increment();
            }
        }
    }

    /// What is known of one metric, or of all.
    pub fn read(&self, name: Option<&str>) -> BTreeMap<String, Metadata> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match name {
            None => known.clone(),
            Some(name) => {
                known.get_key_value(name).map(|(k, v)| (k.clone(), v.clone())).into_iter().collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MetricKind;

    fn said(names: std::ops::Range<usize>, help: &str) -> BTreeMap<String, Metadata> {
        let one = Metadata { kind: MetricKind::Gauge, help: help.to_owned(), unit: String::new() };
        names.map(|n| (format!("metric_{n}"), one.clone())).collect()
    }

    #[test]
    fn a_full_catalog_takes_what_it_knows() {
        let registry = Registry::default();
        let catalog = Catalog::new(&registry);
        catalog.note(said(0..CATALOG_METRICS_MAX, "first"));
        catalog.note(said(CATALOG_METRICS_MAX - 1..CATALOG_METRICS_MAX + 2, "second"));
        assert_eq!(catalog.read(None).len(), CATALOG_METRICS_MAX);
        assert_eq!(catalog.read(Some("metric_0"))["metric_0"].help, "first");
        let last = format!("metric_{}", CATALOG_METRICS_MAX - 1);
        assert_eq!(catalog.read(Some(&last))[&last].help, "second");
        assert_eq!(catalog.unnoted.get(), 2);
    }
}
