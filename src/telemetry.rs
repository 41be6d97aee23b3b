//! Own metrics: counters and gauges that any part can hold, listed by one registry.
//!
//! They are served at `/metrics` and collected once a second like any other metric.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::model::{Metadata, MetricKind};

/// A number that many tasks add to; a clone shares it.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Takes over a count that is kept elsewhere, and that only grows.
    pub fn reach(&self, count: u64) {
        self.0.fetch_max(count, Ordering::Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down; a clone shares it.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// The value last set.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// Adds `delta`, from any task.
    pub fn add(&self, delta: f64) {
        self.0.update(Ordering::Relaxed, Ordering::Relaxed, |bits| (f64::from_bits(bits) + delta).to_bits());
    }
}

#[derive(Debug, Clone)]
enum Value {
    Counter(Counter),
    Gauge(Gauge),
}

#[derive(Debug)]
struct Family {
    help: &'static str,
    /// By label pairs as they are exposed: `a="1",b="2"`, in the order given.
    members: BTreeMap<Vec<(&'static str, String)>, Value>,
}

impl Family {
    fn kind(&self) -> MetricKind {
        match self.members.values().next() {
            Some(Value::Counter(_)) => MetricKind::Counter,
            Some(Value::Gauge(_)) | None => MetricKind::Gauge,
        }
    }
}

/// One reading of one own metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The metric's name.
    pub name: &'static str,
    /// Its labels.
    pub labels: Vec<(&'static str, String)>,
    /// Its value now.
    pub value: f64,
}

/// Lists every own metric of the process; a clone is the same list.
#[derive(Debug, Clone, Default)]
pub struct Registry(Arc<Mutex<BTreeMap<&'static str, Family>>>);

impl Registry {
    /// A counter by name; the same name and labels give the same counter.
    pub fn counter(&self, name: &'static str, help: &'static str) -> Counter {
        self.counter_with(name, help, &[])
    }

    /// A counter with labels.
    pub fn counter_with(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
    ) -> Counter {
        match self.member(name, help, labels, || Value::Counter(Counter::default())) {
            Value::Counter(counter) => counter,
            // A name has one kind; a clash is a mistake in our own code, and counts into nothing.
            Value::Gauge(_) => Counter::default(),
        }
    }

    /// A gauge by name.
    pub fn gauge(&self, name: &'static str, help: &'static str) -> Gauge {
        self.gauge_with(name, help, &[])
    }

    /// A gauge with labels.
    pub fn gauge_with(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
    ) -> Gauge {
        match self.member(name, help, labels, || Value::Gauge(Gauge::default())) {
            Value::Gauge(gauge) => gauge,
            Value::Counter(_) => Gauge::default(),
        }
    }

    fn member(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        make: impl FnOnce() -> Value,
    ) -> Value {
        let key = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(name).or_insert_with(|| Family { help, members: BTreeMap::new() });
        family.members.entry(key).or_insert_with(make).clone()
    }

    /// Every metric's value now, by name and then labels.
    pub fn read(&self) -> Vec<Reading> {
        let families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut readings = Vec::new();
        for (name, family) in families.iter() {
            for (labels, value) in &family.members {
                readings.push(Reading { name, labels: labels.clone(), value: value_of(value) });
            }
        }
        readings
    }

    /// What each metric is.
    pub fn metadata(&self) -> Vec<(&'static str, Metadata)> {
        let families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(name, family): (&&'static str, &Family)| {
            let (kind, help) = (family.kind(), family.help.to_owned());
            (*name, Metadata { kind, help, unit: String::new() })
        };
        families.iter().map(of).collect()
    }

    /// The text exposition of every metric, version 0.0.4.
    pub fn expose(&self) -> String {
        let families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (name, family) in families.iter() {
            let kind = if family.kind() == MetricKind::Counter { "counter" } else { "gauge" };
            text.push_str(&format!("# HELP {name} {}\n# TYPE {name} {kind}\n", family.help));
            for (labels, value) in &family.members {
                text.push_str(name);
                if !labels.is_empty() {
                    text.push('{');
                    for (at, (label, value)) in labels.iter().enumerate() {
                        let comma = if at == 0 { "" } else { "," };
                        let value = value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
                        text.push_str(&format!("{comma}{label}=\"{value}\""));
                    }
                    text.push('}');
                }
                text.push_str(&format!(" {}\n", value_of(value)));
            }
        }
        text
    }
}

fn value_of(value: &Value) -> f64 {
    match value {
        // Exact up to 2^53, which a counter of ours does not reach.
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
        Value::Counter(counter) => counter.get() as f64,
        Value::Gauge(gauge) => gauge.get(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_counter() {
        let registry = Registry::default();
        registry.counter("watchroom_a_total", "A.").increment();
        registry.counter("watchroom_a_total", "A.").add(2);
        registry.gauge_with("watchroom_b", "B.", &[("kind", "x\"y")]).set(1.5);
        assert_eq!(
            registry.expose(),
            "# HELP watchroom_a_total A.\n# TYPE watchroom_a_total counter\nwatchroom_a_total 3\n\
             # HELP watchroom_b B.\n# TYPE watchroom_b gauge\nwatchroom_b{kind=\"x\\\"y\"} 1.5\n"
        );
        assert_eq!(registry.read().len(), 2);
    }
}
