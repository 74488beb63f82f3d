//! kldload(8): sbin/kldload/kldload.c, sys/kern/kern_linker.c.

use super::Host;
use super::call::{Answer, Call};
use super::errno::Errno;
use super::state::Access;
use super::words::Words;

/// The files that can be loaded, with their modules and the files that they need.
const FILES: [(&str, &[&str], &[&str]); 8] = [
    ("bridgestp.ko", &["bridgestp"], &[]),
    ("if_bridge.ko", &["if_bridge"], &["bridgestp.ko"]),
    (
        "if_tuntap.ko",
        &["if_tuntap", "if_tap", "if_tun", "if_vmnet"],
        &[],
    ),
    ("mac_do.ko", &["mac_do"], &[]),
    ("nmdm.ko", &["nmdm"], &[]),
    ("vmm.ko", &["vmm"], &[]),
    ("zfs.ko", &["zfsctrl", "zfs", "zfs_zvol"], &[]),
    ("if_epair.ko", &["if_epair"], &[]),
];

/// Runs `kldload [-nqv] file ...`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let usage = "usage: kldload [-nqv] file ...";
    let words = match Words::parse(&call.words(), "nqv") {
        Ok(words) if !words.operands.is_empty() => words,
        Ok(_) => return Answer::fail(1, usage),
        Err(error) => return Answer::fail(1, format!("kldload: {error}")).and_err(usage),
    };
    let mut answer = Answer::ok();
    for name in &words.operands {
        match load(host, name, call.uid) {
            Ok(id) if words.has("v") => {
                answer = answer.and_out(format!("Loaded {name}, id={id}\n"));
            }
            Ok(_) => {}
            Err(Errno::Exists) if words.has("n") => {
                if words.has("v") {
                    answer = answer.and_out(format!("{name} is already loaded\n"));
                }
            }
            Err(errno) => {
                let message = match errno {
                    Errno::Exists => {
                        format!("kldload: can't load {name}: module already loaded or in kernel")
                    }
                    Errno::ExecFormat => format!(
                        "kldload: an error occurred while loading module {name}. \
                         Please check dmesg(8) for more details."
                    ),
                    other => format!("kldload: can't load {name}: {}", other.text()),
                };
                answer = Answer {
                    status: super::Status::Exit(1),
                    ..answer.and_err(message)
                };
            }
        }
    }
    answer
}

/// kldload(2): the privilege is asked for before anything else (kern_linker.c, `kern_kldload`).
fn load(host: &mut Host, name: &str, uid: u32) -> Result<u32, Errno> {
    if uid != 0 || host.state.jailed || host.state.secure {
        return Err(Errno::NotPermitted);
    }
    if host.has_module(name.trim_end_matches(".ko")) {
        return Err(Errno::Exists);
    }
    let file = file_of(name).ok_or(Errno::NoEntry)?;
    let modules = &host.state.modules;
    if modules.absent.contains(file) {
        return Err(Errno::NoEntry);
    }
    if modules.loaded.contains_key(file) {
        return Err(Errno::Exists);
    }
    if modules.broken.contains(file) {
        return Err(Errno::ExecFormat);
    }
    Ok(host.load_file(file))
}

/// The file of a name; since 13 `if_tap.ko` and `if_tun.ko` are links to `if_tuntap.ko`.
fn file_of(name: &str) -> Option<&'static str> {
    let base = name.rsplit('/').next()?.trim_end_matches(".ko");
    let base = match base {
        "if_tap" | "if_tun" => "if_tuntap",
        other => other,
    };
    FILES
        .iter()
        .map(|(file, _, _)| *file)
        .find(|file| file.trim_end_matches(".ko") == base)
}

impl Host {
    /// Whether a module of this name is in the kernel, loaded or compiled in (modfind(2)).
    pub fn has_module(&self, name: &str) -> bool {
        let modules = &self.state.modules;
        modules.compiled.contains(name)
            || modules
                .loaded
                .values()
                .any(|(_, names)| names.iter().any(|module| module == name))
    }

    /// Loads a file and the files that it needs, unless it is loaded; its id.
    pub fn load_file(&mut self, file: &str) -> u32 {
        if let Some((id, _)) = self.state.modules.loaded.get(file) {
            return *id;
        }
        let Some((_, names, needs)) = FILES.iter().find(|(known, _, _)| *known == file) else {
            return 0;
        };
        for need in *needs {
            self.load_file(need);
        }
        let id = self.state.next_module;
        self.state.next_module += 1;
        let names = names.iter().map(ToString::to_string).collect();
        self.state.modules.loaded.insert(file.into(), (id, names));
        self.sysctls_of(file);
        id
    }

    /// Loads a file for a program that needs it, as ifconfig(8) and libvmmapi do.
    pub(super) fn autoload(&mut self, name: &str, uid: u32) {
        let _ = load(self, name, uid);
    }

    fn sysctls_of(&mut self, file: &str) {
        match file {
            "if_bridge.ko" => {
                for name in ["inherit_mac", "log_stp", "pfil_local_phys", "pfil_onlyip"] {
                    self.set_sysctl(&format!("net.link.bridge.{name}"), "0", Access::Write, true);
                }
                for name in ["pfil_bridge", "pfil_member"] {
                    self.set_sysctl(&format!("net.link.bridge.{name}"), "1", Access::Write, true);
                }
                // bridge(4): exists in 15 only.
                if self.state.major() == 15 {
                    self.set_sysctl("net.link.bridge.member_ifaddrs", "0", Access::Write, true);
                }
            }
            "vmm.ko" => {
                let maximum = match self.state.major() {
                    13 => 16,
                    _ => self.state.ncpu,
                };
                self.set_sysctl("hw.vmm.maxcpu", &maximum.to_string(), Access::Tunable, true);
                self.set_sysctl("hw.vmm.create", "beavis", Access::Write, false);
                self.set_sysctl("hw.vmm.destroy", "beavis", Access::Write, false);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn a_file_that_fails_is_status_one_and_does_not_stop_the_others() {
        let mut host = Host::freebsd(14);
        let call = Call::new(["kldload", "-n", "nosuch", "if_tap", "nmdm"]).by_root();
        assert_eq!(
            host.run(&call).whole(),
            (
                Status::Exit(1),
                String::new(),
                "kldload: can't load nosuch: No such file or directory\n".into()
            )
        );
        assert!(host.has_module("nmdm"));
    }

    #[test]
    fn a_loaded_module_is_refused_without_n() {
        let mut host = Host::freebsd(14);
        let call = Call::new(["kldload", "if_tap"]).by_root();
        assert_eq!(
            host.run(&call).stderr(),
            "kldload: can't load if_tap: module already loaded or in kernel\n"
        );
    }

    #[test]
    fn a_module_that_fails_to_start_refers_to_dmesg() {
        let mut host = Host::freebsd(14);
        host.state.modules.broken.insert("vmm.ko".into());
        let call = Call::new(["kldload", "-n", "vmm"]).by_root();
        assert_eq!(
            host.run(&call).whole(),
            (
                Status::Exit(1),
                String::new(),
                "kldload: an error occurred while loading module vmm. Please check dmesg(8) for \
                 more details.\n"
                    .into()
            )
        );
        let user = Call::new(["kldload", "-n", "if_tap"]);
        assert_eq!(
            host.run(&user).stderr(),
            "kldload: can't load if_tap: Operation not permitted\n"
        );
    }
}
