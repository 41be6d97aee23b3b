//! Files that are read again and again.

use std::{fs::File, io, os::unix::fs::FileExt, path::PathBuf};

/// Bytes that are read of one file: 8,000 mounts, or `/proc/stat` of 1,000 processors.
pub const FILE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Rounds after which a file that is not there is looked for again: a minute at one a second.
pub const RETRY_ROUNDS: u32 = 60;

/// A file that stays open between readings.
///
/// The kernel makes the text anew at each reading from offset 0, so that opening is saved; on
/// `/proc/net` it costs more than reading does.
#[derive(Debug)]
pub struct KeptFile {
    path: PathBuf,
    file: Option<File>,
    wait_rounds: u32,
}

/// Why a file gave nothing.
#[derive(Debug)]
pub enum Missing {
    /// It is not there, which is a property of the machine, or it failed lately, which was counted then.
    Absent,
    /// It cannot be read.
    Failed(io::Error),
}

impl KeptFile {
    /// Makes one; nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None, wait_rounds: 0 }
    }

    /// Reads the whole text as it is now, at most [`FILE_BYTES_MAX`], into the start of `buffer`,
    /// and gives its length.
    ///
    /// # Errors
    ///
    /// When it cannot be read. It is then left alone for [`RETRY_ROUNDS`] readings.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Result<usize, Missing> {
        if self.wait_rounds > 0 {
            self.wait_rounds -= 1;
            return Err(Missing::Absent);
        }
        self.try_read(buffer).map_err(|error| {
            self.file = None;
            self.wait_rounds = RETRY_ROUNDS;
            if error.kind() == io::ErrorKind::NotFound { Missing::Absent } else { Missing::Failed(error) }
        })
    }

    fn try_read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::open(&self.path)?),
        };
        read_from_start(file, buffer)
    }
}

/// Reads `file` from its start, at most [`FILE_BYTES_MAX`], into the start of `buffer`, and gives the
/// text's length. The buffer only grows, so that later rounds write no zeros into it.
///
/// # Errors
///
/// When it cannot be read.
pub fn read_from_start(file: &File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut filled = 0;
    while filled < FILE_BYTES_MAX {
        if filled == buffer.len() {
            buffer.resize((buffer.len() * 2).clamp(4_096, FILE_BYTES_MAX), 0);
        }
        match file.read_at(&mut buffer[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads once from the start of `file` into `buffer`, as much as fits, and gives the text's length.
///
/// The files of a process give what they have in one reading; asking again for the end would
/// double the cost of a process table.
///
/// # Errors
///
/// When it cannot be read.
pub fn read_some(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, 0) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Reads a small file as trimmed text; `None` when it is missing or empty.
pub fn read_word(path: impl AsRef<std::path::Path>) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Reads a small file as a number; `None` when it is missing or not one.
pub fn read_number(path: impl AsRef<std::path::Path>) -> Option<f64> {
    read_word(path)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_from_the_start_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "x".repeat(10_000)).unwrap();
        let mut file = KeptFile::new(&path);
        let mut buffer = Vec::new();
        assert_eq!(file.read(&mut buffer).unwrap(), 10_000);
        std::fs::write(&path, "short").unwrap();
        let length = file.read(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"short");
    }

    #[test]
    fn an_unreadable_file_is_counted_once_in_a_while_and_an_absent_one_never() {
        for (path, expected) in [("/nonexistent", 0), ("/", 2)] {
            let mut file = KeptFile::new(path);
            let mut buffer = Vec::new();
            let failures = (0..=RETRY_ROUNDS + 1)
                .filter(|_| matches!(file.read(&mut buffer), Err(Missing::Failed(_))))
                .count();
            assert_eq!(failures, expected, "{path}");
        }
    }
}
