// SPDX-License-Identifier: GPL-2.0

//! What is an initrd, byte by byte?
//!
//! The "newc" form of cpio, as Documentation/driver-api/early-userspace/buffer-format.rst in the
//! kernel has it:
//!
//! ```text
//! archive = entry... trailer            every number is 8 hexadecimal digits
//! entry   = "070701" ino mode uid gid nlink mtime size devmajor devminor
//!           rdevmajor rdevminor namesize check  name NUL pad4  data pad4
//! ```

const MAGIC: &str = "070701";
const TRAILER: &str = "TRAILER!!!";
const S_IFDIR: u32 = 0o040_000;
const S_IFCHR: u32 = 0o020_000;
const S_IFREG: u32 = 0o100_000;

/// An archive in the making.
#[derive(Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// A directory.
    pub(crate) fn dir(&mut self, name: &str) {
        self.entry(name, S_IFDIR | 0o755, (0, 0), &[]);
    }

    /// A character device.
    pub(crate) fn device(&mut self, name: &str, major: u32, minor: u32) {
        self.entry(name, S_IFCHR | 0o600, (major, minor), &[]);
    }

    /// A file that may be executed.
    pub(crate) fn file(&mut self, name: &str, data: &[u8]) {
        self.entry(name, S_IFREG | 0o755, (0, 0), data);
    }

    /// The whole, with its trailer.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry(TRAILER, 0, (0, 0), &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), data: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(data.len()).expect("a file of an initrd is below 4 GiB");
        let name_size = name.len() as u32 + 1;
        let (ino, links) = (self.entries, 1);
        let numbers = [
            ino, mode, 0, 0, links, 0, size, 0, 0, device.0, device.1, name_size, 0,
        ];
        self.bytes.extend_from_slice(MAGIC.as_bytes());
        for number in numbers {
            self.bytes
                .extend_from_slice(format!("{number:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(data);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_sized() {
        let mut archive = Archive::default();
        archive.file("init", b"12345");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(&bytes[..6], b"070701");
        assert_eq!(&bytes[54..62], b"00000005");
        assert_eq!(&bytes[94..102], b"00000005");
        assert_eq!(&bytes[110..115], b"init\0");
        assert_eq!(&bytes[116..124], b"12345\0\0\0");
        assert_eq!(&bytes[124..130], b"070701");
    }

    /// Against an implementation that is not ours, where there is one.
    #[test]
    fn cpio_reads_it() {
        use std::io::Write;
        use std::process::{Command, Stdio};

        let mut archive = Archive::default();
        archive.dir("proc");
        archive.device("dev-kmsg", 1, 11);
        archive.file("job", b"begin\n");
        let mut command = Command::new("cpio");
        command
            .arg("-tv")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let Ok(mut cpio) = command.spawn() else {
            return;
        };
        cpio.stdin
            .take()
            .unwrap()
            .write_all(&archive.finish())
            .unwrap();
        let out = cpio.wait_with_output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(out.status.success());
        assert!(
            lines[0].starts_with("drwxr-xr-x") && lines[0].ends_with(" proc"),
            "{text}"
        );
        assert!(
            lines[1].starts_with("crw-------") && lines[1].contains("1,  11"),
            "{text}"
        );
        assert!(
            lines[2].starts_with("-rwxr-xr-x") && lines[2].contains(" 6 "),
            "{text}"
        );
    }
}
