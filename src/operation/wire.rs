//! A request as the words of a command line, and back: `root-VERB VM NAME=VALUE…`.
//!
//! The settings of a VM are the lines of `resources`; one that is no longer in the configuration has none.
//! A word without `=` begins the next VM.

use super::timings::Timings;
use super::{Job, Request};
use crate::config::settings_text;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::{NameError, VmName, error};
use crate::run::progress::Display;
use crate::verb::{Links, Spelling, Verb};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The prefix of the root side's verbs.
pub const PREFIX: &str = "root-";

/// The words of a request, the verb first.
pub fn of(request: &Request, host: &str, devices: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![format!("{PREFIX}{}", request.job.verb()).into()];
    let mut options = options(request);
    for vm in &request.vms {
        words.push(vm.name.as_str().into());
        if vm.is_configured() {
            let settings = settings_text::lines(vm, host, devices).into_iter();
            words.extend(settings.map(|line| pair(&line.name, &line.value)));
        }
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

/// The words that do not belong to a VM.
fn options(request: &Request) -> Vec<OsString> {
    let mut words = Words(vec![pair("as", &request.title)]);
    let first = request.vms.first();
    if let Some(vm) = first {
        write_spelling(&mut words, &vm.spelling);
    }
    for rival in &request.rivals {
        words.add("rival", rival.as_str());
    }
    let has_screen = request.vms.iter().any(|vm| vm.screen.is_some());
    if has_screen && request.uid != 0 {
        words.add("uid", &request.uid.to_string());
    }
    words.flag("ssh", request.is_over_ssh);
    if let Some(display) = request.display.as_str() {
        words.add("progress", display);
    }
    if let Some(timings) = request.timings {
        words.add("timings", &timings.word());
    }
    request.job.write(&mut words);
    words.0
}

/// The words of a request that is being written.
#[derive(Debug)]
pub struct Words(Vec<OsString>);

impl Words {
    /// Adds `NAME=VALUE`.
    pub fn add(&mut self, name: &str, value: &str) {
        self.0.push(pair(name, value));
    }

    /// Adds `NAME=yes` if `is_set`.
    pub fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.add(name, "yes");
        }
    }
}

/// Parses the words that [`of`] has written, and refuses all others.
///
/// # Errors
/// If there is an unknown verb or name, a name twice, or a value that its newtype refuses.
pub fn parse(words: &[OsString], devices: &Path) -> Result<Request> {
    let verb = words
        .first()
        .and_then(|word| word.to_str()?.strip_prefix(PREFIX))
        .ok_or_else(|| Error::usage("the first word is not a verb of the root side"))?;
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
            return Err(Error::usage(format!("{name}= precedes the first VM")));
        };
        if settings_text::is_of_vm(name) {
            pairs.push((name, value));
        } else {
            options.0.push((name, text(value)?));
        }
    }
    let spelling = parse_spelling(&mut options)?;
    let job = Job::parse(verb, &mut options)?;
    // The words are those of a whole VM, so all of them are valid whatever the verb needs.
    let takes_unconfigured = matches!(job, Job::Shutdown(_) | Job::ShowLog(_));
    let parse = |(name, pairs): (&str, Vec<_>)| {
        if pairs.is_empty() && takes_unconfigured {
            let name = VmName::parse(name).map_err(|error| Error::usage(error.to_string()))?;
            return Ok(Vm::unconfigured(name, spelling.clone()));
        }
        settings_text::parse(name, pairs.into_iter(), devices, &spelling)
    };
    let vms = sections.into_iter().map(parse);
    let vms = vms.collect::<Result<Vec<_>>>()?;
    if vms.is_empty() || vms.len() > 1 && !job.facts().takes_several {
        return Err(Error::usage(format!(
            "{PREFIX}{verb} with {} VMs",
            vms.len()
        )));
    }
    let rivals = options.all("rival", VmName::parse)?;
    let mut names = HashSet::new();
    let mut all = vms.iter().map(|vm| &vm.name).chain(&rivals);
    if let Some(twice) = all.find(|name| !names.insert(*name)) {
        return Err(Error::usage(format!("{twice} is named twice")));
    }
    let request = Request {
        job,
        vms,
        rivals,
        title: options.one("as")?.unwrap_or("easy-bhyve").to_owned(),
        uid: match options.one("uid")? {
            None => 0,
            Some(uid) => uid
                .parse()
                .map_err(|error| Error::usage(format!("uid={uid}: {error}")))?,
        },
        is_over_ssh: options.flag("ssh")?,
        display: match options.one("progress")? {
            None => Display::default(),
            Some(word) => Display::parse(word)
                .ok_or_else(|| Error::usage(format!("progress={word} is unknown")))?,
        },
        timings: options.parsed("timings", Timings::parse)?,
    };
    options.refuse_rest()?;
    Ok(request)
}

/// The form of calls in hints. A path that is not UTF-8 cannot be pasted, and is left out.
fn write_spelling(words: &mut Words, spelling: &Spelling) {
    if let Some(links) = &spelling.links {
        words.add("calls", "links");
        let missing: Vec<&str> = links.missing.iter().map(|verb| verb.as_str()).collect();
        if !missing.is_empty() {
            words.add("unlinked", &missing.join(","));
        }
    }
    if let Some(file) = spelling.config.as_deref().and_then(Path::to_str) {
        words.add("named", file);
    }
}

fn parse_spelling(options: &mut Options<'_>) -> Result<Spelling> {
    let unlinked = options.one("unlinked")?;
    let unlinked = unlinked.into_iter().flat_map(|names| names.split(','));
    let unknown = |name: &str| Error::usage(format!("unlinked={name} is unknown"));
    let missing = unlinked.map(|name| Verb::parse(name).ok_or_else(|| unknown(name)));
    let missing = missing.collect::<Result<_>>()?;
    let links = match options.one("calls")? {
        Some("links") => Some(Links { missing }),
        Some(other) => return Err(Error::usage(format!("calls={other} is unknown"))),
        None => None,
    };
    let config = options.one("named")?.map(PathBuf::from);
    Ok(Spelling { links, config })
}

pub(super) fn unknown(verb: &str) -> Error {
    Error::usage(format!("{PREFIX}{verb} is not a verb of the root side"))
}

pub(super) fn needed<T>(name: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::usage(format!("{name}= is missing")))
}

/// Parses an absolute path.
pub(super) fn absolute(text: &str) -> Result<PathBuf, NameError> {
    let path = PathBuf::from(text);
    path.is_absolute()
        .then_some(path)
        .ok_or_else(|| error(format!("\"{text}\" is not an absolute path")))
}

fn text(word: &OsStr) -> Result<&str> {
    word.to_str()
        .ok_or_else(|| Error::usage(format!("{} is not UTF-8", word.display())))
}

/// The options of a call that have not been parsed yet.
#[derive(Debug, Default)]
pub struct Options<'words>(Vec<(&'words str, &'words str)>);

impl<'words> Options<'words> {
    fn take(&mut self, name: &str) -> Vec<&'words str> {
        let (taken, rest) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(other, _)| *other == name);
        self.0 = rest;
        let taken: Vec<(&str, &'words str)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    pub(super) fn one(&mut self, name: &str) -> Result<Option<&'words str>> {
        match self.take(name).as_slice() {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(Error::usage(format!("{name}= is given twice"))),
        }
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool> {
        match self.one(name)? {
            None => Ok(false),
            Some("yes") => Ok(true),
            Some(other) => Err(Error::usage(format!("{name}={other} is not yes"))),
        }
    }

    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, NameError>,
    ) -> Result<Option<T>> {
        self.one(name)?
            .map(|value| parse(value).map_err(|error| Error::usage(format!("{name}: {error}"))))
            .transpose()
    }

    pub(super) fn all<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, NameError>,
    ) -> Result<Vec<T>> {
        let values = self.take(name);
        let mut seen = HashSet::new();
        if let Some(twice) = values.iter().find(|value| !seen.insert(**value)) {
            return Err(Error::usage(format!("{name}={twice} is given twice")));
        }
        values
            .into_iter()
            .map(|value| parse(value).map_err(|error| Error::usage(format!("{name}: {error}"))))
            .collect()
    }

    fn refuse_rest(&self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Error::usage(format!(
                "{name}= is not an option of this verb"
            ))),
        }
    }
}
