//! The script that `-d` prints does what the program does: every verb of every VM of the examples on
//! hosts in many states; on one of three hosts a step fails in both.
//!
//! On each host sh runs the script with real processes. The program runs with real processes on one host
//! of eleven, and in this process on the others: the calls are the same (`tests/suite/live` and
//! `tests/suite/terminal` test what needs real processes).
//!
//! `EASY_BHYVE_SEEDS` sets the number of states for each VM and verb (11), or a range: `17..18`.

mod forms;
mod left;
mod step;
mod ways;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::call::call;
use crate::fake::Fake;
use crate::host::build::USER;
use crate::host::{Host, Rule};
use crate::variety::{self, About, Numbers, Usually};
use forms::{FORMS, Form};
use left::left;
use step::{Failure, Way};
use ways::{Ran, Spoken, run_script};

/// Machines at a time: they wait most of the time.
const WORKERS: usize = 12;

/// How long a guest has time to shut down, in seconds: scripts wait that long for guests without ACPI.
const STOP_TIMEOUT: u32 = 5;

/// The least number of compared states, of states in which a step fails, and of successes of each
/// form of a verb.
const LEAST: Least = Least {
    states: 2_000,
    failing: 667,
    successes: 8,
};

struct Least {
    states: usize,
    failing: usize,
    successes: usize,
}

/// An example as the configuration of a machine, and its VMs.
struct Example {
    config: String,
    vms: Vec<About>,
}

impl Example {
    fn all() -> Vec<Self> {
        let zfs = include_str!("../../examples/easy-bhyve.conf");
        let overlay = include_str!("../../examples/easy-bhyve-svr1.conf");
        let files = include_str!("../../examples/ufs.conf");
        vec![
            Self::new(zfs, &[]),
            Self::new(&format!("{zfs}{overlay}"), &["build0"]),
            Self::new(files, &[]),
        ]
    }

    /// With only these VMs, if any are named.
    fn new(text: &str, only: &[&str]) -> Self {
        let text = text
            .replace("iso_path=/vm/iso", "iso_path=@DIR@/iso")
            .replace("iso_path=/iso", "iso_path=@DIR@/iso")
            .replace("=/vm\n", "=@DIR@/vm\n")
            .replace("=/data/vm/", "=@DIR@/vm/")
            .replace("=/dev/", "=@DEV@/");
        let here = text.replace("@DIR@", "/x").replace("@DEV@", "/dev");
        let mut fake = Fake::new(Host::freebsd(14), USER);
        let listed = call(
            &mut fake,
            &here,
            &["easy-bhyve", "list", "--format", "json"],
        );
        let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
        let vms = listed["vms"].as_array().unwrap();
        let vms = vms.iter().map(|row| row["name"].as_str().unwrap());
        let vms = vms
            .filter(|vm| only.is_empty() || only.contains(vm))
            .map(|vm| {
                let words = [&format!("{vm}-resources"), "--format", "json"];
                let said = call(&mut fake, &here, &words);
                About::new(vm, serde_json::from_str(&said.out).unwrap())
            })
            .collect::<Vec<_>>();
        let mut config = text.replace("@DEV@", "@DIR@/dev");
        for about in &vms {
            config.push_str(&format!("{}_stop_timeout={STOP_TIMEOUT}\n", about.vm));
            if about.has_firmware() {
                config.push_str(&format!("{0}_uefi_vars=@DIR@/vm/{0}.uefi-vars\n", about.vm));
            }
        }
        Self { config, vms }
    }

    /// Whether a verb applies to this VM: those of ZFS do not where disks are files.
    fn takes(about: &About, form: &Form) -> bool {
        let is_of_zfs = ["snapshot", "rollback", "clone"].contains(&form.verb);
        about.images().is_empty() || !is_of_zfs
    }
}

fn seeds() -> Range<u64> {
    let text = std::env::var("EASY_BHYVE_SEEDS").unwrap_or_else(|_| "11".into());
    match text.split_once("..") {
        Some((from, to)) => from.parse().unwrap()..to.parse().unwrap(),
        None => 0..text.parse().unwrap(),
    }
}

/// A verb of a VM on one host.
struct Case<'all> {
    example: &'all Example,
    about: &'all About,
    form: &'all Form,
    seed: u64,
}

/// The result of a case if run and script agree.
#[derive(Clone, Copy)]
struct Went {
    succeeded: bool,
    /// Whether a step failed in both.
    failed_in_both: bool,
}

#[test]
fn the_script_does_what_the_run_does_on_every_host() {
    let examples = Example::all();
    let mut cases = Vec::new();
    for seed in seeds() {
        for example in &examples {
            for about in &example.vms {
                for form in FORMS.iter().filter(|form| Example::takes(about, form)) {
                    cases.push(Case {
                        example,
                        about,
                        form,
                        seed,
                    });
                }
            }
        }
    }
    let results = compare_all(&cases);
    let mut wrong = Vec::new();
    let mut successes: BTreeMap<String, usize> = BTreeMap::new();
    let mut failing = 0;
    for (case, result) in cases.iter().zip(results) {
        let count = successes.entry(case.form.name()).or_default();
        match result {
            Ok(went) => {
                *count += usize::from(went.succeeded);
                failing += usize::from(went.failed_in_both);
            }
            Err(difference) => wrong.push(format!("{}: {difference}", case.name())),
        }
    }
    println!(
        "{} hosts, on {failing} of them a step failed in both; successes: {successes:?}",
        cases.len()
    );
    assert!(
        wrong.is_empty(),
        "{} differ\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
    if std::env::var_os("EASY_BHYVE_SEEDS").is_none() {
        assert!(cases.len() >= LEAST.states, "too few hosts");
        assert!(failing >= LEAST.failing, "too few steps fail");
        let rare = successes
            .iter()
            .filter(|(_, times)| **times < LEAST.successes);
        assert_eq!(rare.count(), 0, "a verb hardly ever succeeds");
    }
}

/// The result of each case, by several workers.
fn compare_all(cases: &[Case<'_>]) -> Vec<Result<Went, String>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((at, case)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    cases.get(at).map(|case| (at, case))
                } {
                    let result = case.compare();
                    let mut all = results.lock().unwrap_or_else(PoisonError::into_inner);
                    all.insert(at, result);
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(results.len(), cases.len(), "a worker stopped early");
    results.into_values().collect()
}

impl Form {
    /// Whether the form shows what the host answers and changes nothing.
    fn only_asks(&self) -> bool {
        self.words.is_empty() && ["resources", "snapshot"].contains(&self.verb)
    }

    fn name(&self) -> String {
        [&[self.verb], self.words].concat().join(" ")
    }
}

impl Case<'_> {
    fn name(&self) -> String {
        format!("{}-{}, seed {}", self.about.vm, self.form.name(), self.seed)
    }

    /// The words of a call, with further words behind the name.
    fn words(&self, more: &[&str]) -> Vec<String> {
        let link = format!("{}-{}", self.about.vm, self.form.verb);
        let rest = more.iter().chain(self.form.words);
        std::iter::once(link)
            .chain(rest.map(|word| (*word).to_owned()))
            .collect()
    }

    /// The host, its configuration, and the step that fails there.
    fn host(&self) -> (Host, String, Option<Failure>) {
        let mut numbers = Numbers::new(self.seed, &self.name());
        let word = *numbers.one_of(&["doas", "doas", "sudo", "mdo"]);
        let host = variety::host(&mut numbers, self.about, self.form.usually)
            .with_escalator(word, Rule::Permit);
        let mut config = self.example.config.replace("privilege=auto\n", "");
        config.push_str(&format!("privilege={word}\n"));
        let failure = if numbers.below(5) < 3 {
            Failure::choose(&host, &config, self, &mut numbers)
        } else {
            None
        };
        (host, config, failure)
    }

    /// The result, or the difference between the two.
    fn compare(&self) -> Result<Went, String> {
        let (host, config, failure) = self.host();
        let run = self.run(&host, &config, failure.as_ref());
        if let Some(harm) = run.left.harm.first() {
            return Err(format!(
                "{failure:?}: the run does harm: {harm}\n{:#?}\nrun said: {}",
                run.left.changes, run.said.err
            ));
        }
        let about = format!("{failure:?}, {}", config.lines().last().unwrap_or_default());
        let (shown, script) = match self.show(&host, &config, failure.as_ref()) {
            Ok(shown) => shown,
            Err(refusal) => {
                return refused(&run, &refusal)
                    .map_err(|difference| format!("{about}: {difference}"));
            }
        };
        let output = run_script(&shown, &script, self.seed);
        let scripted = left(&shown, &output);
        let said = Spoken::of(&output, shown.path());
        // The list of snapshots is a table made from what the shown questions answer.
        let is_text = self.form.verb == "resources";
        let same_text = !is_text || run.said.out == said.out;
        // -d refuses what the run refuses before any change, unless the run has waited in vain, or a call
        // fails after the survey.
        let only_run_refuses = !run.left.succeeded()
            && run.left.changes.is_empty()
            && failure.is_none()
            && !run.said.err.contains(", perhaps still booting, to handle ")
            && !self.form.only_asks();
        if run.left == scripted && same_text && !only_run_refuses {
            let is_hit = |one: &Failure| one.is_hit(Way::Script, &shown.host());
            return Ok(Went {
                succeeded: run.left.succeeded(),
                failed_in_both: run.is_hit && failure.as_ref().is_some_and(is_hit),
            });
        }
        Err(format!(
            "{about}\n{}\nrun said: {}{}\nscript said: {}{}\n{}",
            similar_asserts::SimpleDiff::from_str(
                &format!("{:#?}", run.left).replace("\\n", "\n"),
                &format!("{scripted:#?}").replace("\\n", "\n"),
                "run",
                "script"
            ),
            run.said.out,
            run.said.err,
            said.out,
            said.err,
            String::from_utf8_lossy(&script),
        ))
    }
}

/// Where `-d` refuses, the run has refused with the same message and changed nothing.
fn refused(run: &Ran, shown: &Spoken) -> Result<Went, String> {
    let same = (run.said.status, &run.said.err) == (shown.status, &shown.err);
    if !same || !run.left.changes.is_empty() {
        return Err(format!(
            "-d refuses otherwise\nrun: {:#?}\nits changes: {:#?}\n-d: {shown:#?}",
            run.said, run.left.changes
        ));
    }
    Ok(Went {
        succeeded: false,
        failed_in_both: false,
    })
}
