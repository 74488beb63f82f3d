//! `install`: starts a VM from its first CD, on this terminal.

use super::loader::Source;
use super::plan::Start;
use super::{Boot, image, start};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::operation::Operation;
use crate::operation::context::{Asked, Context, Outcome};
use crate::operation::options::{Override, StartArgs};
use crate::verb::Verb;
use crate::vis;

/// Options of `install`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d, --timings, -c, -m
    #[command(flatten)]
    pub start: StartArgs,
}

impl Operation for Args {
    const NEED: Need = Need::Install;

    fn given(&self) -> Option<&Override> {
        Some(&self.start.with)
    }

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        if vm.install_cd().is_none() {
            let id = context.config.id_of(vm.name.as_str());
            return Err(Error::config(format!(
                "{0}_cd0 is not set: there is no ISO image to install {0} from",
                vm.name
            ))
            .at(id.map(|id| id.value_span))
            .help(format!(
                "add to {}: {}_cd0=/path/to/an.iso",
                vis::shown(context.config.main_file()),
                vm.name
            )));
        }
        if vm
            .disks
            .iter()
            .any(|disk| disk.number == 0 && disk.options.is_read_only())
        {
            let setting = format!("{}_hd0_opts", vm.name);
            let ro = context.config.get(&setting);
            return Err(Error::config(format!(
                "{setting} has ro: the installation of {} could not write to its disk",
                vm.name
            ))
            .at(ro.map(|ro| ro.value_span))
            .help("remove ro until the system is installed"));
        }
        let done = format!(
            "after the installation, start {}: {}",
            vm.name,
            vm.command(Verb::Boot)
        );
        let boot = Boot {
            start: Start::Install,
            source: Source::Cd,
            waits: false,
            temp: None,
        };
        let profile = context.profile_of(&vm)?;
        let mut notes = profile
            .map(|profile| profile.hints(&vm))
            .unwrap_or_default();
        // The start reports an image that cannot be read.
        if context.is_freebsd
            && let Some(cd) = vm.install_cd()
            && let Ok(report) = context.look.inspect(&cd.path, None)
        {
            notes.extend(image::notes(&vm, &cd.path, &report));
        }
        let asked = start(context, vm, self.start.shown, boot)?;
        Ok(Asked {
            done: Some(done),
            notes,
            ..asked
        }
        .into())
    }
}
