//! The errors of intro(2) that the simulated programs meet, with FreeBSD's texts.

/// An error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    /// EPERM
    NotPermitted,
    /// ENOENT
    NoEntry,
    /// ENXIO
    NotConfigured,
    /// ENOEXEC
    ExecFormat,
    /// ENOMEM
    NoMemory,
    /// EBUSY
    Busy,
    /// EEXIST
    Exists,
    /// EISDIR
    IsDirectory,
    /// ENOTDIR
    NotDirectory,
    /// EINVAL
    Invalid,
    /// EFBIG
    TooLarge,
    /// EIO
    InputOutput,
    /// EACCES
    Access,
    /// EROFS
    ReadOnly,
    /// EADDRINUSE
    InUse,
}

impl Errno {
    /// The number.
    pub fn code(self) -> i32 {
        match self {
            Self::NotPermitted => 1,
            Self::NoEntry => 2,
            Self::InputOutput => 5,
            Self::NotConfigured => 6,
            Self::ExecFormat => 8,
            Self::NoMemory => 12,
            Self::Access => 13,
            Self::Busy => 16,
            Self::Exists => 17,
            Self::NotDirectory => 20,
            Self::IsDirectory => 21,
            Self::Invalid => 22,
            Self::TooLarge => 27,
            Self::ReadOnly => 30,
            Self::InUse => 48,
        }
    }

    /// The text of strerror(3).
    pub fn text(self) -> &'static str {
        match self {
            Self::NotPermitted => "Operation not permitted",
            Self::NoEntry => "No such file or directory",
            Self::ReadOnly => "Read-only file system",
            Self::InUse => "Address already in use",
            Self::InputOutput => "Input/output error",
            Self::NotConfigured => "Device not configured",
            Self::ExecFormat => "Exec format error",
            Self::NoMemory => "Cannot allocate memory",
            Self::Access => "Permission denied",
            Self::Busy => "Device busy",
            Self::Exists => "File exists",
            Self::NotDirectory => "Not a directory",
            Self::IsDirectory => "Is a directory",
            Self::Invalid => "Invalid argument",
            Self::TooLarge => "File too large",
        }
    }
}
