//! One VM's whole life on the simulated host, in this process.

use crate::call::call;
use crate::fake::Fake;
use crate::host::Host;

const CONFIG: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm
fbsd0_id=1 fbsd0_freebsd=YES fbsd0_cd0=/iso/fbsd.iso
deb0_id=2 deb0_cd0=/iso/deb.iso
";

#[test]
fn a_vm_is_made_installed_booted_and_shut_down() {
    for release in [14, 15] {
        let host = Host::freebsd(release)
            .with_image("/iso/fbsd.iso", 1 << 30)
            .with_image("/iso/deb.iso", 1 << 30);
        let mut fake = Fake::new(host, 1001);
        for words in [
            &["fbsd0-resources", "-V", "20g", "-s"][..],
            &["fbsd0-install"],
            &["fbsd0-boot"],
            &["fbsd0-snapshot", "before", "x"],
            &["easy-bhyve", "status"],
            &["easy-bhyve", "list"],
        ] {
            let said = call(&mut fake, CONFIG, words);
            assert_eq!(said.status, 0, "{words:?}: {said:?}");
        }
        fake.host.advance(60.0);
        for words in [
            &["fbsd0-shutdown"][..],
            &["fbsd0-clean"],
            &["fbsd0-rollback"],
            &["fbsd0-clone", "new0"],
            &["fbsd0-history"],
        ] {
            let said = call(&mut fake, CONFIG, words);
            assert_eq!(said.status, 0, "{words:?}: {said:?}");
        }
        assert!(fake.host.state.vms.is_empty() && !fake.host.state.interfaces.contains_key("tap1"));
    }
}
