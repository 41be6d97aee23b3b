//! A copy of the file while it is in use.

use std::path::Path;

use rusqlite::{Connection, backup::Backup};

use super::{Disk, StoreError};

impl Disk {
    /// Copies the file to `path`, with everything that came up to now. The copy is one file, and
    /// opens as a store of its own; the writer goes on meanwhile.
    ///
    /// *Blocks*.
    ///
    /// # Errors
    ///
    /// When either file fails.
    pub fn backup(&self, path: &Path) -> Result<(), StoreError> {
        // A disk that refuses cannot be flushed; the copy then has what the file has.
        self.flush();
        self.readers().with(|source| {
            let mut copy = Connection::open(path)?;
            // All pages in one step: a read of one state, which the log allows beside the writer.
            Backup::new(source, &mut copy)?.step(-1)?;
            Ok(())
        })
    }
}
