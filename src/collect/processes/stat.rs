//! `/proc/<pid>/stat`, parsed.
//!
//! Not through `procfs`: it panics on a text that ends with the name, and takes five times as long, over
//! columns that are not needed, for every process in every round.

/// What is needed of one process's `stat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessStat {
    /// Its id.
    pub pid: u32,
    /// Its name, cut at 15 bytes by the kernel.
    pub comm: String,
    /// Its state, a letter.
    pub state: char,
    /// Processor time in ticks, its own and the system's for it.
    pub ticks: u64,
    /// How many threads it has.
    pub threads: u64,
    /// When it started, ticks since the machine did: tells two processes with one id apart.
    pub start: u64,
    /// Virtual memory, bytes.
    pub virtual_bytes: u64,
    /// Resident memory, bytes.
    pub rss_bytes: u64,
}

/// Columns after the name, counted from the state at 0 (`man 5 proc_pid_stat` counts from 1 at the
/// id, so these are 3 less).
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;
const THREADS: usize = 17;
const START: usize = 19;
const VIRTUAL: usize = 20;
const RSS: usize = 21;

/// Parses the text; `None` when it is not of the form.
pub fn parse(pid: u32, text: &str) -> Option<ProcessStat> {
    // The name may hold blanks and brackets of its own; the last bracket ends it.
    let (head, rest) = text.rsplit_once(')')?;
    let (_, comm) = head.split_once('(')?;
    let mut columns = [0_u64; RSS + 1];
    let mut words = rest.split_ascii_whitespace();
    let state = words.next()?.chars().next()?;
    for column in &mut columns[1..] {
        // Some columns are negative; none of those is used.
        *column = words.next()?.parse().unwrap_or(0);
    }
    Some(ProcessStat {
        pid,
        comm: comm.to_owned(),
        // The kernel writes a traced process's stop in lower case.
        state: state.to_ascii_uppercase(),
        ticks: columns[USER_TIME].saturating_add(columns[SYSTEM_TIME]),
        threads: columns[THREADS],
        start: columns[START],
        virtual_bytes: columns[VIRTUAL],
        rss_bytes: columns[RSS].saturating_mul(rustix::param::page_size() as u64),
    })
}

#[cfg(test)]
impl ProcessStat {
    /// A process that is not there, so that nothing else is found out about it.
    pub(crate) fn example(pid: u32) -> Self {
        let comm = "example".to_owned();
        Self { pid, comm, state: 'S', ticks: 0, threads: 1, start: 0, virtual_bytes: 0, rss_bytes: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets() {
        let text = "42 (a) b (c) S 1 42 42 0 -1 4194560 10 20 0 0 70 30 5 5 20 0 3 0 777 1000000 25 184 1 1";
        let stat = parse(42, text).unwrap();
        assert_eq!((stat.comm.as_str(), stat.state), ("a) b (c", 'S'));
        assert_eq!((stat.ticks, stat.threads, stat.start, stat.virtual_bytes), (100, 3, 777, 1_000_000));
        assert_eq!(stat.rss_bytes, 25 * rustix::param::page_size() as u64);
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        for text in ["", "42", "42 (a", "42 (a)", "42 (a) S 1 2"] {
            assert_eq!(parse(42, text), None, "{text:?}");
        }
    }
}
