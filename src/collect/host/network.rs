//! `/proc/net/dev` and `/sys/class/net`: network devices.

use std::{fs, path::Path};

use procfs_core::{
    FromBufRead,
    net::{DeviceStatus, InterfaceDeviceStatus},
};

use super::file::{read_number, read_word};
use crate::collect::Emit;

/// A column of `/proc/net/dev`.
type Column = (&'static str, fn(&DeviceStatus) -> u64);

const COLUMNS: [Column; 16] = [
    ("node_network_receive_bytes_total", |device| device.recv_bytes),
    ("node_network_receive_packets_total", |device| device.recv_packets),
    ("node_network_receive_errs_total", |device| device.recv_errs),
    ("node_network_receive_drop_total", |device| device.recv_drop),
    ("node_network_receive_fifo_total", |device| device.recv_fifo),
    ("node_network_receive_frame_total", |device| device.recv_frame),
    ("node_network_receive_compressed_total", |device| device.recv_compressed),
    ("node_network_receive_multicast_total", |device| device.recv_multicast),
    ("node_network_transmit_bytes_total", |device| device.sent_bytes),
    ("node_network_transmit_packets_total", |device| device.sent_packets),
    ("node_network_transmit_errs_total", |device| device.sent_errs),
    ("node_network_transmit_drop_total", |device| device.sent_drop),
    ("node_network_transmit_fifo_total", |device| device.sent_fifo),
    ("node_network_transmit_colls_total", |device| device.sent_colls),
    ("node_network_transmit_carrier_total", |device| device.sent_carrier),
    ("node_network_transmit_compressed_total", |device| device.sent_compressed),
];
/// Devices whose attributes are read: six files each, 5 µs a file, every fifth round. A host of
/// containers has hundreds of virtual ones.
const INTERFACES_MAX: usize = 256;
/// Bytes per second in a megabit per second.
const MEGABIT: f64 = 1_000_000.0 / 8.0;

/// `/proc/net/dev`: two lines of heading, then `eth0: 1 2 …`.
pub fn read_netdev(text: &str, emit: &mut Emit<'_>) {
    let devices = emit.understood(InterfaceDeviceStatus::from_buf_read(text.as_bytes()));
    for device in devices.iter().flat_map(|devices| devices.0.values()) {
        for (name, column) in COLUMNS {
            emit.put(name, &[("device", &device.name)], column(device) as f64);
        }
    }
}

#[derive(Debug, Default)]
struct Interface {
    device: String,
    state: String,
    address: String,
    duplex: String,
    carrier: Option<f64>,
    carrier_changes: Option<f64>,
    mtu: Option<f64>,
    speed: Option<f64>,
    queue: Option<f64>,
}

/// What `/sys/class/net` says of each device: whether it is up, how large its frames, how fast.
///
/// A device's speed is asked of its driver under a lock of all network configuration, so it is read
/// at slow rounds only.
#[derive(Debug, Default)]
pub struct Interfaces(Vec<Interface>);

impl Interfaces {
    /// Reads the attributes of all devices again.
    pub fn refresh(&mut self) {
        self.0.clear();
        let Ok(entries) = fs::read_dir("/sys/class/net") else { return };
        for entry in entries.flatten().take(INTERFACES_MAX) {
            let Ok(device) = entry.file_name().into_string() else { continue };
            // A plain file stands here too when bonding is loaded.
            if entry.path().join("operstate").exists() {
                self.0.push(Interface::read(device, &entry.path()));
            }
        }
    }

    /// Emits what was read last.
    pub fn emit(&self, emit: &mut Emit<'_>) {
        for interface in &self.0 {
            interface.emit(emit);
        }
    }
}

impl Interface {
    fn read(device: String, dir: &Path) -> Self {
        let word = |name: &str| read_word(dir.join(name)).unwrap_or_default();
        let number = |name: &str| read_number(dir.join(name));
        Self {
            device,
            state: word("operstate"),
            address: word("address"),
            duplex: word("duplex"),
            carrier: number("carrier"),
            carrier_changes: number("carrier_changes"),
            mtu: number("mtu"),
            // A device that is down, or has no speed, says -1 or refuses.
            speed: number("speed").filter(|speed| *speed >= 0.0),
            queue: number("tx_queue_len"),
        }
    }

    fn emit(&self, emit: &mut Emit<'_>) {
        let device = [("device", self.device.as_str())];
        let up = if self.state == "up" { 1.0 } else { 0.0 };
        emit.put("node_network_up", &device, up);
        let info = [
            ("device", self.device.as_str()),
            ("address", &self.address),
            ("duplex", &self.duplex),
            ("operstate", &self.state),
        ];
        emit.put("node_network_info", &info, 1.0);
        let numbers = [
            ("node_network_carrier", self.carrier),
            ("node_network_carrier_changes_total", self.carrier_changes),
            ("node_network_mtu_bytes", self.mtu),
            ("node_network_speed_bytes", self.speed.map(|megabits| megabits * MEGABIT)),
            ("node_network_transmit_queue_length", self.queue),
        ];
        for (name, value) in numbers {
            if let Some(value) = value {
                emit.put(name, &device, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::series::emitted;

    #[test]
    fn a_device_has_a_metric_for_each_column() {
        let text = "Inter-| Receive | Transmit\n face |bytes | bytes\n\
                    eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
        let lines = emitted(|emit| read_netdev(text, emit));
        assert_eq!(lines[0], r#"node_network_receive_bytes_total{device="eth0"} 1"#);
        assert_eq!(lines[7], r#"node_network_receive_multicast_total{device="eth0"} 8"#);
        assert_eq!(lines[8], r#"node_network_transmit_bytes_total{device="eth0"} 9"#);
        assert_eq!(lines[15], r#"node_network_transmit_compressed_total{device="eth0"} 16"#);
        assert_eq!(lines.len(), 16);
        assert_eq!(emitted(|emit| read_netdev("a\nb\nlo: 3\n", emit)), ["malformed 1"]);
    }

    #[test]
    fn attributes_that_are_missing_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("operstate", "up\n"), ("mtu", "1500\n"), ("speed", "-1\n"), ("carrier", "1\n")]
        {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let interface = Interface::read("eth0".to_owned(), dir.path());
        assert_eq!(
            emitted(|emit| interface.emit(emit)),
            [
                r#"node_network_up{device="eth0"} 1"#,
                r#"node_network_info{device="eth0", operstate="up"} 1"#,
                r#"node_network_carrier{device="eth0"} 1"#,
                r#"node_network_mtu_bytes{device="eth0"} 1500"#,
            ]
        );
    }
}
