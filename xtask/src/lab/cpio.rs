//! The archive that a kernel unpacks as its first root: cpio in the "newc" form
//! (Documentation/driver-api/early-userspace/buffer-format.rst).
//!
//! Written here since it is thirty lines, and the system's own tool is installed hardly anywhere.

/// Entries end with one of this name.
const TRAILER: &str = "TRAILER!!!";

/// What `st_mode` says of the kind.
const DIRECTORY: u32 = 0o040_000;
const FILE: u32 = 0o100_000;

/// An archive in the making. Everything in it belongs to root.
#[derive(Default)]
pub(crate) struct Cpio {
    bytes: Vec<u8>,
    entries: u32,
}

impl Cpio {
    /// Adds a directory, after those that it lies in.
    pub(crate) fn directory(&mut self, name: &str, mode: u32) {
        self.entry(name, DIRECTORY | mode, &[]);
    }

    /// Adds a file.
    pub(crate) fn file(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.entry(name, FILE | mode, content);
    }

    /// The finished archive.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry(TRAILER, 0, &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let name_size = u32::try_from(name.len() + 1).unwrap_or(u32::MAX);
        // ino, mode, uid, gid, nlink, mtime, filesize, four device numbers, namesize, check.
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
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
    fn an_archive_is_what_the_kernels_document_says() {
        let mut archive = Cpio::default();
        archive.directory("bin", 0o755);
        archive.file("bin/a", 0o644, b"12345");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0, "every part is padded to four bytes");
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches("070701").count(), 3, "two entries and the trailer");
        assert!(text.contains("000041ed"), "the mode of a directory 0755");
        assert!(text.contains("bin/a\0\x31\x32345\0\0\0"), "name and content, padded");
    }
}
