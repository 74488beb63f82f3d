//! The VM's node: bhyvectl(8).

use crate::command::{Command, args};
use crate::model::name::VmName;

/// Frees the node and the guest's memory: `bhyvectl --vm=NAME --destroy`. Kills a running guest.
pub fn destroy(vm: &VmName) -> Command {
    Command::root("bhyvectl", args![format!("--vm={vm}"), "--destroy"])
}

/// Cuts the power: `bhyvectl --vm=NAME --force-poweroff`.
pub fn force_poweroff(vm: &VmName) -> Command {
    Command::root("bhyvectl", args![format!("--vm={vm}"), "--force-poweroff"])
}

#[cfg(test)]
mod tests {
    use super::{destroy, force_poweroff};
    use crate::model::name::VmName;

    #[test]
    fn the_arguments_are_those_of_bhyvectl() {
        let vm = VmName::parse("fbsd0").expect("a name");
        assert_eq!(destroy(&vm).to_string(), "bhyvectl --vm=fbsd0 --destroy");
        assert_eq!(
            force_poweroff(&vm).to_string(),
            "bhyvectl --vm=fbsd0 --force-poweroff"
        );
    }
}
