//! Whether the disk under a folder is seen to be encrypted. Message text lies there as it is: the disk's encryption is what
//! keeps it from whoever has the disk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Check, Finding};

/// Devices below devices that are looked at: a file system on LVM on dm-crypt on a partition is three.
const DEPTH_MAX: usize = 8;

/// What is seen of it.
pub(super) fn examine(folder: &Path) -> Finding {
    let check = Check::Encryption;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let Some(source) = source_of(&mounts, &folder) else {
        return Finding::skipped(check, "the system does not say what the data directory is on");
    };
    let device = Path::new(&source).canonicalize().ok().filter(|device| device.starts_with("/dev"));
    let Some(name) = device.as_deref().and_then(Path::file_name) else {
        return Finding::skipped(check, "the disk cannot be seen from here (a container, or no block device)");
    };
    match is_encrypted(&Path::new("/sys/class/block").join(name), DEPTH_MAX) {
        true => Finding::ok(check, "the disk is encrypted (dm-crypt)"),
        false => Finding::warning(
            check,
            "no encryption of the disk was seen: messages lie on it as they were written",
            "Put the data directory on an encrypted disk (LUKS), or know that the provider of the machine encrypts it.",
        ),
    }
}

/// The device of the file system that a folder is on, from the text of `mountinfo`.
fn source_of(mounts: &str, folder: &Path) -> Option<String> {
    let mounted = mounts.lines().filter_map(|line| {
        let (of_mount, of_source) = line.split_once(" - ")?;
        let point = PathBuf::from(of_mount.split(' ').nth(4)?.replace("\\040", " "));
        folder.starts_with(&point).then_some((point, of_source.split(' ').nth(1)?))
    });
    // The longest is the one that counts; of two on one point the later.
    let (_, source) = mounted.max_by_key(|(point, _)| point.components().count())?;
    Some(source.replace("\\040", " "))
}

/// Whether a block device, or all that it is made of, is the open side of dm-crypt.
fn is_encrypted(device: &Path, depth: usize) -> bool {
    if fs::read_to_string(device.join("dm/uuid")).is_ok_and(|uuid| uuid.starts_with("CRYPT-")) {
        return true;
    }
    let Ok(below) = fs::read_dir(device.join("slaves")) else { return false };
    let below: Vec<PathBuf> = below.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    depth > 0 && !below.is_empty() && below.iter().all(|device| is_encrypted(device, depth - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_decides_and_of_two_on_one_point_the_later() {
        let mounts = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 253:0 / /var/lib rw - ext4 /dev/mapper/data rw
31 22 253:1 / /var/my\\040data rw - ext4 /dev/mapper/other rw
32 22 253:2 / /var/lib rw - ext4 /dev/mapper/over rw";
        let source = |path: &str| source_of(mounts, Path::new(path));
        assert_eq!(source("/home/ana").as_deref(), Some("/dev/sda1"));
        assert_eq!(source("/var/lib/aura").as_deref(), Some("/dev/mapper/over"));
        assert_eq!(source("/var/my data/aura").as_deref(), Some("/dev/mapper/other"));
        assert_eq!(source_of("", Path::new("/")), None);
    }

    #[test]
    fn a_disk_is_encrypted_when_all_that_it_is_made_of_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let device = |name: &str, uuid: Option<&str>, below: &[&str]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.join("dm")).expect("made");
            fs::create_dir_all(path.join("slaves")).expect("made");
            if let Some(uuid) = uuid {
                fs::write(path.join("dm/uuid"), uuid).expect("written");
            }
            for name in below {
                std::os::unix::fs::symlink(folder.path().join(name), path.join("slaves").join(name)).expect("linked");
            }
            path
        };
        device("sda1", None, &[]);
        let open = device("dm-0", Some("CRYPT-LUKS2-00\n"), &["sda1"]);
        let volume = device("dm-1", Some("LVM-00\n"), &["dm-0"]);
        let half = device("dm-2", Some("LVM-00\n"), &["dm-0", "sda1"]);
        let found = [open, volume, half, folder.path().join("sda1")].map(|path| is_encrypted(&path, DEPTH_MAX));
        assert_eq!(found, [true, true, false, false]);
    }
}
