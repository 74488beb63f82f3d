//! Pools: zpool(8).

use crate::command::{Command, args};

/// The state of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The name.
    pub name: String,
    /// The health: `ONLINE`, `DEGRADED` and others (zpoolconcepts(7)).
    pub health: String,
    /// The used share of its size, in percent.
    pub used_percent: u8,
}

/// Asks for a pool: `zpool list -Hp -o name,health,capacity POOL`.
pub fn list(pool: &str) -> Command {
    Command::question(
        "zpool",
        args!["list", "-Hp", "-o", "name,health,capacity", pool],
    )
}

/// Parses the output of [`list`].
pub fn parse(output: &str) -> Option<Pool> {
    let mut fields = output.lines().next()?.split('\t');
    let (name, health, used) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Pool {
        name: name.to_owned(),
        health: health.to_owned(),
        // Releases differ in the sign of percent behind -p.
        used_percent: used.trim_end_matches('%').parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::{list, parse};

    #[test]
    fn a_pool_is_one_line() {
        assert_eq!(
            list("zroot").to_string(),
            "zpool list -Hp -o name,health,capacity zroot"
        );
        let pool = parse("zroot\tDEGRADED\t81%\n").unwrap();
        assert_eq!((pool.health.as_str(), pool.used_percent), ("DEGRADED", 81));
        assert_eq!(parse("zroot\tONLINE\n"), None);
        assert_eq!(parse(""), None);
    }
}
