//! Whether a JPEG is all there. Decoders are lenient and paint grey what is missing, which a model then describes.

/// Markers without a length behind them.
const STANDALONE: [std::ops::RangeInclusive<u8>; 2] = [0x01..=0x01, 0xd0..=0xd7];
const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];

/// Whether the end of the image follows its first scan. Segments before it are stepped over by their length, because a
/// thumbnail in the metadata has an end of its own; inside a scan those two bytes cannot stand.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        let Some([0xff, marker]) = bytes.get(at..at + 2) else { return false };
        match *marker {
            // Fill bytes before a marker.
            0xff => at += 1,
            START_OF_SCAN => break,
            marker if STANDALONE.iter().any(|range| range.contains(&marker)) => at += 2,
            _ => {
                let Some([high, low]) = bytes.get(at + 2..at + 4) else { return false };
                at += 2 + usize::from(u16::from_be_bytes([*high, *low])).max(2);
            }
        }
    }
    bytes[at..].windows(2).any(|pair| pair == END_OF_IMAGE)
}
