//! The lines of a screen: its password, its socket, and a first round that waits for a viewer.

use super::lines::Lines;
use crate::command::{Command, args};
use crate::plan::{Action, FileChange, Loop, Refusal, Step};
use crate::quote;
use std::path::Path;

/// The names of the permissions that other users must not have.
const OTHERS: [&str; 6] = ["040", "020", "010", "04", "02", "01"];

impl Lines<'_> {
    /// What is done before each start of bhyve.
    pub(super) fn before_start(&mut self, change: &FileChange) {
        match change {
            FileChange::Secret {
                path,
                name,
                from,
                owner,
            } => self.secret(path, name, from, *owner),
            FileChange::RemoveSocket { path, .. } => self.remove_socket(path),
            _ => {}
        }
    }

    /// The file for `bhyve -k`, written by the script itself: no argument of a program has the password.
    /// As [`crate::host::secret`].
    fn secret(&mut self, path: &Path, name: &str, from: &Path, owner: u32) {
        let mut words = args![
            from, "-prune", "-type", "f", "(", "-user", "0", "-o", "-user"
        ];
        words.extend(args![owner.to_string(), ")"]);
        for other in OTHERS {
            words.extend(args!["!", "-perm", format!("-{other}")]);
        }
        words.extend(args!["-exec", "cat", "{}", ";"]);
        let find = self.at.elevation.wrap(&Command::root("find", words));
        let from = from.display();
        let fail =
            |what: String| Refusal::host(format!("could not use the password in {from}: {what}"));
        let wrong = self.fail(&fail(format!(
            "it must be a file of root or of uid {owner} with one line, closed to others (mode 600)"
        )));
        let control = self.fail(&fail(
            "it has a control character, or several lines".to_owned(),
        ));
        let long = self.fail(&fail("VNC uses 8 bytes, and it has more".to_owned()));
        self.line([b"secret=$(", find.line().as_slice(), b") || secret="].concat());
        self.line([b"[ -n \"$secret\" ] || ", wrong.as_slice()].concat());
        self.line(
            [
                b"[ \"$(printf %s \"$secret\" | wc -c)\" -le 8 ] || ",
                long.as_slice(),
            ]
            .concat(),
        );
        self.line(
            [
                b"case $secret in *[[:cntrl:]]*) ",
                control.as_slice(),
                b" ;; *%*) secret=$(printf '%s\\n' \"$secret\" | sed 's/[\\\\%]/\\\\&/g') ;; esac",
            ]
            .concat(),
        );
        let mut file = Vec::new();
        self.push_word(&mut file, path.as_os_str());
        self.line([b"rm -f ", file.as_slice()].concat());
        let mut write = format!("(umask 077; printf '{name}=%s\\n' \"$secret\" >").into_bytes();
        write.extend_from_slice(&file);
        write.extend_from_slice(b") || exit 1");
        self.line(write);
        self.line("secret=");
    }

    /// Removes a socket, but nothing else. As [`crate::host::change`].
    fn remove_socket(&mut self, path: &Path) {
        let mut word = Vec::new();
        quote::push(&mut word, path.as_os_str());
        let refusal = Refusal::host(format!("{} is not a socket", path.display()));
        let fail = self.fail(&refusal);
        let remove = self
            .at
            .elevation
            .wrap(&Command::root("rm", args!["-f", path]));
        self.line(
            [
                b"if [ -e ",
                word.as_slice(),
                b" ] || [ -L ",
                &word,
                b" ]; then { [ -S ",
                &word,
                b" ] && [ ! -L ",
                &word,
                b" ]; } || ",
                &fail,
                b"; ",
                &remove.line(),
                b"; fi",
            ]
            .concat(),
        );
    }

    /// The commands once bhyve has its title, each followed by `; `. A failure is ignored, as the guest runs.
    pub(super) fn once_running(&self, steps: &[Step]) -> Vec<u8> {
        let changes = steps.iter().filter_map(|step| match &step.action {
            Action::File(change) => Some(self.afterwards(change)),
            _ => None,
        });
        let commands: Vec<Vec<u8>> = changes
            .map(|one| [&one, &b" || :; "[..]].concat())
            .collect();
        commands.concat()
    }

    /// The command that removes the file of a password, or gives a socket to its user.
    pub(super) fn afterwards(&self, change: &FileChange) -> Vec<u8> {
        let mut line = Vec::new();
        match change {
            FileChange::RemoveSecret(path) => {
                line.extend_from_slice(b"rm -f ");
                self.push_word(&mut line, path.as_os_str());
            }
            FileChange::GiveSocket { path, owner } => {
                let give = Command::root("chown", args!["-h", owner.to_string(), path]);
                line.extend_from_slice(b"[ ! -S ");
                quote::push(&mut line, path.as_os_str());
                line.extend_from_slice(b" ] || ");
                line.extend_from_slice(&self.at.elevation.wrap(&give).line());
            }
            _ => line.push(b':'),
        }
        line
    }

    /// The command of a round; that of a first round has another line.
    pub(super) fn command_of(&self, round: &Loop) -> Vec<u8> {
        let line = |command: &Command| self.line_of(&self.at.elevation.wrap(command));
        let usual = line(&round.command);
        match &round.first {
            None => usual,
            Some(first) => [
                b"if [ -n \"$first\" ]; then ",
                line(first).as_slice(),
                b"; else ",
                &usual,
                b"; fi",
            ]
            .concat(),
        }
    }
}
