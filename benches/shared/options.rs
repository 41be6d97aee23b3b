//! The options of a bench: words in pairs.

/// Takes words as options with their values.
///
/// # Errors
///
/// When one has no value.
pub(crate) fn options(mut words: impl Iterator<Item = String>) -> anyhow::Result<Vec<(String, String)>> {
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        if word == "--bench" {
            // Cargo says so to every bench.
            continue;
        }
        let value = words.next().ok_or_else(|| anyhow::anyhow!("{word} wants a value"))?;
        options.push((word, value));
    }
    Ok(options)
}
