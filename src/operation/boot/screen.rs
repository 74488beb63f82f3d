//! The screen of a VM that starts: its password and its socket, and where a viewer finds it.

use crate::error::{Error, Result};
use crate::host::secret::SecretError;
use crate::model::Vm;
use crate::model::device::FRAMEBUFFER;
use crate::model::screen::{Place, Screen};
use crate::operation::plan_context::PlanContext;
use crate::plan::{FileChange, Form, Step};
use crate::verb::Verb;
use crate::vis;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The name of the file for `bhyve -k`, in the directory of scratch files.
const FILE: &str = "screen.conf";

/// The file for `bhyve -k`, if the screen has a password.
pub(super) fn secret(vm: &Vm, scratch: &Path) -> Option<PathBuf> {
    let screen = vm.screen.as_ref()?;
    screen.password_file.as_ref().map(|_| scratch.join(FILE))
}

/// The forms before each start of bhyve; `owner` is the user.
pub(super) fn before_start(vm: &Vm, scratch: &Path, owner: u32) -> Vec<Form> {
    let socket = socket(vm).map(|path| FileChange::RemoveSocket { path, owner });
    let screen = vm.screen.as_ref();
    let from = screen.and_then(|screen| screen.password_file.clone());
    let secret = secret(vm, scratch).zip(from).map(|(path, from)| {
        let (device, function) = (FRAMEBUFFER.device, FRAMEBUFFER.function);
        FileChange::Secret {
            path,
            name: format!("pci.0.{device}.{function}.password"),
            from,
            owner,
        }
    });
    socket.into_iter().chain(secret).map(Form::from).collect()
}

/// The steps once bhyve has set its title: it has read its file and made its socket.
pub(super) fn once_running(vm: &Vm, scratch: &Path, owner: u32) -> Vec<Step> {
    let secret = secret(vm, scratch).map(FileChange::RemoveSecret);
    let socket = socket(vm).map(|path| FileChange::GiveSocket { path, owner });
    secret.into_iter().chain(socket).map(Step::from).collect()
}

fn socket(vm: &Vm) -> Option<PathBuf> {
    match &vm.screen.as_ref()?.place {
        Place::Unix(path) => Some(path.clone()),
        Place::Tcp(_) => None,
    }
}

/// The VM whose bhyve does not wait for a viewer: for the rounds after the first.
pub(super) fn without_wait(vm: &Vm) -> Option<Vm> {
    let waits = |screen: &&Screen| screen.waits;
    let screen = vm.screen.as_ref().filter(waits)?.clone();
    Some(Vm {
        screen: Some(Screen {
            waits: false,
            ..screen
        }),
        ..vm.clone()
    })
}

/// Refuses a screen whose password is not usable; returns where a viewer finds the screen, and whether
/// other hosts find it, too.
///
/// # Errors
/// If the file with the password is missing, open to others, or has no password for VNC.
pub(crate) fn refuse(context: &mut PlanContext<'_>, vm: &Vm, owner: u32) -> Result<Vec<String>> {
    let Some(screen) = &vm.screen else {
        return Ok(Vec::new());
    };
    if let Some(file) = screen.password_file.as_ref().filter(|_| context.is_freebsd) {
        refuse_secret(context, vm, file, owner)?;
    }
    let open = vm.command(Verb::Vnc);
    let place = where_to_connect(vm, screen);
    let mut notes = vec![if screen.waits {
        format!("{place}; the guest starts when a viewer is connected: {open}")
    } else {
        format!("{place}; to open it: {open}")
    }];
    notes.extend(screen.is_open_to_all().then(|| {
        format!(
            "other hosts can use the screen of {} without a password",
            vm.name
        )
    }));
    Ok(notes)
}

/// Where a viewer finds the screen, and the password.
pub(crate) fn where_to_connect(vm: &Vm, screen: &Screen) -> String {
    let password = screen.password_file.as_ref();
    let password = password.map(|file| format!(", its password in {}", vis::shown(file)));
    format!(
        "the screen of {} is at {}{}",
        vm.name,
        vis::line(&screen.place.to_string()),
        password.unwrap_or_default()
    )
}

fn refuse_secret(context: &mut PlanContext<'_>, vm: &Vm, file: &Path, owner: u32) -> Result<()> {
    match context.look.check_secret(file, owner) {
        Ok(()) => Ok(()),
        // The file may be root's: the root side checks again.
        Err(SecretError::System(error))
            if error.kind() == ErrorKind::PermissionDenied && context.process.is_client() =>
        {
            Ok(())
        }
        Err(error) => Err(Error::config(format!(
            "could not use the password in {}: {error}",
            vis::shown(file)
        ))
        .help(format!(
            "write up to 8 characters to a file with mode 600, and name it in {}_vnc_password_file",
            vm.name
        ))),
    }
}
