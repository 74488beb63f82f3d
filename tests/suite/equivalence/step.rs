//! A step that fails, in the run as in the script.

use super::Case;
use super::left::is_change;
use crate::call::call;
use crate::fake::Fake;
use crate::host::build::USER;
use crate::host::{Fault, Host, Logged, Status};
use crate::variety::Numbers;

/// A call that goes wrong.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    program: String,
    nth: u32,
    fault: Fault,
}

impl Failure {
    /// One of the steps that a verb makes on this host, if it makes any: the command itself, or the
    /// escalator before it.
    pub(super) fn choose(
        host: &Host,
        config: &str,
        case: &Case<'_>,
        numbers: &mut Numbers,
    ) -> Option<Self> {
        let log = rehearsal(host, config, case);
        let steps: Vec<usize> = (0..log.len())
            .filter(|&at| log[at].depth == 0 && is_step(&log[at]))
            .collect();
        if steps.is_empty() {
            return None;
        }
        let step = *numbers.one_of(&steps);
        let inner = log[step + 1..].iter().take_while(|call| call.depth > 0);
        let behind = inner.count();
        // The first statuses are proper ends of a guest.
        let is_terminal = ["ttyboot", "install", "console"].contains(&case.form.verb);
        let is_guest = log[step].argv.iter().any(|word| word == "bhyve");
        let itself = step + behind;
        let at = if numbers.once_in(4) { step } else { itself };
        let program = log[at].argv[0].clone();
        let nth = log[..=at].iter().filter(|call| call.argv[0] == program);
        let statuses: &[i32] = if is_terminal && is_guest && at == itself {
            &[4, 64, 71]
        } else {
            &[1, 2, 64]
        };
        let fault = if numbers.once_in(4) {
            Fault::Kill(9)
        } else {
            let status = *numbers.one_of(statuses);
            Fault::Fail(status, format!("{program}: out of luck"))
        };
        Some(Self {
            nth: u32::try_from(nth.count()).unwrap(),
            program,
            fault,
        })
    }

    /// Lets it happen on a host.
    pub(super) fn order(&self, host: &mut Host) {
        host.order(&self.program, self.nth, self.fault.clone());
    }

    /// Whether it has happened there.
    pub(super) fn is_hit(&self, host: &Host) -> bool {
        let calls = host.calls().iter();
        let mut calls = calls.filter(|call| call.argv[0] == self.program);
        let expected = match &self.fault {
            Fault::Fail(status, _) => Status::Exit(*status),
            Fault::Kill(signal) => Status::Signal(*signal),
            Fault::Hang => Status::Hang,
            Fault::Missing => Status::NotFound,
        };
        let nth = usize::try_from(self.nth).unwrap();
        calls
            .nth(nth - 1)
            .is_some_and(|call| call.status == expected)
    }
}

/// What the verb calls when nothing fails, in this process.
fn rehearsal(host: &Host, config: &str, case: &Case<'_>) -> Vec<Logged> {
    let files = case.about.isos().into_iter().map(|iso| ("iso", iso));
    let files = files.chain(case.about.images().into_iter().map(|image| ("vm", image)));
    let mut host = host.clone();
    for (directory, name) in files {
        let is_new_disk = directory == "vm" && case.form.usually == super::Usually::NoDisk;
        if !is_new_disk {
            host = host.with_file(&format!("/x/{directory}/{name}"), "a system");
        }
    }
    host.state.files.mkdir_all("/x/vm".as_ref());
    let mut fake = Fake::new(host, USER);
    let words = case.words(&[]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let config = config.replace("@DIR@/dev", "/dev").replace("@DIR@", "/x");
    call(&mut fake, &config, &words);
    fake.host().calls().to_vec()
}

fn is_step(call: &Logged) -> bool {
    let words: Vec<&str> = call.argv.iter().map(String::as_str).collect();
    is_change(&words)
}
