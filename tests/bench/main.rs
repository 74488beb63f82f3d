//! How long whole processes take, side by side in one run: `cargo bench`.
//!
//! Each round runs every [`Contender`] before the next round begins, so that a machine that is busy
//! for a while slows all of them down and leaves their ratios alone. Those that make links run in
//! fewer rounds. Prints Markdown: what was
//! measured, the ratios to `true` and to sh(1) reading the same file, and the aims with their
//! verdicts. A missed aim is a number to look at and no failure, except for the processes spawned.
//!
//! Without `--bench` (`cargo test --benches`) it takes one round of the smallest size, to see that
//! everything still works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod aims;
mod contender;
mod ground;
mod samples;

use std::ffi::OsString;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use contender::Contender;
use ground::{Ground, Size};
use samples::Samples;

/// How many times a round runs each contender, for the sizes it is run with.
const FULL: [(Size, usize); 3] = [(Size(10), 8), (Size(1_000), 4), (Size(10_000), 1)];
const SMOKE: [(Size, usize); 1] = [(Size(10), 1)];

/// The most rounds, and after how long no further one begins.
const ROUNDS: usize = 9;
const ENOUGH: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some((first, command)) = args.split_first()
        && first == samples::PEAK_MEMORY_OF
    {
        return samples::report_peak_memory(command);
    }
    let is_full = args.iter().any(|arg| arg == "--bench");
    let (sizes, rounds) = if is_full {
        (&FULL[..], ROUNDS)
    } else {
        (&SMOKE[..], 1)
    };
    let ground = Ground::make(sizes.iter().map(|(size, _)| *size))?;
    for &(size, _) in sizes {
        for contender in Contender::ALL {
            if size == sizes[0].0 || !contender.makes_links() {
                let proof = contender.prove(&ground, size);
                proof.with_context(|| format!("{contender} with {size}"))?;
            }
        }
    }
    let mut samples = Samples::default();
    let begun = Instant::now();
    for number in 0..rounds {
        round(&ground, sizes, number, &mut samples)?;
        if begun.elapsed() > ENOUGH {
            break;
        }
    }
    for (size, _) in sizes {
        for contender in Contender::ALL {
            samples.weigh(&ground, contender, *size)?;
        }
    }
    let spawned = contender::spawned(&ground, sizes[0].0)?;
    let mut out = std::io::stdout().lock();
    if is_full {
        let sizes = FULL.map(|(size, _)| size);
        writeln!(out, "{}", samples.times(&sizes))?;
        writeln!(out, "{}", samples.ratios(&sizes))?;
        writeln!(out, "{}", aims::table(&samples, &spawned))?;
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

fn round(
    ground: &Ground,
    sizes: &[(Size, usize)],
    number: usize,
    samples: &mut Samples,
) -> Result<()> {
    for &(size, repeats) in sizes {
        for repeat in 0..repeats {
            let is_turn_of_links = repeat == 0 && (size.0 < 10_000 || number.is_multiple_of(3));
            for contender in Contender::ALL {
                if is_turn_of_links || !contender.makes_links() {
                    samples.add(contender, size, contender.run(ground, size)?);
                }
            }
            ground.set_aside(size)?;
        }
    }
    Ok(())
}
