//! What there is to say about a configuration: errors and warnings, each with its place.

use std::fmt;

use serde::Serialize;

use super::source::Span;

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
        }
    };
}

finding_names! {
    /// An operator that runs something in the background or after something else.
    Operator = "operator", Error;
    /// A word that sh would run.
    Command = "command", Error;
    /// `a=b c`: sh would run `c` and leave `a` unset.
    PrefixAssignment = "prefix-assignment", Error;
    /// `x = 1`.
    BlankAroundEquals = "blank-around-equals", Error;
    /// Something before `=` that cannot be a variable's name.
    VariableName = "variable-name", Error;
    /// `x+=1`.
    Append = "append", Error;
    /// `x=(1 2)`.
    Array = "array", Error;
    /// `if`, loops, `case`, groups.
    CompoundCommand = "compound-command", Error;
    /// A function definition.
    Function = "function", Error;
    /// A `;` with nothing before it.
    EmptyStatement = "empty-statement", Error;
    /// `` `…` `` or `$(…)`.
    CommandSubstitution = "command-substitution", Error;
    /// `$((…))`.
    Arithmetic = "arithmetic", Error;
    /// `$1`, `$@`, `$?` and the like.
    SpecialParameter = "special-parameter", Error;
    /// A variable that every shell fills on its own.
    ShellVariable = "shell-variable", Error;
    /// `${x:?word}`.
    ErrorExpansion = "error-expansion", Error;
    /// A `${…}` that sh does not know.
    BadExpansion = "bad-expansion", Error;
    /// A pattern whose meaning differs between shells.
    Pattern = "pattern", Error;
    /// A `~` whose meaning differs between shells.
    Tilde = "tilde", Error;
    /// A backslash whose meaning differs between shells.
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
    /// What to do about it.
    pub help: Option<String>,
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
            help: Some(help.into()),
        }
    }
}

/// A finding that ends a statement; small, since nearly every step of the parser could return one.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Box<Finding>);

impl From<Finding> for Refused {
    fn from(finding: Finding) -> Self {
        Self(Box::new(finding))
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
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{text}"
            );
            assert!(seen.insert(text), "{text} twice");
        }
    }
}
