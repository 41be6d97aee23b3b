//! One range query over HTTP, and what its answer costs the server.

use tokio::time::Instant;

use watchroom::load::process::{cpu_seconds, most_kib};

use super::child::Server;

/// A range query.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The expression.
    pub(crate) query: &'static str,
    /// First point, s since the Unix epoch.
    pub(crate) start: i64,
    /// Last point, s since the Unix epoch.
    pub(crate) end: i64,
    /// Between two points, s.
    pub(crate) step: u32,
}

/// What an answer cost.
#[derive(Debug)]
pub(crate) struct Cost {
    /// From the question to the answer's last byte, s.
    pub(crate) wall: f64,
    /// Of all threads of the server, s.
    pub(crate) cpu: f64,
    /// The most memory that was resident meanwhile, KiB.
    pub(crate) peak_kib: f64,
    /// Points of the answer.
    pub(crate) points: usize,
}

impl Asked {
    /// Asks a server.
    ///
    /// # Errors
    ///
    /// When it does not answer, or with an error.
    pub(crate) async fn of(&self, client: &reqwest::Client, server: &Server) -> anyhow::Result<Cost> {
        let url = format!("http://{}/api/v1/query_range", server.address);
        let (start, end, step) = (self.start.to_string(), self.end.to_string(), self.step.to_string());
        let body = [("query", self.query), ("start", &start), ("end", &end), ("step", &step)]
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .join("&");
        let request =
            client.post(&url).header("content-type", "application/x-www-form-urlencoded").body(body);
        // 5 begins the peak of resident memory anew.
        std::fs::write(format!("/proc/{}/clear_refs", server.pid()), "5")?;
        let (cpu, began) = (cpu_seconds(server.pid())?, Instant::now());
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.bytes().await?;
        let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds(server.pid())? - cpu);
        anyhow::ensure!(status.is_success(), "{}", String::from_utf8_lossy(&text[..text.len().min(500)]));
        Ok(Cost { wall, cpu, peak_kib: most_kib(server.pid())?, points: points(&text) })
    }
}

/// A form's value: all but letters and digits escaped.
fn encoded(value: &str) -> String {
    let escaped = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    value.bytes().map(escaped).collect()
}

/// Each point ends in a quote and a bracket, and nothing else does but the last text of a list of texts.
fn points(answer: &[u8]) -> usize {
    answer.windows(2).filter(|pair| *pair == b"\"]").count()
}
