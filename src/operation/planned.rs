//! The result of planning a request.

use crate::model::name::Dataset;
use crate::plan::Plan;

/// A plan with its messages.
#[derive(Debug, Default)]
pub struct Planned {
    /// The plan that first ends a running VM, and so releases its lock; then the root side plans again.
    /// [`Self::whole`] joins both plans.
    pub ending: Plan,
    /// The plan.
    pub plan: Plan,
    /// Notes on standard error before the plan.
    pub notes: Vec<String>,
    /// The message on standard error after the plan.
    pub done: Option<String>,
    /// The volume whose reservation is asked for after the plan, and reported.
    pub reserved: Option<Dataset>,
}

impl Planned {
    /// The plans one after the other, for a preview.
    pub fn whole(self) -> Plan {
        let mut whole = self.ending.once_done();
        whole.append(self.plan);
        whole
    }
}
