//! The plan that starts a VM: `boot`, `ttyboot`, `install`.

use super::loader::{self, Source};
use super::{network, screen};
use crate::model::Vm;
use crate::model::policy::Reaction;
use crate::operation::{free, gone};
use crate::plan::{
    Form, Loop, Plan, Refusal, Root, Step, Test, Undo, Wait, When, scratch_directory,
};
use crate::survey::Survey;
use crate::tools::bhyve::Run;
use crate::tools::line::{Console, side_of_person};
use crate::tools::{bhyve, bhyvectl, cu, process, workers};
use std::path::Path;
use std::time::Duration;

/// How a VM is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// From its disk, in the background, its console on nmdm(4).
    Background,
    /// As `Background`, with this terminal connected to the console before the loader starts.
    Attended,
    /// From its disk, on this terminal.
    Terminal,
    /// From its first CD, on this terminal.
    Install,
}

impl Start {
    /// Its verb on the root side: "attend" is not that of a supervisor, which is another process.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Background => "boot",
            Self::Attended => "attend",
            Self::Terminal => "ttyboot",
            Self::Install => "install",
        }
    }

    pub(super) fn of(verb: &str) -> Option<Self> {
        let all = [
            Self::Background,
            Self::Attended,
            Self::Terminal,
            Self::Install,
        ];
        all.into_iter().find(|start| start.verb() == verb)
    }
}

/// How long bhyve may take to set its process title.
pub const START_LIMIT: Duration = Duration::from_secs(10);
/// How long a loader or bhyve may take to exit when signalled.
const END_LIMIT: Duration = Duration::from_secs(5);

/// The plan that starts `vm`, starts `vm` again when its guest reboots, and runs until `vm` ends.
///
/// `first` comes before the guest is loaded: it makes the store of UEFI variables, or prepares a temporary
/// run. When the VM ends, its resources are freed, and what `first` has armed is undone. `owner` is the user
/// to whom the screen belongs.
///
/// Differs: A reboot in the guest starts the VM again
pub fn plan(
    vm: &Vm,
    start: Start,
    source: Source,
    survey: &Survey,
    scratch: &Path,
    first: Plan,
    owner: u32,
) -> Plan {
    let mut plan = free::plan(vm, survey, free::Extent::Marked);
    plan.append(network::plan(vm, survey));

    let node = bhyve::node(&survey.devices, &vm.name);
    plan.push(free::not_started_meanwhile(vm, &node));
    // Differs: When a VM ends, tap and VM node are freed
    let destroy = gone::node(&vm.name, &node).only_if(Test::Exists(node.clone()));
    let destroy = Undo::by(destroy, When::End, &format!("the VM node of {}", vm.name));
    let console = match start {
        Start::Background | Start::Attended => Console::of(vm, &survey.devices),
        Start::Terminal | Start::Install => Console::Stdio,
    };
    let policy = &vm.policy;
    let mut body = loader::plan(vm, source, &console, scratch).forms;
    body.extend(screen::before_start(vm, scratch, owner));
    let secret = screen::secret(vm, scratch);
    let how = Run {
        console: &console,
        // Differs: `install` attaches every `cdN`
        with_cds: start == Start::Install,
        uuid: vm.uuid_on(survey.kernel.host_uuid),
        firmware: &survey.firmware,
        secret: secret.as_deref(),
    };
    let later = screen::without_wait(vm);
    let life = Loop {
        body,
        between: if vm.loader.facts().needs_fresh_node {
            free::node_again(vm, &node).forms
        } else {
            Vec::new()
        },
        vm: vm.name.clone(),
        command: bhyve::run(later.as_ref().unwrap_or(vm), how),
        first: later.as_ref().map(|_| bhyve::run(vm, how)),
        once_running: screen::once_running(vm, scratch, owner),
        again: match (start, policy.on_reboot) {
            (Start::Install, _) | (_, Reaction::Stop) => &[],
            (_, Reaction::Restart) => &[0],
        },
        again_if_failed: start != Start::Install && policy.on_crash == Reaction::Restart,
        // Differs: A bhyve that does not start is noticed
        start_limit: (console != Console::Stdio).then_some(START_LIMIT),
    };
    // The loader's files are removed last, when no process of the VM exists.
    let mut forms = loader::files(vm, source, scratch).forms;
    if forms.is_empty() && secret.is_some() {
        forms = scratch_directory(scratch);
    }
    forms.extend(first.forms);
    forms.extend([destroy.into(), end_processes(vm).into(), life.into()]);
    match start {
        Start::Background | Start::Attended => plan.push(Root {
            forms,
            detached: Some(process::name_of_supervision(&vm.name)),
            meanwhile: (start == Start::Attended)
                .then(|| cu::connect(&side_of_person(vm, &survey.devices))),
        }),
        Start::Terminal | Start::Install => plan.forms.extend(forms),
    }
    plan
}

/// Ends a loader or a bhyve that still runs at the end. This precedes the destruction of the VM's
/// node, which would free the guest's memory under a running bhyve.
fn end_processes(vm: &Vm) -> Undo {
    let name = &vm.name;
    let ended = |refusal| Wait {
        until: !workers::is_at_work(name),
        limit: END_LIMIT,
        every: Duration::from_millis(100),
        refusal,
        progress: None,
        goes_on: false,
    };
    let lives_on = Refusal::host(format!("the processes of {name} do not end"))
        .help("as root, see what the processes wait for: procstat -k PID");
    let waits = vm.screen.as_ref().is_some_and(|screen| screen.waits);
    // A bhyve that waits for a viewer has no guest yet.
    let waiting = workers::end_waiting(name).only_if(workers::is_alive(name));
    let loader = workers::end_loader(name).only_if(workers::is_loading(name));
    let loader = vm.loader.kind().is_program().then(|| loader.into());
    let mut forms: Vec<Form> = loader.into_iter().collect();
    forms.extend(waits.then(|| waiting.into()));
    forms.extend([
        Step::from(bhyvectl::force_poweroff(name))
            .only_if(workers::is_alive(name))
            .ok_if(!workers::is_alive(name))
            .into(),
        ended(None).into(),
        workers::kill_any(name)
            .only_if(workers::is_at_work(name))
            .into(),
        ended(Some(lives_on)).into(),
    ]);
    Undo {
        forms,
        when: When::End,
        what: format!("the processes of {name}"),
    }
}
