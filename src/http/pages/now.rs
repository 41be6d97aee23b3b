//! What the queries of a page say now.

use std::sync::Arc;

use http::StatusCode;
use rustc_hash::FxHashMap;

use crate::collect::TopProcesses;
use crate::dashboards::{Dashboard, Expression, Kind, LimitAt};
use crate::http::{Answer, Site, error::Failure, prometheus::RETRY_SECONDS};
use crate::live::{LiveError, Unread};
use crate::model::Labels;
use crate::model::limits::LOOKBACK_MS;
use crate::query::{EvalLimits, EvalRange, Plan, Value};
use crate::store::Store;

/// Queries that are asked whether a room's samples go back.
const REACH_QUERIES: usize = 20;

/// The newest value of each expression of a page.
#[derive(Debug, Default)]
pub(super) struct Now {
    values: FxHashMap<String, Vec<(Labels, f64)>>,
    /// The busiest processes.
    pub(super) top: Arc<TopProcesses>,
}

impl Now {
    /// Evaluates every expression of some dashboards, off the runtime's threads.
    pub(super) async fn evaluate<'a>(
        site: &Site,
        dashboards: impl Iterator<Item = &'a Dashboard>,
    ) -> Answer<Self> {
        let mut plans: FxHashMap<String, Plan> = FxHashMap::default();
        let mut take = |expression: &Expression| {
            if let Some(plan) = &expression.plan {
                plans.entry(expression.text.clone()).or_insert_with(|| plan.clone());
            }
        };
        for panel in dashboards.flat_map(|dashboard| &dashboard.panels) {
            panel.queries.iter().for_each(|query| take(&query.expr));
            panel.of.iter().for_each(&mut take);
            if let Some(LimitAt::Expression(expression)) = panel.limit.as_ref().map(|limit| &limit.at) {
                take(expression);
            }
        }
        // The whole second before: the sources have delivered it.
        let at = (site.clock.now_ms() - 200).div_euclid(1_000) * 1_000;
        let store = site.live.store().clone();
        let values = site.live.in_turn(move || {
            plans.into_iter().map(|(text, plan)| (text, instant(&plan, at, &store))).collect()
        });
        let values = values.await.map_err(|error| failure(&error))?;
        Ok(Self { values, top: site.top() })
    }

    /// Whether any of a dashboard's first charts had a value some time ago: whether its samples go back that far.
    pub(super) async fn reaches(site: &Site, dashboard: &Dashboard, ago: i64) -> Answer<bool> {
        let charts = dashboard.panels.iter().filter(|panel| panel.kind != Kind::Stat);
        let queries = charts.flat_map(|panel| &panel.queries).take(REACH_QUERIES);
        let plans: Vec<Plan> = queries.filter_map(|query| query.expr.plan.clone()).collect();
        let at = (site.clock.now_ms() - ago).div_euclid(1_000) * 1_000;
        let store = site.live.store().clone();
        let any = move || plans.iter().any(|plan| !instant(plan, at, &store).is_empty());
        site.live.in_turn(any).await.map_err(|error| failure(&error))
    }

    /// What an expression says: series in order, with their values.
    pub(super) fn vector(&self, expression: &Expression) -> &[(Labels, f64)] {
        self.values.get(&expression.text).map_or(&[], Vec::as_slice)
    }

    /// The one number that an expression says.
    pub(super) fn number(&self, expression: &Expression) -> Option<f64> {
        self.vector(expression).first().map(|(_, value)| *value)
    }
}

fn failure(error: &LiveError) -> Failure {
    match error {
        LiveError::Store(Unread::Busy) => {
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after(RETRY_SECONDS)
        }
        _ => Failure::internal(error),
    }
}

fn instant(plan: &Plan, at: i64, store: &Store) -> Vec<(Labels, f64)> {
    let range = EvalRange::instant(at, LOOKBACK_MS);
    let data = match store.select(&plan.selections(range)) {
        Ok(data) => data,
        Err(error) => {
            tracing::warn!(error = %error, "samples could not be read");
            return Vec::new();
        }
    };
    match plan.eval(range, &data, &EvalLimits::default()).map(|answer| answer.value) {
        Ok(Value::Vector(vector)) => {
            vector.into_iter().filter_map(|(labels, sample)| Some((labels, sample.float()?))).collect()
        }
        Ok(Value::Scalar(sample)) => vec![(Labels::empty(), sample.v)],
        Ok(Value::String(_) | Value::Matrix(_)) => Vec::new(),
        Err(error) => {
            // The panel says it in the page, where the live query fails the same way.
            tracing::debug!(query = plan.text(), error = %error, "first screen without a value");
            Vec::new()
        }
    }
}
