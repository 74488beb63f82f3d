//! kldstat(8): sbin/kldstat/kldstat.c.

use std::fmt::Write;

use super::Host;
use super::call::{Answer, Call};
use super::words::Words;

const USAGE: &str =
    "usage: kldstat [-dhqv] [-i id] [-n filename]\n       kldstat [-dq] [-m modname]";

/// Runs `kldstat [-hqv] [-i id] [-n file] [-m module]`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse(&call.words(), "dhi:m:n:qv") {
        Ok(words) if words.operands.is_empty() => words,
        Ok(_) => return Answer::fail(1, USAGE),
        Err(error) => return Answer::fail(1, format!("kldstat: {error}")).and_err(USAGE),
    };
    let quiet = words.has("q");
    if let Some(module) = words.last("m") {
        return match (host.has_module(module), quiet) {
            (true, true) => Answer::ok(),
            (false, true) => Answer::exit(1),
            (true, false) => Answer::out(format!(
                "Id  Refs Name\n{:3} {:4} {module}\n",
                module_id(host, module),
                1
            )),
            (false, false) => Answer::fail(
                1,
                format!("kldstat: can't find module {module}: No such file or directory"),
            ),
        };
    }
    let mut files = vec![("kernel".to_owned(), 1)];
    let mut loaded: Vec<_> = host
        .state
        .modules
        .loaded
        .iter()
        .map(|(file, (id, _))| (file.clone(), *id))
        .collect();
    loaded.sort_by_key(|(_, id)| *id);
    files.extend(loaded);
    if let Some(name) = words.last("n") {
        let base = name.rsplit('/').next().unwrap_or(name);
        let with_suffix = format!("{base}.ko");
        files.retain(|(file, _)| file == base || *file == with_suffix);
        if files.is_empty() {
            return if quiet {
                Answer::exit(1)
            } else {
                Answer::fail(
                    1,
                    format!("kldstat: can't find file {name}: No such file or directory"),
                )
            };
        }
    }
    if let Some(id) = words.last("i") {
        files.retain(|(_, known)| known.to_string() == id);
        if files.is_empty() {
            return Answer::fail(
                1,
                format!("kldstat: can't stat file id {id}: No such file or directory"),
            );
        }
    }
    if quiet {
        return Answer::ok();
    }
    let mut out = String::from("Id Refs Address                Size Name\n");
    for (file, id) in &files {
        let (address, size) = if file == "kernel" {
            (0xffff_ffff_8020_0000_u64, 0x1f_37e8)
        } else {
            (0xffff_ffff_82a0_0000 + u64::from(*id) * 0x2_0000, 0x4218)
        };
        let _ = write!(out, "{id:2} {:4} {address:#x} {size:8x} {file}", 1);
        if words.has("v") {
            let _ = write!(
                out,
                " (/boot/kernel/{file})\n\tContains modules:\n\t\t Id Name\n"
            );
            for (id, module) in modules_in(host, file) {
                let _ = writeln!(out, "\t\t{id:3} {module}");
            }
        } else {
            out.push('\n');
        }
    }
    Answer::out(out)
}

/// Module ids and names of a file; compiled-in modules stand under `kernel`.
fn modules_in(host: &Host, file: &str) -> Vec<(usize, String)> {
    let modules = &host.state.modules;
    if file == "kernel" {
        return modules
            .compiled
            .iter()
            .enumerate()
            .map(|(index, name)| (index + 1, name.clone()))
            .collect();
    }
    let Some((id, names)) = modules.loaded.get(file) else {
        return Vec::new();
    };
    names
        .iter()
        .enumerate()
        .map(|(index, name)| (400 + 10 * *id as usize + index, name.clone()))
        .collect()
}

fn module_id(host: &Host, module: &str) -> usize {
    let modules = &host.state.modules;
    std::iter::once("kernel")
        .chain(modules.loaded.keys().map(String::as_str))
        .flat_map(|file| modules_in(host, file))
        .find(|(_, name)| name == module)
        .map_or(0, |(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn a_compiled_in_module_is_a_module_but_no_file() {
        let mut host = Host::freebsd(14);
        for (argv, status) in [
            (["-q", "-m", "if_tap"], 0),
            (["-q", "-n", "if_tap"], 1),
            (["-q", "-n", "zfs"], 0),
            (["-q", "-n", "zfs.ko"], 0),
            (["-q", "-m", "vmm"], 1),
        ] {
            let mut words = vec!["kldstat"];
            words.extend(argv);
            assert_eq!(
                host.run(&Call::new(words)),
                Answer::exit(status),
                "{argv:?}"
            );
        }
    }

    #[test]
    fn verbose_lists_the_modules_of_each_file() {
        let mut host = Host::freebsd(14);
        host.state.modules.compiled = ["if_tap".into(), "if_tuntap".into()].into();
        host.load_file("vmm.ko");
        assert_eq!(
            host.run(&Call::new(["kldstat", "-v"])).whole(),
            (
                Status::Exit(0),
                "Id Refs Address                Size Name\n \
                 1    1 0xffffffff80200000   1f37e8 kernel (/boot/kernel/kernel)\n\
                 \tContains modules:\n\t\t Id Name\n\t\t  1 if_tap\n\t\t  2 if_tuntap\n \
                 2    1 0xffffffff82a40000     4218 zfs.ko (/boot/kernel/zfs.ko)\n\
                 \tContains modules:\n\t\t Id Name\n\t\t420 zfsctrl\n\t\t421 zfs\n\t\t422 zfs_zvol\n \
                 3    1 0xffffffff82a60000     4218 vmm.ko (/boot/kernel/vmm.ko)\n\
                 \tContains modules:\n\t\t Id Name\n\t\t430 vmm\n"
                    .into(),
                String::new()
            )
        );
    }
}
