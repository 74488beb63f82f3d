//! Reading a command line as getopt(3) and getopt_long(3) do, and numbers as libutil does.

use std::fmt;

/// A command line after getopt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Each option in order, with its argument.
    pub options: Vec<(String, Option<String>)>,
    /// What follows the options.
    pub operands: Vec<String>,
}

/// An error of getopt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionError {
    /// An option that the program does not know.
    Unknown(String),
    /// An option without its argument.
    Missing(String),
}

impl fmt::Display for OptionError {
    /// The message of getopt(3), behind `PROGRAM: `.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) if name.starts_with("--") => {
                write!(out, "unrecognized option `{name}'")
            }
            Self::Unknown(name) => write!(out, "illegal option -- {name}"),
            Self::Missing(name) if name.starts_with("--") => {
                write!(out, "option `{name}' requires an argument")
            }
            Self::Missing(name) => write!(out, "option requires an argument -- {name}"),
        }
    }
}

impl Words {
    /// Parses short options by a getopt(3) specification such as `ab:c`; stops at the first operand.
    pub fn parse(args: &[String], spec: &str) -> Result<Self, OptionError> {
        Self::parse_long(args, spec, &[])
    }

    /// As [`Self::parse`], with the options before the first wrong one, and its error.
    pub fn parse_partly(args: &[String], spec: &str) -> (Self, Option<OptionError>) {
        let mut words = Self::default();
        let error = words.read(args, spec, &[]).err();
        (words, error)
    }

    /// Parses short options, and long ones given as `(name, takes an argument)`. A long option is
    /// reported as `--name`. Stops at the first operand.
    pub fn parse_long(
        args: &[String],
        spec: &str,
        long: &[(&str, bool)],
    ) -> Result<Self, OptionError> {
        let mut words = Self::default();
        words.read(args, spec, long)?;
        Ok(words)
    }

    fn read(
        &mut self,
        args: &[String],
        spec: &str,
        long: &[(&str, bool)],
    ) -> Result<(), OptionError> {
        let words = self;
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--" {
                break;
            }
            if let Some(name) = arg.strip_prefix("--")
                && !long.is_empty()
            {
                let (name, value) = match name.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (name, None),
                };
                let full = format!("--{name}");
                let Some((_, takes)) = long.iter().find(|(known, _)| *known == name) else {
                    return Err(OptionError::Unknown(full));
                };
                let value = match (takes, value) {
                    (true, None) => Some(
                        args.next()
                            .cloned()
                            .ok_or(OptionError::Missing(full.clone()))?,
                    ),
                    (_, value) => value,
                };
                words.options.push((full, value));
                continue;
            }
            let Some(letters) = arg.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                words.operands.push(arg.clone());
                break;
            };
            let mut rest = letters.chars();
            while let Some(letter) = rest.next() {
                match takes_argument(spec, letter) {
                    None => return Err(OptionError::Unknown(letter.into())),
                    Some(false) => words.options.push((letter.into(), None)),
                    Some(true) => {
                        let joined: String = rest.by_ref().collect();
                        let value = if joined.is_empty() {
                            args.next()
                                .cloned()
                                .ok_or(OptionError::Missing(letter.into()))?
                        } else {
                            joined
                        };
                        words.options.push((letter.into(), Some(value)));
                    }
                }
            }
        }
        words.operands.extend(args.cloned());
        Ok(())
    }

    /// Whether an option was given.
    pub fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(option, _)| option == name)
    }

    /// The last argument of an option.
    pub fn last(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    /// All arguments of an option, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.options
            .iter()
            .filter(move |(option, _)| option == name)
            .filter_map(|(_, value)| value.as_deref())
    }
}

/// Whether a letter is known to a getopt specification, and takes an argument.
fn takes_argument(spec: &str, letter: char) -> Option<bool> {
    if letter == ':' {
        return None;
    }
    let at = spec.find(letter)?;
    Some(spec[at + letter.len_utf8()..].starts_with(':'))
}

/// expand_number(3): an integer with an optional binary suffix, either case, and an optional `b`.
pub fn expand_number(text: &str) -> Option<u64> {
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let mut suffix = text[digits..].to_ascii_lowercase();
    if suffix.len() > 1 && suffix.ends_with('b') {
        suffix.pop();
    }
    let shift = match suffix.as_str() {
        "" | "b" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        "p" => 50,
        "e" => 60,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

/// vm_parse_memsize (lib/libvmmapi/vmmapi.c): a bare number below 1 MiB counts MiB, and is read
/// as strtoul(3) with base 0 reads it.
pub fn memory_size(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let bare = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => u64::from_str_radix(&text[2..], 16).ok(),
        [b'0', _, ..] if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            // strtoul stops at an 8 or 9: then the word is not wholly a number, and goes on to
            // expand_number(3), which reads decimal.
            u64::from_str_radix(text, 8).ok()
        }
        _ => text.parse().ok(),
    };
    match bare {
        Some(number) if number < 1 << 20 => Some(number << 20),
        Some(number) => Some(number),
        None => expand_number(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[&str]) -> Vec<String> {
        text.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn options_may_be_joined_and_end_at_the_first_operand() {
        let parsed = Words::parse(&words(&["-ab", "-cX", "-c", "Y", "file", "-a"]), "abc:");
        let parsed = parsed.expect("all options are known");
        assert!(parsed.has("a") && parsed.has("b"));
        assert_eq!(parsed.all("c").collect::<Vec<_>>(), ["X", "Y"]);
        assert_eq!(parsed.operands, ["file", "-a"]);
        let unknown = Words::parse(&words(&["-z"]), "a").expect_err("z is not known");
        assert_eq!(unknown.to_string(), "illegal option -- z");
        let missing = Words::parse(&words(&["-c"]), "c:").expect_err("c wants a value");
        assert_eq!(missing.to_string(), "option requires an argument -- c");
    }

    #[test]
    fn memory_follows_the_grammar_of_libvmmapi() {
        let table = [
            ("512", Some(512 << 20)),
            ("1073741824", Some(1 << 30)),
            ("1g", Some(1 << 30)),
            ("256MB", Some(256 << 20)),
            ("0x10", Some(16 << 20)),
            ("010", Some(8 << 20)),
            ("1.5G", None),
            ("x", None),
            ("", None),
        ];
        for (text, bytes) in table {
            assert_eq!(memory_size(text), bytes, "{text}");
        }
    }
}
