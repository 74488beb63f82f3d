//! What the project promises, compared with the measurements.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::contender::Contender;
use super::ground::Size;
use super::samples::{Samples, duration, number};

const FEW: Size = Size(10);
const MANY: Size = Size(1_000);
const MOST: Size = Size(10_000);

/// The most processes that each contender may spawn.
pub(super) const MOST_SPAWNED: [(Contender, usize); 9] = [
    (Contender::Resources, 0),
    (Contender::List, 0),
    (Contender::ListProfiles, 0),
    (Contender::ListRunning, 1),
    (Contender::Complete, 0),
    (Contender::BootForeign, 0),
    (Contender::Boot, 4),
    (Contender::Setup, 0),
    (Contender::SetupAgain, 0),
];

/// The largest factor of the cost of ten times as many VMs, without the start-up: an exactly linear
/// program has 10.1, and data that no longer fits into the processor's caches costs a little more.
const LINEAR: f64 = 15.0;

/// The table of aims, each with its verdict, by the medians.
pub(super) fn table(samples: &Samples, spawned: &BTreeMap<Contender, usize>) -> String {
    let mut table = "Aims; the medians decide:\n\n\
                     | aim | median | minimum | |\n|---|---:|---:|---|\n"
        .to_owned();
    let mut row = |aim: String, shown: [String; 2], is_met: bool| {
        let [median, minimum] = shown;
        let verdict = if is_met { "met" } else { "not met" };
        writeln!(table, "| {aim} | {median} | {minimum} | {verdict} |").unwrap();
    };
    let ratio = |one, other, size| {
        [
            samples.median(one, size) / samples.median(other, size),
            samples.minimum(one, size) / samples.minimum(other, size),
        ]
    };
    for (ours, of_most) in [(Contender::Resources, 25.0), (Contender::List, 15.0)] {
        for (size, most) in [(FEW, 1.5), (MOST, of_most)] {
            let ratios = ratio(ours, Contender::True, size);
            let aim = format!("{ours} ≤ {most} × `true` at {size}");
            row(aim, ratios.map(number), ratios[0] <= most);
        }
        let ratios = ratio(Contender::Sh, ours, MOST);
        let aim = format!("{ours} ≥ 10 × faster than `sh` at {MOST}");
        row(aim, ratios.map(number), ratios[0] >= 10.0);
    }
    let ratios = ratio(Contender::Setup, Contender::BareLinks, MOST);
    let aim = format!(
        "{} ≤ 1.2 × {} at {MOST}",
        Contender::Setup,
        Contender::BareLinks
    );
    row(aim, ratios.map(number), ratios[0] <= 1.2);
    for size in [FEW, MOST] {
        let own = [Samples::median, Samples::minimum].map(|of| {
            of(samples, Contender::ColdBoot, size) - of(samples, Contender::ColdCommands, size)
        });
        let aim = format!(
            "{} ≤ 30 ms beside {} at {size}",
            Contender::ColdBoot,
            Contender::ColdCommands
        );
        row(aim, own.map(duration), own[0] <= 0.030);
    }
    let setup = [
        samples.median(Contender::Setup, MOST),
        samples.minimum(Contender::Setup, MOST),
    ];
    let aim = format!("{} < 1 s at {MOST}", Contender::Setup);
    row(aim, setup.map(duration), setup[0] < 1.0);
    let complete = [
        samples.median(Contender::Complete, MANY),
        samples.minimum(Contender::Complete, MANY),
    ];
    let aim = format!("{} < 20 ms at {MANY}", Contender::Complete);
    row(aim, complete.map(duration), complete[0] < 0.020);
    // The commands of a cold boot cost far more than the VMs of the configuration.
    let ours = Contender::ALL.into_iter().filter(|one| one.is_ours());
    for ours in ours.filter(|one| *one != Contender::ColdBoot) {
        let growths = [
            growth(|size| samples.median(ours, size)),
            growth(|size| samples.minimum(ours, size)),
        ];
        let aim = format!("{ours}: time linear (≤ {LINEAR}; exactly: 10.1)");
        row(aim, growths.map(number), growths[0] <= LINEAR);
        let growth = growth(|size| samples.memory(ours, size));
        let aim = format!("{ours}: memory linear (≤ {LINEAR})");
        row(aim, [number(growth), String::new()], growth <= LINEAR);
    }
    for (ours, most) in MOST_SPAWNED {
        let count = spawned.get(&ours).copied().unwrap_or_default();
        let aim = format!("{ours}: spawns at most {most}");
        row(aim, [count.to_string(), String::new()], count <= most);
    }
    table
}

/// The factor of the cost between the middle and the largest number of VMs.
fn growth(cost: impl Fn(Size) -> f64) -> f64 {
    (cost(MOST) - cost(FEW)) / (cost(MANY) - cost(FEW))
}
