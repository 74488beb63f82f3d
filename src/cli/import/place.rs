//! The names, ids and taps that the VMs of another manager get here, and which of their settings are valid.

use crate::check;
use crate::cli::{locate, new};
use crate::config::Config;
use crate::config::edit::{TypedSetting, append};
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity};
use crate::host::Look;
use crate::import::{Guest, is_nic};
use crate::model::name::VmName;
use crate::process::Process;
use crate::span::FileId;
use crate::verb::Spelling;
use crate::vis;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A VM with the name and the id that it gets here.
pub(super) struct Placed {
    pub(super) vm: String,
    pub(super) guest: Guest,
    /// All settings, the id first.
    pub(super) settings: Vec<TypedSetting>,
}

/// What is free for the VMs of another manager.
pub(super) struct Placing<'config> {
    config: &'config Config,
    names: HashSet<String>,
    /// The last number behind each name of which there are several.
    numbers: HashMap<String, u64>,
    /// The ids that are free.
    free: BTreeSet<u16>,
    /// Those of them that none of the VMs has there, and whose tap none of them names.
    spare: BTreeSet<u16>,
    /// The ids whose tap one of the VMs names.
    named: HashSet<u16>,
}

/// The number of a tap.
fn number_of(setting: &TypedSetting) -> Option<u16> {
    let tap = setting.value().strip_prefix(b"tap")?;
    let tap = std::str::from_utf8(tap).ok()?.parse().ok()?;
    is_nic(setting.key()).then_some(tap)
}

impl<'config> Placing<'config> {
    pub(super) fn new(
        look: &mut dyn Look,
        config: &'config Config,
        guests: &[Guest],
    ) -> Result<Self> {
        let interfaces = new::interfaces(look)?;
        let interfaces: HashSet<&str> = interfaces.iter().map(|one| one.name.as_str()).collect();
        let is_free = |id: &u16| !interfaces.contains(format!("tap{id}").as_str());
        let settings = guests.iter().flat_map(|guest| &guest.settings);
        let named: HashSet<u16> = settings.filter_map(number_of).collect();
        let wanted: HashSet<u16> = guests.iter().filter_map(|guest| guest.number).collect();
        let free: BTreeSet<u16> = config.free_ids().filter(is_free).collect();
        let is_spare = |id: &&u16| !named.contains(id) && !wanted.contains(id);
        Ok(Self {
            config,
            names: HashSet::new(),
            numbers: HashMap::new(),
            spare: free.iter().filter(is_spare).copied().collect(),
            free,
            named,
        })
    }

    /// Gives every VM a name, an id and taps that are free; also returns notes about those that have a VM
    /// of their name here.
    pub(super) fn place(&mut self, guests: Vec<Guest>) -> Result<(Vec<Placed>, Vec<String>)> {
        let (mut placed, mut notes) = (Vec::new(), Vec::new());
        for guest in guests {
            let vm = VmName::like(&guest.name);
            let vm = vm.map_or_else(|| "vm".to_owned(), |vm| vm.to_string());
            if let Some(set) = self.config.get(&format!("{vm}_id")) {
                let at = self.config.place(set.name_span);
                let text = format!(
                    "{} is not imported: {vm} already exists at {at}",
                    guest.name
                );
                notes.push(vis::line(&text).into_owned());
                continue;
            }
            placed.push(self.one(&vm, guest)?);
        }
        Ok((placed, notes))
    }

    fn one(&mut self, vm: &str, mut guest: Guest) -> Result<Placed> {
        let vm = self.name(vm);
        if vm != guest.name {
            guest.remarks.insert(0, format!("its name is {vm} here"));
        }
        let id = self.id(&mut guest)?;
        let mut settings = vec![TypedSetting::new("id", id.to_string())];
        settings.append(&mut guest.settings);
        for number in &guest.without_tap {
            let own = format!("if{number}_");
            let at = settings
                .iter()
                .position(|setting| setting.key().starts_with(&own));
            let tap = TypedSetting::parse(format!("if{number}=tap{}", self.next()?).as_ref());
            let tap = tap.map_err(|error| Error::config(error.to_string()))?;
            settings.insert(at.unwrap_or(settings.len()), tap);
        }
        let mut placed = Placed {
            vm,
            guest,
            settings,
        };
        placed.require_disk();
        Ok(placed)
    }

    /// The name itself, or with the next number that makes it free.
    fn name(&mut self, vm: &str) -> String {
        let is_free = |name: &str, names: &HashSet<String>| {
            !names.contains(name) && self.config.get(&format!("{name}_id")).is_none()
        };
        let mut name = vm.to_owned();
        let number = self.numbers.entry(name.clone()).or_insert(1);
        while !is_free(&name, &self.names) {
            *number += 1;
            name = format!("{vm}_{number}");
        }
        self.names.insert(name.clone());
        name
    }

    /// The id that the VM has there, or the next free one.
    fn id(&mut self, guest: &mut Guest) -> Result<u16> {
        let Some(number) = guest.number else {
            return self.next();
        };
        let has_tap = guest.settings.iter().any(|one| one.key() == "if0");
        let is_own = has_tap || !self.named.contains(&number);
        if is_own && self.free.remove(&number) {
            return Ok(number);
        }
        let id = self.next()?;
        guest.remarks.push(format!(
            "the number of its console is {id} here: {number} is in use"
        ));
        Ok(id)
    }

    /// The next spare id; 0 is the last, because other programs use tap0 first.
    fn next(&mut self) -> Result<u16> {
        let id = self.spare.range(1..).next().or(self.spare.first()).copied();
        let id = id.ok_or_else(|| Error::config("all ids from 0 to 32767 are in use"))?;
        self.spare.remove(&id);
        self.free.remove(&id);
        Ok(id)
    }
}

/// After so many rounds a VM that still has an invalid setting is skipped.
const ROUNDS: usize = 8;

/// The VMs without the settings that the configuration would refuse, each of which is reported; a VM that
/// it would refuse as a whole is skipped, with a note.
pub(super) fn valid(
    process: &Process,
    spelling: &Spelling,
    config: &Config,
    mut placed: Vec<Placed>,
    mut notes: Vec<String>,
) -> (Vec<Placed>, Vec<String>) {
    for round in 0..=ROUNDS {
        let found = refused(process, spelling, config, &placed);
        if found.is_empty() {
            break;
        }
        let mut at = 0..;
        placed.retain_mut(|one| {
            let Some(findings) = at.next().and_then(|at| found.get(&at)) else {
                return true;
            };
            let of_vm = findings.get("id").filter(|_| round < ROUNDS);
            let last = findings.values().next().filter(|_| round == ROUNDS);
            if let Some(why) = of_vm.or(last) {
                let text = format!("{} is not imported: {why}", one.guest.name);
                notes.push(vis::line(&text).into_owned());
                return false;
            }
            for (key, why) in findings {
                one.remove(key, why);
            }
            true
        });
    }
    (placed, notes)
}

/// The directory of a disk that is not imported: one that no host has (`/etc/passwd` names it for users
/// without a home).
const NOWHERE: &str = "/nonexistent";

impl Placed {
    /// Makes a VM without a first disk one that does not start: without a setting it would have the disk of
    /// `volroot`, which is not its own.
    fn require_disk(&mut self) {
        if self.settings.iter().any(|one| one.key() == "hd0") {
            return;
        }
        let path = format!("{NOWHERE}/{}", self.vm);
        self.guest.remarks.push(format!(
            "hd0={path} is no disk: {} starts when hd0 names one",
            self.vm
        ));
        let mut keys = self.settings.iter().map(TypedSetting::key);
        let at = keys.position(|key| key.starts_with("hd"));
        let at = at.unwrap_or(self.settings.len());
        self.settings.insert(at, TypedSetting::new("hd0", path));
    }

    /// Removes a setting that would be refused, and those that mean nothing without the setting.
    fn remove(&mut self, key: &str, why: &str) {
        let device = key.split('_').next().unwrap_or_default();
        // A disk of another kind is another disk for the guest.
        let is_device = device == key || key == format!("{device}_type");
        let is_gone = |one: &TypedSetting| {
            let rest = one.key().strip_prefix(device);
            one.key() == key
                || is_device && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        let gone = self.settings.extract_if(.., |one| is_gone(one));
        let gone: Vec<TypedSetting> = gone.collect();
        if key.ends_with("_bridge") {
            // The default is a network that the guest was not in.
            let none = TypedSetting::parse(format!("{key}=none").as_ref());
            self.settings.extend(none.ok());
        }
        let disk = device.strip_prefix("hd").filter(|_| is_device);
        match disk.and_then(|number| number.parse().ok()) {
            Some(number) => {
                let rest = gone
                    .into_iter()
                    .filter(|one| one.key() != key && one.key() != device);
                self.guest.lose_disk(number, key, why, rest);
            }
            None if key == "bhyve_args" => {
                let words = gone.first().map(TypedSetting::value).unwrap_or_default();
                let words = String::from_utf8_lossy(words).into_owned();
                self.guest.lose(format_args!("{words} of bhyve"), why);
            }
            None => self.guest.lose(key, why),
        }
        self.require_disk();
    }
}

/// What the configuration would refuse, by the position of the VM and the key.
fn refused(
    process: &Process,
    spelling: &Spelling,
    config: &Config,
    placed: &[Placed],
) -> BTreeMap<usize, BTreeMap<String, String>> {
    let mut found: BTreeMap<usize, BTreeMap<String, String>> = BTreeMap::new();
    let edits: Vec<_> = placed
        .iter()
        .flat_map(|one| append(config, FileId::default(), &one.vm, &one.settings))
        .collect();
    let draft = locate::with_outside(process, |outside| config.edited(&edits, outside));
    // A configuration that cannot be read at all is refused when it is written.
    let Ok(draft) = draft else {
        return found;
    };
    let mut keys: HashMap<String, (usize, &str)> = HashMap::new();
    for (at, one) in placed.iter().enumerate() {
        let named = |key: &TypedSetting| format!("{}_{}", one.vm, key.key());
        keys.extend(one.settings.iter().map(|key| (named(key), (at, key.key()))));
    }
    let mut spans: Vec<_> = draft
        .assignments()
        .filter(|set| set.name_span.file == FileId::default())
        .filter_map(|set| {
            Some((
                set.name_span.start,
                set.value_span.end,
                *keys.get(set.name)?,
            ))
        })
        .collect();
    spans.sort_unstable_by_key(|(start, ..)| *start);
    let findings = check::of_configuration(&draft, spelling, &process.devices);
    let is_error =
        |one: &Finding| one.severity == Severity::Error && one.span.file == FileId::default();
    for finding in findings.into_iter().filter(is_error) {
        let before = spans.partition_point(|(start, ..)| *start <= finding.span.start);
        let span = before.checked_sub(1).and_then(|at| spans.get(at));
        if let Some((_, end, (vm, key))) = span
            && finding.span.start <= *end
        {
            let of_vm = found.entry(*vm).or_default();
            of_vm.insert((*key).to_owned(), finding.message);
        }
    }
    found
}
