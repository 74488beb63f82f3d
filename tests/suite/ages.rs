//! Configurations of every age of the script: older names of settings in every combination, and the
//! layouts that users gave their files, read with warnings at most and to the right values.

use crate::call::{Said, call_with_file};
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use easy_bhyve::config::{Outside, Source, lint, parse};
use easy_bhyve::finding::Severity;

/// The spellings of one setting, the oldest first.
struct Setting {
    spellings: &'static [&'static str],
    /// The value as it is written in the file, without the quotes.
    value: &'static str,
    /// The value in an earlier version of the same line.
    earlier: &'static str,
}

const INSTALL: Setting = Setting {
    spellings: &["grub_inst", "grub_install"],
    value: "kopenbsd -h com0 (cd0)/7.8/amd64/bsd.rd",
    earlier: "kopenbsd -h com0 (cd0)/5.6/amd64/bsd.rd",
};
const BOOT: Setting = Setting {
    spellings: &["grub_boot", "grub_bootcmd"],
    value: "kopenbsd -h com0 -r sd0a (hd0,openbsd1)/bsd",
    earlier: "kopenbsd -h com0 -r wd0a (hd0,openbsd1)/bsd",
};
const PART: Setting = Setting {
    spellings: &["grub_root", "gpt", "grub_bootpart"],
    value: "gpt2",
    earlier: "msdos2",
};

/// The layout of a file.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// A setting on each line.
    Plain,
    /// Indented by tabs, with comments in UTF-8 behind the values.
    Tabs,
    /// Comments in EUC-JP and Shift_JIS, the latter with a backslash at its end.
    Bytes,
    /// Each line has an earlier version of itself before it.
    Versions,
    /// The earlier version was exported, on the same line.
    Exported,
}

const LAYOUTS: [Layout; 5] = [
    Layout::Plain,
    Layout::Tabs,
    Layout::Bytes,
    Layout::Versions,
    Layout::Exported,
];

impl Layout {
    fn line(self, name: &str, value: &str, earlier: &str) -> Vec<u8> {
        let plain = format!("o0_{name}=\"{value}\"\n");
        match self {
            Self::Plain => plain.into_bytes(),
            Self::Tabs => {
                format!("\t\to0_{name}='{value}'\t\t# 注意: \"$(OS毎)\" に調べる\n").into()
            }
            Self::Bytes => {
                let comment = b"# \xc6\xfc\xcb\xdc\xb8\xec '\n# \x95\x5c\n";
                [comment.as_slice(), plain.as_bytes()].concat()
            }
            Self::Versions => {
                format!("#o0_{name}=$old\no0_{name}='{earlier}'\n{plain}").into_bytes()
            }
            Self::Exported => format!("export o0_{name}='{earlier}'; {plain}").into_bytes(),
        }
    }
}

/// Every set of spellings, the set without any first.
fn subsets(spellings: &'static [&'static str]) -> impl Iterator<Item = Vec<&'static str>> {
    (0..1_u32 << spellings.len()).map(|chosen| {
        let at = spellings.iter().enumerate();
        let is_chosen = |at: usize| chosen >> at & 1 == 1;
        at.filter(|(at, _)| is_chosen(*at))
            .map(|(_, spelling)| *spelling)
            .collect()
    })
}

fn resources(config: &[u8]) -> Said {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("easy-bhyve.conf");
    std::fs::write(&file, config).unwrap();
    let mut fake = Fake::new(Host::freebsd(14), USER);
    call_with_file(&mut fake, &file, &["o0-resources"])
}

/// What `resources` prints for these settings.
fn expected(install: bool, boot: bool, part: bool) -> String {
    let line = |set: bool, line: String| if set { line } else { String::new() };
    [
        "host=vmhost\nsystem=o0\ncon=/dev/nmdm3A\ncpu=2\nmem=512M\nzvol=zroot/vm/o0\n\
         cd0=/iso/install78.iso\nhost_netif=igb0\nhost_bridge=bridge0\nif0=tap3\n\
         if0_bridge=bridge0\nhd0=/dev/zvol/zroot/vm/o0\n"
            .to_owned(),
        format!(
            "grub_bootpart={}\n",
            if part { PART.value } else { "msdos1" }
        ),
        line(install, format!("grub_install='{}'\n", INSTALL.value)),
        line(boot, format!("grub_bootcmd='{}'\n", BOOT.value)),
    ]
    .concat()
}

#[test]
fn older_names_are_read_in_every_combination_and_layout() {
    let mut wrong = Vec::new();
    for layout in LAYOUTS {
        for install in subsets(INSTALL.spellings) {
            for boot in subsets(BOOT.spellings) {
                for part in subsets(PART.spellings) {
                    let mut config = b"bridge=bridge0 netif=igb0 volroot=zroot/vm\n".to_vec();
                    let others = [("id", "3"), ("cpu", "2"), ("mem", "512M")];
                    for (name, value) in others {
                        config.extend(layout.line(name, value, "1"));
                    }
                    config.extend(layout.line("cd0", "/iso/install78.iso", "/iso/install56.iso"));
                    let all = [(&INSTALL, &install), (&BOOT, &boot), (&PART, &part)];
                    for (setting, spellings) in all {
                        for name in spellings {
                            config.extend(layout.line(name, setting.value, setting.earlier));
                        }
                    }
                    let said = resources(&config);
                    let is_set = [&install, &boot, &part].map(|names| !names.is_empty());
                    let right = expected(is_set[0], is_set[1], is_set[2]);
                    if said.status != 0 || said.out != right || has_errors(config) {
                        wrong.push(format!(
                            "{layout:?} {install:?} {boot:?} {part:?}: {said:?}"
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether there is a finding above a warning.
fn has_errors(config: Vec<u8>) -> bool {
    let outside = Outside {
        variable: &|_| None,
        home: &|_| None,
    };
    let config = parse(vec![Source::new("easy-bhyve.conf", config)], &outside);
    let Ok(config) = config else {
        return true;
    };
    let findings = lint::check(&config);
    findings.iter().any(|one| one.severity == Severity::Error)
}
