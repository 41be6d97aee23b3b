//! Batches between nodes.

use watchroom::backend::encode::{Parcel, Unreadable, VERSION, bodies, parcel};
use watchroom::model::limits::LABELS_MAX;

/// Bytes become a batch, which comes back when it is encoded; what is newer is told apart from what is damaged.
pub fn check(data: &[u8]) {
    let opened = match Parcel::open(data) {
        Ok(opened) => opened,
        Err(Unreadable::Version(version)) => {
            assert!(VERSION < version && data[0] == version);
            return;
        }
        Err(Unreadable::Damaged(_)) => return,
    };
    let Ok(batch) = opened.batch() else { return };
    for labels in batch.labels() {
        assert!(labels.len() <= LABELS_MAX);
        assert!(labels.iter().all(|label| !label.value.is_empty()));
    }
    let (mut samples, mut histograms) = (Vec::new(), Vec::new());
    let bodies = bodies(&batch);
    for (at, body) in bodies.iter().enumerate() {
        let bytes = parcel(&opened.origin, body);
        let again = Parcel::open(&bytes).expect("what was encoded");
        assert_eq!(again.origin, opened.origin);
        let again = again.batch().expect("what was encoded");
        assert_eq!(again.source, batch.source);
        assert_eq!(again.step, if at + 1 == bodies.len() { batch.step } else { None });
        samples.extend(again.samples);
        histograms.extend(again.histograms);
    }
    assert_eq!(histograms.len(), batch.histograms.len());
    for (again, one) in histograms.iter().zip(&batch.histograms) {
        assert!(again.labels == one.labels && again.sample == one.sample);
    }
    assert_eq!(samples.len(), batch.samples.len());
    for (again, sample) in samples.iter().zip(&batch.samples) {
        assert!(again.labels == sample.labels && again.sample == sample.sample);
    }
}
