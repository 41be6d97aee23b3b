//! A batch while the head takes it.

use std::sync::RwLockWriteGuard;

use super::{
    codec::{HistogramRow, Row},
    head::{Appended, Head},
    report::{AppendReport, Refusal},
    series::Refused,
};
use crate::model::{HistogramSample, Sample};

/// A batch on its way into the head.
#[derive(Debug)]
pub struct Taking<'a> {
    /// The head, locked.
    pub head: RwLockWriteGuard<'a, Head>,
    /// What became of it up to now.
    pub report: AppendReport,
    rows: Vec<Row>,
    histograms: Vec<HistogramRow>,
}

impl<'a> Taking<'a> {
    /// Begins with a batch of so many samples.
    pub fn new(head: RwLockWriteGuard<'a, Head>, samples: usize) -> Self {
        let rows = Vec::with_capacity(samples);
        Self { head, report: AppendReport::default(), rows, histograms: Vec::new() }
    }

    /// Notes what became of one sample.
    pub fn note(&mut self, index: usize, appended: Result<Appended, Refused>, sample: Sample) {
        match appended {
            Ok(Appended { series, taken, .. }) => {
                self.report.took(taken);
                self.rows.push(Row { series, sample });
            }
            Err(reason) => self.report.refused.push(Refusal { index, reason }),
        }
    }

    /// Notes what became of one histogram.
    pub fn note_histogram(
        &mut self,
        index: usize,
        appended: Result<Appended, Refused>,
        sample: &HistogramSample,
    ) {
        match appended {
            Ok(Appended { series, taken, .. }) => {
                self.report.took(taken);
                self.histograms.push(HistogramRow { series, sample: sample.clone() });
            }
            Err(reason) => self.report.refused.push(Refusal { index, reason }),
        }
    }

    /// Lets the head go and gives the report.
    pub fn finish(self) -> AppendReport {
        // What follows needs no lock.
        drop(self.head);
        let mut report = self.report;
        report.finish(self.rows, self.histograms);
        report
    }
}
