//! Numbers of zfs(8): `1.5G` in (lib/libzfs/libzfs_util.c), `1.50G` out (lib/libzutil/zutil_nicenum.c).

/// The suffixes, each 1024 times the one before it.
const UNITS: [char; 8] = ['B', 'K', 'M', 'G', 'T', 'P', 'E', 'Z'];

/// zfs_nicestrtonum: decimals and the suffixes B to Z, those from K on with `B` or `iB` behind.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let too_large = || "numeric value is too large".to_owned();
    if !text.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return Err(format!("bad numeric value '{text}'"));
    }
    let end_of = |text: &str| {
        text.find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(text.len())
    };
    let (whole, rest) = text.split_at(end_of(text));
    let number: u64 = match whole {
        "" => 0,
        digits => digits.parse().map_err(|_| too_large())?,
    };
    let Some(fraction) = rest.strip_prefix('.') else {
        let bytes = 1_u64.checked_shl(shift(rest)?).ok_or_else(too_large)?;
        return number.checked_mul(bytes).ok_or_else(too_large);
    };
    let (fraction, suffix) = fraction.split_at(end_of(fraction));
    if whole.is_empty() && fraction.is_empty() {
        return Err(no_suffix(rest));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    match format!("0{whole}.{fraction}0").parse::<f64>() {
        Ok(value) => {
            let value = value * 2_f64.powf(f64::from(shift(suffix)?));
            if value < 2_f64.powi(64) {
                Ok(value as u64)
            } else {
                Err(too_large())
            }
        }
        Err(_) => Err(no_suffix(rest)),
    }
}

/// str2shift: the power of two that a suffix stands for.
fn shift(suffix: &str) -> Result<u32, String> {
    let upper = suffix.to_ascii_uppercase();
    let (unit, behind) = match upper.chars().next() {
        None => return Ok(0),
        Some(unit) => (unit, &upper[unit.len_utf8()..]),
    };
    let power = UNITS.iter().position(|known| *known == unit);
    match (power.and_then(|power| u32::try_from(power).ok()), behind) {
        (Some(power), "") | (Some(power @ 1..), "B" | "IB") => Ok(10 * power),
        _ => Err(no_suffix(suffix)),
    }
}

fn no_suffix(suffix: &str) -> String {
    format!("invalid numeric suffix '{suffix}'")
}

/// zfs_nicebytes, at most five characters: as [`number`], but plain bytes have a `B`.
pub(super) fn bytes(bytes: u64) -> String {
    let text = number(bytes);
    match bytes < 1024 {
        true => text + "B",
        false => text,
    }
}

/// zfs_nicenum, at most five characters.
pub(super) fn number(number: u64) -> String {
    let (mut index, mut unit) = (0, 1_u64);
    while index + 1 < 7 && number / unit >= 1024 {
        unit *= 1024;
        index += 1;
    }
    let suffix = match index {
        0 => String::new(),
        _ => UNITS[index].into(),
    };
    if number.is_multiple_of(unit) {
        return format!("{}{suffix}", number / unit);
    }
    #[allow(clippy::cast_precision_loss)]
    let value = number as f64 / unit as f64;
    (0..=2)
        .rev()
        .map(|places| format!("{value:.places$}{suffix}"))
        .find(|text| text.len() <= 5)
        .unwrap_or_else(|| format!("{value:.0}{suffix}"))
}
