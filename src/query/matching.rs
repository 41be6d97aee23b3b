//! Which series of two vectors meet, and what they become.

use rustc_hash::FxHashMap;

use crate::model::{Label, Labels, METRIC_NAME};

use super::{
    QueryError,
    binary::{combine, mixed::combine_any},
    column::{ABSENT, Column, is_metadata, is_present, merge_same_labels, with_labels},
    eval::Evaluator,
    expr::{Binary, Group, Matching},
    grid::Grid,
};

/// Gives series the number of their key: the labels by which they meet.
#[derive(Debug)]
pub struct Keys<'m> {
    matching: &'m Matching,
    numbers: FxHashMap<Labels, usize>,
}

impl<'m> Keys<'m> {
    /// Keys of which none is known yet.
    pub fn new(matching: &'m Matching) -> Self {
        Self { matching, numbers: FxHashMap::default() }
    }

    /// The key's number for each column. Once a series, not once a step.
    pub fn of(&mut self, columns: &[Column]) -> Vec<usize> {
        let number = |column: &Column| {
            let next = self.numbers.len();
            *self.numbers.entry(key(self.matching, &column.labels)).or_insert(next)
        };
        columns.iter().map(number).collect()
    }

    /// How many keys there are.
    pub fn count(&self) -> usize {
        self.numbers.len()
    }
}

/// The labels of a series that must be equal for it to meet another.
fn key(matching: &Matching, labels: &Labels) -> Labels {
    if matching.on {
        labels.filtered(|name| listed(matching, name))
    } else {
        labels.filtered(|name| name != METRIC_NAME && !listed(matching, name))
    }
}

fn listed(matching: &Matching, name: &str) -> bool {
    matching.labels.binary_search_by(|known| (**known).cmp(name)).is_ok()
}

/// The series of one key. "Many" is the side that may have several, the left one if neither may.
#[derive(Debug, Default)]
struct Meeting {
    many: Vec<usize>,
    one: Vec<usize>,
}

/// The operator with its sides told apart.
struct Match<'a> {
    of: &'a Evaluator<'a>,
    node: &'a Binary,
    many: Vec<Column>,
    one: Vec<Column>,
    grid: Grid,
}

/// Evaluates an arithmetic operator or a comparison of two vectors at each step.
///
/// # Errors
///
/// When more series meet than the matching allows, or a limit is reached.
pub fn eval(
    of: &Evaluator<'_>,
    node: &Binary,
    left: Vec<Column>,
    right: Vec<Column>,
    grid: Grid,
) -> Result<Vec<Column>, QueryError> {
    let swapped = node.matching.group == Group::Right;
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let mut keys = Keys::new(&node.matching);
    let (many_keys, one_keys) = (keys.of(&many), keys.of(&one));
    let mut meetings: Vec<Meeting> = Vec::new();
    meetings.resize_with(keys.count(), Meeting::default);
    many_keys.iter().enumerate().for_each(|(at, &key)| meetings[key].many.push(at));
    one_keys.iter().enumerate().for_each(|(at, &key)| meetings[key].one.push(at));

    let mut state = Match { of, node, many, one, grid };
    let mut found = Vec::new();
    for meeting in &mut meetings {
        state.check_one(meeting)?;
        state.fill(meeting)?;
        let pairs = meeting.many.len().saturating_mul(meeting.one.len());
        of.budget.series(pairs)?;
        of.budget.samples(pairs.saturating_mul(grid.count))?;
        found.append(&mut state.meet(meeting)?);
    }
    of.budget.series(found.len())?;
    merge_same_labels(found)
}

impl Match<'_> {
    fn swapped(&self) -> bool {
        self.node.matching.group == Group::Right
    }

    /// The "one" side has one series of a key at most, at any step at which both vectors have any.
    fn check_one(&self, meeting: &Meeting) -> Result<(), QueryError> {
        let [first, others @ ..] = meeting.one.as_slice() else {
            return Ok(());
        };
        if others.is_empty() {
            return Ok(());
        }
        let fills = self.node.matching.fill_left.is_some() || self.node.matching.fill_right.is_some();
        for step in 0..self.grid.count {
            let there = |at: &&usize| self.one[**at].is_there(step);
            let mut found = std::iter::once(first).chain(others).filter(there);
            let (Some(&a), Some(&b)) = (found.next(), found.next()) else {
                continue;
            };
            if fills || self.many.iter().any(|column| column.is_there(step)) {
                return Err(self.duplicate(a, b));
            }
        }
        Ok(())
    }

    fn duplicate(&self, a: usize, b: usize) -> QueryError {
        let (a, b) = (&self.one[a].labels, &self.one[b].labels);
        let (first, second) = if a <= b { (a, b) } else { (b, a) };
        let side = if self.swapped() { "left" } else { "right" };
        QueryError::Eval(format!(
            "found duplicate series for the match group {} on the {side} hand-side of the operation: \
             [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
            go_labels(&key(&self.node.matching, a)),
            go_labels(first),
            go_labels(second),
        ))
    }

    /// Adds the series that `fill` puts where a side has none.
    fn fill(&mut self, meeting: &mut Meeting) -> Result<(), QueryError> {
        let matching = &self.node.matching;
        // With `group_right` the sides are exchanged before they are filled, so that `fill_left` is
        // for the "many" side there too. Prometheus's test data wants it so.
        let (fill_many, fill_one) = (matching.fill_left, matching.fill_right);
        if fill_many.is_none() && fill_one.is_none() {
            return Ok(());
        }
        let members = meeting.many.first().map(|&at| &self.many[at]);
        let members = members.or_else(|| meeting.one.first().map(|&at| &self.one[at]));
        let Some(labels) = members.map(|column| key(matching, &column.labels)) else {
            return Ok(());
        };
        // From what is there, not from what the other filling adds: where both sides have a gap
        // there is nothing to fill.
        let many = gaps(&self.many, &meeting.many, self.grid);
        let one = gaps(&self.one, &meeting.one, self.grid);
        let filled = |gaps: &[bool], others: &[bool], v: f64| {
            let value = |(&gap, &other): (&bool, &bool)| if gap && !other { v } else { ABSENT };
            Column::new(labels.clone(), false, gaps.iter().zip(others).map(value).collect())
        };
        if let Some(v) = fill_many {
            self.of.budget.samples(self.grid.count)?;
            meeting.many.push(self.many.len());
            self.many.push(filled(&many, &one, v));
        }
        if let Some(v) = fill_one {
            self.of.budget.samples(self.grid.count)?;
            meeting.one.push(self.one.len());
            self.one.push(filled(&one, &many, v));
        }
        Ok(())
    }

    /// What the pairs of one key give.
    fn meet(&self, meeting: &Meeting) -> Result<Vec<Column>, QueryError> {
        let mut found = Vec::with_capacity(meeting.many.len());
        for &many in &meeting.many {
            for &one in &meeting.one {
                let column = self.pair(&self.many[many], &self.one[one])?;
                if !column.is_empty() {
                    found.push(column);
                }
            }
        }
        if meeting.many.len() < 2 {
            return Ok(found);
        }
        if self.node.matching.group == Group::None {
            return one_at_a_step(found, self.grid);
        }
        merge_same_labels(found).map_err(|_| {
            QueryError::Eval(
                "multiple matches for labels: grouping labels must ensure unique matches".to_owned(),
            )
        })
    }

    fn pair(&self, many: &Column, one: &Column) -> Result<Column, QueryError> {
        let node = self.node;
        let swapped = self.swapped();
        let filters = node.op.is_comparison();
        let labels = self.labels(&many.labels, &one.labels);
        let drop_name = filters && (node.bool_result || many.drop_name);
        if many.has_histograms() || one.has_histograms() || node.op.is_trim() {
            let mut column = Column::absent(labels, drop_name, self.grid.count);
            for step in 0..self.grid.count {
                if let (Some(m), Some(o)) = (many.get(step), one.get(step)) {
                    let (left, right) = if swapped { (o, m) } else { (m, o) };
                    column.set(step, combine_any(self.of, node, &left, &right)?);
                }
            }
            return Ok(column);
        }
        let value = |(&m, &o): (&f64, &f64)| {
            if !is_present(m) || !is_present(o) {
                return ABSENT;
            }
            let (left, right) = if swapped { (o, m) } else { (m, o) };
            combine(node.op, left, right, node.bool_result).unwrap_or(ABSENT)
        };
        Ok(Column::new(labels, drop_name, many.values.iter().zip(&one.values).map(value).collect()))
    }

    /// The labels of a result.
    fn labels(&self, many: &Labels, one: &Labels) -> Labels {
        let matching = &self.node.matching;
        let keeps_name = self.node.op.is_comparison() || self.node.op.is_trim();
        let kept = many.filtered(|name| {
            let by_matching = matching.group != Group::None || listed(matching, name) == matching.on;
            by_matching && (keeps_name || !is_metadata(name))
        });
        let included = matching.include.iter().map(|name| Label {
            name: name.clone(),
            // What the "one" side does not have goes.
            value: one.shared(name).cloned().unwrap_or_default(),
        });
        if matching.include.is_empty() { kept } else { with_labels(&kept, included) }
    }
}

/// Whether no member has a value, for each step.
fn gaps(columns: &[Column], members: &[usize], grid: Grid) -> Vec<bool> {
    let gap = |step: usize| !members.iter().any(|&at| columns[at].is_there(step));
    (0..grid.count).map(gap).collect()
}

/// Without `group_left` one series of a key has a result at a step at most.
fn one_at_a_step(found: Vec<Column>, grid: Grid) -> Result<Vec<Column>, QueryError> {
    for step in 0..grid.count {
        if found.iter().filter(|column| column.is_there(step)).count() > 1 {
            return Err(QueryError::Eval(
                "multiple matches for labels: many-to-one matching must be explicit \
                 (group_left/group_right)"
                    .to_owned(),
            ));
        }
    }
    merge_same_labels(found)
}

/// Labels as Go's Prometheus writes them in messages.
fn go_labels(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|label| format!("{}={:?}", label.name, label.value)).collect();
    format!("{{{}}}", pairs.join(", "))
}
