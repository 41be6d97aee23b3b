//! The busiest processes of one machine, as they are published.

/// Rows by processor time, and rows by memory, before the two lists are merged.
pub const TOP_BY_EACH: usize = 10;
/// Bytes of a command line that are shown.
pub const ARGS_BYTES_MAX: usize = 256;

/// The busiest processes of one machine at one time, in the form of `docs/protocol.md`.
///
/// At most 2 × [`TOP_BY_EACH`] rows, the one with most processor time first.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct TopProcesses {
    /// Milliseconds since the Unix epoch, UTC; 0 before the first reading.
    pub t: i64,
    /// How many processes there are in all.
    pub count: usize,
    /// The busiest.
    pub rows: Vec<TopRow>,
}

/// One process.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TopRow {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// Its command line without the program, at most [`ARGS_BYTES_MAX`] bytes.
    pub args: String,
    /// Its user's name, or number when the name is not known.
    pub user: String,
    /// Percent of one core since the last reading.
    pub cpu: f64,
    /// Share of the machine's memory, 0–1.
    pub memory: f64,
    /// Resident memory, bytes.
    pub rss: u64,
    /// Bytes per second read from disks; `None` where the system does not tell.
    pub read: Option<f64>,
    /// Bytes per second written to disks; `None` where the system does not tell.
    pub write: Option<f64>,
    /// What it does: `runs`, `sleeps`, `waits` (for a disk), `stopped`, `zombie`, `idle` or `dead`.
    pub state: &'static str,
}

/// What a process takes, by which the busiest are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Use {
    /// Its place in the caller's list.
    pub at: usize,
    /// Processor time.
    pub cpu: f64,
    /// Resident memory, bytes.
    pub rss: u64,
}

/// Chooses the busiest: [`TOP_BY_EACH`] by processor time and as many by memory, each once, the most
/// processor time first, then the most memory, then in the caller's order.
///
/// Cost: linear, but for the sorting of those chosen.
pub fn choose(uses: &mut [Use]) -> Vec<Use> {
    let mut chosen: Vec<Use> = Vec::with_capacity(2 * TOP_BY_EACH);
    for by in [by_cpu, by_memory] {
        if uses.len() > TOP_BY_EACH {
            uses.select_nth_unstable_by(TOP_BY_EACH - 1, by);
        }
        for entry in uses.iter().take(TOP_BY_EACH) {
            if !chosen.iter().any(|known| known.at == entry.at) {
                chosen.push(*entry);
            }
        }
    }
    chosen.sort_by(by_cpu);
    chosen
}

fn by_cpu(a: &Use, b: &Use) -> std::cmp::Ordering {
    b.cpu.total_cmp(&a.cpu).then(b.rss.cmp(&a.rss)).then(a.at.cmp(&b.at))
}

fn by_memory(a: &Use, b: &Use) -> std::cmp::Ordering {
    b.rss.cmp(&a.rss).then(b.cpu.total_cmp(&a.cpu)).then(a.at.cmp(&b.at))
}

/// Splits a command line into the program's name and its arguments.
///
/// `line` has its arguments separated by NUL, as the kernel gives it. A process that wrote a title
/// of its own, `postgres: checkpointer`, has one argument with blanks. `comm` is the name that the
/// kernel keeps, cut at 15 bytes; the program's file name stands for it where it is longer.
pub fn name_and_args(comm: &str, line: &str) -> (String, String) {
    let line = line.trim_end_matches(['\0', ' ']);
    let is_title = !line.contains('\0');
    let (program, rest) = line.split_once(if is_title { ' ' } else { '\0' }).unwrap_or((line, ""));
    let file = program.rsplit('/').next().unwrap_or(program).trim_end_matches(':');
    let name = if comm.len() >= 15 && file.starts_with(comm) { file } else { comm };
    let mut args = String::new();
    for char in rest.chars() {
        // NUL separates; other control characters would reach a terminal or a page.
        let char = if char.is_control() { ' ' } else { char };
        if args.len() + char.len_utf8() > ARGS_BYTES_MAX {
            break;
        }
        args.push(char);
    }
    (name.to_owned(), args)
}

/// Rounds for display: `digits` after the point.
pub fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_name(comm: &str, line: &str, name: &str, args: &str) {
        assert_eq!(name_and_args(comm, line), (name.to_owned(), args.to_owned()));
    }

    #[test]
    fn a_command_line_is_split() {
        check_name("postgres", "postgres: checkpointer ", "postgres", "checkpointer");
        check_name("bash", "/bin/bash\0-c\0sleep 1\0", "bash", "-c sleep 1");
        check_name("kworker/0:1", "", "kworker/0:1", "");
        check_name(
            "very-long-progr",
            "/usr/bin/very-long-program\0x\u{1b}[2J\0",
            "very-long-program",
            "x [2J",
        );
        check_name("sh", &format!("sh\0{}", "é".repeat(200)), "sh", &"é".repeat(128));
    }

    #[test]
    fn the_busiest_are_chosen_by_both() {
        let mut uses: Vec<Use> = (0..100_u32)
            .map(|at| Use { at: at as usize, cpu: f64::from(at), rss: u64::from(100 - at) })
            .collect();
        let chosen: Vec<usize> = choose(&mut uses).iter().map(|entry| entry.at).collect();
        let expected: Vec<usize> = (90..100).rev().chain((0..10).rev()).collect();
        assert_eq!(chosen, expected);
        assert_eq!(choose(&mut []).len(), 0);
    }

    #[test]
    fn it_is_written_as_the_protocol_says() {
        let row = TopRow {
            pid: 1871,
            name: "postgres".to_owned(),
            args: "checkpointer".to_owned(),
            user: "postgres".to_owned(),
            cpu: 96.4,
            memory: 0.084,
            rss: 5_583_457_792,
            read: Some(0.0),
            write: None,
            state: "sleeps",
        };
        let top = TopProcesses { t: 1_790_000_000_000, count: 412, rows: vec![row] };
        assert_eq!(
            serde_json::to_string(&top).unwrap(),
            r#"{"t":1790000000000,"count":412,"rows":[{"pid":1871,"name":"postgres","args":"checkpointer","user":"postgres","cpu":96.4,"memory":0.084,"rss":5583457792,"read":0.0,"write":null,"state":"sleeps"}]}"#
        );
    }
}
