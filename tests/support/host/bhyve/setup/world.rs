//! What bhyve opens. An error is the text of an error number.

/// The host around bhyve.
pub trait World {
    /// Opens a disk or an image.
    fn disk(&mut self, path: &str) -> Result<(), String>;

    /// Opens the node of a tap or a vmnet.
    fn tap(&mut self, name: &str) -> Result<(), String>;

    /// Opens the terminal of a console.
    fn terminal(&mut self, path: &str) -> Result<(), String>;

    /// Opens a boot ROM or the file of its variables; its size.
    fn rom(&mut self, path: &str) -> Result<u64, String>;

    /// Listens at an address or on a socket: `rfb`, `tcp` or `unix`.
    fn listen(&mut self, kind: &str, at: &str) -> Result<(), String>;

    /// Looks at a file or a directory.
    fn look(&mut self, path: &str) -> Result<(), String>;

    /// Reads a file of `-k`.
    fn read(&mut self, path: &str) -> Result<String, String>;
}
