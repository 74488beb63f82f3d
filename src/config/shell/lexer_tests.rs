//! Tests of the lexer: the tokens of small files, and that no byte is lost.

use proptest::prelude::*;

use super::Lexer;
use super::TokenKind::{self, *};
use crate::config::shell::class::is_name;

fn kinds(text: &str) -> Vec<(TokenKind, &str)> {
    let lexer = Lexer::new(text.as_bytes());
    lexer
        .map(|token| (token.kind, &text[token.start..token.end]))
        .collect()
}

#[test]
fn an_assignment_is_name_equals_and_pieces() {
    assert_eq!(
        kinds("a=x$b'c d' # e\n"),
        [
            (Name, "a"),
            (Equals, "="),
            (Text, "x"),
            (Dollar, "$"),
            (Name, "b"),
            (SingleQuoted, "'c d'"),
            (Blank, " "),
            (Comment, "# e"),
            (Newline, "\n"),
        ]
    );
}

#[test]
fn a_continuation_may_stand_anywhere_but_in_single_quotes() {
    assert_eq!(
        kinds("f\\\no=$\\\n{b\\\na:\\\n-}'\\\n'"),
        [
            (Name, "f"),
            (Continuation, "\\\n"),
            (Name, "o"),
            (Equals, "="),
            (Dollar, "$"),
            (Continuation, "\\\n"),
            (OpenBrace, "{"),
            (Name, "b"),
            (Continuation, "\\\n"),
            (Name, "a"),
            (Colon, ":"),
            (Continuation, "\\\n"),
            (Operator, "-"),
            (CloseBrace, "}"),
            (SingleQuoted, "'\\\n'"),
        ]
    );
}

#[test]
fn quotes_in_a_quoted_default_are_text_but_quote_in_a_pattern() {
    assert_eq!(
        kinds("\"${a-'}\"")[4..],
        [
            (Operator, "-"),
            (Text, "'"),
            (CloseBrace, "}"),
            (DoubleQuote, "\"")
        ]
    );
    assert_eq!(
        kinds("\"${a%%'}'}\"")[4..],
        [
            (Operator, "%"),
            (Operator, "%"),
            (SingleQuoted, "'}'"),
            (CloseBrace, "}"),
            (DoubleQuote, "\"")
        ]
    );
}

#[test]
fn quotes_in_a_quoted_default_end_the_ones_around_it() {
    assert_eq!(
        kinds("\"${a-\"'x'\\y}\"}\"")[4..],
        [
            (Operator, "-"),
            (DoubleQuote, "\""),
            (SingleQuoted, "'x'"),
            (Escaped, "\\y"),
            (Text, "}"),
            (DoubleQuote, "\""),
            (CloseBrace, "}"),
            (DoubleQuote, "\"")
        ]
    );
    assert_eq!(
        kinds("\"${a-\\}}\"")[5..],
        [(Escaped, "\\}"), (CloseBrace, "}"), (DoubleQuote, "\"")]
    );
    assert_eq!(
        kinds("${a#\"\\}\"}")[4..],
        [
            (DoubleQuote, "\""),
            (Text, "\\"),
            (Text, "}"),
            (DoubleQuote, "\""),
            (CloseBrace, "}")
        ]
    );
}

#[test]
fn a_hash_begins_a_comment_only_where_a_word_begins() {
    assert_eq!(kinds("a=#x")[2], (Text, "#x"));
    assert_eq!(kinds("a=\\\n#x")[3], (Text, "#x"));
    assert_eq!(kinds("a=1 \\\n#x")[5], (Comment, "#x"));
    assert_eq!(kinds("a=1;#x")[4], (Comment, "#x"));
}

#[test]
fn a_dollar_that_begins_nothing_is_text() {
    assert_eq!(kinds("a=$")[2], (Text, "$"));
    assert_eq!(kinds("a=$/")[2], (Text, "$"));
    assert_eq!(kinds("\"$'x'\"")[1], (Text, "$"));
    assert_eq!(kinds("a=$\\\n'x'")[2], (AnsiQuoted, "$\\\n'x'"));
}

#[test]
fn names_are_letters_digits_and_underscores() {
    assert!(is_name(b"_a9") && is_name(b"Z"));
    assert!(!is_name(b"") && !is_name(b"9a") && !is_name(b"a-b") && !is_name(b"\xe3"));
}

fn joined(bytes: &[u8]) -> Vec<u8> {
    let mut at = 0;
    let mut all = Vec::new();
    for token in Lexer::new(bytes) {
        assert_eq!(token.start, at, "tokens follow each other");
        assert!(token.end > token.start, "a token is never empty");
        at = token.end;
        all.extend_from_slice(&bytes[token.start..token.end]);
    }
    all
}

proptest! {
    #[test]
    fn joined_tokens_are_the_file(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(joined(&bytes), bytes);
    }

    #[test]
    fn joined_tokens_are_the_file_that_looks_like_sh(
        text in "([ab1_=${}'\"`\\\\\n\t #:%?+;&|<>()~.-]|export |\\$\\{a|\\\\\n){0,80}"
    ) {
        prop_assert_eq!(joined(text.as_bytes()), text.as_bytes());
    }
}
