//! One commit: everything that waits, or nothing.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::super::{codec::encode_block, ids::SeriesId, series::SealedChunk};
use super::{
    block::PendingBlock,
    queue::{Ack, Carried, Job},
    restore::{PendingRow, encode_labels},
    retention::{self, Retention},
};
use crate::model::Labels;

/// What a commit writes. Nothing of it is changed, so that it can be tried again.
#[derive(Debug)]
pub struct Work<'a> {
    /// New series.
    pub announced: &'a [(SeriesId, Labels)],
    /// The work, in order.
    pub jobs: &'a [Job],
    /// Blocks whose rows are written (again).
    pub blocks: &'a [PendingBlock],
    /// Whether pushes get rows of their own. Not when the blocks are written: those have them.
    pub loose: bool,
    /// Rows of blocks that grow no more.
    pub closed: &'a [PendingRow],
    /// The id of the next row of `pending`.
    pub next_row: i64,
    /// What is kept, and the time, when it is time to look.
    pub retention: Option<(Retention, i64)>,
}

/// What a commit has done.
#[derive(Debug, Default)]
pub struct Done {
    /// The rows that pushes got.
    pub loose: Vec<PendingRow>,
    /// The ids of the blocks' rows.
    pub block_ids: Vec<i64>,
    /// The id of the next row of `pending`.
    pub next_row: i64,
    /// Rows of blocks that were deleted: those older than this.
    pub trimmed: i64,
    /// What the head may know now.
    pub acks: Vec<Ack>,
    /// Chunks that retention deleted.
    pub deleted: usize,
}

/// Writes the work in one transaction.
///
/// # Errors
///
/// When the file fails; then nothing is written.
pub fn commit(connection: &mut Connection, work: &Work<'_>) -> rusqlite::Result<Done> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut done = Done { next_row: work.next_row, trimmed: i64::MIN, ..Done::default() };
    put_series(&transaction, work.announced)?;
    if work.loose {
        put_loose(&transaction, work.jobs, &mut done)?;
    }
    put_blocks(&transaction, work.blocks, &mut done)?;
    for job in work.jobs {
        match job {
            Job::Save(chunks) => put_chunks(&transaction, chunks, &mut done)?,
            Job::Carry(carried) => put_carried(&transaction, carried, &mut done)?,
            Job::Trim(before) => done.trimmed = done.trimmed.max(*before),
            Job::Forget(ids) => forget(&transaction, ids)?,
            Job::Durable(_) | Job::Lazy(_) | Job::Tick { .. } | Job::Flush(_) | Job::Close(_) => {}
        }
    }
    let mut trim = transaction.prepare_cached("DELETE FROM pending WHERE id = ?1")?;
    for row in work.closed.iter().filter(|row| row.t_max < done.trimmed) {
        trim.execute([row.id])?;
    }
    drop(trim);
    if let Some((retention, now_ms)) = work.retention {
        done.deleted = retention::delete_step(&transaction, retention, now_ms)?;
    }
    transaction.commit()?;
    Ok(done)
}

fn put_series(transaction: &Transaction<'_>, announced: &[(SeriesId, Labels)]) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached("INSERT OR REPLACE INTO series VALUES (?1, ?2)")?;
    for (id, labels) in announced {
        put.execute(params![id.0, encode_labels(labels)])?;
    }
    Ok(())
}

const PUT_PENDING: &str = "INSERT OR REPLACE INTO pending VALUES (?1, ?2, ?3)";

/// All pushes that came together share one row.
fn put_loose(transaction: &Transaction<'_>, jobs: &[Job], done: &mut Done) -> rusqlite::Result<()> {
    let pushes = jobs.iter().filter_map(|job| match job {
        Job::Durable(durable) => Some(&durable.rows),
        _ => None,
    });
    let mut put = transaction.prepare_cached(PUT_PENDING)?;
    let mut put = |block: &PendingBlock| {
        put.execute(params![done.next_row, block.t_max(), encode_block(&block.rows, &block.histograms)])?;
        done.loose.push(PendingRow { id: done.next_row, t_max: block.t_max() });
        done.next_row += 1;
        Ok::<_, rusqlite::Error>(())
    };
    let mut block = PendingBlock::default();
    for push in pushes {
        let mut places = (0, 0);
        while !block.fill(push, &mut places, false) {
            put(&std::mem::take(&mut block))?;
        }
    }
    if !block.is_empty() {
        put(&block)?;
    }
    Ok(())
}

fn put_blocks(
    transaction: &Transaction<'_>,
    blocks: &[PendingBlock],
    done: &mut Done,
) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(PUT_PENDING)?;
    let mut swallow = transaction.prepare_cached("DELETE FROM pending WHERE id = ?1")?;
    for block in blocks {
        let id = block.id.unwrap_or_else(|| {
            done.next_row += 1;
            done.next_row - 1
        });
        put.execute(params![id, block.t_max(), encode_block(&block.rows, &block.histograms)])?;
        for loose in &block.loose {
            swallow.execute([loose])?;
        }
        done.block_ids.push(id);
    }
    Ok(())
}

fn put_chunks(
    transaction: &Transaction<'_>,
    chunks: &[(SeriesId, SealedChunk)],
    done: &mut Done,
) -> rusqlite::Result<()> {
    let mut put = transaction
        .prepare_cached("INSERT INTO chunk (series, t_min, span, body) VALUES (?1, ?2, ?3, ?4)")?;
    let mut uncarry = transaction.prepare_cached("DELETE FROM carried WHERE series = ?1 AND t_max <= ?2")?;
    for (id, chunk) in chunks {
        put.execute(params![id.0, chunk.t_min, chunk.t_max - chunk.t_min, &*chunk.body])?;
        uncarry.execute(params![id.0, chunk.t_max])?;
        done.acks.push(Ack::Saved(*id, chunk.t_max));
    }
    Ok(())
}

fn put_carried(transaction: &Transaction<'_>, carried: &[Carried], done: &mut Done) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached("INSERT OR REPLACE INTO carried VALUES (?1, ?2, ?3)")?;
    for Carried { series, t_max, body } in carried {
        put.execute(params![series.0, t_max, body])?;
        done.acks.push(Ack::Carried(*series, *t_max));
    }
    Ok(())
}

fn forget(transaction: &Transaction<'_>, ids: &[SeriesId]) -> rusqlite::Result<()> {
    for table in ["DELETE FROM series WHERE id = ?1", "DELETE FROM carried WHERE series = ?1"] {
        let mut delete = transaction.prepare_cached(table)?;
        for id in ids {
            delete.execute([id.0])?;
        }
    }
    Ok(())
}
