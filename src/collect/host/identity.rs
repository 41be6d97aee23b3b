//! What the machine is: kernel, distribution, time of day.

use crate::collect::Emit;

/// The keys of `/etc/os-release` that become labels of `node_os_info`.
const OS_KEYS: [&str; 12] = [
    "BUILD_ID",
    "ID",
    "ID_LIKE",
    "IMAGE_ID",
    "IMAGE_VERSION",
    "NAME",
    "PRETTY_NAME",
    "VARIANT",
    "VARIANT_ID",
    "VERSION",
    "VERSION_CODENAME",
    "VERSION_ID",
];

/// Kernel and distribution, read once: they change at a restart.
#[derive(Debug, Default)]
pub struct Identity {
    kernel: Vec<(&'static str, String)>,
    os: Vec<(String, String)>,
}

impl Identity {
    /// Asks the kernel and reads `os-release`; what is missing is left out.
    pub fn read() -> Self {
        let uname = rustix::system::uname();
        let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        let kernel = vec![
            ("sysname", text(uname.sysname())),
            ("release", text(uname.release())),
            ("version", text(uname.version())),
            ("machine", text(uname.machine())),
            ("nodename", text(uname.nodename())),
            ("domainname", text(uname.domainname())),
        ];
        let release = std::fs::read_to_string("/etc/os-release")
            .or_else(|_| std::fs::read_to_string("/usr/lib/os-release"))
            .unwrap_or_default();
        Self { kernel, os: parse_os_release(&release) }
    }

    /// Emits the facts, and the time.
    pub fn emit(&self, emit: &mut Emit<'_>) {
        let seconds = emit.at_ms() as f64 / 1_000.0;
        emit.put("node_time_seconds", &[], seconds);
        let kernel: Vec<(&str, &str)> =
            self.kernel.iter().map(|(name, value)| (*name, value.as_str())).collect();
        emit.put("node_uname_info", &kernel, 1.0);
        let os: Vec<(&str, &str)> =
            self.os.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if !os.is_empty() {
            emit.put("node_os_info", &os, 1.0);
        }
    }
}

/// `NAME="Debian GNU/Linux"` a line; the quotes may be missing.
fn parse_os_release(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        if OS_KEYS.contains(&key.trim()) {
            let value = value.trim().trim_matches(['"', '\'']);
            pairs.push((key.trim().to_lowercase(), value.to_owned()));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::series::emitted;

    #[test]
    fn the_distribution_is_labels() {
        let text = "PRETTY_NAME=\"Debian GNU/Linux 13\"\nID=debian\nHOME_URL=\"https://x\"\n# x\n";
        let identity = Identity { kernel: vec![("sysname", "Linux".to_owned())], os: parse_os_release(text) };
        assert_eq!(
            emitted(|emit| identity.emit(emit)),
            [
                "node_time_seconds 1",
                r#"node_uname_info{sysname="Linux"} 1"#,
                r#"node_os_info{id="debian", pretty_name="Debian GNU/Linux 13"} 1"#,
            ]
        );
    }
}
