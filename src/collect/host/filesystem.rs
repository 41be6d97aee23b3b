//! File systems: the mount table and how full each is.

use rustix::fs::{StatVfs, statvfs};

use crate::collect::Emit;

/// Mounts that are asked, at about 3 µs each.
pub const MOUNTS_MAX: usize = 512;

/// Types that hold no files of anyone: `node_exporter`'s default.
#[rustfmt::skip]
const TYPES_LEFT_OUT: &[&str] = &[
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "fusectl",
    "hugetlbfs", "iso9660", "mqueue", "nsfs", "overlay", "proc", "procfs", "pstore", "rpc_pipefs", "securityfs",
    "selinuxfs", "squashfs", "erofs", "sysfs", "tracefs",
];
/// Types whose answer comes from another machine or another process.
///
/// Asking one whose server is gone blocks without end, and nothing interrupts it; so nothing of the
/// kind is asked. `fuse.…` and `nfs…` are tested by their beginning.
const TYPES_REMOTE: &[&str] = &[
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "fuse",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "orangefs",
    "smb3",
    "smbfs",
    "virtiofs",
];
/// Places below which nothing is asked: `node_exporter`'s default.
const POINTS_LEFT_OUT: &[&str] = &["/dev", "/proc", "/sys"];
/// Places whose children are not asked; they themselves are.
const PARENTS_LEFT_OUT: &[&str] = &["/run/credentials/", "/var/lib/docker/", "/var/lib/containers/storage/"];

#[derive(Debug, PartialEq, Eq)]
struct Mount {
    device: String,
    point: String,
    kind: String,
    is_readonly: bool,
}

/// The local file systems, from `/proc/self/mounts`.
///
/// The table is parsed again only when its text changed; not by `procfs`, which leaves the blanks of
/// mount points escaped.
#[derive(Debug, Default)]
pub struct Filesystems {
    text: String,
    mounts: Vec<Mount>,
}

impl Filesystems {
    /// Takes the mount table as it is now and emits how full each file system is.
    pub fn read(&mut self, text: &str, emit: &mut Emit<'_>) {
        if text != self.text {
            text.clone_into(&mut self.text);
            self.mounts.clear();
            for line in text.lines() {
                match parse_mount(line) {
                    Some(mount) if is_asked(&mount.kind, &mount.point) => self.mounts.push(mount),
                    Some(_) => {}
                    None => emit.note_malformed(),
                }
            }
            self.mounts.truncate(MOUNTS_MAX);
        }
        for mount in &self.mounts {
            mount.emit(statvfs(&*mount.point).ok(), emit);
        }
    }
}

impl Mount {
    fn emit(&self, space: Option<StatVfs>, emit: &mut Emit<'_>) {
        let labels = [("device", self.device.as_str()), ("fstype", &self.kind), ("mountpoint", &self.point)];
        let flag = |set: bool| if set { 1.0 } else { 0.0 };
        emit.put("node_filesystem_readonly", &labels, flag(self.is_readonly));
        emit.put("node_filesystem_device_error", &labels, flag(space.is_none()));
        let Some(space) = space else { return };
        let block = space.f_frsize as f64;
        emit.put("node_filesystem_size_bytes", &labels, space.f_blocks as f64 * block);
        emit.put("node_filesystem_free_bytes", &labels, space.f_bfree as f64 * block);
        emit.put("node_filesystem_avail_bytes", &labels, space.f_bavail as f64 * block);
        emit.put("node_filesystem_files", &labels, space.f_files as f64);
        emit.put("node_filesystem_files_free", &labels, space.f_ffree as f64);
    }
}

/// `/dev/vda / ext4 rw,relatime 0 0`.
fn parse_mount(line: &str) -> Option<Mount> {
    let mut words = line.split(' ');
    let (device, point, kind, options) = (words.next()?, words.next()?, words.next()?, words.next()?);
    Some(Mount {
        device: unescaped(device),
        point: unescaped(point),
        kind: kind.to_owned(),
        is_readonly: options.split(',').any(|option| option == "ro"),
    })
}

fn is_asked(kind: &str, point: &str) -> bool {
    let is_remote = kind.starts_with("nfs") || kind.starts_with("fuse.") || TYPES_REMOTE.contains(&kind);
    let is_below = |parent: &&str| {
        point.strip_prefix(*parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_child = |parent: &&str| point.len() > parent.len() && point.starts_with(*parent);
    !is_remote
        && !TYPES_LEFT_OUT.contains(&kind)
        && !POINTS_LEFT_OUT.iter().any(is_below)
        && !PARENTS_LEFT_OUT.iter().any(is_child)
}

/// Blanks, tabs, line breaks and backslashes stand as `\040` and the like.
fn unescaped(word: &str) -> String {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|_| first == b'\\');
        let code = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::series::emitted;

    #[track_caller]
    fn check(kind: &str, point: &str, expected: bool) {
        assert_eq!(is_asked(kind, point), expected, "{kind} at {point}");
    }

    #[test]
    fn local_file_systems_are_asked() {
        check("ext4", "/", true);
        check("tmpfs", "/run", true);
        check("xfs", "/srv/device", true);
        check("fuseblk", "/mnt/usb", true);
        check("tmpfs", "/dev/shm", false);
        check("tmpfs", "/sys/fs/cgroup", false);
        check("proc", "/x", false);
        check("nfs4", "/home", false);
        check("fuse.sshfs", "/mnt/far", false);
        check("ext4", "/var/lib/docker", true);
        check("ext4", "/var/lib/docker/volumes/a", false);
    }

    #[test]
    fn a_line_of_the_table_is_read() {
        let mount = parse_mount(r"/dev/sd\134x /mnt/a\040b ext4 rw,ro 0 0").unwrap();
        assert_eq!((mount.device.as_str(), mount.point.as_str()), (r"/dev/sd\x", "/mnt/a b"));
        assert!(mount.is_readonly);
        assert_eq!(parse_mount("/dev/sda /mnt"), None);
        assert_eq!(unescaped(r"a\04"), r"a\04");
    }

    #[test]
    fn one_that_fails_says_so() {
        let text = "/dev/vdz /nonexistent/here ext4 rw 0 0\nodd\n";
        assert_eq!(
            emitted(|emit| Filesystems::default().read(text, emit)),
            [
                r#"node_filesystem_readonly{device="/dev/vdz", fstype="ext4", mountpoint="/nonexistent/here"} 0"#,
                r#"node_filesystem_device_error{device="/dev/vdz", fstype="ext4", mountpoint="/nonexistent/here"} 1"#,
                "malformed 1",
            ]
        );
        let root = emitted(|emit| Filesystems::default().read("/dev/vda / ext4 rw 0 0\n", emit));
        assert_eq!(root.len(), 7);
    }
}
