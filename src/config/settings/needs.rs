//! The needs for which a VM is resolved, and the settings of each.

use Need::{Autostart, Boot, Console, Disks, End, Install, List, Root, Screen, Settings};

/// The need for which a VM is resolved. An invalid setting stops only the needs that use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Show or write all settings.
    Settings,
    /// Show the VM as a line of a list.
    List,
    /// Install the VM.
    Install,
    /// Boot the VM.
    Boot,
    /// Boot the VM with the host.
    Autostart,
    /// Connect to the console.
    Console,
    /// Connect to the screen.
    Screen,
    /// End the VM and free its resources.
    End,
    /// Change or list the disks.
    Disks,
    /// Become root for the VM.
    Root,
    /// Show the log.
    Log,
}

/// The needs of a number and a name: all but the log, whose name is that of the VM.
pub const ALL: &[Need] = &[
    Settings, List, Install, Boot, Autostart, Console, Screen, End, Disks, Root,
];
/// The needs of what a list shows and the guest runs with.
pub const SHOWN: &[Need] = &[Settings, List, Install, Boot, Autostart];
/// The needs that run the guest.
pub const RUN: &[Need] = &[Settings, Install, Boot, Autostart];
/// The needs of the network: every start, and the end.
pub const NETWORK: &[Need] = &[Settings, Install, Boot, Autostart, End];
/// The needs of the disks: a list, every start, and all work on disks.
pub const DISKS: &[Need] = &[Settings, List, Install, Boot, Autostart, Disks];
/// The needs of the screen: every start, and connecting to it.
pub const SCREEN: &[Need] = &[Settings, Install, Boot, Autostart, Screen];
/// The needs of an installation.
pub const INSTALL: &[Need] = &[Settings, Install];
/// The needs of the choice whether a VM starts with the host, which a list shows.
pub const AUTOSTART_CHOICE: &[Need] = &[Settings, List, Autostart];
/// The needs of the start with the host.
pub const AUTOSTART: &[Need] = &[Settings, Autostart];
/// The needs of root: every start, and every other operation that becomes root.
pub const ROOT: &[Need] = &[Settings, Install, Boot, Autostart, Root];
/// The needs of the protection: all work on disks.
pub const PROTECTION: &[Need] = &[Settings, Disks];
