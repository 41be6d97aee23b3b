//! One copy of each string that labels use.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::model::{Label, Labels};

/// The strings of all series, each once.
///
/// A thousand series of one host share its name: the text is kept once, and a label costs two
/// references.
#[derive(Debug, Default)]
pub struct Symbols {
    known: FxHashSet<Arc<str>>,
}

impl Symbols {
    /// The same labels, made of shared strings.
    pub fn intern(&mut self, labels: &Labels) -> Labels {
        let mut shared = |text: &Arc<str>| match self.known.get(&**text) {
            Some(known) => known.clone(),
            None => {
                // A copy of its own: a string that came out of a larger buffer must not keep that.
                let copy: Arc<str> = Arc::from(&**text);
                self.known.insert(copy.clone());
                copy
            }
        };
        let pairs =
            labels.iter().map(|label| Label { name: shared(&label.name), value: shared(&label.value) });
        Labels::new(pairs.collect())
    }

    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Lets go of strings that nobody else holds.
    pub fn sweep(&mut self) {
        self.known.retain(|text| Arc::strong_count(text) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_kept_once_and_let_go() {
        let mut symbols = Symbols::default();
        let one = symbols.intern(&Labels::from_pairs([("job", "node"), ("a", "b")]));
        let two = symbols.intern(&Labels::from_pairs([("job", "node")]));
        assert!(Arc::ptr_eq(one.shared("job").unwrap(), two.shared("job").unwrap()));
        assert_eq!(symbols.len(), 4);
        drop(one);
        symbols.sweep();
        assert_eq!(symbols.len(), 2);
    }
}
