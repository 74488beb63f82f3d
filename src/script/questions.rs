//! The questions of a script: the sh(1) text of a plan's tests, and the functions that ask them.

use super::lines::{Ask, Lines, Uses};
use super::words::workers;
use crate::command::Command;
use crate::model::privilege::Elevation;
use crate::plan::{Known, Test, Work};
use crate::tools::process::{self, SUPERVISING};
use crate::{quote, vis};
use std::collections::BTreeSet;
use std::ffi::OsStr;

impl Lines<'_> {
    pub(super) fn test(&mut self, test: &Test) -> Vec<u8> {
        match test {
            Test::Not(inner) => self.answer(inner, false),
            plain => self.answer(plain, true),
        }
    }

    /// A command that succeeds if the answer to `test` is the expected one.
    fn answer(&mut self, test: &Test, expected: bool) -> Vec<u8> {
        let word: &[u8] = if expected { b"holds " } else { b"lacks " };
        match test {
            Test::Exists(path) => {
                let mut line = if expected {
                    b"[ -e ".to_vec()
                } else {
                    b"[ ! -e ".to_vec()
                };
                self.push_word(&mut line, path.as_os_str());
                line.extend_from_slice(b" ]");
                line
            }
            Test::Succeeds(command) => {
                self.uses.asks.insert(Ask::Question);
                let asks = self.line_of(&self.at.elevation.wrap(command));
                [word, asks.as_slice()].concat()
            }
            Test::Mentions { command, text } => {
                self.uses.asks.insert(Ask::Question);
                let mut line = [word, b"says "].concat();
                quote::push(&mut line, OsStr::new(text));
                line.push(b' ');
                line.extend_from_slice(&self.line_of(&self.at.elevation.wrap(command)));
                line
            }
            Test::HasRun => if expected {
                b"[ \"$run\" = 1 ]"
            } else {
                b"[ \"$run\" = 0 ]"
            }
            .to_vec(),
            Test::Works(to) if to.work == Work::Deaf => {
                self.uses.asks.insert(Ask::Deaf);
                [word, &workers(to)].concat()
            }
            Test::Works(to) => {
                self.uses.asks.insert(Ask::Works);
                [word, b"works ", &workers(to)].concat()
            }
            Test::Still { command, known } => self.still(word, command, known),
            Test::Confirmed {
                question,
                otherwise,
            } => {
                let mut line = self.question(" [y/N]", question, otherwise);
                let (yes, no) = if expected {
                    ("true", "false")
                } else {
                    ("false", "true")
                };
                line.extend_from_slice(
                    format!(
                        " && case $answer in [Yy] | [Yy][Ee][Ss]) {yes} ;; *) {no} ;; esac; }}"
                    )
                    .as_bytes(),
                );
                line
            }
            Test::Typed {
                question,
                word,
                otherwise,
            } => {
                let mut line = self.question("", question, otherwise);
                line.extend_from_slice(b" && [ \"$answer\" ");
                line.extend_from_slice(if expected { b"= " } else { b"!= " });
                quote::push(&mut line, OsStr::new(word));
                line.extend_from_slice(b" ]; }");
                line
            }
            Test::Not(inner) => self.answer(inner, !expected),
            // A script takes no locks.
            Test::Ours { .. } => if expected { b"true" } else { b"false" as &[u8] }.to_vec(),
            Test::All(tests) => {
                let asked = tests
                    .iter()
                    .filter(|test| !matches!(test, Test::Ours { .. }));
                let answers: Vec<Vec<u8>> = asked.map(|test| self.test(test)).collect();
                let all = answers.join(&b" && "[..]);
                let not: &[u8] = if expected { b"{ " } else { b"! { " };
                [not, all.as_slice(), b"; }"].concat()
            }
        }
    }

    /// The beginning of a group of commands: it shows a question and a hint, and reads an answer from the
    /// terminal.
    fn question(&mut self, hint: &str, question: &str, otherwise: &str) -> Vec<u8> {
        self.uses.answers = true;
        self.uses.fail = true;
        let mut line = b"{ [ -t 0 ] || fail 2 ".to_vec();
        let no_terminal = format!("{question} There is no terminal to ask on; {otherwise}");
        quote::push(&mut line, OsStr::new(&*vis::lines(&no_terminal)));
        line.extend_from_slice(format!("; printf '%s{hint} ' ").as_bytes());
        quote::push(&mut line, OsStr::new(&*vis::lines(question)));
        line.extend_from_slice(b" >&2; read -r answer");
        line
    }

    /// Whether a process is still the one that was recorded.
    fn still(&mut self, word: &[u8], command: &Command, known: &Known) -> Vec<u8> {
        let mut line = word.to_vec();
        match known {
            Known::Supervisor(vm) => {
                self.uses.asks.insert(Ask::Supervises);
                line.extend_from_slice(format!("supervises {vm} ").as_bytes());
            }
            Known::Shown(shown) => {
                self.uses.asks.insert(Ask::Shows);
                line.extend_from_slice(b"shows ");
                quote::push(&mut line, OsStr::new(shown));
                line.push(b' ');
            }
        }
        line.extend_from_slice(&self.line_of(command));
        line
    }
}

impl Uses {
    /// The union of both sets.
    #[must_use]
    pub(super) fn and(&self, other: &Self) -> Self {
        Self {
            fail: self.fail || other.fail,
            asks: &self.asks | &other.asks,
            answers: self.answers || other.answers,
        }
    }

    /// The functions that ask the questions.
    ///
    /// `commands`: all commands of the script, some with messages that mean absence.
    pub(super) fn functions(&self, elevation: Elevation, commands: &[&Command]) -> Vec<u8> {
        let mut text = Vec::new();
        if self.asks.is_empty() {
            return text;
        }
        let has = |ask| self.asks.contains(&ask);
        text.extend_from_slice(QUESTIONS.as_bytes());
        text.extend_from_slice(&says(commands));
        if has(Ask::Works) || has(Ask::Send) {
            text.extend_from_slice(WORKS_1.as_bytes());
            text.extend_from_slice(&process::who().line());
            text.extend_from_slice([WORKS_2, PROGRAM, WORKS_3].concat().as_bytes());
        }
        if has(Ask::Deaf) {
            text.extend_from_slice(DEAF_1.as_bytes());
            text.extend_from_slice(&process::list().line());
            text.extend_from_slice([DEAF_2, PROGRAM, DEAF_3].concat().as_bytes());
        }
        if has(Ask::Send) {
            let kill = elevation.wrap(&Command::root("kill", Vec::new())).line();
            text.extend_from_slice(b"send() { by=$1; shift; holds works \"$@\" || return 1; ");
            text.extend_from_slice(&kill);
            text.extend_from_slice(b" \"$by\" $found; }\n");
        }
        if has(Ask::Supervises) || has(Ask::Shows) {
            text.extend_from_slice(SHOWN.as_bytes());
        }
        if has(Ask::Supervises) {
            text.extend_from_slice(supervises().as_bytes());
        }
        if has(Ask::Shows) {
            text.extend_from_slice(SHOWS.as_bytes());
        }
        text
    }
}

/// Questions: status 0 is yes, 1 is no, any other is no answer.
const QUESTIONS: &str = "\
holds() { \"$@\" || { [ $? = 1 ] || fail 1 \"could not tell: $*\"; return 1; }; }
lacks() { if \"$@\"; then return 1; else [ $? = 1 ] || fail 1 \"could not tell: $*\"; fi; }
";

/// `works WORK VM…`: whether processes of root, in no jail, do this work for one of these VMs; their
/// pids in `found`. As `Who::works_for` in [`crate::tools::process`].
const WORKS_1: &str = "\
works() {
	work=$1 found=
	shift
	all=$(";
const WORKS_2: &str = ") || return 2
	while read -r pid ruid jid args; do
		[ \"$ruid:$jid\" = 0:0 ] || continue
		program=${args%% *} name=${args##* }
		case $args in
		'bhyve: '*' (bhyve)') name=${args#bhyve: } name=${name% (bhyve)} ;;";
const WORKS_3: &str = "
		case $work:${program##*/} in
		running:bhyve: | bhyve:bhyve: | any:bhyve: | bhyve:bhyve | any:bhyve) ;;
		loader:bhyveload | loader:grub-bhyve | any:bhyveload | any:grub-bhyve) ;;
		*) continue ;;
		esac
		for vm do
			[ \"$vm\" != \"$name\" ] || found=\"$found $pid\"
		done
	done <<END
$all
END
	[ -n \"$found\" ]
}
";

/// The cases of arguments other than a title of bhyve(8): sets `program`.
const PROGRAM: &str = "
		'bhyve: '*) continue ;;
		'daemon '*)
			program=${args#daemon }
			while case $program in -*' '*) ;; *) false ;; esac; do program=${program#* }; done
			program=${program%% *}
			;;
		esac";

/// `deaf VM…`: whether the guest of one of these VMs does not handle its power button. Bit 14 of the
/// ignored signals is SIGTERM. As `among` in [`crate::tools::workers`].
const DEAF_1: &str = "\
deaf() {
	all=$(";
const DEAF_2: &str = ") || return 2
	while read -r pid ruid jid seconds kib ignored args; do
		program=${args%% *} name=${args##* }
		case $args in
		'bhyve: '*' (bhyve)')
			case $ignored in *[4567cdefCDEF]???) continue ;; esac
			name=${args#bhyve: } name=${name% (bhyve)}
			;;";
const DEAF_3: &str = "
		case $ruid:$jid:${program##*/} in
		0:0:bhyve: | 0:0:bhyve) ;;
		*) continue ;;
		esac
		for vm do
			[ \"$vm\" != \"$name\" ] || return 0
		done
	done <<END
$all
END
	return 1
}
";

/// Sets `shown` to the real uid, the jail and the arguments of the process that a command lists.
const SHOWN: &str = "\
shown() {
	output=$(\"$@\") || return $?
	read -r pid ruid jid shown <<END
$output
END
	shown=\"$ruid $jid $shown\"
}
";

/// `shows TEXT COMMAND…`: whether the listed process is still the one recorded as TEXT.
const SHOWS: &str =
    "shows() { text=$1; shift; shown \"$@\" || return $?; [ \"$shown\" = \"$text\" ]; }\n";

/// `supervises VM COMMAND…`: whether the listed process still supervises the VM. As `Who::supervises`
/// in [`crate::tools::process`].
fn supervises() -> String {
    let verbs = SUPERVISING.map(|verb| format!("'0 0 /'*\" root-{verb} $vm \"*"));
    format!(
        "supervises() {{\n\tvm=$1; shift; shown \"$@\" || return $?\n\tcase $shown in\n\t{} | \\\n\t'0 0 sh -c '*\" supervise-$vm\") ;;\n\t*) return 1 ;;\n\tesac\n}}\n",
        verbs.join(" | ")
    )
}

/// The function `says`: whether the output of a question contains a text. The answer is no if the error
/// ends with a message of absence of one of these commands.
fn says(commands: &[&Command]) -> Vec<u8> {
    let absent: BTreeSet<&str> = commands
        .iter()
        .flat_map(|one| one.absent)
        .copied()
        .collect();
    let mut text = b"says() {\n\ttext=$1; shift\n".to_vec();
    if absent.is_empty() {
        text.extend_from_slice(b"\toutput=$(\"$@\") || return 2\n");
    } else {
        text.extend_from_slice(b"\toutput=$(\"$@\" 2>&1) || case $?:$output in ");
        for (index, end) in absent.into_iter().enumerate() {
            text.extend_from_slice(if index > 0 { b"|1:*" } else { b"1:*" });
            quote::push(&mut text, OsStr::new(end));
        }
        text.extend_from_slice(
            b") return 1 ;; *) printf '%s\\n' \"$output\" >&2; return 2 ;; esac\n",
        );
    }
    text.extend_from_slice(b"\tcase $output in *\"$text\"*) ;; *) return 1 ;; esac\n}\n");
    text
}
