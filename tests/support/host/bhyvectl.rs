//! bhyvectl(8): usr.sbin/bhyvectl/bhyvectl.c.

use super::Host;
use super::call::{Answer, Call};
use super::process::Ending;
use super::words::Words;

const LONG: [(&str, bool); 9] = [
    ("vm", true),
    ("cpu", true),
    ("create", false),
    ("destroy", false),
    ("force-poweroff", false),
    ("force-reset", false),
    ("inject-nmi", false),
    ("get-stats", false),
    ("get-all", false),
];

const USAGE: &str = "Usage: bhyvectl --vm=<vmname>\n       [--cpu=<vcpu_number>]\n       \
     [--create]\n       [--destroy]\n       [--get-all]\n       [--get-stats]";

/// Runs `bhyvectl --vm=NAME [--create | --destroy | --force-poweroff | --force-reset]`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse_long(&call.words(), "", &LONG) {
        Ok(words) => words,
        Err(error) => return Answer::fail(1, format!("bhyvectl: {error}")).and_err(USAGE),
    };
    let Some(vm) = words.last("--vm").map(str::to_owned) else {
        return Answer::fail(1, USAGE);
    };
    if words.has("--create")
        && let Err(errno) = host.create_vm(&vm, call.uid)
    {
        // exit(error) with error -1
        return Answer::exit(255).and_out(format!("errno = {}\n", errno.code()));
    }
    if call.uid != 0 || !host.state.vms.contains_key(&vm) {
        return Answer::fail(1, format!("VM:{vm} is not created."));
    }
    if words.has("--force-reset") {
        host.suspend_vm(&vm, Ending::Reboot);
    }
    if words.has("--force-poweroff") {
        host.suspend_vm(&vm, Ending::PowerOff);
    }
    if words.has("--destroy") {
        let _ = host.destroy_vm(&vm);
    }
    Answer::ok()
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn host() -> Host {
        Host::freebsd(14)
            .with_volume("zroot/vm/web", 1 << 30)
            .with_running_vm("web", "/dev/zvol/zroot/vm/web", "tap0")
    }

    #[test]
    fn an_unknown_vm_is_not_created() {
        assert_eq!(
            host().run(&Call::new(["bhyvectl", "--vm=db", "--destroy"]).by_root()),
            Answer::fail(1, "VM:db is not created.")
        );
    }

    #[test]
    fn destroying_a_running_vm_is_allowed_and_ends_bhyve() {
        let mut host = host();
        let pid = host.state.bhyve_of("web").expect("web runs");
        let call = Call::new(["bhyvectl", "--vm=web", "--destroy"]).by_root();
        assert_eq!(host.run(&call), Answer::ok());
        assert_eq!(host.state.ended[&pid], Status::Exit(4));
        assert!(host.state.vms.is_empty());
    }

    #[test]
    fn a_power_cut_ends_the_guest_and_leaves_the_node() {
        let mut host = host();
        let pid = host.state.bhyve_of("web").expect("web runs");
        let call = Call::new(["bhyvectl", "--vm=web", "--force-poweroff"]).by_root();
        assert_eq!(host.run(&call), Answer::ok());
        assert_eq!(host.state.ended[&pid], Status::Exit(1));
        assert!(host.state.vms.contains_key("web"));
    }
}
