//! Numbers for people: rounded to what an eye takes in. Machines read the exact ones in the JSON.

/// Bytes with one decimal where it says something: `64M`, `1.5K`, `643M`, `12`.
pub(crate) fn rough_bytes(bytes: u64) -> String {
    let units = [(40, "T"), (30, "G"), (20, "M"), (10, "K")];
    for (index, (shift, suffix)) in units.into_iter().enumerate() {
        let Some(tenths) = rounded_tenths(bytes, shift) else { continue };
        // 1023.96K rounds to 1024K, which is 1M.
        let above = index.checked_sub(1).and_then(|up| units.get(up));
        return match above {
            Some((_, suffix)) if tenths >= 10_240 => format!("1{suffix}"),
            _ if tenths >= 1000 || tenths % 10 == 0 => format!("{}{suffix}", (tenths + 5) / 10),
            _ => format!("{}.{}{suffix}", tenths / 10, tenths % 10),
        };
    }
    bytes.to_string()
}

/// `bytes` in tenths of `1 << shift`, to the nearest; `None` where that is less than one unit.
fn rounded_tenths(bytes: u64, shift: u32) -> Option<u64> {
    let unit = 1_u128 << shift;
    let tenths = (u128::from(bytes) * 10 + unit / 2) / unit;
    if u128::from(bytes) < unit { None } else { u64::try_from(tenths).ok() }
}

/// A time with about two digits: `812us`, `3.8ms`, `120ms`, `1.2s`, `42s`, `2m 3s`, `1h 5m`.
pub(crate) fn rough_time(micros: u64) -> String {
    const SECOND: u64 = 1_000_000;
    // Each bound lies where the rounded number would need another digit.
    match micros {
        0..1000 => format!("{micros}us"),
        1000..9950 => tenths(micros, 1000, "ms"),
        9950..999_500 => format!("{}ms", (micros + 500) / 1000),
        999_500..9_950_000 => tenths(micros, SECOND, "s"),
        9_950_000..59_500_000 => format!("{}s", (micros + SECOND / 2) / SECOND),
        59_500_000..3_599_500_000 => {
            let seconds = (micros + SECOND / 2) / SECOND;
            two(seconds / 60, "m", seconds % 60, "s")
        }
        _ => {
            let minutes = micros / (60 * SECOND) + u64::from(micros % (60 * SECOND) >= 30 * SECOND);
            two(minutes / 60, "h", minutes % 60, "m")
        }
    }
}

fn tenths(micros: u64, unit: u64, suffix: &str) -> String {
    let tenths = (micros * 10 + unit / 2) / unit;
    match tenths % 10 {
        0 => format!("{}{suffix}", tenths / 10),
        rest => format!("{}.{rest}{suffix}", tenths / 10),
    }
}

fn two(large: u64, large_name: &str, small: u64, small_name: &str) -> String {
    if small == 0 {
        format!("{large}{large_name}")
    } else {
        format!("{large}{large_name} {small}{small_name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_short_and_close() {
        for (bytes, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1K"),
            (1536, "1.5K"),
            (64 << 20, "64M"),
            ((64 << 20) - 4096, "64M"),
            (45_193_625, "43.1M"),
            ((1 << 20) - 1, "1M"),
            (674_234_368, "643M"),
            (u64::MAX, "16777216T"),
        ] {
            assert_eq!(rough_bytes(bytes), text, "{bytes} bytes for a person");
        }
    }

    #[test]
    fn times_are_short_and_close() {
        for (micros, text) in [
            (0, "0us"),
            (812, "812us"),
            (3_849, "3.8ms"),
            (9_949, "9.9ms"),
            (9_950, "10ms"),
            (999_499, "999ms"),
            (999_500, "1s"),
            (2_004_000, "2s"),
            (9_950_000, "10s"),
            (59_499_999, "59s"),
            (59_500_000, "1m"),
            (123_000_000, "2m 3s"),
            (3_599_499_999, "59m 59s"),
            (3_599_500_000, "1h"),
            (3_900_000_000, "1h 5m"),
            (u64::MAX, "5124095576h 2m"),
        ] {
            assert_eq!(rough_time(micros), text, "{micros} us for a person");
        }
    }
}
