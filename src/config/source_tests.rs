//! Tests of places in the source text.

use super::*;

fn place(text: &[u8], start: u32) -> String {
    let mut sources = Sources::default();
    let file = sources.push(Source::new("f", text.to_vec()));
    sources
        .place(Span {
            file,
            start,
            end: start,
        })
        .to_string()
}

#[test]
fn columns_count_characters_and_bytes_that_are_none() {
    assert_eq!(place(b"a=1\nb=2", 0), "f:1:1");
    assert_eq!(place(b"a=1\nb=2", 3), "f:1:4");
    assert_eq!(place(b"a=1\nb=2", 4), "f:2:1");
    assert_eq!(place(b"a=1\nb=2", 7), "f:2:4");
    assert_eq!(place("é日=x".as_bytes(), 5), "f:1:3");
    assert_eq!(place(b"\xa4\xa2\xe3\x81=", 4), "f:1:5");
    assert_eq!(place(b"", 0), "f:1:1");
    assert_eq!(place(b"\n\n", 2), "f:3:1");
}

#[test]
fn columns_of_long_lines_are_counted_as_those_of_short_ones() {
    let mut text = "x\n".to_owned().into_bytes();
    text.extend("é日a".repeat(5_000).into_bytes());
    text.extend(b"\xe3\x81".repeat(5_000));
    text.push(b'\n');
    text.extend("é\n".repeat(2_000).into_bytes());
    text.extend("日b".repeat(5_000).into_bytes());
    let mut sources = Sources::default();
    let file = sources.push(Source::new("f", text.clone()));
    let mut line_start = 0;
    for start in 0..text.len() {
        if start > 0 && text[start - 1] == b'\n' {
            line_start = start;
        }
        // A fresh count for every place would take too long.
        if start % 61 == 0 || start - line_start < 3 {
            let at = u32::try_from(start).unwrap();
            let (start, end) = (at, at);
            let column = sources.place(Span { file, start, end }).column;
            assert_eq!(column, characters(&text[line_start..at as usize]) + 1);
        }
    }
}

#[test]
fn the_line_of_a_span_has_no_newline() {
    let mut sources = Sources::default();
    let file = sources.push(Source::new("f", b"one\ntwo\r\n".to_vec()));
    let line = sources.line(Span {
        file,
        start: 5,
        end: 6,
    });
    assert_eq!(
        line,
        Line {
            number: 2,
            start: 4,
            text: b"two"
        }
    );
    let last = sources.line(Span {
        file,
        start: 8,
        end: 8,
    });
    assert_eq!(
        last,
        Line {
            number: 3,
            start: 8,
            text: b""
        }
    );
}

#[test]
fn the_text_has_line_feeds_and_the_file_keeps_its_bytes() {
    let bytes = b"a=1\r\nb=2\nc=3\r\n".to_vec();
    let source = Source::new("f", bytes.clone());
    assert_eq!(source.bytes(), b"a=1\nb=2\nc=3\n");
    assert_eq!(source.in_file(), bytes);
    let offsets = [0, 3, 4, 8, 11, 12].map(|offset| source.offset_in_file(offset));
    assert_eq!(offsets, [0, 3, 5, 9, 12, 14]);
}
