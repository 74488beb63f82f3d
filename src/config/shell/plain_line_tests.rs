//! A line of plain text, which is read in one step, means what it means token by token.

use crate::config::ConfigError;
use crate::config::tests::read;

/// The assignments and findings of a text, with their places.
fn seen(text: &str) -> Vec<String> {
    let read = read(text.as_bytes());
    let config = match &read {
        Ok(config) => config,
        Err(ConfigError::Refused(config)) => config,
        Err(error) => panic!("{error}"),
    };
    let sets = config.assignments().map(|one| format!("{one:?}"));
    let findings = config.findings().iter();
    let findings = findings.map(|one| format!("{:?} {}", one.span, one.message));
    sets.chain(findings).collect()
}

#[test]
fn a_line_of_plain_text_is_read_as_others_are() {
    let longest = format!("a={}", "x".repeat(1 << 16));
    let too_long = format!("{longest}x");
    let longest_of_two = format!("{}\nb=${{a}}x", longest.split_at(longest.len() - 1).0);
    let too_long_of_two = format!("{longest}\nb=${{a}}x");
    let lines = [
        &*longest,
        &too_long,
        &longest_of_two,
        &too_long_of_two,
        "a=1",
        "a=",
        "a=~",
        "a=b~c",
        "a=b:~/c",
        "a=b=c",
        "a=#",
        "a=1#2",
        "a={x}",
        "a=x*",
        "a='1'",
        "a=$b",
        "a=$x",
        "a=${x}",
        "a=${x}/y.iso",
        "a=${x}${x}",
        "a=${x}'y'",
        "a=${x}~",
        "a=${x}:~/y",
        "a=y${x}",
        "a=${unset}y",
        "a=${x",
        "a=${x y}",
        "a=${}y",
        "a=${1}",
        "a=${x}y}",
        "a=${x}#y",
        "a=${PPID}",
        "a=${PS1}",
        "PPID=${x}",
        "y=~x\na=${y}/z",
        "y='a b'\na=${y}/z\nb=${a}${a}",
        "a=1\na=${a}2\na=${a}3",
        "readonly r=1\nr=${x}",
        "a=`b`",
        "_=1",
        "A_9=/x/y.iso",
        "1a=2",
        "a-b=1",
        "a b=1",
        "a=1;b=2",
        "a=(1",
        "a=1&",
        "PPID=1",
        "IFS=x",
        "PS1=x",
        "OPTIND=2",
        "if=1",
        "readonly r=1\nr=2",
        "r=1\nreadonly r\nr=3",
        "a=\u{e9}",
        "a=1\tb=2",
        "\u{feff}a=1",
        "a+=1",
    ];
    for line in lines {
        // A line with blanks before its newline has no fast path.
        let plain = seen(&format!("x=1\n{line}\n"));
        assert_eq!(plain, seen(&format!("x=1\n{line}  \n")), "{line}");
        assert!(!plain.is_empty());
    }
}
