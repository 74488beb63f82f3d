//! What there is to say about a configuration: errors and warnings, each with its place.

use std::fmt;

use serde::Serialize;

use crate::span::Span;

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, but is probably not what was meant.
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
        /// Every kind of [`Finding`] that there is.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum FindingName {
            $($(#[doc = $doc])* $variant,)*
        }

        impl FindingName {
            /// All names.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name as it is shown: lower case words joined by hyphens.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// How bad a finding of this name is.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$variant => Severity::$severity,)*
                }
            }

            /// What it is, in one line.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),*).trim_ascii(),)*
                }
            }

            /// The name that is written so.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|name| name.as_str() == text)
            }
        }
    };
}

finding_names! {
    /// An operator that runs something in the background or after something else.
    Operator = "operator", Error;
    /// A word that sh would run.
    Command = "command", Error;
    /// A value cut at a blank: of `a=b c` sh would run `c` and leave `a` unset.
    PrefixAssignment = "prefix-assignment", Error;
    /// Blanks around the `=`, as in `x = 1`.
    BlankAroundEquals = "blank-around-equals", Error;
    /// Something before `=` that cannot be a variable's name.
    VariableName = "variable-name", Error;
    /// An assignment that appends, as `x+=1` does.
    Append = "append", Error;
    /// An array, as in `x=(1 2)`.
    Array = "array", Error;
    /// A compound command: `if`, a loop, `case`, a group.
    CompoundCommand = "compound-command", Error;
    /// A function definition.
    Function = "function", Error;
    /// A `;` with nothing before it.
    EmptyStatement = "empty-statement", Error;
    /// The output of a command: `` `…` `` or `$(…)`.
    CommandSubstitution = "command-substitution", Error;
    /// A computation: `$((…))`.
    Arithmetic = "arithmetic", Error;
    /// A special parameter: `$1`, `$@`, `$?` and the like.
    SpecialParameter = "special-parameter", Error;
    /// A variable that every shell fills on its own.
    ShellVariable = "shell-variable", Error;
    /// An expansion that can end the shell: `${x:?word}`.
    ErrorExpansion = "error-expansion", Error;
    /// A `${…}` that sh does not know.
    BadExpansion = "bad-expansion", Error;
    /// A pattern whose meaning is not certain.
    Pattern = "pattern", Error;
    /// A value that another locale would change.
    Locale = "locale", Error;
    /// A backslash at which sh ends.
    Escape = "escape", Error;
    /// A quote or brace that is never closed.
    Unterminated = "unterminated", Error;
    /// An assignment to a variable that was made readonly.
    Readonly = "readonly", Error;
    /// An operand that `export` or `readonly` cannot be given here.
    Operand = "operand", Error;
    /// A `.` whose file cannot be told from its text.
    Include = "include", Error;
    /// A `.` whose file cannot be read.
    IncludeUnreadable = "include-unreadable", Error;
    /// A `.` whose file somebody else decides, in a configuration that was found.
    IncludeForeign = "include-foreign", Error;
    /// A file or its directory that the group may write, too.
    GroupWritable = "group-writable", Warning;
    /// A file that includes itself.
    IncludeCircle = "include-circle", Error;
    /// A limit on length or depth.
    TooLarge = "too-large", Error;
    /// A NUL byte.
    Nul = "nul", Error;
    /// Lines that end in CR LF.
    Crlf = "crlf", Warning;
    /// Two spellings of one key with two values.
    ConflictingKeys = "conflicting-keys", Error;
    /// A key of a known VM that means nothing.
    UnknownKey = "unknown-key", Warning;
    /// A key that two VMs could claim.
    AmbiguousKey = "ambiguous-key", Warning;
    /// Two VMs with the same id.
    DuplicateId = "duplicate-id", Error;
    /// An `X_id` whose `X` cannot be a VM's name.
    VmName = "vm-name", Warning;
    /// A key of a VM that has no id, and whose name is nearly that of one that has.
    UnknownVm = "unknown-vm", Warning;
    /// One key of a VM in two spellings with the same value.
    TwoSpellings = "two-spellings", Warning;
    /// A later assignment of the same file hides an earlier one.
    HiddenAssignment = "hidden-assignment", Warning;
    /// A VM's number that is none from 0 to 32767.
    Id = "id", Error;
    /// A memory size that bhyve does not take.
    Memory = "memory", Error;
    /// A number or topology of cpus that bhyve does not take.
    Cpu = "cpu", Error;
    /// Another word than YES or NO.
    YesOrNo = "yes-or-no", Error;
    /// A name that no network interface can have, or none of that kind.
    InterfaceName = "interface-name", Error;
    /// A value that its key does not take.
    Setting = "setting", Error;
    /// The number of a disk, CD or NIC above 7.
    DeviceNumber = "device-number", Error;
    /// A number of a disk, CD or NIC without the one before it.
    NumberGap = "number-gap", Warning;
    /// Further disks of a VM whose first one is not known.
    MissingHd0 = "missing-hd0", Error;
    /// A VM whose disk is not known, since volroot is not set.
    VolrootUnset = "volroot-unset", Error;
    /// A dataset that ZFS does not take.
    Dataset = "dataset", Error;
    /// A volume that is not the disk of the same VM.
    ZvolIsNotHd0 = "zvol-is-not-hd0", Error;
    /// A VM whose NIC has no bridge.
    BridgeUnset = "bridge-unset", Error;
    /// A path that does not begin with a slash.
    RelativePath = "relative-path", Error;
    /// A path with a comma, which bhyve cannot take.
    PathComma = "path-comma", Error;
    /// A path with a percent sign, of which bhyve makes another.
    PathPercent = "path-percent", Error;
    /// A path with a blank, which grub-bhyve cannot take.
    PathBlank = "path-blank", Error;
    /// One disk at two numbers of a VM.
    DiskTwice = "disk-twice", Error;
    /// One tap at two numbers of a VM.
    TapTwice = "tap-twice", Error;
    /// Two VMs with one disk.
    SharedDisk = "shared-disk", Warning;
    /// Two VMs with one tap.
    SharedTap = "shared-tap", Warning;
    /// A VM's tap that another VM has by default.
    DefaultTap = "default-tap", Warning;
    /// Commands for grub that it would not run to their end.
    GrubCommands = "grub-commands", Error;
    /// Settings of grub for a VM that bhyveload loads.
    UnusedGrub = "unused-grub", Warning;
    /// A disk that does not exist on this host.
    DiskMissing = "disk-missing", Warning;
    /// An ISO image that does not exist on this host.
    IsoMissing = "iso-missing", Warning;
    /// A disk or an ISO image on a read-only file system, which no loader opens.
    ReadOnly = "read-only", Warning;
    /// More cpus than this host gives a VM.
    TooManyCpus = "too-many-cpus", Error;
    /// More cpus than this host has.
    HostCpus = "host-cpus", Warning;
    /// More memory than this host has.
    HostMemory = "host-memory", Warning;
    /// A netif that does not exist on this host.
    NetifMissing = "netif-missing", Error;
    /// A netif that is wireless, which no bridge takes.
    NetifWireless = "netif-wireless", Error;
    /// A netif that this host's bridge cannot take as it is.
    NetifBridge = "netif-bridge", Error;
    /// A volroot that is no dataset or directory of this host.
    VolrootMissing = "volroot-missing", Warning;
    /// A comment that allows something that is no warning.
    UnknownAllow = "unknown-allow", Warning;
    /// A comment that allows what is not found there.
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

/// One thing that is wrong with a configuration, or looks so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What kind of thing it is.
    pub name: FindingName,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub span: Span,
    /// What is wrong, in one sentence.
    pub message: String,
    /// More of what is known, one line each.
    pub notes: Vec<String>,
    /// What to do about it, one line each.
    pub help: Vec<String>,
}

impl Finding {
    /// Makes a finding with the severity that its name has.
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

    /// The same finding with one more line of what is known.
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
