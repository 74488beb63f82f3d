//! The topology of vCPUs (bhyverun.c).

use std::collections::BTreeMap;

use super::super::call::Answer;
use super::options::EX_USAGE;

/// `-c [[cpus=]N][,sockets=n][,cores=n][,threads=n]`: the last value of each key counts
/// (bhyverun.c, `topology_parse`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Topology(BTreeMap<&'static str, String>);

impl Topology {
    pub(super) fn set(&mut self, key: &str, number: &str) {
        let known = ["cpus", "sockets", "cores", "threads"].into_iter();
        let key = known.filter(|known| *known == key);
        self.0.extend(key.map(|key| (key, number.to_owned())));
    }

    pub(super) fn take(&mut self, value: &str) -> Result<(), Answer> {
        if value.is_empty() {
            for key in ["cpus", "sockets", "cores", "threads"] {
                self.0.insert(key, "1".into());
            }
            return Ok(());
        }
        for part in value.split(',') {
            let (key, number) = match part.split_once('=') {
                None => ("cpus", part),
                Some(("cpus", number)) => ("cpus", number),
                Some(("sockets", number)) => ("sockets", number),
                Some(("cores", number)) => ("cores", number),
                Some(("threads", number)) => ("threads", number),
                Some(_) => {
                    let text = format!("bhyve: invalid cpu topology '{value}'");
                    return Err(Answer::fail(EX_USAGE, text));
                }
            };
            self.0.insert(key, number.into());
        }
        Ok(())
    }

    /// The number of vCPUs (bhyverun.c, `calc_topology`): without sockets it is that of cpus.
    pub(super) fn cpus(&self) -> Result<u32, Answer> {
        let number = |key: &str| match self.0.get(key) {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) if (1..=65535).contains(&number) => Ok(Some(number)),
                _ => Err(Answer::fail(
                    4,
                    format!("bhyve: Invalid value for {key}: '{text}'"),
                )),
            },
        };
        let cpus: Option<u32> = number("cpus")?;
        let cores = number("cores")?.unwrap_or(1);
        let threads = number("threads")?.unwrap_or(1);
        let sockets = number("sockets")?.or(cpus).unwrap_or(1);
        let product = u64::from(sockets) * u64::from(cores) * u64::from(threads);
        let total = match u32::try_from(product) {
            Ok(total) if total <= 65535 => total,
            _ => {
                let text = format!("bhyve: Computed number of vCPUs too high: {product}");
                return Err(Answer::fail(4, text));
            }
        };
        match cpus {
            Some(cpus) if cpus != total => {
                let text = format!(
                    "bhyve: Topology ({sockets} sockets, {cores} cores, {threads} threads) does \
                     not match {cpus} vCPUs"
                );
                Err(Answer::fail(4, text))
            }
            _ => Ok(total),
        }
    }
}
