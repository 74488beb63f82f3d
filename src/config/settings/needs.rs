//! What a VM is wanted for, and what needs which settings.

use Need::{Autostart, Boot, Console, Disks, End, Install, Root, Settings};

/// What a VM is wanted for. A setting that is wrong stops only what needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To show or to write its settings: all of them.
    Settings,
    /// To install it.
    Install,
    /// To boot it.
    Boot,
    /// To boot it with the host.
    Autostart,
    /// To reach its console.
    Console,
    /// To end it, and to free what it has.
    End,
    /// To work on its disks.
    Disks,
    /// To become root for it.
    Root,
}

/// All that can be wanted of a VM.
pub const ALL: &[Need] = &[
    Settings, Install, Boot, Autostart, Console, End, Disks, Root,
];
/// What the guest is run with.
pub const RUN: &[Need] = &[Settings, Install, Boot, Autostart];
/// What every start needs, and the end.
pub const NETWORK: &[Need] = &[Settings, Install, Boot, Autostart, End];
/// What every start needs, and all work on disks.
pub const DISKS: &[Need] = &[Settings, Install, Boot, Autostart, Disks];
/// What only an installation needs.
pub const INSTALL: &[Need] = &[Settings, Install];
/// What only the start with the host needs.
pub const AUTOSTART: &[Need] = &[Settings, Autostart];
/// What every start needs, and whatever else becomes root.
pub const ROOT: &[Need] = &[Settings, Install, Boot, Autostart, Root];
