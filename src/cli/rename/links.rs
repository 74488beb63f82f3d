//! The links of a VM that is renamed.

use crate::cli::setup::{self, OwnLink};
use crate::config::resolve;
use crate::error::{Error, Result};
use crate::model::name::VmName;
use crate::operation::context::Context;
use crate::plan::{FileChange, Plan, Undo, When};
use crate::verb::Verb;
use crate::vis;
use std::path::PathBuf;

/// The links of the VM and their new names.
pub(super) struct Links {
    links: Vec<OwnLink>,
    /// The target and the path of each link that is made.
    new: Vec<(PathBuf, PathBuf)>,
}

impl Links {
    /// The links of a VM. Links of the new name that a rename has left, which was killed, are kept: no VM
    /// has this name.
    ///
    /// # Errors
    /// If another file has a new name.
    pub(super) fn of(context: &Context<'_>, old: &str, new: &VmName) -> Result<Self> {
        let links = setup::links_of(context, old)?;
        let left = setup::links_of(context, new.as_str())?;
        let is_left = |verb: Verb| left.iter().any(|link| link.verb == verb);
        let directory = resolve::link_directory(context.config);
        let others = Verb::ALL.into_iter().filter(|verb| !is_left(*verb));
        let mut others = others.map(|verb| directory.join(format!("{new}-{verb}")));
        if let Some(path) = others.find(|path| path.symlink_metadata().is_ok()) {
            return Err(
                Error::state(format!("{} already exists", vis::shown(&path)))
                    .help("choose another name, or remove the file"),
            );
        }
        let made = links.iter().filter(|link| !is_left(link.verb));
        let made = made.map(|link| {
            let name = format!("{new}-{}", link.verb);
            (link.target.clone(), link.path.with_file_name(name))
        });
        Ok(Self {
            new: made.collect(),
            links,
        })
    }

    /// The plan that makes the links of the new name, and then removes the old ones.
    pub(super) fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        for (target, path) in &self.new {
            plan.push(FileChange::Link {
                target: target.clone(),
                path: path.clone(),
            });
            let remove = FileChange::RemoveLink(path.clone());
            plan.push(Undo::by(remove, When::Failure, &"new links"));
        }
        plan.append(setup::without(&self.links));
        plan
    }
}
