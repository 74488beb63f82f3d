//! How long whole processes take, compared within one run: `cargo bench`.
//!
//! Each round runs every [`Contender`] before the next round begins, so that other load on the machine
//! slows all of them down and leaves their ratios alone. Those that make links or take
//! long run in fewer rounds. Prints Markdown: what was measured, the ratios to `true` and to sh(1) reading the
//! same file, and the aims with their verdicts; then how time grows with configurations of many
//! shapes. A missed aim is reported and is no failure, except for the number of spawned processes and
//! for a growth that is not linear.
//!
//! Without `--bench` (`cargo test --benches`) it runs one round of the smallest size, to check that
//! everything still works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::format_collect)]

mod aims;
mod cold;
mod contender;
mod ground;
mod rival;
mod samples;
mod shapes;

use std::ffi::OsString;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use contender::Contender;
use ground::{Ground, Size};
use samples::Samples;

/// How the benchmark measures one size.
struct Share {
    size: Size,
    /// How many times each round runs each contender.
    repeats: usize,
    /// The rare contenders run in every nth round only.
    rare_every: usize,
}

const FULL: [Share; 3] = [share(10, 6, 1), share(1_000, 3, 4), share(10_000, 1, 10)];
const SMOKE: [Share; 1] = [share(10, 1, 1)];

const fn share(vms: u32, repeats: usize, rare_every: usize) -> Share {
    Share {
        size: Size(vms),
        repeats,
        rare_every,
    }
}

/// The most rounds, and the time after which no further round begins.
const ROUNDS: usize = 30;
const ENOUGH: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    if let Some(status) = cold::serve() {
        std::process::exit(status.into());
    }
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some((first, command)) = args.split_first()
        && first == samples::PEAK_MEMORY_OF
    {
        return samples::report_peak_memory(command);
    }
    let is_full = args.iter().any(|arg| arg == "--bench");
    let (shares, rounds) = if is_full {
        (&FULL[..], ROUNDS)
    } else {
        (&SMOKE[..], 1)
    };
    let (growth, too_fast) = shapes::table(is_full)?;
    let sizes: Vec<Size> = shares.iter().map(|share| share.size).collect();
    let ground = Ground::make(&sizes)?;
    for share in shares {
        for contender in all(&ground, share.size) {
            if share.rare_every == 1 || !contender.is_rare() {
                let proof = contender.prove(&ground, share.size);
                proof.with_context(|| format!("{contender} with {}", share.size))?;
            }
        }
    }
    let mut samples = Samples::default();
    let begun = Instant::now();
    for number in 0..rounds {
        round(&ground, shares, number, &mut samples)?;
        if begun.elapsed() > ENOUGH {
            break;
        }
    }
    for share in shares {
        for contender in all(&ground, share.size) {
            samples.weigh(&ground, contender, share.size)?;
        }
    }
    let spawned = contender::spawned(&ground, SMOKE[0].size)?;
    let mut out = std::io::stdout().lock();
    if is_full {
        let sizes = FULL.map(|share| share.size);
        writeln!(out, "{}", samples.times(&sizes))?;
        writeln!(out, "{}", samples.ratios(&sizes))?;
        writeln!(out, "{}", aims::table(&samples, &spawned))?;
        writeln!(out, "{growth}")?;
        ensure!(too_fast.is_empty(), "not linear: {}", too_fast.join(", "));
    } else {
        writeln!(
            out,
            "one round of every contender: ok (cargo bench measures)"
        )?;
    }
    for (contender, most) in aims::MOST_SPAWNED {
        let count = spawned.get(&contender).copied().unwrap_or_default();
        ensure!(
            count <= most,
            "{contender} spawned {count} processes, not {most}"
        );
    }
    Ok(())
}

/// The contenders of this run in this size.
fn all(ground: &Ground, size: Size) -> impl Iterator<Item = Contender> {
    let all = Contender::ALL.into_iter();
    all.filter(move |contender| contender.is_there(ground, size))
}

fn round(ground: &Ground, shares: &[Share], number: usize, samples: &mut Samples) -> Result<()> {
    for share in shares {
        for repeat in 0..share.repeats {
            let is_turn_of_rare = repeat == 0 && number.is_multiple_of(share.rare_every);
            for contender in all(ground, share.size) {
                if is_turn_of_rare || !contender.is_rare() {
                    let time = contender.run(ground, share.size)?;
                    samples.add(contender, share.size, time);
                }
            }
            ground.set_aside(share.size)?;
        }
    }
    Ok(())
}
