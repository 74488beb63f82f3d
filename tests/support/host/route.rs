//! route(8): sbin/route/route.c. Only `get` of the default route is simulated; the routing socket answers
//! it to every user.

use super::Host;
use super::call::{Answer, Call};
use super::words::Words;

/// EX_USAGE of sysexits(3).
const EX_USAGE: i32 = 64;

const USAGE: &str = "usage: route [-46dnqtv] command [[modifiers] args]";

/// Runs `route [-n] get [-inet | -inet6] default`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse(&call.words(), "46nqdtv") {
        Ok(words) => words,
        Err(error) => {
            return Answer::fail(EX_USAGE, format!("route: {error}")).and_err(USAGE);
        }
    };
    let Some((command, rest)) = words.operands.split_first() else {
        return Answer::fail(EX_USAGE, USAGE);
    };
    let mut family = if words.has("6") { "inet6" } else { "inet" };
    let mut destination = None;
    for word in rest {
        match (word.as_str(), word.strip_prefix('-')) {
            ("-inet" | "-4", _) => family = "inet",
            ("-inet6" | "-6", _) => family = "inet6",
            (_, Some(keyword)) => {
                return Answer::fail(EX_USAGE, format!("route: bad keyword: {keyword}"))
                    .and_err(USAGE);
            }
            (word, None) => destination = Some(word),
        }
    }
    match (command.as_str(), destination) {
        ("get", Some("default")) => {}
        ("get", None) => return Answer::fail(EX_USAGE, USAGE),
        _ => panic!("not simulated: {:?}", call.words()),
    }
    // rtmsg: ESRCH of the routing socket.
    let Some((gateway, interface)) = host.state.routes.get(family) else {
        return Answer::fail(1, "route: route has not been found");
    };
    let mtu = host
        .state
        .interfaces
        .get(interface)
        .map_or(0, |one| one.mtu);
    // print_getmsg; routename() prints the address of any host as `default`, with -n, too.
    let any = if family == "inet" { "default" } else { "::" };
    Answer::out(format!(
        "   route to: {any}\ndestination: {any}\n       mask: {any}\n    gateway: {gateway}\n        \
         fib: 0\n  interface: {interface}\n      flags: <UP,GATEWAY,DONE,STATIC>\n \
         recvpipe  sendpipe  ssthresh  rtt,msec    mtu        weight    expire\n       \
         0         0         0         0      {mtu:4}         1         0 \n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_of_each_family_has_an_interface() {
        let mut host = Host::freebsd(14);
        let mut run = |words: &str| host.run(&Call::new(words.split(' ')));
        let found = run("route -n get default");
        assert!(
            found.stdout().contains("\n  interface: igb0\n"),
            "{found:?}"
        );
        assert_eq!(run("route -n get -inet default"), found);
        let none = Answer::fail(1, "route: route has not been found");
        assert_eq!(run("route -n get -inet6 default"), none);
        assert_eq!(run("route -n get"), Answer::fail(EX_USAGE, USAGE));
        assert!(
            run("route -x get default")
                .stderr()
                .contains("illegal option")
        );
        assert!(
            run("route get -dev default")
                .stderr()
                .contains("bad keyword: dev")
        );
    }
}
