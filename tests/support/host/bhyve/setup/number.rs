//! Numbers as strtol(3) and sscanf(3) read them.

/// strtol(3) with base 0: the number, and the text behind it. A number that is too large is the largest
/// one.
pub(super) fn strtol(text: &str) -> (i64, &str) {
    let body = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (sign, digits) = match body.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, body.strip_prefix('+').unwrap_or(body)),
    };
    let is_hex = |rest: &str| rest.starts_with(|first: char| first.is_ascii_hexdigit());
    let hex = digits.strip_prefix("0x").or(digits.strip_prefix("0X"));
    let (radix, digits) = match hex {
        Some(rest) if is_hex(rest) => (16, rest),
        _ if digits.starts_with('0') => (8, digits),
        _ => (10, digits),
    };
    let end = digits.find(|letter: char| !letter.is_digit(radix));
    let (number, rest) = digits.split_at(end.unwrap_or(digits.len()));
    if number.is_empty() {
        return (0, text);
    }
    let number = i64::from_str_radix(number, radix).unwrap_or(i64::MAX);
    (sign * number, rest)
}

/// A whole text as a number.
pub(super) fn whole(text: &str) -> Option<i64> {
    match strtol(text) {
        (number, "") if !text.is_empty() => Some(number),
        _ => None,
    }
}

/// atoi(3): base 10, 0 for a text without number.
pub(super) fn atoi(text: &str) -> i64 {
    decimal(text).map_or(0, |(number, _)| number)
}

/// `%d` of sscanf(3): the number, and the text behind it.
pub(super) fn decimal(text: &str) -> Option<(i64, &str)> {
    let body = text.trim_start();
    let digits = body.trim_start_matches(['+', '-']);
    if body.len() - digits.len() > 1 {
        return None;
    }
    let end = digits.find(|letter: char| !letter.is_ascii_digit());
    let (number, rest) = digits.split_at(end.unwrap_or(digits.len()));
    let number: i64 = number.parse().ok()?;
    Some((
        if body.starts_with('-') {
            -number
        } else {
            number
        },
        rest,
    ))
}

/// `%d` three times with this text between: as many numbers as there are.
pub(super) fn triple(text: &str, between: char) -> Vec<i64> {
    let mut numbers = Vec::new();
    let mut rest = text;
    while let Some((number, after)) = decimal(rest) {
        numbers.push(number);
        match after.strip_prefix(between).filter(|_| numbers.len() < 3) {
            Some(next) => rest = next,
            None => break,
        }
    }
    numbers
}

/// vm_parse_memsize (lib/libvmmapi/vmmapi.c): MiB without a suffix, or what expand_number(3) takes.
pub(super) fn memory(text: &str, is_lax: bool) -> Option<u64> {
    const MIB: u64 = 1 << 20;
    let (number, rest) = strtol(text);
    if rest.len() == text.len() {
        return None;
    }
    if rest.is_empty() {
        let number = u64::try_from(number).ok()?;
        return Some(if number < MIB { number * MIB } else { number });
    }
    let number = u64::try_from(number)
        .ok()
        .filter(|_| !text.trim_start().starts_with('-'))?;
    let mut letters = rest.chars();
    let shift = match letters.next()?.to_ascii_lowercase() {
        'b' => 0,
        'k' => 10,
        'm' => 20,
        'g' => 30,
        't' => 40,
        'p' => 50,
        'e' => 60,
        _ => return None,
    };
    let tail = letters.as_str();
    if !(is_lax || tail.is_empty() || shift > 0 && tail.eq_ignore_ascii_case("b")) {
        return None;
    }
    number.checked_mul(1 << shift)
}
