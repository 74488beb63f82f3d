//! How a script replaces a file: as the run does, all of it or nothing.

use super::cksum::cksum;
use super::lines::Lines;
use crate::error::Kind;
use crate::plan::Refusal;
use crate::quote;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

impl Lines<'_> {
    /// Replaces a file that still holds `before` by one with the same owner and mode.
    pub(super) fn replace(&mut self, path: &Path, before: &[u8], text: &[u8]) {
        let mut file = Vec::new();
        quote::push(&mut file, path.as_os_str());
        let mut template = path.as_os_str().to_owned();
        template.push(".XXXXXX");
        let mut make = b"new=$(mktemp ".to_vec();
        quote::push(&mut make, &template);
        let new = b"\"$new\"";

        let refusal = Refusal {
            kind: Kind::Host,
            what: format!("{} has changed since it was read", path.display()),
            help: Some("nothing was written to it".to_owned()),
        };
        let stop: &[u8] = if self.is_undoing { b"false" } else { b"exit 1" };
        let mut check = [b"[ \"$(cksum <", file.as_slice()].concat();
        check.extend_from_slice(format!(")\" = '{}' ] || ", cksum(before)).as_bytes());
        check.extend_from_slice(&self.fail(&refusal));
        // cp(1) says nothing of an owner or a group that it could not give.
        let copy = [
            make.as_slice(),
            b") && cp -p ",
            file.as_slice(),
            b" ",
            new,
            b" && chown \"$(ls -ln ",
            file.as_slice(),
            b" | { read -r mode links owner group rest; echo \"$owner:$group\"; })\" ",
            new,
            b" && ",
        ]
        .concat();
        let moved = [
            b" && mv -f ",
            new.as_slice(),
            b" ",
            file.as_slice(),
            b" || { rm -f ",
            new,
            b"; ",
            stop,
            b"; }",
        ]
        .concat();
        self.line(check);
        if text.ends_with(b"\n") {
            let write = [copy.as_slice(), b"cat >", new].concat();
            self.here_document(write, text, &moved);
        } else {
            // A here-document always ends with a newline.
            let mut line = [copy.as_slice(), b"printf %s "].concat();
            quote::push(&mut line, OsStr::from_bytes(text));
            line.extend_from_slice(b" >");
            line.extend_from_slice(new);
            line.extend_from_slice(&moved);
            self.line(line);
        }
    }
}
