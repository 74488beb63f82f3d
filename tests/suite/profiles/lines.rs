//! The lines of loader and bhyve for each profile of the program, in one file that is reviewed.

use super::{BuiltIn, built_in, vm};
use crate::call::call;
use crate::case::root;
use crate::cases::compare;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;

const VERBS: [&str; 3] = ["install", "boot", "ttyboot"];
const RELEASES: [u32; 3] = [14, 15, 16];

/// The lines of loader and bhyve that a verb would start, or the refusal.
fn lines(profile: &BuiltIn, verb: &str, release: u32, is_amd64: bool) -> String {
    let host = Host::freebsd(release);
    let host = if is_amd64 { host } else { host.on_arm64() };
    let host = host
        .with_volume("zroot/vm/v", 20 << 30)
        .with_image(&profile.iso, 1 << 30);
    let words = [&format!("v-{verb}"), "-d"];
    let said = call(&mut Fake::new(host, USER), &vm(profile, ""), &words);
    let starts = said.out.lines().filter_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let is_start = |pair: &[&str]| {
            let programs = ["bhyve", "bhyveload", "grub-bhyve"];
            programs.contains(&pair[0]) && pair[1].starts_with('-')
        };
        let at = words.windows(2).position(is_start)?;
        Some(format!("  {}\n", words[at..].join(" ")))
    });
    let starts: String = starts.collect();
    if said.status != 0 || starts.is_empty() {
        return said.err.lines().map(|line| format!("  {line}\n")).collect();
    }
    starts
}

#[test]
fn each_profile_starts_by_the_reviewed_lines() {
    let mut table = String::new();
    for profile in built_in() {
        for verb in VERBS {
            for (machine, is_amd64) in [("amd64", true), ("arm64", false)] {
                let mut last = None;
                for release in RELEASES {
                    let lines = lines(&profile, verb, release, is_amd64);
                    if last.as_ref() != Some(&lines) {
                        let name = &profile.name;
                        table += &format!("{name} {verb}, {machine} from {release} on:\n{lines}");
                    }
                    last = Some(lines);
                }
            }
        }
    }
    let file = root().join("tests/suite/profiles/lines");
    if let Err(difference) = compare(&file, &table) {
        panic!("the lines differ; BLESS=1 rewrites the file\n{difference}");
    }
}
