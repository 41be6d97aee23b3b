//! `/proc/net`: counters of the protocols, sockets, the packet queues, neighbours.
//!
//! Not through `procfs`: it does not know `netstat`, `sockstat` and `softnet_stat`, refuses `snmp` and
//! `snmp6` of a kernel without UDP-Lite (taken out for 7.1), and panics on an odd line of `arp`.

use crate::collect::Emit;

/// Fields of `/proc/net/netstat`, `snmp` and `snmp6` that are kept, as `Protocol_Field`.
///
/// `node_exporter`'s default, `^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|
/// Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|
/// TCPRcvQDrop)|Tcp_(…)|Udp6?_(…))$`, and eight more that tell why connections fail or crawl.
fn is_kept(protocol: &str, field: &str) -> bool {
    if matches!(field, "InErrors" | "InErrs") {
        return true;
    }
    match protocol {
        "Ip" => matches!(field, "Forwarding" | "InDiscards" | "OutDiscards"),
        "Ip6" | "IpExt" => matches!(field, "InOctets" | "OutOctets"),
        "Icmp" | "Icmp6" => matches!(field, "InMsgs" | "OutMsgs"),
        "TcpExt" => {
            field.starts_with("Listen")
                || field.starts_with("Syncookies")
                || matches!(field, "TCPSynRetrans" | "TCPTimeouts" | "TCPOFOQueue" | "TCPRcvQDrop")
                || matches!(
                    field,
                    "TCPFastRetrans" | "TCPLostRetransmit" | "TCPAbortOnMemory" | "TCPBacklogDrop"
                )
        }
        "Tcp" => matches!(
            field,
            "ActiveOpens"
                | "PassiveOpens"
                | "AttemptFails"
                | "EstabResets"
                | "CurrEstab"
                | "InSegs"
                | "OutSegs"
                | "OutRsts"
                | "RetransSegs"
        ),
        "Udp" | "Udp6" => {
            matches!(field, "InDatagrams" | "OutDatagrams" | "NoPorts" | "RcvbufErrors" | "SndbufErrors")
        }
        _ => false,
    }
}

/// `/proc/net/netstat` and `/proc/net/snmp`: pairs of lines, `Tcp: names…` and `Tcp: values…`.
pub fn read_netstat(text: &str, emit: &mut Emit<'_>) {
    let mut lines = text.lines();
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let (Some((protocol, names)), Some((again, values))) =
            (names.split_once(':'), values.split_once(':'))
        else {
            emit.note_malformed();
            continue;
        };
        if protocol != again {
            emit.note_malformed();
            continue;
        }
        for (field, value) in names.split_ascii_whitespace().zip(values.split_ascii_whitespace()) {
            if is_kept(protocol, field) {
                put_field(protocol, field, value, emit);
            }
        }
    }
}

/// `/proc/net/snmp6`: `Ip6InReceives  1` a line.
pub fn read_snmp6(text: &str, emit: &mut Emit<'_>) {
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(key), Some(value)) = (words.next(), words.next()) else {
            emit.note_malformed();
            continue;
        };
        let Some(end) = key.find('6') else { continue };
        let (protocol, field) = key.split_at(end + 1);
        if is_kept(protocol, field) {
            put_field(protocol, field, value, emit);
        }
    }
}

fn put_field(protocol: &str, field: &str, value: &str, emit: &mut Emit<'_>) {
    if let Some(value) = emit.understood(value.parse()) {
        emit.put_joined(&["node_netstat_", protocol, "_", field], &[], value);
    }
}

/// `/proc/net/sockstat` and `sockstat6`: `TCP: inuse 1 orphan 0 … mem 197`.
pub fn read_sockstat(text: &str, emit: &mut Emit<'_>) {
    let page_bytes = u32::try_from(rustix::param::page_size()).map_or(4_096.0, f64::from);
    for line in text.lines() {
        let Some((protocol, rest)) = line.split_once(':') else {
            emit.note_malformed();
            continue;
        };
        let mut words = rest.split_ascii_whitespace();
        while let (Some(field), Some(value)) = (words.next(), words.next()) {
            let Ok(value) = value.parse::<f64>() else {
                emit.note_malformed();
                continue;
            };
            emit.put_joined(&["node_sockstat_", protocol, "_", field], &[], value);
            // Memory is told in pages.
            if field == "mem" {
                emit.put_joined(&["node_sockstat_", protocol, "_mem_bytes"], &[], value * page_bytes);
            }
        }
    }
}

/// The columns of `/proc/net/softnet_stat` that mean something, by position.
const SOFTNET: [(usize, &str); 7] = [
    (0, "node_softnet_processed_total"),
    (1, "node_softnet_dropped_total"),
    (2, "node_softnet_times_squeezed_total"),
    (8, "node_softnet_cpu_collision_total"),
    (9, "node_softnet_received_rps_total"),
    (10, "node_softnet_flow_limit_count_total"),
    (11, "node_softnet_backlog_len"),
];
/// The column with the processor's number.
const SOFTNET_CPU: usize = 12;

/// `/proc/net/softnet_stat`: a line for each processor, in hexadecimal.
pub fn read_softnet(text: &str, emit: &mut Emit<'_>) {
    for (at, line) in text.lines().enumerate() {
        let mut values = [None; SOFTNET_CPU + 1];
        for (value, word) in values.iter_mut().zip(line.split_ascii_whitespace()) {
            *value = u32::from_str_radix(word, 16).ok();
            if value.is_none() {
                emit.note_malformed();
            }
        }
        // Old kernels do not tell the processor; their lines stand in its order.
        let cpu = values[SOFTNET_CPU].map_or_else(|| at.to_string(), |cpu| cpu.to_string());
        for (column, name) in SOFTNET {
            if let Some(value) = values[column] {
                emit.put(name, &[("cpu", &cpu)], f64::from(value));
            }
        }
    }
}

/// `/proc/net/arp`: how many neighbours each device knows.
pub fn read_arp(text: &str, emit: &mut Emit<'_>) {
    let mut counts: Vec<(&str, u32)> = Vec::new();
    for line in text.lines().skip(1) {
        let Some(device) = line.split_ascii_whitespace().nth(5) else {
            emit.note_malformed();
            continue;
        };
        match counts.iter_mut().find(|(known, _)| *known == device) {
            Some((_, count)) => *count += 1,
            None => counts.push((device, 1)),
        }
    }
    for (device, count) in counts {
        emit.put("node_arp_entries", &[("device", device)], f64::from(count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::series::emitted;

    #[test]
    fn names_and_values_stand_in_two_lines() {
        let text = "Ip: Forwarding DefaultTTL InReceives\nIp: 2 64 33817\nTcp: CurrEstab MaxConn\nTcp: 5 -1\n\
                    A: InErrs\nB: 1\nUdp: InErrors NoPorts\nUdp: x 4\n";
        assert_eq!(
            emitted(|emit| read_netstat(text, emit)),
            [
                "node_netstat_Ip_Forwarding 2",
                "node_netstat_Tcp_CurrEstab 5",
                "node_netstat_Udp_NoPorts 4",
                "malformed 2",
            ]
        );
        let text = "Ip6InOctets   \t128\nIp6InReceives \t1\nUdpLite6InErrors 3\nodd\n";
        assert_eq!(
            emitted(|emit| read_snmp6(text, emit)),
            ["node_netstat_Ip6_InOctets 128", "node_netstat_UdpLite6_InErrors 3", "malformed 1"]
        );
    }

    #[test]
    fn socket_memory_is_bytes_too() {
        let page = rustix::param::page_size();
        assert_eq!(
            emitted(|emit| read_sockstat("sockets: used 13\nTCP: inuse 1 mem 2\n", emit)),
            [
                "node_sockstat_sockets_used 13".to_owned(),
                "node_sockstat_TCP_inuse 1".to_owned(),
                "node_sockstat_TCP_mem 2".to_owned(),
                format!("node_sockstat_TCP_mem_bytes {}", 2 * page),
            ]
        );
    }

    #[test]
    fn packet_queues_are_hexadecimal() {
        let line = "0000840b 00000001 00000002 0 0 0 0 0 0 0 0 00000003 00000004 0 0\n";
        let lines = emitted(|emit| read_softnet(line, emit));
        assert_eq!(lines.len(), SOFTNET.len());
        assert_eq!(lines[0], r#"node_softnet_processed_total{cpu="4"} 33803"#);
        assert_eq!(lines[6], r#"node_softnet_backlog_len{cpu="4"} 3"#);
        let lines = emitted(|emit| read_softnet("1 2 3\n4 zz\n", emit));
        assert_eq!(lines[3], r#"node_softnet_processed_total{cpu="1"} 4"#);
        assert_eq!(lines[4], "malformed 1");
    }

    #[test]
    fn neighbours_are_counted_by_device() {
        let text = "IP address HW type\n192.0.2.1 0x1 0x2 02:fc * eth0\n192.0.2.2 0x1 0x2 02:fd * eth0\nx\n";
        assert_eq!(
            emitted(|emit| read_arp(text, emit)),
            [r#"node_arp_entries{device="eth0"} 2"#, "malformed 1"]
        );
    }
}
