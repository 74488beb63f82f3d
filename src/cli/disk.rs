//! `easy-bhyve disk`: gives a VM one more disk: the line of the configuration, and the disk itself.

use super::edit::{self, Edited, refused};
use super::invocation::options::DiskArgs;
use super::locate::Refused;
use crate::config::edit::{TypedSetting, set as edits_of, variable};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::device::Slots;
use crate::model::size::{DiskSize, exact};
use crate::model::{Vm, Volume};
use crate::operation::context::{Asked, Context};
use crate::operation::resources::{Allocation, MakeDisk};
use crate::survey;
use crate::tools::zfs::volume::{self, Sizes};
use crate::verb::Verb;
use std::ffi::OsString;
use std::path::PathBuf;

/// The plan that writes the line of the new disk, and makes the disk; the line is undone if the disk
/// cannot be made.
///
/// # Errors
/// If the VM has no number left, its first disk is a device, or the edited configuration has an error.
pub(super) fn disk(context: &mut Context<'_>, args: &DiskArgs) -> Result<Edited, Box<Refused>> {
    let config = context.config;
    let here = |error| refused(error, Some(config.clone()));
    context.need_host(args.dry_run).map_err(here)?;
    let vm = context.vm_for(&args.vm, Need::Disks).map_err(here)?;
    let name = vm.name.as_str();
    let number = free_number(&vm).map_err(here)?;
    let path = path_beside(context, &vm, number).map_err(here)?;
    let size = match &args.size {
        Some(size) => size.clone(),
        None => size_of_first(context, &vm).map_err(here)?,
    };
    let mut word = OsString::from(format!("hd{number}="));
    word.push(&path);
    let setting = TypedSetting::parse(&word);
    let setting = setting.map_err(|error| here(Error::config(error.to_string())))?;
    let edits =
        edits_of(config, Some(name), &setting).map_err(|place| here(edit::by_hand(name, place)))?;
    let draft = edit::draft(context, Some(name), &edits)?;
    edit::refuse_unread(&draft, Some(name), &setting)
        .map_err(|error| edit::unwritten(error, Some(draft.config.clone())))?;
    let unread = || {
        Error::config(format!(
            "{} is not read",
            variable(Some(name), setting.key())
        ))
    };
    let edited = draft.vm.clone().ok_or_else(|| here(unread()))?;
    let job = MakeDisk {
        number,
        size,
        allocation: if args.sparse {
            Allocation::Sparse
        } else {
            Allocation::Full
        },
    };
    let done = [
        edit::changes(config, &draft.config, &edits),
        format!(
            "the guest finds hd{number} at its next start: {}, or if it runs: {}",
            vm.command(Verb::Boot),
            vm.command(Verb::Restart)
        ),
    ];
    Ok(Edited {
        outcome: Asked {
            before: draft.plan,
            done: Some(done.join("\n")),
            ..context.asked(edited, job, args.dry_run)
        }
        .into(),
        config: draft.config,
    })
}

/// The smallest number that no disk has, and at which a guest finds a disk: function 0 of a slot comes
/// before the other functions.
fn free_number(vm: &Vm) -> Result<u8> {
    let has = |number: u8| vm.disks.iter().any(|disk| disk.number == number);
    let mut free = (0..=Slots::DISKS.last()).filter(|number| !has(*number));
    let is_found = |number: &u8| Slots::leader(*number) == *number || has(Slots::leader(*number));
    free.find(is_found).ok_or_else(|| {
        Error::state(format!(
            "{} has {} disks, and no number is left",
            vm.name,
            vm.disks.len()
        ))
    })
}

/// The path of a new disk beside the first one: `VM-N`, which is no name of a VM.
fn path_beside(context: &Context<'_>, vm: &Vm, number: u8) -> Result<PathBuf> {
    let name = format!("{}-{number}", vm.name);
    let devices = &context.process.devices;
    let elsewhere = |why: &str| {
        Error::state(format!("the place of the new disk is unknown: {why}"))
            .at(vm.disks.first().and_then(|disk| disk.origin))
            .help(format!(
                "make the disk by hand, and name it: {}",
                vm.spelling
                    .command(format_args!("set {} hd{number}=PATH", vm.name))
            ))
    };
    match &vm.volume {
        Volume::Zfs(dataset) => {
            let parent = dataset.parent();
            let parent = parent.ok_or_else(|| elsewhere("hd0 is a pool"))?;
            let child = parent.child(&name);
            let child = child.map_err(|error| elsewhere(&error.to_string()))?;
            Ok(devices.join("zvol").join(child.as_str()))
        }
        Volume::File(path) if path.starts_with(devices) => Err(elsewhere("hd0 is a device")),
        Volume::File(path) => Ok(path.with_file_name(name)),
    }
}

/// The size of the first disk.
fn size_of_first(context: &mut Context<'_>, vm: &Vm) -> Result<DiskSize> {
    let unknown = |why: String| {
        Error::host(format!("the size of hd0 of {} is unknown", vm.name))
            .note(why)
            .help(format!(
                "give the size of the new disk: {}",
                vm.spelling.command(format_args!("disk {} 20G", vm.name))
            ))
    };
    if !context.is_freebsd {
        return Err(unknown("this host is not FreeBSD".to_owned()));
    }
    let bytes = match &vm.volume {
        Volume::Zfs(dataset) => {
            let answer = survey::answer(context.look, &volume::sizes(dataset).works_for(vm))?;
            let sizes = Sizes::parse(&answer);
            sizes.map(|sizes| sizes.volsize)
        }
        Volume::File(path) => {
            let about = context.look.about(path);
            Some(about.map_err(|error| unknown(error.to_string()))?.size)
        }
    };
    let bytes = bytes.ok_or_else(|| unknown("it is no volume".to_owned()))?;
    DiskSize::parse(&exact(bytes)).map_err(|error| unknown(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::free_number;
    use crate::model::device::Disk;
    use crate::model::tests::vm;

    #[test]
    fn the_next_number_is_the_smallest_that_a_guest_finds() {
        let mut vm = vm();
        for (numbers, next) in [
            (&[0][..], Some(1)),
            (&[0, 1, 3], Some(2)),
            (&[0, 1, 2, 3, 4, 5, 6, 7], Some(8)),
            (&[0, 1, 2, 3, 4, 5, 6, 7, 8], Some(9)),
            (
                &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
                None,
            ),
        ] {
            let disk = |number: &u8| Disk::new(*number, format!("/vm/{number}").into(), None);
            vm.disks = numbers.iter().map(disk).collect();
            assert_eq!(free_number(&vm).ok(), next, "{numbers:?}");
        }
    }
}
