use super::{BootPart, GrubDir, LoaderKind};

#[test]
fn every_word_is_that_of_a_kind() {
    let words = LoaderKind::ALL.map(|kind| kind.facts().word);
    assert_eq!(words, LoaderKind::WORDS);
    assert!(LoaderKind::parse("grub-bhyve").is_err());
}

#[test]
fn the_directory_of_a_menu_is_an_absolute_path() {
    for good in ["/boot/grub", "/grub2", "/@/boot/grub", "/", "auto"] {
        assert!(GrubDir::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "grub",
        "Auto",
        "/boot grub",
        "/a;b",
        "/boot/../etc",
        "(hd0)/grub",
    ] {
        assert!(GrubDir::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn partitions_are_named_as_grub_names_them() {
    for good in ["msdos1", "gpt12", "msdos1,bsd1", "netbsd1", "none", "auto"] {
        assert!(BootPart::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "1",
        "gpt",
        "hd0,",
        "(hd0,gpt1)",
        "gpt 1",
        "none,gpt1",
        "auto,gpt1",
        "hd0",
        "hd0,gpt1",
    ] {
        assert!(BootPart::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_number_alone_is_answered_with_the_names_that_it_may_mean() {
    for (number, answer) in [
        ("2", "write gpt2 on a GPT or msdos2 on an MBR, none"),
        ("0", "write none for a disk without partitions"),
    ] {
        let error = BootPart::parse(number).unwrap_err().to_string();
        assert!(error.contains(answer), "{error}");
    }
}

#[test]
fn none_is_the_whole_disk() {
    let device = |text| BootPart::parse(text).unwrap().of_disk("hd0");
    assert_eq!(device("gpt2"), "hd0,gpt2");
    assert_eq!(device("none"), "hd0");
}
