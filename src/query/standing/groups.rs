//! Which series an aggregation puts together: found once, not at each step.

use rustc_hash::FxHashMap;

use crate::model::Labels;
use crate::query::{
    aggregate::{Bunch, bunch_labels},
    expr::Aggregate,
    span::Span,
};

use super::Dense;

/// The groups of the aggregations of one query, by where they stand in its text.
#[derive(Debug, Default)]
pub struct Groups(FxHashMap<(usize, usize), Grouping>);

/// The groups of one aggregation.
#[derive(Debug, Default)]
pub struct Grouping {
    generation: u64,
    /// The group of each series.
    pub of: Vec<u32>,
    /// The groups, none with members: those are in [`Grouping::of`].
    pub bunches: Vec<Bunch>,
    /// The groups in the order of their labels.
    pub order: Vec<u32>,
    places: FxHashMap<Labels, u32>,
}

impl Groups {
    /// The groups of `node` over these series.
    pub fn of(&mut self, node: &Aggregate, dense: &Dense<'_>) -> &Grouping {
        let Span { start, end } = node.span;
        let grouping = self.0.entry((start, end)).or_default();
        grouping.follow(node, dense);
        grouping
    }
}

impl Grouping {
    fn follow(&mut self, node: &Aggregate, dense: &Dense<'_>) {
        if self.generation != dense.generation {
            *self = Self { generation: dense.generation, ..Self::default() };
        }
        let known = self.bunches.len();
        for labels in dense.labels.get(self.of.len()..).unwrap_or_default() {
            let labels = bunch_labels(node, labels);
            let bunches = &mut self.bunches;
            let place = *self.places.entry(labels).or_insert_with_key(|labels| {
                bunches.push(Bunch {
                    labels: labels.clone(),
                    drop_name: dense.drop_name,
                    members: Vec::new(),
                });
                u32::try_from(bunches.len() - 1).unwrap_or(u32::MAX)
            });
            self.of.push(place);
        }
        if known < self.bunches.len() {
            self.order = (0..u32::try_from(self.bunches.len()).unwrap_or(u32::MAX)).collect();
            let labels = |at: &u32| &self.bunches[*at as usize].labels;
            self.order.sort_by(|a, b| labels(a).cmp(labels(b)));
        }
    }
}
