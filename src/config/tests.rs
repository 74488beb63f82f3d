//! Tests of reading whole configurations: values, places, refusals, VMs and keys.

use crate::finding::FindingName;
use std::ffi::OsString;

use super::edit::TypedSetting;
use super::{Config, ConfigError, Outside, Source, Trust, load, parse, settings};

/// Reads a text that must be accepted, with `HOME=/home/me` and one user `root`.
pub(super) fn config(text: &[u8]) -> Config {
    read(text).unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn with_outside<T>(run: impl FnOnce(&Outside<'_>) -> T) -> T {
    run(&Outside {
        variable: &|name| (name == "HOME").then(|| OsString::from("/home/me")),
        home: &|user| (user == "root").then(|| "/root".into()),
    })
}

pub(super) fn read(text: &[u8]) -> Result<Config, ConfigError> {
    with_outside(|outside| parse(vec![Source::new("test.conf", text.to_vec())], outside))
}

pub(super) fn value(text: &str, name: &str) -> String {
    let config = config(text.as_bytes());
    let value = config.get(name).map(|assignment| assignment.value.to_vec());
    String::from_utf8(value.unwrap()).unwrap()
}

#[test]
fn values_are_those_of_sh() {
    for (text, expected) in [
        ("a=1", "1"),
        ("a=", ""),
        ("a='x y'\"z $b\"\\ w", "x yz  w"),
        ("b=1; a=$b$b", "11"),
        ("b=1; export b=2 a=$b", "1"),
        ("a=x#y # z", "x#y"),
        ("a=$'\\x41\\n'", "A\n"),
        ("a=~/x:~root:~nobody", "/home/me/x:/root:~nobody"),
        ("a=\"~\"~\\~", "~~~"),
        ("a=x\\\ny", "xy"),
        ("a=${b:-x \"y z\"}${b:=q}${b:+r}${b+s}${#b}", "x y zqrs1"),
        (
            "b=a/b/c; a=${b%/*}-${b%%/*}-${b#*/}-${b##*/}",
            "a/b-a-b/c-c",
        ),
        ("b='*x' c='*'; a=${b#\"$c\"}${b#$c}${b##$c}", "x*x"),
        ("a=\"${b:-'x'}\"", "'x'"),
        ("a=$/\"$\"", "$/$"),
        ("a=1\na=2;", "2"),
        ("readonly a=5", "5"),
        ("f\\\noo=1; a=$fo\\\no${f\\\noo}", "11"),
    ] {
        assert_eq!(value(text, "a"), expected, "{text}");
    }
}

#[test]
fn a_line_assigns_when_all_of_its_values_are_expanded() {
    for (text, expected) in [
        ("b=1 a=$b", ""),
        ("b=1; b=2 \\\n a=$b", "1"),
        ("a=1; a=2 a=$a.3", "1.3"),
        ("c=${b:=1} a=$b", "1"),
        ("a=2 c=${a:=1}", "2"),
        ("HOME=/q a=~", "/home/me"),
        ("HOME=/q; a=~", "/q"),
    ] {
        assert_eq!(value(text, "a"), expected, "{text}");
    }
}

#[test]
fn what_is_between_quotes_in_quoted_braces_is_unquoted() {
    for (text, expected) in [
        ("a=\"${b-\"'x'\"}\"", "x"),
        ("a=\"${b-\"\\z\"\\z}\"", "z\\z"),
        ("a=\"${b-\"$'\\t'}\"}\"", "\t}"),
        ("a=\"${b-\"~:~/x\"}\"", "~:/home/me/x"),
        ("a=\"${b-\\}}\"", "}"),
        ("c='*x'; a=${c##\"${b-\"*\"}\"}", ""),
        ("a=${b-\"${c-\"\\z\"}\"}", "z"),
    ] {
        assert_eq!(value(text, "a"), expected, "{text}");
    }
}

#[test]
fn a_tilde_counts_behind_colons_and_one_equals_sign() {
    for (text, expected) in [
        ("a==~/z", "=/home/me/z"),
        ("a=x=y=~:~", "x=y=/home/me:/home/me"),
        ("a=~:=~", "/home/me:=~"),
        ("a=~=~", "~=~"),
        ("a=:~x=~:~", ":~x=/home/me:/home/me"),
        ("a=:~x=~root", ":~x=/root"),
        ("a=~${c-x=~}=~", "~x=/home/me=~"),
        ("a=${b:=x:~}${c=~}", "x:~/home/me"),
        ("HOME=; a=~/x:~root", "~/x:/root"),
        ("a=~'root'~\\root", "~root~root"),
    ] {
        assert_eq!(value(text, "a"), expected, "{text}");
    }
}

pub(super) fn refused(text: &str) -> (FindingName, String) {
    let Err(ConfigError::Refused(config)) = read(text.as_bytes()) else {
        panic!("accepted: {text}");
    };
    let finding = config.findings().first().unwrap().clone();
    assert!(!finding.help.is_empty());
    (finding.name, config.place(finding.span).to_string())
}

#[test]
fn what_sh_would_run_is_refused_with_its_place() {
    use FindingName as F;
    for (text, name, place) in [
        ("a=1\nb=$(date)", F::CommandSubstitution, "2:3"),
        ("b=x`date`", F::CommandSubstitution, "1:4"),
        ("b=\"$((1+2))\"", F::Arithmetic, "1:4"),
        ("if true; then a=1; fi", F::CompoundCommand, "1:1"),
        ("f() { a=1; }", F::Function, "1:1"),
        ("(a=1)", F::CompoundCommand, "1:1"),
        ("a=1 | b=2", F::Operator, "1:5"),
        ("a=1 &", F::Operator, "1:5"),
        ("a=1 && b=2", F::Operator, "1:5"),
        ("a=1>x", F::Operator, "1:4"),
        ("echo x", F::Command, "1:1"),
        ("$x", F::Command, "1:1"),
        ("a=b c", F::PrefixAssignment, "1:5"),
        ("a=b export c=d", F::PrefixAssignment, "1:5"),
        ("x = 1", F::BlankAroundEquals, "1:1"),
        ("x =1", F::BlankAroundEquals, "1:1"),
        ("x= 1", F::BlankAroundEquals, "1:4"),
        ("x+=1", F::Append, "1:1"),
        ("x=(1 2)", F::Array, "1:3"),
        ("web-1_id=3", F::VariableName, "1:1"),
        ("\u{feff}a=1", F::VariableName, "1:1"),
        ("a=1;;", F::EmptyStatement, "1:5"),
        (";a=1", F::EmptyStatement, "1:1"),
        ("a=$1", F::SpecialParameter, "1:3"),
        ("a=é$@", F::SpecialParameter, "1:4"),
        ("a=${10}", F::SpecialParameter, "1:3"),
        ("a=${#}", F::SpecialParameter, "1:3"),
        ("a=${x:?no}", F::ErrorExpansion, "1:3"),
        ("a=${x?}", F::ErrorExpansion, "1:3"),
        ("a=${x/y/z}", F::BadExpansion, "1:3"),
        ("a=${!x}", F::SpecialParameter, "1:3"),
        ("a=${}", F::BadExpansion, "1:3"),
        ("a=x'y\nz", F::Unterminated, "1:4"),
        ("a=x\"y\nz", F::Unterminated, "1:4"),
        ("a=$'y\nz", F::Unterminated, "1:3"),
        ("a=x${y", F::Unterminated, "1:4"),
        ("a=\"${y:-z\"", F::Unterminated, "1:4"),
        ("a=${y:-\"z}", F::Unterminated, "1:8"),
        ("a=\"${y-\"it's\"}\"", F::Unterminated, "1:11"),
        ("a=${y:-z", F::Unterminated, "1:3"),
        ("readonly a=1\na=2", F::Readonly, "2:1"),
        ("readonly a\nb=${a:=2}", F::Readonly, "2:5"),
        ("export -p", F::Operand, "1:8"),
        ("export", F::Operand, "1:1"),
        ("export $x", F::Operand, "1:8"),
        ("a=$'\\q'", F::Escape, "1:5"),
        ("b=x; a=${b#[[:rune:]]}", F::Pattern, "1:12"),
        ("b=[a-; a=${b#[a-}", F::Pattern, "1:14"),
        ("b=é; a=${#b}", F::Locale, "1:8"),
        ("b=é; a=${b#?}", F::Locale, "1:12"),
        ("a=x$'é\\u00e9'", F::Locale, "1:7"),
        ("a=$\\\n'\\u00e9'", F::Locale, "2:2"),
        ("a=$PPID", F::ShellVariable, "1:3"),
        ("OPTIND=x", F::ShellVariable, "1:1"),
        (". file", F::Include, "1:3"),
        (". ./x*", F::Include, "1:3"),
        (". ./nowhere", F::IncludeUnreadable, "1:3"),
        ("a=1\0", F::Nul, "1:4"),
        ("a=1\n\r", F::Command, "2:1"),
    ] {
        assert_eq!(
            refused(text),
            (name, format!("test.conf:{place}")),
            "{text}"
        );
    }
}

#[test]
fn a_file_with_cr_lf_is_read_as_if_it_had_lf() {
    for text in [
        "a=1\nb=2\n",
        "a=1\n\n# c\nb='x\ny'\n",
        "a=x\\\ny b=\"p\\\nq\"\nexport c\nc=${a}\n",
        "a=1; b=2",
    ] {
        let values = |text: &str| {
            let config = config(text.as_bytes());
            let all = config.assignments();
            all.map(|set| (set.name.to_owned(), set.value.to_vec()))
                .collect::<Vec<_>>()
        };
        assert_eq!(values(&text.replace('\n', "\r\n")), values(text), "{text}");
    }
    // A CR alone is a character as for sh.
    assert_eq!(config(b"a=1\r").get("a").unwrap().value, b"1\r");
}

#[test]
fn reading_goes_on_behind_what_is_refused() {
    let text = b"a_id=1\nif x; then\n b=2\n case y in *) echo;; esac\nfi\nls\nc=3\n";
    let Err(ConfigError::Refused(config)) = read(text) else {
        panic!("accepted");
    };
    let places = config
        .findings()
        .iter()
        .map(|finding| config.place(finding.span).line);
    assert_eq!(places.collect::<Vec<_>>(), [2, 6]);
    assert!(config.get("a_id").is_some() && config.get("c").is_some());
    assert!(config.get("b").is_none());
}

#[test]
fn what_is_left_out_ends_where_sh_would_see_its_end() {
    for text in [
        "f() {\n ls\n x=1\n}\nb=3\n",
        "f () \\\n\n{ ls\n { x=1; }\n x=2; }\nb=3\n",
        "f() ( x=1 )\nb=3\n",
        "f() ls {\nb=3\n",
        "while ls; do\n for i in if case; do\n  x=1\n done\ndone\nb=3\n",
        "if ls; then if ls; then\n x=1\n fi\nelse { x=2; }\nfi\nb=3\n",
        "until ls &\ndo x=1\ndone\nb=3\n",
    ] {
        let Err(ConfigError::Refused(config)) = read(text.as_bytes()) else {
            panic!("accepted: {text}");
        };
        let names: Vec<_> = config.assignments().map(|set| set.name).collect();
        assert_eq!((config.findings().len(), names), (1, vec!["b"]), "{text}");
    }
}

#[test]
fn a_file_of_64_mib_is_read_and_a_larger_one_is_not() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let refusal = |size| {
        file.as_file().set_len(size).unwrap();
        with_outside(|outside| load(&[file.path().to_owned()], Trust::Named, outside)).unwrap_err()
    };
    // The file consists of NULs.
    assert!(matches!(refusal(64 << 20), ConfigError::Refused(_)));
    let larger = refusal((64 << 20) + 1);
    assert!(matches!(larger, ConfigError::Unreadable { .. }), "{larger}");
    assert!(larger.to_string().contains("larger than 64 MiB"));
}

#[test]
fn reading_ends_behind_a_hundred_findings() {
    let Err(ConfigError::Refused(config)) = read(&b"ls\n".repeat(200)) else {
        panic!("accepted");
    };
    assert_eq!(config.findings().len(), 100);
}

#[test]
fn values_that_explode_and_words_that_nest_too_deep_are_refused() {
    let mut text = "a=xxxxxxxxxxxxxxxx\n".to_owned();
    text.push_str(&"a=$a$a$a$a\n".repeat(50));
    assert_eq!(refused(&text).0, FindingName::TooLarge);
    let deep = format!("a={}{}", "${x:-".repeat(10_000), "}".repeat(10_000));
    assert_eq!(refused(&deep).0, FindingName::TooLarge);
    let quotes = format!("a={}", "\"${x:-".repeat(10_000));
    assert_eq!(refused(&quotes).0, FindingName::TooLarge);
    let long = "a".repeat(60_000);
    let pattern = "*a".repeat(500);
    let patterns = "b=${a##$p}\n".repeat(100);
    let many = format!("a={long}\np={pattern}b\n{patterns}");
    assert_eq!(
        refused(&many),
        (FindingName::TooLarge, "test.conf:7:8".to_owned())
    );
    let plain = format!("a={long}\n{}", "b=${a#$a}\n".repeat(1000));
    assert_eq!(value(&plain, "b"), "");
}

#[test]
fn spans_cover_names_and_values() {
    let config = config(b"a='x y' b=${c:=d} e=${f\\\n_g=h}\n");
    let texts = config.assignments().map(|assignment| {
        let text = |span| String::from_utf8_lossy(config.sources().text(span)).into_owned();
        (text(assignment.name_span), text(assignment.value_span))
    });
    let expected = [
        ("c", "d"),
        ("f\\\n_g", "h"),
        ("a", "'x y'"),
        ("b", "${c:=d}"),
        ("e", "${f\\\n_g=h}"),
    ];
    assert_eq!(
        texts.collect::<Vec<_>>(),
        expected.map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
}

#[test]
fn included_files_are_read_from_the_directory_of_the_configuration() {
    let root = tempfile::tempdir().unwrap();
    let [main, host] = ["easy-bhyve.conf", "easy-bhyve-h.conf"].map(|name| root.path().join(name));
    std::fs::create_dir(root.path().join("d")).unwrap();
    std::fs::write(&main, "a=1\n. ./d/x\nd=$c\n").unwrap();
    std::fs::write(root.path().join("d/x"), "b=$a\n. \"./d/y\"\n").unwrap();
    std::fs::write(root.path().join("d/y"), "c=2 a=3\n").unwrap();
    std::fs::write(&host, "e=$a$d\n. ./d/y\n").unwrap();
    let read =
        |files: &[_]| with_outside(|outside| load(files, crate::config::Trust::Named, outside));
    let config = read(&[main.clone(), host.clone()]).unwrap();
    let all: Vec<_> = config.assignments().map(|a| (a.name, a.value)).collect();
    let expected: [(&str, &[u8]); 8] = [
        ("a", b"1"),
        ("b", b"1"),
        ("c", b"2"),
        ("a", b"3"),
        ("d", b"2"),
        ("e", b"32"),
        ("c", b"2"),
        ("a", b"3"),
    ];
    assert_eq!(all, expected);
    std::fs::write(root.path().join("d/y"), "\n . d/../easy-bhyve.conf").unwrap();
    let Err(ConfigError::Refused(config)) = read(std::slice::from_ref(&main)) else {
        panic!("a circle is accepted");
    };
    let finding = &config.findings()[0];
    assert_eq!(finding.name, FindingName::IncludeCircle);
    assert!(config.place(finding.span).to_string().ends_with("d/y:2:4"));
    let error = read(&[root.path().join("none")]).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }));
    assert!(
        error
            .to_string()
            .contains("could not read the configuration")
    );
}

#[test]
fn a_vm_is_whatever_has_an_id() {
    let config =
        config(b"b_id=2 a_id=1; export web_1_id=3 # x_id=9\n_y_id=4 z_id= b_id=5\na='q_id=1'\n");
    let vms: Vec<_> = config.vms().map(|(vm, id)| (vm, id.value)).collect();
    assert_eq!(vms, [("b", &b"5"[..]), ("a", b"1"), ("web_1", b"3")]);
    assert!(config.is_vm("a") && !config.is_vm("z") && !config.is_vm("_y") && !config.is_vm(""));
}

#[test]
fn a_key_belongs_to_the_vm_whose_rest_is_known() {
    let text = b"a_id=1 a_if0_id=2 a_if0_bridge=x a_if0_cpu=2 a_mem=1G a_hd00=n a_if0=t c_mem=3\n";
    let config = config(text);
    let keys = |vm| {
        config
            .keys_of(vm)
            .keys
            .iter()
            .map(|key| key.spelling)
            .collect::<Vec<_>>()
    };
    assert_eq!(keys("a"), ["id", "if0_bridge", "mem", "if0"]);
    assert_eq!(keys("a_if0"), ["id", "cpu"]);
    assert_eq!(keys("c"), [""; 0]);
    let all: Vec<_> = config.keys_of_all(settings::every_row).collect();
    for one in &all {
        let names = one.keys.iter().map(|key| key.spelling).collect::<Vec<_>>();
        assert_eq!(names, keys(one.vm));
    }
    assert_eq!(all.len(), 2);
}

#[test]
fn a_setting_without_a_key_is_one_with_a_blank_before_the_equals_sign() {
    for parse in [TypedSetting::parse, TypedSetting::parse_any] {
        let error = parse("=1G".as_ref()).unwrap_err();
        let said = "\"\" is not a key of a VM; no blank may stand before the =";
        assert_eq!(error.to_string(), said);
    }
}
