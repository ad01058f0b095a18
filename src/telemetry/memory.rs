//! The memory of this process, as the system tells it.

use std::fs;

/// Bytes of a KiB, in which Linux counts.
const KIB: u64 = 1_024;

/// Memory that this process has resident; `None` where the system does not say (it does on Linux).
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * KIB)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_and_written_to_is_resident() {
        const MORE: usize = 64 * 1_024 * 1_024;
        let before = resident_bytes().expect("Linux says it");
        let taken = vec![7_u8; MORE];
        let after = resident_bytes().expect("Linux says it");
        assert_eq!(std::hint::black_box(taken).len(), MORE);
        assert!(after > before + MORE as u64 / 2, "{before} {after}");
    }
}
