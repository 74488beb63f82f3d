//! A VM's processors.
//!
//! Source: the `-c` option of bhyve(8) (`usr.sbin/bhyve/bhyverun.c`).

use super::name::{NameError, text_newtype};
use smol_str::{SmolStr, format_smolstr};
use std::ffi::OsStr;
use std::fmt;

/// The number of vCPUs, or bhyve's topology form `[cpus=]N[,sockets=N][,cores=N][,threads=N]`,
/// as the user spelled it, and its number of vCPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuTopology(SmolStr, u64);
text_newtype!(CpuTopology);

impl CpuTopology {
    /// Parses a topology.
    ///
    /// # Errors
    /// If bhyve(8) would refuse it: an unknown key, a number outside 1 to 65535,
    /// or `cpus` unequal to sockets × cores × threads.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let refuse = |why: String| {
            Err(super::name::error(format!(
                "\"{text}\" is not a number of cpus: {why}; write for example 2, or sockets=1,cores=4"
            )))
        };
        let (mut cpus, mut sockets, mut cores, mut threads) = (None, None, None, None);
        for token in text.split(',') {
            let (key, number) = token.split_once('=').unwrap_or(("cpus", token));
            let place = match key {
                "cpus" => &mut cpus,
                "sockets" => &mut sockets,
                "cores" => &mut cores,
                "threads" => &mut threads,
                _ => {
                    return refuse(format!(
                        "\"{key}\" is not one of cpus, sockets, cores, threads"
                    ));
                }
            };
            match number.parse::<u64>() {
                Ok(parsed @ 1..=65535) if number.bytes().all(|b| b.is_ascii_digit()) => {
                    *place = Some(parsed);
                }
                _ if number == text => {
                    return refuse("expected a number from 1 to 65535".to_owned());
                }
                _ => return refuse(format!("\"{number}\" is not a number from 1 to 65535")),
            }
        }
        let given = sockets.is_some() || cores.is_some() || threads.is_some();
        // bhyve uses cpus as the number of sockets if only cores or threads are given with it.
        let product = sockets.or(cpus).unwrap_or(1) * cores.unwrap_or(1) * threads.unwrap_or(1);
        match cpus {
            Some(cpus) if given && product != cpus => refuse(format!(
                "sockets × cores × threads is {product}, cpus is {cpus}"
            )),
            _ => Ok(Self(text.into(), product)),
        }
    }

    /// One vCPU, the default of a VM.
    pub fn one() -> Self {
        Self(SmolStr::new_static("1"), 1)
    }

    /// A plain number as so many cores of one socket; a topology is left as it is. bhyve(8) makes a socket
    /// of each cpu of a plain number, and some guests use only a few sockets.
    #[must_use]
    pub fn as_cores(self) -> Self {
        let is_plain = !self.0.contains("sockets") && !self.0.contains("cores");
        if !is_plain || self.0.contains("threads") {
            return self;
        }
        let count = self.count();
        Self(
            format_smolstr!("cpus={count},sockets=1,cores={count},threads=1"),
            count,
        )
    }

    /// The number of vCPUs.
    pub fn count(&self) -> u64 {
        self.1
    }
}

#[cfg(test)]
mod tests {
    use super::CpuTopology;

    #[test]
    fn a_number_and_a_topology_are_taken_as_spelt() {
        for text in [
            "1",
            "16",
            "cpus=4",
            "sockets=1,cores=4",
            "8,sockets=2,cores=2,threads=2",
        ] {
            assert_eq!(CpuTopology::parse(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn a_topology_has_as_many_cpus_as_its_product() {
        for (text, count) in [
            ("4", 4),
            ("cpus=2", 2),
            ("sockets=2,cores=3", 6),
            ("8,sockets=8", 8),
        ] {
            assert_eq!(CpuTopology::parse(text).expect(text).count(), count);
        }
    }

    #[test]
    fn a_plain_number_becomes_cores_of_one_socket() {
        for (text, cores) in [
            ("4", "cpus=4,sockets=1,cores=4,threads=1"),
            ("cpus=2", "cpus=2,sockets=1,cores=2,threads=1"),
            ("1", "cpus=1,sockets=1,cores=1,threads=1"),
            ("sockets=2", "sockets=2"),
            ("4,sockets=4", "4,sockets=4"),
            ("cores=2", "cores=2"),
            ("threads=2", "threads=2"),
        ] {
            let topology = CpuTopology::parse(text).expect(text).as_cores();
            assert_eq!(topology.as_str(), cores);
            assert_eq!(CpuTopology::parse(cores), Ok(topology));
        }
    }

    #[test]
    fn what_bhyve_would_refuse_is_refused() {
        for text in [
            "",
            "0",
            "65536",
            "two",
            "4,",
            "cores=",
            "cpu=2",
            "4,sockets=2,cores=4",
            "4,cores=2",
            "+1",
        ] {
            assert!(CpuTopology::parse(text).is_err(), "{text}");
        }
    }
}
