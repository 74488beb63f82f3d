//! What a guest is known by, and bhyve(8) derives from the name of the VM: addresses of NICs, and the UUID.

use crate::cli::edit;
use crate::cli::locate::Refused;
use crate::config::Config;
use crate::config::edit::{Edit, TypedSetting, set as edits_of};
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::VmName;
use crate::operation::context::Context;
use crate::plan::{Guard, Plan, Refusal, Test};
use crate::survey;
use crate::tools::sysctl;
use uuid::Uuid;

/// What changes with the name.
pub(super) struct Identity<'a> {
    vm: &'a Vm,
    new: &'a VmName,
    /// The UUID under the old name, if this program derives one and the host's is known.
    uuid: Option<Uuid>,
}

impl<'a> Identity<'a> {
    /// That of a VM.
    ///
    /// # Errors
    /// If the host cannot be queried.
    pub(super) fn of(context: &mut Context<'_>, vm: &'a Vm, new: &'a VmName) -> Result<Self> {
        let is_derived = vm.uuid.is_none() && vm.uuid_on(None).is_some();
        let uuid = if is_derived && context.is_freebsd {
            let answer = survey::answer(context.look, &sysctl::ask_with_uuid())?;
            let host = sysctl::parse(&answer, context.process.uid).host_uuid;
            vm.uuid_on(Some(host.unwrap_or_default()))
        } else {
            None
        };
        Ok(Self { vm, new, uuid })
    }

    /// The edits with a line for the address of each NIC that has none, and for the UUID: those that they
    /// have under the old name. The UUID that bhyve(8) derives is not known.
    pub(super) fn kept(
        &self,
        context: &Context<'_>,
        renamed: Config,
        mut edits: Vec<Edit>,
    ) -> Result<(Config, Vec<Edit>), Box<Refused>> {
        let (config, old) = (context.config, self.vm.name.as_str());
        let here = |error| edit::refused(error, Some(config.clone()));
        let nics = self.vm.nics.iter().filter(|nic| nic.mac.is_none());
        let addresses =
            nics.map(|nic| format!("if{}_mac={}", nic.number, nic.address(&self.vm.name)));
        let uuid = self.uuid.map(|uuid| format!("uuid={uuid}"));
        for word in addresses.chain(uuid) {
            let setting = TypedSetting::parse(word.as_ref());
            let setting = setting.map_err(|error| here(Error::config(error.to_string())))?;
            let added = edits_of(config, Some(old), &setting)
                .map_err(|place| here(edit::by_hand(old, place)))?;
            edits.extend(added.into_iter().map(|edit| self.named(&edit)));
        }
        if edits.is_empty() {
            return Ok((renamed, edits));
        }
        Ok((edit::edited(context, &edits)?, edits))
    }

    /// An edit of a setting of the VM, as one of the renamed VM: an added line begins with its name.
    fn named(&self, edit: &Edit) -> Edit {
        let (old, new) = (&self.vm.name, self.new);
        let key = edit.name.strip_prefix(old.as_str()).unwrap_or_default();
        let line = format!("\n{}=", edit.name);
        let text = match edit.text.strip_prefix(line.as_bytes()) {
            Some(value) => [format!("\n{new}{key}=").as_bytes(), value].concat(),
            None => edit.text.clone(),
        };
        Edit {
            name: format!("{new}{key}"),
            text,
            span: edit.span,
        }
    }

    /// What becomes of the addresses and the UUID.
    pub(super) fn notes(&self, keep: bool) -> Vec<String> {
        let vm = self.vm;
        let nics = vm.nics.iter().filter(|nic| nic.mac.is_none());
        let mut notes: Vec<String> = nics
            .map(|nic| {
                let (was, is) = (nic.address(&vm.name), nic.address(self.new));
                if keep {
                    format!("if{} keeps its address {was}, in if{0}_mac", nic.number)
                } else {
                    format!("the address of if{} changes from {was} to {is}", nic.number)
                }
            })
            .collect();
        notes.extend(match (vm.uuid, self.uuid) {
            (Some(_), _) => None,
            (None, Some(uuid)) if keep => {
                Some(format!("{} keeps its UUID {uuid}, in uuid", self.new))
            }
            (None, _) => Some(format!(
                "the UUID of {} changes, because it is derived from the name",
                vm.name
            )),
        });
        notes
    }

    /// The question about what changes; nothing if nothing does.
    pub(super) fn question(&self, context: &Context<'_>) -> Plan {
        let mut plan = Plan::default();
        let vm = self.vm;
        if vm.uuid.is_some() && vm.nics.iter().all(|nic| nic.mac.is_some()) {
            return plan;
        }
        let command = format!("rename {} {}", vm.name, self.new);
        plan.push(Guard {
            test: Test::Confirmed {
                question: "A reservation of a DHCP server, a guest that knows its NIC by the address, and a \
                           licence that is bound to the UUID do not fit then.\nRename it?"
                    .to_owned(),
                otherwise: format!(
                    "to keep what can be kept: {}; or to let it change: {}",
                    context.spelling.command(format_args!("{command} --keep")),
                    context.spelling.command(format_args!("{command} -f"))
                ),
            },
            refusal: Refusal::host("nothing was renamed"),
        });
        plan
    }
}
