//! A user's directory with a real configuration and real links, on the simulated host.

use crate::call::{Said, call_with_file, owner};
use crate::fake::Fake;
use crate::host::Host;
use crate::view;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// The settings of the host in front of the VMs.
pub(crate) const HOST: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm\n";

/// A user of a host.
pub(crate) struct Home {
    directory: tempfile::TempDir,
    pub(crate) fake: Fake,
}

impl Home {
    /// With this configuration, behind [`HOST`].
    pub(crate) fn new(host: Host, vms: &str) -> Self {
        Self::whole(host, &format!("{HOST}{vms}"))
    }

    /// With exactly this configuration.
    pub(crate) fn whole(host: Host, text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        nix::unistd::chown(directory.path(), Some(owner().into()), None).unwrap();
        let home = Self {
            directory,
            fake: Fake::new(host, owner()),
        };
        home.write(text);
        home
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("easy-bhyve.conf")
    }

    pub(crate) fn write(&self, text: &str) {
        fs::write(self.file(), text).unwrap();
        nix::unistd::chown(&self.file(), Some(owner().into()), None).unwrap();
    }

    /// The whole configuration.
    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// The configuration behind [`HOST`].
    pub(crate) fn vms(&self) -> String {
        self.text().strip_prefix(HOST).unwrap().to_owned()
    }

    /// Makes a link as `setup` does.
    pub(crate) fn link(&self, name: &str) {
        let links = self.directory.path().join("eb");
        fs::create_dir_all(&links).unwrap();
        symlink("../easy-bhyve", links.join(name)).unwrap();
    }

    /// The names of the links, in order.
    pub(crate) fn links(&self) -> BTreeSet<String> {
        let Ok(entries) = fs::read_dir(self.directory.path().join("eb")) else {
            return BTreeSet::new();
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    /// The state of the host, without what every start leaves.
    pub(crate) fn view(&self) -> BTreeSet<String> {
        view::lines(&self.fake.host())
    }

    /// Calls `easy-bhyve` with these words, separated by blanks.
    pub(crate) fn call(&mut self, words: &str) -> Said {
        let file = self.file();
        let words: Vec<&str> = ["easy-bhyve"].into_iter().chain(words.split(' ')).collect();
        let mut said = call_with_file(&mut self.fake, &file, &words);
        let here = self.directory.path().display().to_string();
        said.err = said.err.replace(&here, "HERE");
        said.out = said.out.replace(&here, "HERE");
        said
    }

    /// The same, which succeeds.
    #[track_caller]
    pub(crate) fn does(&mut self, words: &str) -> Said {
        let said = self.call(words);
        assert_eq!(said.status, 0, "{words}: {said:?}");
        said
    }

    /// The same, which is refused with this status and changes nothing.
    #[track_caller]
    pub(crate) fn refuses(&mut self, words: &str, status: u8) -> String {
        let before = (self.text(), self.links(), self.view());
        let said = self.call(words);
        assert_eq!(said.status, status, "{words}: {said:?}");
        let after = (self.text(), self.links(), self.view());
        assert_eq!(after, before, "{words} has changed something: {said:?}");
        said.err
    }
}
