//! Numbers of zfs(8): `1.5G` in, `1.50G` out (lib/libzfs/libzfs_util.c).

/// zfs_nicestrtonum: decimals and the suffixes K to E, with `B` or `iB` behind.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let end = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    if number.is_empty() || number.parse::<f64>().is_err() {
        return Err(format!("bad numeric value '{text}'"));
    }
    let upper = suffix.to_ascii_uppercase();
    let letter = upper.trim_end_matches("IB").trim_end_matches('B');
    let shift = match letter {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        "P" => 50,
        "E" => 60,
        _ => return Err(format!("invalid numeric suffix '{suffix}'")),
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole
            .checked_mul(1 << shift)
            .ok_or_else(|| "numeric value is too large".into());
    }
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    let scaled = (number.parse::<f64>().unwrap_or(0.0) * (1_u64 << shift) as f64) as u64;
    Ok(scaled)
}

/// zfs_nicenum: at most five characters.
pub(super) fn show(bytes: u64) -> String {
    let suffixes = ["B", "K", "M", "G", "T", "P", "E"];
    let (mut index, mut unit) = (0, 1_u64);
    while index + 1 < suffixes.len() && bytes / unit >= 1024 {
        unit *= 1024;
        index += 1;
    }
    if bytes.is_multiple_of(unit) {
        return format!("{}{}", bytes / unit, suffixes[index]);
    }
    #[allow(clippy::cast_precision_loss)]
    let value = bytes as f64 / unit as f64;
    (0..=2)
        .rev()
        .map(|places| format!("{value:.places$}{}", suffixes[index]))
        .find(|text| text.len() <= 5)
        .unwrap_or_else(|| format!("{value:.0}{}", suffixes[index]))
}
