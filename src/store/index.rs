//! Which series have which label.

use std::{collections::BTreeSet, sync::Arc};

use rustc_hash::FxHashMap;

use super::ids::SeriesId;
use crate::model::{Labels, MatchOp, Matcher};

/// Series in the order of their ids, each once.
pub type Postings = Vec<SeriesId>;

/// For each label the series that have it; answers matchers by set operations.
#[derive(Debug, Default)]
pub struct Index {
    all: Postings,
    by_name: FxHashMap<Arc<str>, FxHashMap<Arc<str>, Postings>>,
}

impl Index {
    /// Adds a series. Its strings are kept, so they should be shared ones.
    pub fn insert(&mut self, id: SeriesId, labels: &Labels) {
        insert_sorted(&mut self.all, id);
        for label in labels.iter() {
            let values = self.by_name.entry(label.name.clone()).or_default();
            insert_sorted(values.entry(label.value.clone()).or_default(), id);
        }
    }

    /// Takes a series out.
    pub fn remove(&mut self, id: SeriesId, labels: &Labels) {
        remove_sorted(&mut self.all, id);
        for label in labels.iter() {
            let Some(values) = self.by_name.get_mut(&label.name) else { continue };
            if let Some(postings) = values.get_mut(&label.value) {
                remove_sorted(postings, id);
                if postings.is_empty() {
                    values.remove(&label.value);
                }
            }
            if values.is_empty() {
                self.by_name.remove(&label.name);
            }
        }
    }

    /// The series that satisfy every matcher; with no matcher, all of them.
    ///
    /// Cost: the shortest set of series first; a matcher that a missing label satisfies only takes
    /// away from what the others found.
    pub fn select(&self, matchers: &[Matcher]) -> Postings {
        let (without, with): (Vec<&Matcher>, Vec<&Matcher>) =
            matchers.iter().partition(|matcher| matcher.matches(""));
        let mut sets: Vec<Postings> = with.iter().map(|matcher| self.having(matcher)).collect();
        sets.sort_by_key(Vec::len);
        let mut sets = sets.into_iter();
        let mut found = sets.next().unwrap_or_else(|| self.all.clone());
        for set in sets {
            found.retain(|id| set.binary_search(id).is_ok());
        }
        for matcher in without {
            if found.is_empty() {
                break;
            }
            let refused = self.refused(matcher);
            found.retain(|id| refused.binary_search(id).is_err());
        }
        found
    }

    /// The series that have the label, with a value that satisfies the matcher.
    fn having(&self, matcher: &Matcher) -> Postings {
        let Some(values) = self.by_name.get(&*matcher.name) else { return Vec::new() };
        if matcher.op == MatchOp::Equal {
            return values.get(&*matcher.value).cloned().unwrap_or_default();
        }
        union(values.iter().filter(|(value, _)| matcher.matches(value)).map(|(_, ids)| ids))
    }

    /// The series that have the label, with a value that the matcher refuses.
    fn refused(&self, matcher: &Matcher) -> Postings {
        let Some(values) = self.by_name.get(&*matcher.name) else { return Vec::new() };
        if matcher.op == MatchOp::NotEqual {
            return values.get(&*matcher.value).cloned().unwrap_or_default();
        }
        union(values.iter().filter(|(value, _)| !matcher.matches(value)).map(|(_, ids)| ids))
    }

    /// The names of all labels, sorted.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.by_name.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// The values of one label, sorted.
    pub fn values(&self, name: &str) -> Vec<Arc<str>> {
        let mut values: Vec<Arc<str>> =
            self.by_name.get(name).map(|values| values.keys().cloned().collect()).unwrap_or_default();
        values.sort_unstable();
        values
    }

    /// How many series each value of a label has.
    pub fn counts(&self, name: &str) -> impl Iterator<Item = (&Arc<str>, usize)> {
        self.by_name.get(name).into_iter().flatten().map(|(value, ids)| (value, ids.len()))
    }

    /// Each label's name with its values.
    pub fn labels(&self) -> impl Iterator<Item = (&Arc<str>, impl Iterator<Item = (&Arc<str>, usize)>)> {
        self.by_name.iter().map(|(name, values)| (name, values.iter().map(|(value, ids)| (value, ids.len()))))
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        let postings = |ids: &Postings| ids.capacity() * size_of::<SeriesId>() + 48;
        let values: usize = self.by_name.values().flat_map(|values| values.values().map(postings)).sum();
        values + postings(&self.all)
    }
}

fn insert_sorted(ids: &mut Postings, id: SeriesId) {
    // Ids grow, so that the place is almost always the end.
    if ids.last().is_none_or(|last| *last < id) {
        ids.push(id);
    } else if let Err(at) = ids.binary_search(&id) {
        ids.insert(at, id);
    }
}

fn remove_sorted(ids: &mut Postings, id: SeriesId) {
    if let Ok(at) = ids.binary_search(&id) {
        ids.remove(at);
    }
}

/// A series has one value for a label, so that the sets share nothing.
fn union<'a>(sets: impl Iterator<Item = &'a Postings>) -> Postings {
    let mut all: Postings = sets.flatten().copied().collect();
    all.sort_unstable();
    all
}

/// The values of label `name` over these label sets, sorted.
pub fn values_of<'a>(sets: impl Iterator<Item = &'a Labels>, name: &str) -> Vec<Arc<str>> {
    let values: BTreeSet<Arc<str>> = sets.filter_map(|labels| labels.shared(name).cloned()).collect();
    values.into_iter().collect()
}

/// The names of all labels over these label sets, sorted.
pub fn names_of<'a>(sets: impl Iterator<Item = &'a Labels>) -> Vec<Arc<str>> {
    let names: BTreeSet<Arc<str>> =
        sets.flat_map(|labels| labels.iter().map(|label| label.name.clone())).collect();
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_labels() -> impl Strategy<Value = Labels> {
        let pair = ("[abc]|__name__", "[xyz]{0,2}");
        prop::collection::vec(pair, 0..4).prop_map(Labels::from_pairs)
    }

    fn any_matcher() -> impl Strategy<Value = Matcher> {
        let op =
            prop::sample::select(vec![MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex]);
        let value = prop_oneof![
            "[xyz]{0,2}",
            Just(".+".to_owned()),
            Just("x.*|y".to_owned()),
            Just("".to_owned()),
            Just(".*".to_owned())
        ];
        ("[abcd]|__name__", op, value).prop_map(|(name, op, value)| Matcher::new(&name, op, &value).unwrap())
    }

    proptest! {
        #[test]
        fn it_answers_as_a_filter_does(
            sets in prop::collection::vec(any_labels(), 0..40),
            removed in prop::collection::vec(any::<bool>(), 40),
            matchers in prop::collection::vec(any_matcher(), 0..4),
        ) {
            let mut index = Index::default();
            let series: Vec<(SeriesId, &Labels)> = (0..).map(SeriesId).zip(&sets).collect();
            for (id, labels) in &series { index.insert(*id, labels); }
            for (id, labels) in series.iter().filter(|(id, _)| removed[id.0 as usize]) {
                index.remove(*id, labels);
            }
            let expected: Postings = series
                .iter()
                .filter(|(id, labels)| !removed[id.0 as usize]
                    && matchers.iter().all(|matcher| matcher.matches_labels(labels)))
                .map(|(id, _)| *id)
                .collect();
            prop_assert_eq!(index.select(&matchers), expected);
            let kept = || series.iter().filter(|(id, _)| !removed[id.0 as usize]).map(|(_, l)| *l);
            prop_assert_eq!(index.names(), names_of(kept()));
            prop_assert_eq!(index.values("a"), values_of(kept(), "a"));
        }
    }
}
