//! What is wrong with an expression that stands in a file.

use crate::document::{Placed, Reader};

use super::QueryError;

impl QueryError {
    /// Notes in a file what is wrong with an expression whose text, or a part of it, is the value `text`.
    ///
    /// `parsed` is the whole text that was parsed, and `before` characters of its first line do not stand in the file.
    /// The place is that of the character, where the value is written as it is; else the whole value, with the
    /// expression's line and a caret as help.
    pub fn note(&self, reader: &mut Reader, text: &Placed<String>, (parsed, before): (&str, usize)) {
        let message = format!("the expression: {}", self.message());
        let inside = match self.place() {
            Some((1, column)) => (before < column).then(|| (1, column - before)),
            other => other,
        };
        if let Some(span) = inside.and_then(|(line, column)| reader.exact_place_in(text, line, column)) {
            return reader.wrong(span, message);
        }
        match self.place() {
            Some(_) => reader.wrong_with(text.span.clone(), message, self.explain(parsed)),
            None => reader.wrong(text.span.clone(), message),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::document::read;
    use crate::query::Plan;

    #[track_caller]
    fn check(file: &str, (before, after): (&str, &str), expected: (usize, usize), help: Option<&str>) {
        let problems = read("a.toml", file, |table| {
            let text = table.text("a").expect("a text");
            let parsed = format!("{before}{}{after}", text.value);
            let error = Plan::parse(&parsed).expect_err("a wrong expression");
            error.note(table.reader(), &text, (&parsed, before.chars().count()));
        });
        let problems = problems.unwrap_err();
        assert_eq!(problems.0.len(), 1, "{problems}");
        assert_eq!((problems.0[0].place(), problems.0[0].advice()), (expected, help), "{file}");
    }

    #[test]
    fn the_place_is_that_of_the_file_where_that_can_be() {
        check("a = 'b c'", ("", ""), (1, 8), None);
        check("a = \'\'\'\nb\n+ c d\'\'\'", ("", ""), (3, 5), None);
        check("a = 'b=c'", ("m{", "}"), (1, 8), None);
        let told =
            "1:5: parse error: unexpected \"c\", expected an operator or the end of the text\n\"b\" c\n    ^";
        check(r#"a = "\"b\" c""#, ("", ""), (1, 5), Some(told));
        check(&format!("a = '{}'", "-".repeat(300)), ("", ""), (1, 5), None);
    }
}
