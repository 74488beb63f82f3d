//! Steps that free something. A failed step counts as done if the thing does not exist afterwards.

use crate::model::name::{Dataset, IfName, SnapName, VmName};
use crate::plan::{Step, Test};
use crate::tools::zfs::{self, Mark};
use crate::tools::{bhyvectl, ifconfig};
use std::path::Path;

/// The number of snapshots that are destroyed by one command, which destroys all or none: the words of a
/// command are limited (`ARG_MAX`).
pub(super) const AT_ONCE: usize = 100;

/// Destroys an interface.
pub(super) fn interface(name: &str) -> Step {
    Step::from(ifconfig::destroy(name)).ok_if(!ifconfig::exists(name))
}

/// Removes a member from a bridge.
pub(super) fn member(bridge: &str, member: &str) -> Step {
    Step::from(ifconfig::delete_member(bridge, member)).ok_if(!ifconfig::is_member(bridge, member))
}

/// Lets a member of a bridge reach the private members again.
pub(super) fn private_member(bridge: &IfName, member: &IfName) -> Step {
    let is_member = ifconfig::is_member(bridge.as_str(), member.as_str());
    Step::from(ifconfig::set_private(bridge, member, false)).ok_if(!is_member)
}

/// Destroys the node of `vm`, at the path `node`.
pub(super) fn node(vm: &VmName, node: &Path) -> Step {
    Step::from(bhyvectl::destroy(vm)).ok_if(!Test::Exists(node.to_owned()))
}

/// Destroys a volume.
pub(super) fn volume(volume: &Dataset) -> Step {
    Step::from(zfs::destroy_volume(volume)).ok_if(!zfs::exists(volume))
}

/// Destroys a snapshot or a bookmark of a volume.
pub(super) fn mark(volume: &Dataset, mark: &Mark) -> Step {
    Step::from(zfs::destroy_mark(volume, mark)).ok_if(!zfs::has_mark(volume, mark))
}

/// Destroys at most [`AT_ONCE`] snapshots of a volume, all or none.
pub(super) fn snapshots(volume: &Dataset, names: &[SnapName]) -> Step {
    let is_gone = |name: &SnapName| !zfs::has_mark(volume, &Mark::Snapshot(name.clone()));
    let are_gone = Test::all(names.iter().map(is_gone).collect());
    Step::from(zfs::destroy_snapshots(volume, names)).ok_if(are_gone)
}
