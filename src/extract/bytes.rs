//! Little-endian numbers out of bytes that may end anywhere.

pub(super) fn u8_at(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// `len` bytes from `at`.
pub(super) fn slice_at(bytes: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(len)?)
}

/// UTF-16LE, whatever stands there.
pub(super) fn utf16(bytes: &[u8]) -> String {
    encoding_rs::UTF_16LE.decode_without_bom_handling(&bytes[..bytes.len() & !1]).0.into_owned()
}

/// Windows' time, 100 ns since 1601, as text; none for no time.
pub(super) fn file_time(ticks: u64) -> Option<String> {
    const TO_1970_SECONDS: i64 = 11_644_473_600;
    let seconds = i64::try_from(ticks / 10_000_000).ok()? - TO_1970_SECONDS;
    let is_date = seconds > -5_000_000_000 && seconds < 250_000_000_000;
    let at = jiff::Timestamp::from_second(seconds).ok().filter(|_| is_date && ticks > 0)?;
    Some(at.to_string())
}
