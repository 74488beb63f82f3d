//! How long whole processes take, compared within one run: `cargo bench`.
//!
//! Each round runs every [`Contender`] before the next round begins, so that other load on the machine
//! slows all of them down and leaves their ratios alone. Those that make links run in
//! fewer rounds. Prints Markdown: what was measured, the ratios to `true` and to sh(1) reading the
//! same file, and the aims with their verdicts; then how time grows with configurations of many
//! shapes. A missed aim is reported and is no failure, except for the number of spawned processes and
//! for a growth that is not linear.
//!
//! Without `--bench` (`cargo test --benches`) it runs one round of the smallest size, to check that
//! everything still works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::format_collect)]

mod aims;
mod contender;
mod ground;
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
    /// Links are made in every nth round only.
    links_every: usize,
}

const FULL: [Share; 3] = [share(10, 6, 1), share(1_000, 3, 4), share(10_000, 1, 10)];
const SMOKE: [Share; 1] = [share(10, 1, 1)];

const fn share(vms: u32, repeats: usize, links_every: usize) -> Share {
    Share {
        size: Size(vms),
        repeats,
        links_every,
    }
}

/// The most rounds, and the time after which no further round begins.
const ROUNDS: usize = 30;
const ENOUGH: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
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
    let ground = Ground::make(shares.iter().map(|share| share.size))?;
    for share in shares {
        for contender in Contender::ALL {
            if share.links_every == 1 || !contender.makes_links() {
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
        for contender in Contender::ALL {
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

fn round(ground: &Ground, shares: &[Share], number: usize, samples: &mut Samples) -> Result<()> {
    for share in shares {
        for repeat in 0..share.repeats {
            let is_turn_of_links = repeat == 0 && number.is_multiple_of(share.links_every);
            for contender in Contender::ALL {
                if is_turn_of_links || !contender.makes_links() {
                    let time = contender.run(ground, share.size)?;
                    samples.add(contender, share.size, time);
                }
            }
            ground.set_aside(share.size)?;
        }
    }
    Ok(())
}
