//! The command line before anything is opened: what bhyve refuses, with the messages of `setup`.

use std::path::Path;

use super::super::Host;
use super::super::call::Answer;
use super::super::devices::Device;
use super::super::errno::Errno;
use super::setup::{Edition, End, Parsed, Says, Setup, World, parse};

/// The host, as far as bhyve looks at it.
struct Ground<'host>(&'host mut Host);

impl World for Ground<'_> {
    fn disk(&mut self, path: &str) -> Result<(), String> {
        let opened = self.0.open_disk(path);
        opened.map_err(|errno| errno.text().into())
    }

    fn tap(&mut self, _name: &str) -> Result<(), String> {
        // Opening a missing tap makes it: `open_devices` does it.
        Ok(())
    }

    fn terminal(&mut self, path: &str) -> Result<(), String> {
        match self.0.resolve(Path::new(path), 0) {
            Some(Device::Nmdm(..)) => Ok(()),
            Some(_) => Err("Inappropriate ioctl for device".into()),
            None if self.0.files().exists(Path::new(path)) => {
                Err("Inappropriate ioctl for device".into())
            }
            None => Err(Errno::NoEntry.text().into()),
        }
    }

    fn rom(&mut self, path: &str) -> Result<u64, String> {
        let size = self.0.files().size(Path::new(path));
        size.map_err(|errno| errno.text().into())
    }

    fn listen(&mut self, _kind: &str, _at: &str) -> Result<(), String> {
        Ok(())
    }

    fn look(&mut self, path: &str) -> Result<(), String> {
        match self.0.files().exists(Path::new(path)) {
            true => Ok(()),
            false => Err(Errno::NoEntry.text().into()),
        }
    }

    fn read(&mut self, path: &str) -> Result<String, String> {
        let text = self.0.files().read(Path::new(path));
        let text = text.map_err(|errno| errno.text().to_owned())?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// The bhyve of this host.
fn edition(host: &Host) -> Edition {
    Edition {
        osreldate: host.state.osreldate,
        is_amd64: host.state.machine == "amd64",
    }
}

/// Reads the command line; an error is the answer of bhyve.
pub(super) fn read(host: &mut Host, args: &[String]) -> Result<Setup, Answer> {
    let mut says = Says::default();
    let edition = edition(host);
    match parse(args, edition, &mut Ground(host), &mut says) {
        Ok(Parsed::Vm(setup)) => Ok(*setup),
        Ok(Parsed::Text(text, status)) => Err(Answer::exit(status).and_out(text)),
        Err(End(status)) => Err(Answer::fail(status, says.lines.join("\n"))),
    }
}

/// Checks what is read once the VM is open, then every device; an error is a status and the messages.
pub(super) fn devices(host: &mut Host, setup: &Setup) -> Result<(), (i32, String)> {
    let mut says = Says::default();
    let started = setup.check(&mut says);
    let started = started.and_then(|()| setup.start(&mut Ground(host), &mut says));
    started.map_err(|End(status)| (status, says.lines.join("\n")))
}
