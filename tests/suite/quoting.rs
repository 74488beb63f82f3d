//! Words that sh could misread: settings that sh reads back, and arguments of the commands of a script.

mod bytes;
mod devices;

use crate::place::{PROGRAM, Place, Said};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert_eq, prop_oneof, proptest};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Characters with a meaning to sh, to printf, or in a line.
fn awkward() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z]{1,3}",
        4 => "[ '\"$`\\\\\n\t;&|<>()*?#~!{}=%@:^-]{1,3}",
        1 => Just("$HOME".to_owned()),
        1 => Just("$(date)".to_owned()),
        1 => Just("\nEND\n".to_owned()),
        1 => Just("é".to_owned()),
    ];
    proptest::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

/// A file's path below a directory.
fn awkward_path() -> impl Strategy<Value = String> {
    // A path with a percent sign is refused.
    (awkward(), awkward())
        .prop_map(|(directory, file)| format!("/{directory}/x{file}").replace('%', ""))
}

/// `text` as a word of a configuration.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The values of these variables after sh has read the text.
fn read_by_sh(place: &Place, text: &str, names: &[&str]) -> Vec<String> {
    let list: String = names.iter().map(|name| format!(" \"${name}\"")).collect();
    let script = place.write(
        "read.sh",
        format!("set -eu\n{text}\nprintf '%s\\0'{list}\n"),
    );
    let output = place
        .call("/bin/sh")
        .arg(script)
        .env("PATH", "/bin:/usr/bin")
        .output()
        .unwrap();
    assert_eq!(Said::of(&output).err, "", "{text}");
    let read = String::from_utf8(output.stdout).unwrap();
    read.split_terminator('\0').map(str::to_owned).collect()
}

/// All settings that `resources` shows of a VM with such paths, as data and as sh reads them.
fn assert_read_back(config: &str, wanted: &[(&str, &str)]) {
    let place = Place::new();
    place.write("vms.conf", config);
    let text = place.say(PROGRAM, ["resources", "a"], "vms.conf");
    assert_eq!((text.status, text.err.as_str()), (Some(0), ""), "{config}");
    let data = place.say(PROGRAM, ["resources", "a", "--format", "json"], "vms.conf");
    let data: Value = serde_json::from_str(&data.out).unwrap();
    let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
    let values: Vec<&str> = wanted.iter().map(|(_, value)| *value).collect();
    assert_eq!(
        read_by_sh(&place, &text.out, &names),
        values,
        "{config}\n{}",
        text.out
    );
    let of_data: Vec<&str> = names
        .iter()
        .map(|name| data[name].as_str().unwrap())
        .collect();
    assert_eq!(of_data, values, "{config}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sh_reads_every_setting_back(
        cd0 in awkward_path(), hd0 in awkward_path(), hd1 in awkward_path(),
    ) {
        let config = format!(
            "bridge=bridge0 netif=igb0 volroot=zroot/vm\na_id=7 a_freebsd=YES\n\
             a_cd0={}\na_hd0={}\na_hd1={}\n",
            quoted(&cd0), quoted(&hd0), quoted(&hd1)
        );
        assert_read_back(&config, &[
            ("system", "a"), ("con", "/dev/nmdm7A"), ("cpu", "1"), ("mem", "256M"), ("zvol", ""),
            ("cd0", &cd0), ("host_netif", "igb0"), ("host_bridge", "bridge0"), ("if0", "tap7"),
            ("if0_bridge", "bridge0"), ("hd0", &hd0), ("hd1", &hd1),
        ]);
    }

    #[test]
    fn sh_reads_grub_commands_back(install in awkward(), boot in awkward()) {
        // As grub reads them: text that is quoted for grub may be anything.
        let echo = |text: &str| format!("echo '{}'", text.replace(['\'', '\0'], ""));
        let (install, boot) = (echo(&install), echo(&boot));
        let config = format!(
            "bridge=bridge0 netif=igb0 volroot=zroot/vm a_id=7 a_cd0=/iso\n\
             a_grub_install={}\na_grub_bootcmd={}\n",
            quoted(&install), quoted(&boot)
        );
        assert_read_back(&config, &[("grub_install", &install), ("grub_bootcmd", &boot)]);
    }

    #[test]
    fn the_commands_of_a_script_receive_the_words_of_the_plan(
        cd0 in awkward_path(), volroot in awkward_path(), hd1 in awkward_path(),
    ) {
        for privilege in ["none", "doas"] {
            let place = Place::new();
            place.write("vms.conf", format!(
                "bridge=bridge0 netif=igb0 privilege={privilege}\na_id=7 a_freebsd=YES\n\
                 a_cd0={}\nvolroot={}\na_hd1={}\n",
                quoted(&cd0), quoted(&volroot), quoted(&hd1)
            ));
            for words in [
                &["boot", "a"][..], &["resources", "a", "-V", "1g"],
                &["resources", "a", "-V", "1g", "-s"], &["console", "a"],
            ] {
                if words[0] == "console" {
                    place.write("dev/vmm/a", "");
                }
                let (received, planned) = both(&place, words);
                prop_assert_eq!(received, planned, "{:?}", words);
            }
        }
    }
}

/// The commands of a script whose programs succeed without output, but for bhyve, whose
/// guest powers off, and ps, which lists no process.
struct Walk<'plan> {
    escalator: Option<String>,
    commands: Vec<Vec<String>>,
    armed: Vec<&'plan Value>,
}

impl<'plan> Walk<'plan> {
    fn command(&mut self, command: &Value) {
        let mut words = Vec::new();
        if command["privilege"] == "root" {
            words.extend(self.escalator.clone());
        }
        words.push(command["program"].as_str().unwrap().to_owned());
        let args = command["args"].as_array().unwrap();
        words.extend(args.iter().map(|word| word.as_str().unwrap().to_owned()));
        self.commands.push(words);
    }

    fn test(&mut self, test: &Value) -> bool {
        let (kind, of) = test.as_object().unwrap().iter().next().unwrap();
        match kind.as_str() {
            "not" => !self.test(of),
            "all" => of.as_array().unwrap().iter().all(|one| self.test(one)),
            "exists" => Path::new(of.as_str().unwrap()).exists(),
            "succeeds" => {
                self.command(of);
                true
            }
            "mentions" | "works" | "still" => {
                self.command(&of["command"]);
                false
            }
            _ => panic!("{test}"),
        }
    }

    fn forms(&mut self, forms: &'plan Value) {
        for form in forms.as_array().unwrap() {
            let (kind, of) = form.as_object().unwrap().iter().next().unwrap();
            match kind.as_str() {
                "step" => {
                    if of.get("only_if").is_none_or(|test| self.test(test))
                        && let Some(command) = of["action"].get("run")
                    {
                        self.command(command);
                    }
                }
                "guard" => assert!(self.test(&of["test"]), "{of}"),
                "wait" => assert!(self.test(&of["until"]), "{of}"),
                "loop" => {
                    self.forms(&of["body"]);
                    self.command(&of["command"]);
                }
                "undo" => self.armed.push(of),
                "no-return" => {}
                "root" => self.in_background(of),
                _ => panic!("{form}"),
            }
        }
    }

    /// The script that runs under daemon(8), to its end: that runs the undos for the end.
    fn in_background(&mut self, root: &'plan Value) {
        let mut words: Vec<String> = self.escalator.clone().into_iter().collect();
        let name = root["detached"].as_str().unwrap();
        words.extend(["daemon", "-c", "sh", "-c", name].map(str::to_owned));
        self.commands.push(words);
        let escalator = self.escalator.take();
        self.forms(&root["forms"]);
        self.end();
        self.escalator = escalator;
    }

    /// The commands at the end, the last first.
    fn end(&mut self) {
        while let Some(undo) = self.armed.pop() {
            if undo["when"] == "end" {
                self.forms(&undo["forms"]);
            }
        }
    }
}

/// Every program of a plan, with those of its undos.
fn programs(plan: &Value, names: &mut BTreeSet<String>) {
    match plan {
        Value::Object(map) => {
            names.extend(
                map.get("program")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            let started = map
                .get("starts")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            names.extend(started.filter_map(|name| name.as_str().map(str::to_owned)));
            map.values().for_each(|value| programs(value, names));
        }
        Value::Array(values) => values.iter().for_each(|value| programs(value, names)),
        _ => {}
    }
}

/// Writes the number of its words, and the words, each with a NUL behind it.
///
/// daemon(8) runs the script that it gets, and prints what that script prints once its guest
/// runs; the script itself is not compared as a word.
const STUB: &str = r#"name=${0##*/}
case $name:$1 in
doas:mktemp | doas:rm) name=$1 ;;
esac
# What the script makes for itself is no word that is compared, and lies beside the calls.
case $name in
mkdir) exit ;;
mktemp) PATH=/bin:/usr/bin exec mktemp -d "$CALLS.XXXXXXXX" ;;
rm) exit ;;
esac
[ "$name" != doas ] || [ "$1" != daemon ] || { shift; name='doas daemon'; }
case $name in
*daemon)
    [ "$name" = daemon ] || printf '6\0doas\0daemon\0-c\0sh\0-c\0%s\0' "$5" >>"$CALLS"
    [ "$name" != daemon ] || printf '5\0daemon\0-c\0sh\0-c\0%s\0' "$5" >>"$CALLS"
    shift
    "$@" >/dev/null 2>&1
    echo "$4: running"
    ;;
*) printf '%s\0' $(($# + 1)) "$name" "$@" >>"$CALLS" ;;
esac
case $name in bhyve) exit 1 ;; esac
"#;

/// The commands that the programs of the script received, and those that the plan as data lists.
fn both(place: &Place, words: &[&str]) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let call = |format: &[&str]| -> Vec<u8> {
        let mut call = place.call(PROGRAM);
        let path = format!("{}:/bin:/usr/bin", place.path("stubs").display());
        call.env("EASY_BHYVE_PATH", path)
            .env("EASY_BHYVE_CONFIG", place.path("vms.conf"))
            .env("EASY_BHYVE_DEV", place.path("dev"))
            .args(words)
            .arg("-d")
            .args(format);
        let output = call.output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{words:?}: {}",
            Said::of(&output).err
        );
        output.stdout
    };
    let data = call(&["--format", "json"]);
    let data: Value = serde_json::from_slice(&data).unwrap();
    let mut names = BTreeSet::from(["daemon".to_owned(), "doas".to_owned()]);
    programs(&data["plan"], &mut names);
    let _ = fs::remove_dir_all(place.path("stubs"));
    place.script("stub", STUB);
    names.extend(["mkdir".to_owned(), "mktemp".to_owned()]);
    for name in names {
        place.link(&format!("stubs/{name}"), "../stub");
    }
    devices::make(&data["plan"]);
    let calls = place.write("calls", "");
    let script = place.write("script", call(&["--format", "sh"]));
    let ran = Command::new("/bin/sh")
        .arg(script)
        .env_clear()
        .env("CALLS", &calls)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = Said::of(&ran);
    let is_wait = |line: &str| line.starts_with("waiting for the device ");
    let is_good = said.status == Some(0) && said.err.lines().all(is_wait);
    assert!(is_good, "{words:?}: {said:?}");

    let escalator = data["escalator"].as_str().filter(|word| *word != "none");
    let mut walk = Walk {
        escalator: escalator.map(str::to_owned),
        commands: Vec::new(),
        armed: Vec::new(),
    };
    walk.forms(&data["plan"]);
    walk.end();
    // The number of questions about the workers of the VM depends on time.
    let is_look = |words: &Vec<String>| words[0] == "ps";
    let mut received = received(&calls);
    received.retain(|words| !is_look(words));
    walk.commands.retain(|words| !is_look(words));
    if let Some(planned) = scratch(&data["plan"]) {
        renamed(&mut walk.commands, planned);
        let start = format!("{}.", calls.display());
        let first = received.iter().flatten().find_map(|word| {
            let at = word.find(&start)?;
            word.get(at..at + start.len() + 8).map(str::to_owned)
        });
        if let Some(made) = first {
            renamed(&mut received, &made);
        }
    }
    (received, walk.commands)
}

/// The directory of a plan for its own files, if it makes one.
fn scratch(plan: &Value) -> Option<&str> {
    match plan {
        Value::Object(map) => {
            let own = map.get("make-scratch").and_then(Value::as_str);
            own.or_else(|| map.values().find_map(scratch))
        }
        Value::Array(values) => values.iter().find_map(scratch),
        _ => None,
    }
}

/// The words, with another name for this directory.
fn renamed(commands: &mut [Vec<String>], directory: &str) {
    for word in commands.iter_mut().flatten() {
        *word = word.replace(directory, "SCRATCH");
    }
}

fn received(calls: &Path) -> Vec<Vec<String>> {
    let text = String::from_utf8(fs::read(calls).unwrap()).unwrap();
    let mut words = text.split_terminator('\0').map(str::to_owned);
    let mut commands = Vec::new();
    while let Some(count) = words.next() {
        commands.push(words.by_ref().take(count.parse().unwrap()).collect());
    }
    commands
}

#[test]
fn volumes_with_blanks_and_words_of_snapshots_reach_zfs_unchanged() {
    let place = Place::new();
    place.write(
        "vms.conf",
        "bridge=bridge0 netif=igb0 volroot='tank/my vms' privilege=none a_id=7 a_freebsd=YES\n",
    );
    for words in [
        &["snapshot", "a", "before"][..],
        &["snapshot", "a", "before", "the", "upgrade"],
        &["clone", "a", "@my snap", "b"],
        &["boot", "a"],
    ] {
        let (received, planned) = both(&place, words);
        assert_eq!(received, planned, "{words:?}");
        assert!(
            received
                .iter()
                .flatten()
                .any(|word| word.contains("tank/my vms/a")),
            "{words:?}"
        );
    }
}
