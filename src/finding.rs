//! Findings about a configuration: errors and warnings, each with its place.

use std::fmt;

use serde::Serialize;

use crate::span::Span;

/// The severity of a [`Finding`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// The configuration can be used, but is probably not as intended.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

macro_rules! finding_names {
    ($($(#[doc = $doc:literal])* $variant:ident = $text:literal, $severity:ident;)*) => {
        /// The name of each kind of [`Finding`].
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum FindingName {
            $($(#[doc = $doc])* $variant,)*
        }

        impl FindingName {
            /// All names.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name as shown: lower case words joined by hyphens.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The severity of findings with this name.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$variant => Severity::$severity,)*
                }
            }

            /// A description in one line.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),*).trim_ascii(),)*
                }
            }

            /// The name with this text.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|name| name.as_str() == text)
            }
        }
    };
}

finding_names! {
    /// An operator that joins commands, redirects, or runs in the background.
    Operator = "operator", Error;
    /// A word that sh would run.
    Command = "command", Error;
    /// A value cut at a blank: in `a=b c`, sh would run `c` and leave `a` unset.
    PrefixAssignment = "prefix-assignment", Error;
    /// Blanks around the `=`, as in `x = 1`.
    BlankAroundEquals = "blank-around-equals", Error;
    /// A word before `=` that is not a variable's name.
    VariableName = "variable-name", Error;
    /// An assignment that appends, as in `x+=1`.
    Append = "append", Error;
    /// An array, as in `x=(1 2)`.
    Array = "array", Error;
    /// A compound command: `if`, a loop, `case`, a group.
    CompoundCommand = "compound-command", Error;
    /// A function definition.
    Function = "function", Error;
    /// A `;` with nothing before it.
    EmptyStatement = "empty-statement", Error;
    /// The output of a command: backquotes or `$(…)`.
    CommandSubstitution = "command-substitution", Error;
    /// A computation: `$((…))`.
    Arithmetic = "arithmetic", Error;
    /// A special parameter: `$1`, `$@`, `$?` and the like.
    SpecialParameter = "special-parameter", Error;
    /// A variable that every shell sets itself.
    ShellVariable = "shell-variable", Error;
    /// An expansion that can end the shell: `${x:?word}`.
    ErrorExpansion = "error-expansion", Error;
    /// A `${…}` that is unknown to sh.
    BadExpansion = "bad-expansion", Error;
    /// A pattern whose meaning is uncertain.
    Pattern = "pattern", Error;
    /// A value that depends on the locale.
    Locale = "locale", Error;
    /// A backslash escape at which sh would exit.
    Escape = "escape", Error;
    /// A quote or brace that is never closed.
    Unterminated = "unterminated", Error;
    /// An assignment to a variable that was made readonly.
    Readonly = "readonly", Error;
    /// An operand that `export` or `readonly` does not accept here.
    Operand = "operand", Error;
    /// A `.` whose file does not follow from the text.
    Include = "include", Error;
    /// A `.` whose file cannot be read.
    IncludeUnreadable = "include-unreadable", Error;
    /// A `.` whose file another user controls, in a configuration found by search.
    IncludeForeign = "include-foreign", Error;
    /// A file or a directory that the group may write.
    GroupWritable = "group-writable", Warning;
    /// A file that includes itself.
    IncludeCircle = "include-circle", Error;
    /// A value, pattern, nesting or number of files beyond a limit.
    TooLarge = "too-large", Error;
    /// A NUL byte.
    Nul = "nul", Error;
    /// Lines that end in CR LF.
    Crlf = "crlf", Warning;
    /// Two spellings of one key with two values.
    ConflictingKeys = "conflicting-keys", Error;
    /// An unknown key of a known VM.
    UnknownKey = "unknown-key", Warning;
    /// A key that could belong to two VMs.
    AmbiguousKey = "ambiguous-key", Warning;
    /// Two VMs with the same id.
    DuplicateId = "duplicate-id", Error;
    /// An `X_id` whose `X` cannot be a VM's name.
    VmName = "vm-name", Warning;
    /// A key of a VM without an id whose name is nearly that of a VM.
    UnknownVm = "unknown-vm", Warning;
    /// A variable that is expanded and never set.
    UnsetVariable = "unset-variable", Warning;
    /// One key of a VM in two spellings with the same value.
    TwoSpellings = "two-spellings", Warning;
    /// An earlier assignment that a later one in the same file overrides.
    HiddenAssignment = "hidden-assignment", Warning;
    /// An id that is not a number from 0 to 32767.
    Id = "id", Error;
    /// A memory size that bhyve does not accept.
    Memory = "memory", Error;
    /// A number or topology of cpus that bhyve does not accept.
    Cpu = "cpu", Error;
    /// A word other than YES or NO.
    YesOrNo = "yes-or-no", Error;
    /// A name that is not valid for a network interface of the kind.
    InterfaceName = "interface-name", Error;
    /// A value that its key does not accept.
    Setting = "setting", Error;
    /// A disk or NIC with a number above 15, or a CD with one above 7.
    DeviceNumber = "device-number", Error;
    /// A disk or NIC from 9 to 15 without number 8, which no guest finds.
    HiddenDevice = "hidden-device", Error;
    /// A setting of a NIC that the VM does not have.
    NicMissing = "nic-missing", Warning;
    /// A setting of a disk that the VM does not have.
    HdMissing = "hd-missing", Warning;
    /// A configuration without any VM.
    NoVm = "no-vm", Warning;
    /// A disk, CD or NIC whose previous number is missing.
    NumberGap = "number-gap", Warning;
    /// Further disks of a VM whose first disk is unknown.
    MissingHd0 = "missing-hd0", Error;
    /// A VM whose disk is unknown because volroot is not set.
    VolrootUnset = "volroot-unset", Error;
    /// A dataset name that ZFS does not accept.
    Dataset = "dataset", Error;
    /// A volume that is not the disk of the same VM.
    ZvolIsNotHd0 = "zvol-is-not-hd0", Error;
    /// A VM whose NIC has no bridge.
    BridgeUnset = "bridge-unset", Error;
    /// A path that does not begin with a slash.
    RelativePath = "relative-path", Error;
    /// A path with a comma, which bhyve does not accept.
    PathComma = "path-comma", Error;
    /// A path with a percent sign, which bhyve would change.
    PathPercent = "path-percent", Error;
    /// A path with a blank, which grub-bhyve does not accept.
    PathBlank = "path-blank", Error;
    /// A path with an equals sign, which bhyve takes for an option.
    PathEquals = "path-equals", Error;
    /// One disk at two numbers of a VM.
    DiskTwice = "disk-twice", Error;
    /// One tap at two numbers of a VM.
    TapTwice = "tap-twice", Error;
    /// Two NICs with one MAC address.
    SharedMac = "shared-mac", Warning;
    /// Two VMs with one UUID.
    SharedUuid = "shared-uuid", Warning;
    /// A screen that its VM cannot have.
    Screen = "screen", Error;
    /// A setting of the screen of a VM without a screen.
    UnusedScreen = "unused-screen", Warning;
    /// A screen that other hosts can reach, without a password.
    OpenScreen = "open-screen", Warning;
    /// One port of the host for two screens or forwarded ports.
    SharedPort = "shared-port", Warning;
    /// A device in bhyve_args, which no lock protects from a second use.
    UnlockedDevice = "unlocked-device", Warning;
    /// Two VMs with one disk, or one store of UEFI variables.
    SharedDisk = "shared-disk", Warning;
    /// Two VMs with one tap.
    SharedTap = "shared-tap", Warning;
    /// A VM's tap that another VM has by default.
    DefaultTap = "default-tap", Warning;
    /// Commands for grub that grub would not complete.
    GrubCommands = "grub-commands", Error;
    /// Settings of another loader than the VM's.
    UnusedGrub = "unused-grub", Warning;
    /// An os for which there is no profile.
    UnknownOs = "unknown-os", Error;
    /// A profile that cannot be used.
    Profile = "profile", Error;
    /// An ISO image whose name has no version, which a profile needs.
    IsoVersion = "iso-version", Error;
    /// Less memory than the profile of the VM asks for.
    LeastMemory = "least-memory", Warning;
    /// Fewer cpus than the profile of the VM asks for.
    LeastCpus = "least-cpus", Warning;
    /// A disk that does not exist on this host.
    DiskMissing = "disk-missing", Warning;
    /// An ISO image that does not exist on this host.
    IsoMissing = "iso-missing", Warning;
    /// A disk or an ISO image on a read-only file system, which a loader cannot open.
    ReadOnly = "read-only", Warning;
    /// More cpus than this host allows for a VM.
    TooManyCpus = "too-many-cpus", Error;
    /// What the bhyve of this host does not have.
    NotOnThisHost = "not-on-this-host", Error;
    /// More cpus than this host has.
    HostCpus = "host-cpus", Warning;
    /// More memory than this host has.
    HostMemory = "host-memory", Warning;
    /// More memory of the VMs that autostart than this host has.
    AutostartMemory = "autostart-memory", Warning;
    /// More memory of all VMs than this host has.
    TotalMemory = "total-memory", Warning;
    /// A bridge that would be made without an uplink.
    BridgeWithoutUplink = "bridge-without-uplink", Warning;
    /// A netif that does not exist on this host.
    NetifMissing = "netif-missing", Error;
    /// A wireless netif, which cannot join a bridge.
    NetifWireless = "netif-wireless", Error;
    /// A netif that cannot join this host's bridge in its present state.
    NetifBridge = "netif-bridge", Error;
    /// An uplink with a VLAN that is in use.
    UplinkVlan = "uplink-vlan", Warning;
    /// One interface as the uplink of two bridges.
    NetifTwice = "netif-twice", Error;
    /// The uplink of a bridge that no NIC joins.
    UnknownBridge = "unknown-bridge", Warning;
    /// A volroot that is neither a dataset nor a directory of this host.
    VolrootMissing = "volroot-missing", Warning;
    /// A comment that allows something other than a warning.
    UnknownAllow = "unknown-allow", Warning;
    /// A comment that allows a warning that does not occur there.
    UnusedAllow = "unused-allow", Warning;
}

impl fmt::Display for FindingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for FindingName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One error or warning about a configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The name of its kind.
    pub name: FindingName,
    /// The severity.
    pub severity: Severity,
    /// The place.
    pub span: Span,
    /// The message, in one sentence.
    pub message: String,
    /// Details, one line each.
    pub notes: Vec<String>,
    /// Advice, one line each.
    pub help: Vec<String>,
}

impl Finding {
    /// A finding with the severity of its name.
    pub fn new(
        name: FindingName,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            name,
            severity: name.severity(),
            span,
            message: message.into(),
            notes: Vec::new(),
            help: vec![help.into()],
        }
    }

    /// The same finding with one more detail.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_differ() {
        let mut seen = std::collections::BTreeSet::new();
        for name in FindingName::ALL {
            let text = name.as_str();
            assert!(
                text.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{text}"
            );
            assert!(seen.insert(text), "{text} twice");
        }
    }
}
