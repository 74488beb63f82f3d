//! The answer of zfs to a wrong command line: status 2 and the synopsis (zfs_main.c, usage and get_usage).

use super::super::call::Answer;
use super::super::state::State;
use super::super::words::{OptionError, Words};
use super::property::PROPERTIES;
use super::{since_2_2, since_2_3};

/// The synopses of the simulated subcommands, as OpenZFS 2.3 prints them; see [`synopsis`].
const SYNOPSES: [(&str, &str); 15] = [
    (
        "create",
        "\tcreate [-Pnpuv] [-o property=value] ... <filesystem>\n\
         \tcreate [-Pnpsv] [-b blocksize] [-o property=value] ... -V <size> <volume>\n",
    ),
    (
        "destroy",
        "\tdestroy [-fnpRrv] <filesystem|volume>\n\
         \tdestroy [-dnpRrv] <filesystem|volume>@<snap>[%<snap>][,...]\n\
         \tdestroy <filesystem|volume>#<bookmark>\n",
    ),
    (
        "snapshot",
        "\tsnapshot [-r] [-o property=value] ... <filesystem|volume>@<snap> ...\n",
    ),
    ("rollback", "\trollback [-rRf] <snapshot>\n"),
    (
        "clone",
        "\tclone [-p] [-o property=value] ... <snapshot> <filesystem|volume>\n",
    ),
    ("promote", "\tpromote <clone-filesystem>\n"),
    (
        "rename",
        "\trename [-f] <filesystem|volume|snapshot> <filesystem|volume|snapshot>\n\
         \trename -p [-f] <filesystem|volume> <filesystem|volume>\n\
         \trename -u [-f] <filesystem> <filesystem>\n\
         \trename -r <snapshot> <snapshot>\n",
    ),
    ("bookmark", "\tbookmark <snapshot|bookmark> <newbookmark>\n"),
    (
        "list",
        "\tlist [-Hp] [-j [--json-int]] [-r|-d max] [-o property[,...]] [-s property]...\n\
         \t    [-S property]... [-t type[,...]] [filesystem|volume|snapshot] ...\n",
    ),
    (
        "set",
        "\tset [-u] <property=value> ... <filesystem|volume|snapshot> ...\n",
    ),
    (
        "get",
        "\tget [-rHp] [-j [--json-int]] [-d max] [-o \"all\" | field[,...]]\n\
         \t    [-t type[,...]] [-s source[,...]]\n\
         \t    <\"all\" | property[,...]> [filesystem|volume|snapshot|bookmark] ...\n",
    ),
    (
        "inherit",
        "\tinherit [-rS] <property> <filesystem|volume|snapshot> ...\n",
    ),
    (
        "load-key",
        "\tload-key [-rn] [-L <keylocation>] <-a | filesystem|volume>\n",
    ),
    ("hold", "\thold [-r] <tag> <snapshot> ...\n"),
    ("release", "\trelease [-r] <tag> <snapshot> ...\n"),
];

/// The subcommands whose synopsis goes with the table of properties.
const WITH_TABLE: [&str; 4] = ["get", "inherit", "list", "set"];

/// Reads the options of a subcommand; `spec` is the string that zfs_main.c passes to getopt(3); a leading
/// colon tells a missing argument from an unknown option.
pub(super) fn options(
    state: &State,
    verb: &str,
    spec: &str,
    args: &[String],
) -> Result<Words, Answer> {
    Words::parse(args, spec.trim_start_matches(':')).map_err(|error| {
        let problem = match error {
            OptionError::Missing(_) if verb == "create" => "missing size argument".into(),
            OptionError::Missing(name) if spec.starts_with(':') => {
                format!("missing argument for '{name}' option")
            }
            OptionError::Missing(name) | OptionError::Unknown(name) => {
                format!("invalid option '{name}'")
            }
        };
        wrong(state, verb, &problem)
    })
}

/// The answer to a subcommand's wrong command line; the problem may be empty.
pub(super) fn wrong(state: &State, verb: &str, problem: &str) -> Answer {
    let answer = Answer::fail(2, problem)
        .and_err("usage:")
        .and_err(synopsis(state, verb));
    if WITH_TABLE.contains(&verb) {
        table(answer)
    } else {
        topics(state, answer)
    }
}

/// The answer if there is no subcommand, or an unknown one.
pub(super) fn general(state: &State, problem: &str) -> Answer {
    let mut answer = Answer::fail(2, problem)
        .and_err("usage: zfs command args ...")
        .and_err("where 'command' is one of the following:\n\n");
    for (verb, _) in SYNOPSES {
        answer = answer.and_err(synopsis(state, verb));
    }
    let form = "\nEach dataset is of the form: pool/[dataset/]*dataset[@name]";
    topics(state, answer.and_err(form))
}

/// A synopsis by release: `set -u` came with 2.2, JSON with 2.3.
fn synopsis(state: &State, verb: &str) -> String {
    let known = SYNOPSES.iter().find(|(known, _)| *known == verb);
    let text = known.map_or("", |(_, text)| text);
    match verb {
        "set" if !since_2_2(state) => text.replace("[-u] ", ""),
        "get" if !since_2_3(state) => text.replace("[-j [--json-int]] ", ""),
        "list" if !since_2_3(state) => "\tlist [-Hp] [-r|-d max] [-o property[,...]] \
             [-s property]...\n\t    [-S property]... [-t type[,...]] \
             [filesystem|volume|snapshot] ...\n"
            .into(),
        _ => text.into(),
    }
}

/// The references to further help.
fn topics(state: &State, answer: Answer) -> Answer {
    let answer = answer
        .and_err("\nFor the property list, run: zfs set|get")
        .and_err("\nFor the delegated permission list, run: zfs allow|unallow");
    match since_2_2(state) {
        true => answer.and_err("\nFor further help on a command or topic, run: zfs help [<topic>]"),
        false => answer,
    }
}

/// The table of properties, with those that are simulated.
fn table(answer: Answer) -> Answer {
    let rows = PROPERTIES
        .iter()
        .map(|property| format!("\n\t{}", property.name));
    answer
        .and_err("\nThe following properties are supported:\n")
        .and_err(rows.collect::<String>())
}
