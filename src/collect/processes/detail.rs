//! What is read of the processes that are shown, and of no others.

use procfs_core::{FromBufRead, process::Io};
use rustc_hash::FxHashMap;

use super::stat::ProcessStat;
use crate::collect::top::name_and_args;

/// What a row shows beyond `stat`.
#[derive(Debug, Default, PartialEq)]
pub struct Detail {
    /// Its name, in full.
    pub name: String,
    /// Its arguments.
    pub args: String,
    /// Its user's number.
    pub uid: Option<u32>,
    /// Bytes per second from disks.
    pub read: Option<f64>,
    /// Bytes per second to disks.
    pub write: Option<f64>,
}

#[derive(Debug)]
struct Known {
    start: u64,
    uid: Option<u32>,
    /// Bytes read and written so far.
    disk: Option<(u64, u64)>,
    round: u64,
}

/// Details of the processes shown lately: a rate needs the last count.
#[derive(Debug, Default)]
pub struct Details {
    known: FxHashMap<u32, Known>,
    round: u64,
}

impl Details {
    /// Begins a round.
    pub fn begin(&mut self) {
        self.round += 1;
    }

    /// Ends a round: processes that were not asked for in it are forgotten.
    pub fn end(&mut self) {
        let round = self.round;
        self.known.retain(|_, known| known.round == round);
    }

    /// Forgets who owns the processes: one may have changed its user since it was first seen.
    pub fn forget_users(&mut self) {
        for known in self.known.values_mut() {
            known.uid = None;
        }
    }

    /// Reads the details of one process through `read(pid, file)`; `seconds` have passed since the
    /// last round, 0 at the first.
    pub fn read(
        &mut self,
        stat: &ProcessStat,
        seconds: f64,
        mut read: impl FnMut(u32, &str) -> Option<String>,
    ) -> Detail {
        let line = read(stat.pid, "cmdline").unwrap_or_default();
        let (name, args) = name_and_args(&stat.comm, &line);
        let last = self.known.remove(&stat.pid).filter(|known| known.start == stat.start);
        let uid = last
            .as_ref()
            .and_then(|known| known.uid)
            .or_else(|| read(stat.pid, "status").and_then(|text| parse_uid(&text)));
        let disk = read(stat.pid, "io").and_then(|text| parse_io(&text));
        let before = last.and_then(|known| known.disk);
        let rates = disk.zip(before).filter(|_| seconds > 0.0).map(|(now, before)| {
            let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
            (rate(now.0, before.0), rate(now.1, before.1))
        });
        self.known.insert(stat.pid, Known { start: stat.start, uid, disk, round: self.round });
        Detail { name, args, uid, read: rates.map(|rates| rates.0), write: rates.map(|rates| rates.1) }
    }
}

/// `Uid:  0 0 0 0`, of which the second is the effective one.
///
/// Not through `procfs`: it wants the whole file, and one is read up to its 4,096th byte only. A user
/// of 500 groups fills that, after this line.
fn parse_uid(text: &str) -> Option<u32> {
    let rest = text.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// `read_bytes: 7` and `write_bytes: 8`; only the owner of a process, or root, may read them.
fn parse_io(text: &str) -> Option<(u64, u64)> {
    // `procfs` cuts a key's last byte off and panics when that splits a character.
    let io = Io::from_buf_read(Some(text).filter(|text| text.is_ascii())?.as_bytes()).ok()?;
    Some((io.read_bytes, io.write_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(written: u64) -> impl FnMut(u32, &str) -> Option<String> {
        move |_, file| match file {
            "cmdline" => Some("/usr/bin/example\0-v\0".to_owned()),
            "status" => Some("Name:\texample\nUid:\t1\t2\t2\t2\n".to_owned()),
            "io" => {
                let calls = "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4";
                Some(format!("{calls}\nread_bytes: 10\nwrite_bytes: {written}\ncancelled_write_bytes: 0\n"))
            }
            _ => None,
        }
    }

    #[test]
    fn disk_traffic_is_told_from_the_second_round() {
        let mut details = Details::default();
        let stat = ProcessStat::example(1);
        details.begin();
        let first = details.read(&stat, 0.0, files(100));
        details.end();
        assert_eq!((first.name.as_str(), first.args.as_str(), first.uid), ("example", "-v", Some(2)));
        assert_eq!((first.read, first.write), (None, None));
        details.begin();
        let second = details.read(&stat, 2.0, files(500));
        details.end();
        assert_eq!((second.read, second.write), (Some(0.0), Some(200.0)));
    }

    #[test]
    fn odd_files_tell_nothing() {
        for text in ["", "read_bytes: 10\nwrite_bytes: 1\n", "rchar: x\n", "é 1\n"] {
            assert_eq!(parse_io(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_may_not_be_read_is_not_told() {
        let mut details = Details::default();
        details.begin();
        let detail = details.read(&ProcessStat::example(1), 1.0, |_, _| None);
        let name = "example".to_owned();
        assert_eq!(detail, Detail { name, ..Detail::default() });
    }
}
