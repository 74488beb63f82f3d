//! VM objects of vmm(4): sys/dev/vmm/vmm_dev.c, lib/libvmmapi/vmmapi.c.

use std::path::Path;

use super::Host;
use super::call::{Call, Status};
use super::devices::Device;
use super::errno::Errno;
use super::process::Ending;
use super::state::{Kernel, System, VmNode};

/// Longest VM name (sys/dev/vmm/vmm_param.h).
const NAME_MAX: usize = 229;

impl Host {
    /// vm_create: loads vmm if it is not loaded.
    pub(super) fn create_vm(&mut self, name: &str, uid: u32) -> Result<(), Errno> {
        self.autoload("vmm", uid);
        if !self.has_module("vmm") {
            return Err(Errno::NoEntry);
        }
        if uid != 0 {
            return Err(Errno::NotPermitted);
        }
        if self.state.vms.contains_key(name) {
            return Err(Errno::Exists);
        }
        if name.is_empty() || name.len() > NAME_MAX || name.contains(['/', ' ']) {
            return Err(Errno::Invalid);
        }
        // 15: at most 4 for each CPU and user.
        let owned = self.state.vms.values().filter(|vm| vm.uid == uid).count();
        if self.state.major() >= 15 && owned >= 4 * self.state.ncpu as usize {
            return Err(Errno::NoMemory);
        }
        self.state.vms.insert(
            name.into(),
            VmNode {
                memory: None,
                loaded: false,
                system: System::default(),
                uid,
                kernel: None,
            },
        );
        Ok(())
    }

    /// vm_destroy: permitted while bhyve runs, which then ends with an error.
    pub(super) fn destroy_vm(&mut self, name: &str) -> Result<(), Errno> {
        if self.state.vms.remove(name).is_none() {
            return Err(Errno::Invalid);
        }
        if let Some(pid) = self.state.bhyve_of(name) {
            self.harmed(format!("VM {name} was destroyed while it ran"));
            self.end_process(pid, Status::Exit(4));
        }
        Ok(())
    }

    /// vm_suspend: ends a running guest.
    pub(super) fn suspend_vm(&mut self, name: &str, ending: Ending) {
        let waits = |pid: &i32| {
            // Without vCPUs nothing notices the suspension.
            let process = &self.state.processes[pid];
            let guest = process.guest.as_ref();
            process.title.is_none() && guest.is_some_and(|guest| guest.title_at.is_none())
        };
        if let Some(pid) = self.state.bhyve_of(name).filter(|pid| !waits(pid)) {
            self.end_process(pid, ending.status());
        }
    }

    /// The first step of a loader: creates or re-initialises the VM, and sets up its memory. The error is
    /// the step that failed.
    pub(super) fn prepare_vm(
        &mut self,
        name: &str,
        memory: u64,
        uid: u32,
    ) -> Result<(), (&'static str, Errno)> {
        match self.create_vm(name, uid) {
            Ok(()) => {}
            Err(Errno::Exists) => {
                // sys/amd64/vmm/vmm.c, vm_reinit: not while a vCPU is active.
                if self.state.bhyve_of(name).is_some() {
                    return Err(("vm_reinit", Errno::Busy));
                }
            }
            Err(errno) => return Err(("vm_create", errno)),
        }
        self.set_memory(name, memory)
            .map_err(|errno| ("vm_setup_memory", errno))
    }

    /// Adds the process of a loader's call, which has its console open.
    pub(super) fn add_loader(&mut self, call: &Call, vm: &str, console: &str) -> i32 {
        let pid = self.add_called(call);
        if let Some(process) = self.state.processes.get_mut(&pid) {
            process.loads = Some(vm.to_owned());
        }
        if let Some(Device::Nmdm(pair, end_a)) = self.device(Path::new(console)) {
            self.open_nmdm(&pair, end_a, pid);
        }
        pid
    }

    /// Records that a loader has put a kernel into the VM.
    pub(super) fn loaded(&mut self, name: &str, system: System, kernel: Option<Kernel>) {
        if let Some(node) = self.state.vms.get_mut(name) {
            node.loaded = true;
            node.system = system;
            node.kernel = kernel;
        }
    }

    /// vm_alloc_memseg: an existing segment must have the same size.
    pub(super) fn set_memory(&mut self, name: &str, memory: u64) -> Result<(), Errno> {
        let node = self.state.vms.get_mut(name).ok_or(Errno::NoEntry)?;
        match node.memory {
            Some(old) if old != memory => Err(Errno::Invalid),
            _ => {
                node.memory = Some(memory);
                Ok(())
            }
        }
    }
}
