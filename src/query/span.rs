//! Places in a query's text.

/// A part of a text: bytes from `start` to before `end`, both at the edges of characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// A part of a text.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the start of this to the end of `last`.
    pub const fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }

    /// The part itself; empty if it is none of this text.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// The line and column of the start, from 1; the column counts characters.
    pub fn place(self, text: &str) -> (usize, usize) {
        place(text, self.start)
    }
}

/// The line and column of a byte, from 1; the column counts characters.
pub fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        assert_eq!(place("é +\n  ü b", 10), (2, 5));
        assert_eq!(Span::new(0, 2).of("é +"), "é");
        assert_eq!(place("a", 99), (1, 2));
    }
}
