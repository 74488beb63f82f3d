//! Replacement of a file in a script: as a run does it without an atomic exchange of names, and
//! without losing a concurrent change.

use super::cksum::cksum;
use super::lines::Lines;
use crate::plan::{Action, FileChange, Form};
use crate::{quote, vis};
use std::ffi::OsStr;
use std::path::Path;

/// The functions that [`Lines::replace`] calls; they need `fail`.
pub(super) const FUNCTIONS: &str = r#"
is() { [ -f "$1" ] && [ "$(cksum <"$1")" = "$2" ]; }
changed() { fail 1 "$shown has changed since it was read; $1"; return 1; }
# makes $new with the owner and mode of $file, which must still have the text that was read
fresh() {
	is "$file" "$before" || changed 'nothing was written to it' || return 1
	# cp(1) does not report an owner or a group that it could not set.
	new=$(mktemp "$file.XXXXXX") && cp -p "$file" "$new" &&
		chown "$(ls -ln "$file" | { read -r mode links owner group rest; echo "$owner:$group"; })" "$new" ||
		{ rm -f "$new"; return 1; }
}
# renames $1 to $file, unless $file exists
put() { ln "$1" "$file" 2>/dev/null && rm -f "$1" || { [ ! -e "$file" ] && mv "$1" "$file"; }; }
# replaces $file by $new; a text that another process has saved meanwhile stays. $file is missing for
# a moment, so signals are ignored
replace() {
	trap '' HUP INT TERM
	old=$new.old stays=
	mv -f "$file" "$old" || { rm -f "$new"; return 1; }
	if is "$old" "$before" && put "$new"; then
		if is "$old" "$before"; then rm -f "$old"; return; fi
		# A process that had $old open has written to it.
		mv -f "$file" "$new"
	fi
	for one in "$new" "$old"; do
		if [ ! -e "$one" ]; then continue; fi
		if is "$one" "$after"; then rm -f "$one"
		elif put "$one"; then :
		elif is "$one" "$before"; then rm -f "$one"
		else stays="$stays; another version of the file remains in $shown${one#"$file"}"; fi
	done
	changed "the file now has the text of another process$stays"
}
"#;

/// Whether one of these forms or their undos replaces a file.
pub(super) fn is_in(forms: &[Form]) -> bool {
    forms.iter().any(|form| match form {
        Form::Step(step) => matches!(step.action, Action::File(FileChange::Replace { .. })),
        Form::Undo(undo) => is_in(&undo.forms),
        _ => false,
    })
}

impl Lines<'_> {
    /// Replaces a file that still contains `before` by a new file with the same owner and mode.
    pub(super) fn replace(&mut self, path: &Path, before: &[u8], text: &[u8]) {
        self.uses.fail = true;
        if !self.is_undoing {
            self.checkpoint();
        }
        let mut line = b"file=".to_vec();
        quote::push(&mut line, path.as_os_str());
        line.extend_from_slice(b" shown=");
        let shown = vis::shown(path).to_string();
        if path.as_os_str() == OsStr::new(&shown) {
            line.extend_from_slice(b"$file");
        } else {
            quote::push(&mut line, OsStr::new(&shown));
        }
        let sums = format!(" before='{}' after='{}'", cksum(before), cksum(text));
        line.extend_from_slice(sums.as_bytes());
        self.line(line);
        let or_stop = if self.is_undoing {
            "status=1"
        } else {
            "exit 1"
        };
        let behind = format!(" || {{ rm -f \"$new\"; false; }}; }} && replace || {or_stop}");
        let write = b"fresh && { ".to_vec();
        self.text(write, b" >\"$new\"", text, behind.as_bytes());
        // During an undo signals are ignored already.
        if !self.is_undoing {
            super::NOTED.lines().for_each(|line| self.line(line));
        }
    }
}
