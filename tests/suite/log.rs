//! `log -f` in simulated time.

use crate::call::call;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use easy_bhyve::host::Interruption;

const CONFIG: &str = "bridge=bridge0 volroot=zroot/vm\na_id=1 a_freebsd=YES\n";

#[test]
fn a_follower_waits_between_two_looks_and_ctrl_c_is_no_failure_through_doas_either() {
    for (is_shown, escalations) in [(true, 0), (false, 1)] {
        let mut fake = Fake::new(Host::freebsd(14), USER);
        fake.write_log("a", Some("one\n"), "two\nhalf");
        if is_shown {
            fake.show_logs();
        }
        fake.interrupted = Some((40, Interruption::Signal(2)));
        let before = fake.host().state.clock_ms;
        let said = call(&mut fake, CONFIG, &["a-log", "-f"]);
        // The rest of the last line is not there yet.
        assert_eq!(
            (said.status, said.out.as_str()),
            (0, "one\ntwo\n"),
            "{said:?}"
        );
        let waited = fake.host().state.clock_ms - before;
        assert!((15_000..=20_000).contains(&waited), "{waited} ms");
        let host = fake.host();
        let doas = host.calls().iter().filter(|call| call.argv[0] == "doas");
        assert_eq!(doas.count(), escalations);
    }
}
