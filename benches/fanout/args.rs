//! What the command line says.

use super::options::options;

/// What is measured, and how long.
#[derive(Debug)]
pub(crate) struct Args {
    /// Clients in the channel.
    pub(crate) clients: usize,
    /// Messages a second; each rate is measured for itself.
    pub(crate) rates: Vec<f64>,
    /// How long the first rate is measured in a round; the others half as long.
    seconds: f64,
    /// Rounds; in each, every server has its turn.
    pub(crate) rounds: usize,
    /// Idle connections of which memory is measured; 0 leaves that out.
    pub(crate) idle: usize,
    /// How long pings of the idle connections are measured; 0 leaves that out.
    pub(crate) pings: f64,
}

impl Args {
    /// Reads the arguments.
    ///
    /// # Errors
    ///
    /// The sentence that says what is wrong.
    pub(crate) fn read(words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut args = Self {
            clients: 1_000,
            rates: vec![100.0, 20.0],
            seconds: 4.0,
            rounds: 9,
            idle: 10_000,
            pings: 25.0,
        };
        for (word, value) in options(words)? {
            match word.as_str() {
                "--clients" => args.clients = value.parse()?,
                "--rate" => args.rates = vec![value.parse()?],
                "--seconds" => args.seconds = value.parse()?,
                "--rounds" => args.rounds = value.parse()?,
                "--idle" => args.idle = value.parse()?,
                "--pings" => args.pings = value.parse()?,
                _ => {
                    anyhow::bail!("{word} is none of --clients, --rate, --seconds, --rounds, --idle, --pings")
                }
            }
        }
        anyhow::ensure!(0 < args.clients, "--clients must be at least 1");
        Ok(args)
    }
    /// How long a rate is measured in a round.
    pub(crate) fn seconds_of(&self, rate: f64) -> f64 {
        if self.rates.first() == Some(&rate) { self.seconds } else { self.seconds / 2.0 }
    }
}
