//! Routes: route(8).

use crate::command::{Command, args};

/// The address families in the order in which a default route is looked for, as modifiers of route(8).
pub const FAMILIES: [&str; 2] = ["-inet", "-inet6"];

/// Queries the default route of a family: `route -n get FAMILY default`.
///
/// Exits with 1 and `route has not been found` if there is none (`sbin/route/route.c`).
pub fn show_default(family: &str) -> Command {
    Command::question("route", args!["-n", "get", family, "default"])
}

/// Parses the interface in the output of [`show_default`].
pub fn interface(output: &str) -> Option<&str> {
    let mut lines = output.lines();
    lines.find_map(|line| line.trim_start().strip_prefix("interface: "))
}

#[cfg(test)]
mod tests {
    use super::{interface, show_default};

    #[test]
    fn the_interface_of_a_route_is_found() {
        assert_eq!(
            show_default("-inet").to_string(),
            "route -n get -inet default"
        );
        let output = "   route to: default\ndestination: default\n       mask: default\n    \
            gateway: 192.0.2.1\n        fib: 0\n  interface: igb0\n      \
            flags: <UP,GATEWAY,DONE,STATIC>\n";
        assert_eq!(interface(output), Some("igb0"));
        assert_eq!(interface("   route to: default\n"), None);
    }
}
