//! Tests of patterns: the parts they remove, in bytes and in characters.

use super::*;

/// A pattern in which every byte is active.
fn open(pattern: &[u8]) -> Marked {
    Marked {
        bytes: pattern.to_vec(),
        active: vec![true; pattern.len()],
    }
}

/// The result in the C locale, and whether another locale gives another result.
fn left(value: &[u8], pattern: &[u8], part: Trim) -> (Vec<u8>, bool) {
    let (rest, depends) = trim(value, &open(pattern), part, None, &mut 1_000_000_000).unwrap();
    (rest.to_vec(), depends)
}

fn ascii(value: &str, pattern: &str, part: Trim) -> String {
    let (rest, depends) = left(value.as_bytes(), pattern.as_bytes(), part);
    assert!(!depends);
    String::from_utf8(rest).unwrap()
}

fn utf8(value: &[u8], pattern: &[u8], part: Trim) -> Vec<u8> {
    let locale = Some(Locale::OTHERS[0]);
    let (rest, depends) = trim(value, &open(pattern), part, locale, &mut 1_000_000).unwrap();
    assert!(!depends);
    rest.to_vec()
}

#[test]
fn trims_the_shortest_and_the_longest_match() {
    assert_eq!(ascii("a/b/c", "*/", Trim::ShortestPrefix), "b/c");
    assert_eq!(ascii("a/b/c", "*/", Trim::LongestPrefix), "c");
    assert_eq!(ascii("a/b/c", "/*", Trim::ShortestSuffix), "a/b");
    assert_eq!(ascii("a/b/c", "/*", Trim::LongestSuffix), "a");
    assert_eq!(ascii("abc", "x", Trim::LongestSuffix), "abc");
    assert_eq!(ascii("abc", "", Trim::ShortestPrefix), "abc");
    assert_eq!(ascii("abc", "**", Trim::LongestPrefix), "");
    assert_eq!(ascii("abab", "*b", Trim::ShortestPrefix), "ab");
    assert_eq!(ascii("abcb", "?b*", Trim::LongestPrefix), "");
}

#[test]
fn brackets_hold_ranges_classes_and_their_own_ends() {
    for (value, pattern, rest) in [
        ("]x", "[]]", "x"),
        ("b7", "[!a][[:digit:]]", ""),
        ("bx", "[^a]", "x"),
        ("-x", "[a-]", "x"),
        ("[ax", "[a", "x"),
        ("ax", "[[.a.]]", "ax"),
        ("a]x", "[[.a.]]", "x"),
        ("f:]x", "[[:foo:]]", "f:]x"),
        (":x", "[[:]", "x"),
        (":]x", "[[:]]", "x"),
        (":]x", "[[::]]", "x"),
        ("5x", "[[:digit:]-z]", "x"),
        ("x", "[z-a]", "x"),
        ("[x", "[+-[]", "x"),
        ("ex", "[[:abcdefghijklmnopqr:]]", "ex"),
        ("e]x", "[[:abcdefghijklmnopqrst:]]", "x"),
    ] {
        assert_eq!(
            ascii(value, pattern, Trim::ShortestPrefix),
            rest,
            "{pattern}"
        );
    }
}

#[test]
fn a_backslash_that_is_open_is_a_character() {
    assert_eq!(ascii("\\xa", "\\*", Trim::ShortestPrefix), "xa");
    assert_eq!(ascii("\\a", "[\\]", Trim::ShortestPrefix), "a");
    assert_eq!(ascii("\\]x", "[\\]]", Trim::ShortestPrefix), "x");
}

#[test]
fn quoted_text_is_no_wildcard_but_may_be_a_name() {
    let quoted = |pattern: &str, quoted: &str| Marked {
        bytes: pattern.into(),
        active: quoted.bytes().map(|mark| mark == b' ').collect(),
    };
    for (value, pattern, marks, rest) in [
        ("ab", "*", "q", "ab"),
        ("*b", "*", "q", "b"),
        ("-b", "[a-c]", "  q  ", "b"),
        ("bb", "[a-c]", "  q  ", "bb"),
        ("bb", "[!a]", " q  ", "bb"),
        ("x]b", "[x]]", "  q ", "]b"),
        ("1b", "[[:digit:]]", "   qqqqq   ", "b"),
        ("1b", "[[:digit:]]", "        q  ", "1b"),
        ("1b", "[[:digit:]]", "  q        ", "1b"),
    ] {
        let steps = &mut 1000;
        let rest_of = trim(
            value.as_bytes(),
            &quoted(pattern, marks),
            Trim::ShortestPrefix,
            None,
            steps,
        );
        assert_eq!(
            rest_of,
            Ok((rest.as_bytes(), false)),
            "{value} {pattern} {marks}"
        );
    }
}

#[test]
fn a_character_of_utf8_is_one_and_a_byte_that_is_none_never_matches() {
    let value = "日本".as_bytes();
    assert_eq!(utf8(value, b"?", Trim::ShortestPrefix), "本".as_bytes());
    assert_eq!(utf8(value, b"?", Trim::ShortestSuffix), "日".as_bytes());
    assert_eq!(utf8(value, b"[!x]?", Trim::LongestSuffix), b"");
    assert_eq!(
        utf8(value, "[あ-本]".as_bytes(), Trim::ShortestPrefix),
        "本".as_bytes()
    );
    assert_eq!(utf8(b"\xa4\xa2x", b"?", Trim::ShortestPrefix), b"\xa4\xa2x");
    assert_eq!(utf8(b"x\xff", b"*?", Trim::LongestPrefix), b"\xff");
    assert_eq!(
        utf8(b"\xff\xe6\x97\xa5", b"*\xa5", Trim::ShortestPrefix),
        b""
    );
    assert_eq!(utf8(b"xa", b"[x\xff]", Trim::ShortestPrefix), b"xa");
    assert_eq!(utf8(b"[\xffa", b"[\xff", Trim::ShortestPrefix), b"[\xffa");
    assert_eq!(
        utf8("éx".as_bytes(), b"[[:lower:]]", Trim::ShortestPrefix),
        b"x"
    );
}

#[test]
fn an_answer_that_only_one_locale_gives_is_told() {
    for (value, pattern, depends) in [
        ("日x", "?", true),
        ("日x", "日?", false),
        ("日x", "*x", false),
        ("日x", "[!a]", true),
        ("日x", "[[:alpha:]]", true),
        ("日x", "[[:digit:]]", false),
        ("日x", "[日本]", true),
        ("日x", "[あ-か]", false),
        ("日x", "[あ-本]", true),
        ("ax", "[あ-か]", false),
        ("\u{3000}x", "[[:space:]]", true),
        ("\u{301}x", "x[[:alpha:]]", false),
        ("/日", "*/", false),
    ] {
        let (_, told) = left(value.as_bytes(), pattern.as_bytes(), Trim::ShortestPrefix);
        assert_eq!(told, depends, "{value} {pattern}");
    }
}

#[test]
fn a_range_without_an_end_is_refused_where_it_counts() {
    let refused = Err(Unclear::Pattern("the range has no end"));
    let answer =
        |value: &'static [u8]| trim(value, &open(b"[a-"), Trim::ShortestPrefix, None, &mut 1000);
    assert_eq!(answer(b"[a-x"), refused);
    assert_eq!(answer(b"b[a-x"), Ok((&b"b[a-x"[..], false)));
    let class = trim(
        b"x",
        &open(b"[[:rune:]]"),
        Trim::ShortestPrefix,
        None,
        &mut 1000,
    );
    assert!(matches!(class, Err(Unclear::Pattern(_))));
}

#[test]
fn what_a_class_holds_beyond_ascii_is_known_or_left_open() {
    let accepts = |class: &str, character: char| {
        let pattern = open(format!("[[:{class}:]]").as_bytes());
        let within = |unknown| {
            let mut text = [0; 4];
            let text = character.encode_utf8(&mut text).as_bytes();
            let locale = Some(Locale::Utf8 { unknown });
            let (rest, _) = trim(text, &pattern, Trim::LongestPrefix, locale, &mut 1000).unwrap();
            rest.is_empty()
        };
        let [no, yes] = [within(false), within(true)];
        (no == yes).then_some(no)
    };
    for (classes, character, expected) in [
        ("alpha alnum lower graph print", 'é', Some(true)),
        (
            "upper digit xdigit punct space blank cntrl",
            'é',
            Some(false),
        ),
        ("upper alpha", 'É', Some(true)),
        ("lower", 'É', Some(false)),
        ("lower upper punct digit space", '日', Some(false)),
        ("alpha graph print", '日', Some(true)),
        ("alpha alnum punct digit", '\u{3000}', None),
        ("space blank", '\u{3000}', None),
        ("cntrl", '\u{85}', Some(true)),
        ("graph print alpha punct", '\u{85}', Some(false)),
        ("cntrl", '\u{2028}', None),
        ("alpha punct graph", '\u{301}', None),
        ("lower", 'ª', None),
        ("upper", 'ǅ', None),
        ("nothing", 'é', Some(false)),
    ] {
        for class in classes.split(' ') {
            let expected = match (class, character) {
                ("alpha" | "alnum" | "punct" | "digit", '\u{3000}') => Some(false),
                _ => expected,
            };
            assert_eq!(accepts(class, character), expected, "{class} {character:?}");
        }
    }
}

#[test]
fn many_runs_take_no_more_than_value_times_pattern_steps() {
    let value = "a".repeat(20_000);
    let runs = "*a".repeat(100);
    assert_eq!(ascii(&value, &runs, Trim::LongestPrefix), "");
    assert_eq!(
        ascii(&value, &format!("{runs}b"), Trim::LongestPrefix),
        value
    );
    let steps = &mut (20_001 * 201);
    let pattern = open(runs.as_bytes());
    assert!(trim(value.as_bytes(), &pattern, Trim::LongestPrefix, None, steps).is_ok());
    assert_eq!(*steps, 0);
    let again = trim(value.as_bytes(), &pattern, Trim::LongestPrefix, None, steps);
    assert_eq!(again, Err(Unclear::Steps));
}

#[test]
fn a_pattern_with_wildcards_may_be_1024_bytes_long() {
    for (length, is_read) in [(1023, true), (1024, false)] {
        let pattern = open(format!("*{}", "a".repeat(length)).as_bytes());
        let read = trim(b"x", &pattern, Trim::LongestPrefix, None, &mut 1_000_000);
        assert_eq!(read.is_ok(), is_read, "{length}");
    }
    let text = "[".repeat(5000);
    let literal = Marked {
        active: vec![false; text.len()],
        bytes: text.clone().into(),
    };
    let rest = trim(
        text.as_bytes(),
        &literal,
        Trim::LongestSuffix,
        None,
        &mut 100_000,
    );
    assert_eq!(rest, Ok((&b""[..], false)));
}
