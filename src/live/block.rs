//! The JSON of live queries: columns, not objects. `docs/protocol.md` has the format.

use std::sync::Arc;

use crate::model::Labels;
use crate::wire::Cast;
use crate::wire::centrifugo::Publication;

/// A value of a series at a step, absent where the series has none.
pub type Cell = Option<f64>;

/// Steps of a query in columns: `values[i][j]` is series `i` of the table at `times[j]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    /// Step times, ms, ascending.
    pub times: Vec<i64>,
    /// One column for each series of the table.
    pub values: Vec<Vec<Cell>>,
}

/// Appends a number as JSON: `null` where there is none, a string where JSON has no number.
pub fn write_cell(cell: Cell, out: &mut Vec<u8>) {
    match cell {
        None => out.extend_from_slice(b"null"),
        Some(value) if value.is_nan() => out.extend_from_slice(b"\"NaN\""),
        Some(f64::INFINITY) => out.extend_from_slice(b"\"+Inf\""),
        Some(f64::NEG_INFINITY) => out.extend_from_slice(b"\"-Inf\""),
        Some(value) => {
            // Whole numbers are written without a fraction: counters are most of what there is.
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and below 2^53")]
            if value.fract() == 0.0 && value.abs() < 9e15 {
                let mut buffer = itoa::Buffer::new();
                out.extend_from_slice(buffer.format(value as i64).as_bytes());
            } else {
                // A finite number always has a JSON form.
                serde_json::to_writer(out, &value).unwrap_or_default();
            }
        }
    }
}

fn write_list<T>(
    items: impl IntoIterator<Item = T>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at != 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn write_times(times: &[i64], out: &mut Vec<u8>) {
    write_list(times, out, |time, out| out.extend_from_slice(itoa::Buffer::new().format(*time).as_bytes()));
}

fn write_series(series: &[Labels], out: &mut Vec<u8>) {
    // Labels are strings: they always have a JSON form.
    write_list(series, out, |labels, out| serde_json::to_writer(out, labels).unwrap_or_default());
}

/// The version of the table: most tables never change theirs, and 0 is not written.
fn write_version(version: u64, out: &mut Vec<u8>) {
    if version != 0 {
        out.extend_from_slice(format!(",\"table\":{version}").as_bytes());
    }
}

impl Columns {
    fn write_values(&self, out: &mut Vec<u8>) {
        write_list(&self.values, out, |column, out| {
            write_list(column, out, |cell, out| write_cell(*cell, out))
        });
    }

    /// The whole block: the table with its version, and the columns.
    ///
    /// `more` series were left out, and `notes` say what is doubtful.
    pub fn block(
        &self,
        step: i64,
        (version, table): (u64, &[Labels]),
        more: usize,
        notes: &[String],
    ) -> String {
        let mut out = Vec::with_capacity(64 + self.times.len() * (14 + 8 * self.values.len()));
        out.extend_from_slice(format!("{{\"step\":{step},\"series\":").as_bytes());
        write_series(table, &mut out);
        out.extend_from_slice(b",\"t\":");
        write_times(&self.times, &mut out);
        out.extend_from_slice(b",\"v\":");
        self.write_values(&mut out);
        out.extend_from_slice(format!(",\"more\":{more}").as_bytes());
        if !notes.is_empty() {
            out.extend_from_slice(b",\"notes\":");
            // Texts always have a JSON form.
            write_list(notes, &mut out, |note, out| serde_json::to_writer(out, note).unwrap_or_default());
        }
        write_version(version, &mut out);
        out.push(b'}');
        into_text(out)
    }

    /// The data of one publication under a version of the table; `new` are table entries that were not sent yet, with
    /// the position of the first.
    pub fn frame_data(&self, version: u64, new: Option<(usize, &[Labels])>, at: i64) -> String {
        let mut out = Vec::with_capacity(64 + self.times.len() * (14 + 8 * self.values.len()));
        out.extend_from_slice(b"{\"t\":");
        write_times(&self.times, &mut out);
        out.extend_from_slice(b",\"v\":");
        self.write_values(&mut out);
        if let Some((from, series)) = new {
            out.extend_from_slice(format!(",\"from\":{from},\"series\":").as_bytes());
            write_series(series, &mut out);
        }
        write_version(version, &mut out);
        out.extend_from_slice(format!(",\"at\":{at}}}").as_bytes());
        into_text(out)
    }
}

/// A publication of JSON of our own.
pub fn publication(channel: &Arc<str>, data: String, offset: Option<u64>) -> Cast {
    let offset = offset.unwrap_or_default();
    Cast::publication(
        Arc::clone(channel),
        Publication { data: data.into(), offset, ..Publication::default() },
    )
}

fn into_text(out: Vec<u8>) -> String {
    // Every part above is UTF-8.
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cell: Cell, expected: &str) {
        let mut out = Vec::new();
        write_cell(cell, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn numbers_are_short_and_exact() {
        check(None, "null");
        check(Some(3.0), "3");
        check(Some(-0.1), "-0.1");
        check(Some(1e300), "1e+300");
        check(Some(f64::NAN), "\"NaN\"");
        check(Some(f64::NEG_INFINITY), "\"-Inf\"");
    }

    #[test]
    fn a_frame_names_new_series_by_position() {
        let columns = Columns { times: vec![1000], values: vec![vec![Some(1.0)], vec![None]] };
        let series = [Labels::from_pairs([("a", "1")])];
        assert_eq!(
            columns.frame_data(0, Some((1, &series)), 1012),
            r#"{"t":[1000],"v":[[1],[null]],"from":1,"series":[{"a":"1"}],"at":1012}"#
        );
        assert_eq!(
            columns.block(1000, (2, &series), 0, &[]),
            r#"{"step":1000,"series":[{"a":"1"}],"t":[1000],"v":[[1],[null]],"more":0,"table":2}"#
        );
        let notes = ["a \"b\"".to_owned()];
        assert!(columns.block(1000, (0, &series), 3, &notes).ends_with(r#","more":3,"notes":["a \"b\""]}"#));
    }
}
