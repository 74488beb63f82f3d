//! A request as the words of a call, and back: `root-VERB VM NAME=VALUE…`.
//!
//! The values of a VM are the lines of `resources`. A word without `=` begins the next VM.

use super::{Boot, How, Job, Request, Whom};
use crate::config::lines;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::name::{Dataset, NameError, SnapName, VmName};
use crate::model::size::DiskSize;
use crate::plan::boot::Start;
use crate::plan::disk::Allocation;
use crate::plan::loader::Source;
use crate::plan::rollback::Consent;
use crate::verb::Spelling;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What the first word of the root side begins with.
pub const PREFIX: &str = "root-";

/// The words of a request, the verb first.
pub fn of(request: &Request, host: &str, devices: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![format!("{PREFIX}{}", request.job.verb()).into()];
    let mut options = options(request);
    for vm in &request.vms {
        words.push(vm.name.as_str().into());
        let settings = lines::lines(vm, host, devices);
        words.extend(
            settings
                .into_iter()
                .map(|line| pair(&line.name, &line.value)),
        );
        words.append(&mut options);
    }
    words
}

fn pair(name: &str, value: impl AsRef<OsStr>) -> OsString {
    let mut word = OsString::from(name);
    word.push("=");
    word.push(value);
    word
}

/// What is not of a VM.
fn options(request: &Request) -> Vec<OsString> {
    let mut words = vec![pair("as", &request.title)];
    let mut add = |name: &str, value: &str| words.push(pair(name, value));
    if request
        .vms
        .first()
        .is_some_and(|vm| vm.spelling == Spelling::Link)
    {
        add("calls", "links");
    }
    request
        .rivals
        .iter()
        .for_each(|rival| add("rival", rival.as_str()));
    match &request.job {
        Job::Start(boot) => {
            if boot.source == Source::Prompt {
                add("pause", "yes");
            }
            if boot.waits {
                add("waits", "yes");
            }
            if let Some(temp) = &boot.temp {
                add("temp", temp.as_str());
            }
        }
        Job::Restart(how) => add("how", how.as_str()),
        Job::Shutdown { whom, how, quiet } => {
            if *whom == Whom::All {
                add("all", "yes");
            }
            add("how", how.as_str());
            if *quiet {
                add("quiet", "yes");
            }
        }
        Job::Console { force } => {
            if *force {
                add("force", "yes");
            }
        }
        Job::MakeDisk { size, allocation } => {
            add("size", size.as_str());
            if *allocation == Allocation::Sparse {
                add("sparse", "yes");
            }
        }
        Job::Clean => {}
        Job::Snapshot(name) => add("snapshot", name.as_str()),
        Job::Rollback { wanted, consent } => {
            if let Some(wanted) = wanted {
                add("snapshot", wanted.as_str());
            }
            if *consent == Consent::Given {
                add("force", "yes");
            }
        }
        Job::Clone {
            base,
            stamp,
            targets,
        } => {
            if let Some(base) = base {
                add("snapshot", base.as_str());
            }
            add("stamp", stamp);
            for target in targets {
                add("target", target.as_str());
            }
        }
    }
    words
}

impl How {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Button => "button",
            Self::Cut => "cut",
            Self::ButtonThenCut => "button-then-cut",
        }
    }
}

/// Reads the words that [`of`] has written, strictly.
///
/// # Errors
/// If they are no such words: an unknown verb or name, a name twice, a value that its newtype
/// refuses.
pub fn parse(words: &[OsString], devices: &Path) -> Result<Request> {
    let verb = words
        .first()
        .and_then(|word| word.to_str()?.strip_prefix(PREFIX))
        .ok_or_else(|| Error::usage("the first word is no verb of the root side"))?;
    let mut options = Options::default();
    let mut sections: Vec<(&str, Vec<(&str, &OsStr)>)> = Vec::new();
    for word in words.iter().skip(1) {
        let bytes = word.as_bytes();
        let Some(at) = bytes.iter().position(|&byte| byte == b'=') else {
            sections.push((text(word)?, Vec::new()));
            continue;
        };
        let (name, value) = bytes.split_at(at);
        let name = text(OsStr::from_bytes(name))?;
        let value = OsStr::from_bytes(value.get(1..).unwrap_or_default());
        let Some((_, pairs)) = sections.last_mut() else {
            return Err(Error::usage(format!("{name}= stands before any VM")));
        };
        if Options::NAMES.contains(&name) {
            options.0.push((name, text(value)?));
        } else {
            pairs.push((name, value));
        }
    }
    let spelling = match options.one("calls")? {
        Some("links") => Spelling::Link,
        Some(other) => return Err(Error::usage(format!("calls={other} is not known"))),
        None => Spelling::Word,
    };
    let need = match verb {
        "install" => Need::Install,
        _ => Need::Boot,
    };
    let vms = sections
        .into_iter()
        .map(|(name, pairs)| lines::parse(name, pairs.into_iter(), need, devices, spelling))
        .collect::<Result<Vec<_>>>()?;
    if vms.is_empty() || vms.len() > 1 && verb != "shutdown" {
        return Err(Error::usage(format!(
            "{PREFIX}{verb} with {} VMs",
            vms.len()
        )));
    }
    let job = job(verb, &mut options)?;
    let request = Request {
        job,
        vms,
        rivals: options.all("rival", VmName::parse)?,
        title: options.one("as")?.unwrap_or("easy-bhyve").to_owned(),
    };
    options.refuse_rest()?;
    Ok(request)
}

fn job(verb: &str, options: &mut Options<'_>) -> Result<Job> {
    let start = match verb {
        "boot" => Some(Start::Background),
        "attend" => Some(Start::Attended),
        "ttyboot" => Some(Start::Terminal),
        "install" => Some(Start::Install),
        _ => None,
    };
    if let Some(start) = start {
        let source = match (start, options.flag("pause")?) {
            (Start::Install, false) => Source::Cd,
            (Start::Install, true) => return Err(Error::usage("pause=yes for install")),
            (_, false) => Source::Disk,
            (_, true) => Source::Prompt,
        };
        return Ok(Job::Start(Boot {
            start,
            source,
            waits: options.flag("waits")?,
            temp: options.parsed("temp", SnapName::parse)?,
        }));
    }
    Ok(match verb {
        "restart" => Job::Restart(options.how()?),
        "shutdown" => Job::Shutdown {
            whom: if options.flag("all")? {
                Whom::All
            } else {
                Whom::Named
            },
            how: options.how()?,
            quiet: options.flag("quiet")?,
        },
        "console" => Job::Console {
            force: options.flag("force")?,
        },
        "resources" => Job::MakeDisk {
            size: needed("size", options.parsed("size", DiskSize::parse)?)?,
            allocation: if options.flag("sparse")? {
                Allocation::Sparse
            } else {
                Allocation::Full
            },
        },
        "clean" => Job::Clean,
        "snapshot" => Job::Snapshot(needed(
            "snapshot",
            options.parsed("snapshot", SnapName::parse)?,
        )?),
        "rollback" => Job::Rollback {
            wanted: options.parsed("snapshot", SnapName::parse)?,
            consent: if options.flag("force")? {
                Consent::Given
            } else {
                Consent::Ask
            },
        },
        "clone" => Job::Clone {
            base: options.parsed("snapshot", SnapName::parse)?,
            stamp: needed("stamp", options.parsed("stamp", SnapName::parse)?)?
                .as_str()
                .to_owned(),
            targets: options.all("target", Dataset::parse)?,
        },
        other => {
            return Err(Error::usage(format!(
                "{PREFIX}{other} is no verb of the root side"
            )));
        }
    })
}

fn needed<T>(name: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::usage(format!("{name}= is missing")))
}

fn text(word: &OsStr) -> Result<&str> {
    word.to_str()
        .ok_or_else(|| Error::usage(format!("{} is not UTF-8", word.display())))
}

/// The options of a call that were not read yet.
#[derive(Default)]
struct Options<'words>(Vec<(&'words str, &'words str)>);

impl<'words> Options<'words> {
    const NAMES: [&'static str; 15] = [
        "all", "as", "calls", "force", "how", "pause", "quiet", "rival", "size", "snapshot",
        "sparse", "stamp", "target", "temp", "waits",
    ];

    fn take(&mut self, name: &str) -> Vec<&'words str> {
        let (taken, rest) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(other, _)| *other == name);
        self.0 = rest;
        let taken: Vec<(&str, &'words str)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    fn one(&mut self, name: &str) -> Result<Option<&'words str>> {
        match self.take(name).as_slice() {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(Error::usage(format!("{name}= stands twice"))),
        }
    }

    fn flag(&mut self, name: &str) -> Result<bool> {
        match self.one(name)? {
            None => Ok(false),
            Some("yes") => Ok(true),
            Some(other) => Err(Error::usage(format!("{name}={other} is not yes"))),
        }
    }

    fn how(&mut self) -> Result<How> {
        let typed = needed("how", self.one("how")?)?;
        [How::Button, How::Cut, How::ButtonThenCut]
            .into_iter()
            .find(|how| how.as_str() == typed)
            .ok_or_else(|| Error::usage(format!("how={typed} is not known")))
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, NameError>,
    ) -> Result<Option<T>> {
        self.one(name)?
            .map(|value| parse(value).map_err(|error| Error::usage(format!("{name}: {error}"))))
            .transpose()
    }

    fn all<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, NameError>,
    ) -> Result<Vec<T>> {
        self.take(name)
            .into_iter()
            .map(|value| parse(value).map_err(|error| Error::usage(format!("{name}: {error}"))))
            .collect()
    }

    fn refuse_rest(&self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Error::usage(format!("{name}= is none of this verb"))),
        }
    }
}
