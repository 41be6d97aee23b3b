//! A copy of the events of a data folder that another process may be writing to.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::{FILE_NAME, JournalError};

/// Copies the events of `folder` into `file`, in one consistent state; the writer goes on meanwhile.
///
/// *Blocks*.
///
/// # Errors
///
/// When there are no events in the folder, or either file fails.
pub fn copy(folder: &Path, file: &Path) -> Result<(), JournalError> {
    let source = Connection::open_with_flags(folder.join(FILE_NAME), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut target = Connection::open(file)?;
    // All pages in one step: a read of one state, which the log allows beside the writer.
    Backup::new(&source, &mut target)?.step(-1)?;
    Ok(())
}
