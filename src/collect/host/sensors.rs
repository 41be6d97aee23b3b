//! `/sys`: temperatures, fans, processor frequencies.

use std::{fs, path::Path};

use super::file::{read_number, read_word};
use crate::collect::Emit;

/// Values that are kept: 1,024 processors with three frequencies each fit.
const READINGS_MAX: usize = 4_096;
/// Thousandths of a degree.
const MILLI: f64 = 0.001;
/// Hertz in a kilohertz.
const KILO: f64 = 1_000.0;

#[derive(Debug, PartialEq)]
struct Reading {
    name: &'static str,
    labels: Vec<(&'static str, String)>,
    value: f64,
}

/// What the sensors said at the last slow round.
///
/// Some of them answer after milliseconds only, over a slow bus, and asking a processor for its
/// frequency wakes it; so they are asked every fifth round and repeated in between.
#[derive(Debug, Default)]
pub struct Sensors(Vec<Reading>);

impl Sensors {
    /// Asks all sensors again.
    pub fn refresh(&mut self) {
        self.0.clear();
        for dir in children(Path::new("/sys/class/hwmon"), "hwmon") {
            read_chip(&dir, &mut self.0);
        }
        for dir in children(Path::new("/sys/class/thermal"), "thermal_zone") {
            read_zone(&dir, &mut self.0);
        }
        for dir in children(Path::new("/sys/devices/system/cpu"), "cpu") {
            read_frequencies(&dir, &mut self.0);
        }
        self.0.truncate(READINGS_MAX);
    }

    /// Emits what was read last.
    pub fn emit(&self, emit: &mut Emit<'_>) {
        for Reading { name, labels, value } in &self.0 {
            match labels.as_slice() {
                [one] => emit.put(name, &[(one.0, &one.1)], *value),
                [one, two] => emit.put(name, &[(one.0, &one.1), (two.0, &two.1)], *value),
                [one, two, three] => {
                    emit.put(name, &[(one.0, &one.1), (two.0, &two.1), (three.0, &three.1)], *value);
                }
                _ => emit.note_malformed(),
            }
        }
    }
}

/// Directories below `dir` that are named `prefix` and a number, with the number.
fn children(dir: &Path, prefix: &str) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| number_of(path, prefix).is_some())
        .collect();
    found.sort();
    found
}

fn number_of<'a>(path: &'a Path, prefix: &str) -> Option<&'a str> {
    let number = path.file_name()?.to_str()?.strip_prefix(prefix)?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

/// One chip of `/sys/class/hwmon`: `temp1_input`, `temp1_crit`, `fan2_input`, …
fn read_chip(dir: &Path, out: &mut Vec<Reading>) {
    let Some(chip) = chip_name(dir) else { return };
    if let Some(name) = read_word(dir.join("name")) {
        let labels = vec![("chip", chip.clone()), ("chip_name", name)];
        out.push(Reading { name: "node_hwmon_chip_names", labels, value: 1.0 });
    }
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut files: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    files.sort();
    for file in files {
        let Some((sensor, kind)) = file.split_once('_') else { continue };
        let labels = || vec![("chip", chip.clone()), ("sensor", sensor.to_owned())];
        let metric = match (sensor.trim_end_matches(|char: char| char.is_ascii_digit()), kind) {
            ("temp", "input") => ("node_hwmon_temp_celsius", MILLI),
            ("temp", "crit") => ("node_hwmon_temp_crit_celsius", MILLI),
            ("temp", "max") => ("node_hwmon_temp_max_celsius", MILLI),
            ("fan", "input") => ("node_hwmon_fan_rpm", 1.0),
            ("temp" | "fan", "label") => {
                if let Some(label) = read_word(dir.join(&file)) {
                    let labels = vec![labels(), vec![("label", label)]].concat();
                    out.push(Reading { name: "node_hwmon_sensor_label", labels, value: 1.0 });
                }
                continue;
            }
            _ => continue,
        };
        if let Some(value) = read_number(dir.join(&file)) {
            out.push(Reading { name: metric.0, labels: labels(), value: value * metric.1 });
        }
    }
}

/// A name that stays the same when chips are numbered anew, made as `node_exporter` makes it: the
/// last two parts of the device's path, `platform_coretemp_0`.
fn chip_name(dir: &Path) -> Option<String> {
    if let Ok(device) = fs::canonicalize(dir.join("device")) {
        let part = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(cleaned);
        let name = part(&device).unwrap_or_default();
        let bus = device.parent().and_then(part).unwrap_or_default();
        match (bus.is_empty(), name.is_empty()) {
            (false, false) => return Some(format!("{bus}_{name}")),
            (true, false) => return Some(name),
            _ => {}
        }
    }
    read_word(dir.join("name")).map(|name| cleaned(&name)).filter(|name| !name.is_empty())
}

/// Lower case, and all but letters, digits, `:` and `_` replaced.
fn cleaned(name: &str) -> String {
    let lower = name.to_lowercase();
    let kept = |char: char| if matches!(char, 'a'..='z' | '0'..='9' | ':' | '_') { char } else { '_' };
    lower.chars().map(kept).collect::<String>().trim_matches('_').to_owned()
}

fn read_zone(dir: &Path, out: &mut Vec<Reading>) {
    let (Some(zone), Some(kind)) = (number_of(dir, "thermal_zone"), read_word(dir.join("type"))) else {
        return;
    };
    if let Some(value) = read_number(dir.join("temp")) {
        let labels = vec![("zone", zone.to_owned()), ("type", kind)];
        out.push(Reading { name: "node_thermal_zone_temp", labels, value: value * MILLI });
    }
}

fn read_frequencies(dir: &Path, out: &mut Vec<Reading>) {
    let Some(cpu) = number_of(dir, "cpu") else { return };
    for (file, name) in [
        ("scaling_cur_freq", "node_cpu_scaling_frequency_hertz"),
        ("scaling_max_freq", "node_cpu_scaling_frequency_max_hertz"),
        ("scaling_min_freq", "node_cpu_scaling_frequency_min_hertz"),
    ] {
        if let Some(value) = read_number(dir.join("cpufreq").join(file)) {
            out.push(Reading { name, labels: vec![("cpu", cpu.to_owned())], value: value * KILO });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::series::emitted;

    /// A directory with files; each path is relative to it.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn lines(readings: Vec<Reading>) -> Vec<String> {
        emitted(|emit| Sensors(readings).emit(emit))
    }

    #[test]
    fn a_chip_is_named_by_its_device() {
        let dir = tree(&[
            ("platform/coretemp.0/name", "coretemp\n"),
            ("hwmon0/name", "coretemp\n"),
            ("hwmon0/temp1_input", "45500\n"),
            ("hwmon0/temp1_crit", "100000\n"),
            ("hwmon0/temp1_label", "Core 0\n"),
            ("hwmon0/fan1_input", "x\n"),
        ]);
        let link = dir.path().join("hwmon0/device");
        std::os::unix::fs::symlink(dir.path().join("platform/coretemp.0"), link).unwrap();
        let mut out = Vec::new();
        read_chip(&dir.path().join("hwmon0"), &mut out);
        assert_eq!(
            lines(out),
            [
                r#"node_hwmon_chip_names{chip="platform_coretemp_0", chip_name="coretemp"} 1"#,
                r#"node_hwmon_temp_crit_celsius{chip="platform_coretemp_0", sensor="temp1"} 100"#,
                r#"node_hwmon_temp_celsius{chip="platform_coretemp_0", sensor="temp1"} 45.5"#,
                r#"node_hwmon_sensor_label{chip="platform_coretemp_0", label="Core 0", sensor="temp1"} 1"#,
            ]
        );
    }

    #[test]
    fn zones_and_frequencies_are_numbered() {
        let dir = tree(&[
            ("thermal_zone0/type", "acpitz\n"),
            ("thermal_zone0/temp", "27800\n"),
            ("cpu1/cpufreq/scaling_cur_freq", "2400000\n"),
            ("cpufreq/x", ""),
        ]);
        let mut out = Vec::new();
        for zone in children(dir.path(), "thermal_zone") {
            read_zone(&zone, &mut out);
        }
        for cpu in children(dir.path(), "cpu") {
            read_frequencies(&cpu, &mut out);
        }
        assert_eq!(
            lines(out),
            [
                r#"node_thermal_zone_temp{type="acpitz", zone="0"} 27.8"#,
                r#"node_cpu_scaling_frequency_hertz{cpu="1"} 2400000000"#,
            ]
        );
    }
}
