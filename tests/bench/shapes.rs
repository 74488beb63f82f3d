//! Whether the time of reading is proportional to the size of the text, for every shape of it.
//!
//! Each shape is read in three sizes, each twice the one before, in turn and in one process. The
//! measure is the factor by which the shortest time grows; for a quadratic reader it is 16.

use super::samples::{duration, number};
use anyhow::{Result, ensure};
use easy_bhyve::config::resolve::{self, Wanted};
use easy_bhyve::config::settings::Need;
use easy_bhyve::config::{Config, ConfigError, Outside, Source, lint, parse};
use easy_bhyve::verb::Spelling;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// The largest factor for four times the size: data that no longer fits into the processor's caches
/// costs a little more.
const MOST: f64 = 8.0;

/// How many times each size is read.
const TIMES: usize = 7;

/// A text that can be made in any size.
struct Shape {
    name: &'static str,
    /// The smallest size that is measured.
    size: usize,
    text: fn(usize) -> String,
    is_accepted: bool,
}

const fn accepted(name: &'static str, size: usize, text: fn(usize) -> String) -> Shape {
    Shape {
        name,
        size,
        text,
        is_accepted: true,
    }
}

const fn refused(name: &'static str, size: usize, text: fn(usize) -> String) -> Shape {
    Shape {
        is_accepted: false,
        ..accepted(name, size, text)
    }
}

/// The largest of each is four times as large: 100 000 VMs, a comment of 10 MB, a million `;`.
const SHAPES: [Shape; 22] = [
    accepted("VMs of four lines", 25_000, |size| {
        let vm = |number| {
            let id = number % 1_000;
            format!("v{number}_id={id}\nv{number}_cd0=$iso/x\nv{number}_mem=1G\nv{number}_x=1\n")
        };
        (0..size).map(vm).collect()
    }),
    accepted("VMs on one line", 25_000, |size| {
        (0..size)
            .map(|number| format!("v{number}_id={} ", number % 1_000))
            .collect()
    }),
    accepted("findings on one line", 10_000, |size| {
        let key = |number| format!("v_id=1 v_own{number}=/some/where ");
        (0..size).map(key).collect()
    }),
    accepted("lines of one variable", 250_000, |size| {
        "a=$b/x\n".repeat(size)
    }),
    accepted("one comment, bytes", 2_500_000, |size| {
        format!("#{}", "x".repeat(size))
    }),
    accepted("`;`, a million", 250_000, |size| "a=1;".repeat(size)),
    accepted("quoted pieces", 10_000, |size| {
        format!("a={}", "'x'\"y\"\\z".repeat(size / 2))
    }),
    accepted("continued lines of a value", 500_000, |size| {
        format!("a={}x", "\\\n".repeat(size))
    }),
    accepted("continued lines of a name", 10_000, |size| {
        format!("a{}=x", "b\\\n".repeat(size))
    }),
    accepted("a long name of underscores", 500_000, |size| {
        format!("{}=1", "_".repeat(size))
    }),
    accepted("names of underscores", 10_000, |size| {
        let name = |number| format!("a_id=1 a{}{number}=1\n", "_".repeat(100));
        (0..size).map(name).collect()
    }),
    accepted("a VM's name of underscores", 10_000, |size| {
        let underscores = "_".repeat(size);
        format!("a{underscores}b_id=1\na{underscores}c=1\n")
    }),
    accepted("nested defaults, 60 deep", 2_500, |size| {
        format!("a={}{}\n", "${x:-".repeat(60), "}".repeat(60)).repeat(size)
    }),
    accepted("patterns with stars", 250, |size| {
        let value = "a".repeat(1000);
        format!(
            "v={value}\np='*a*a*a*a*b'\n{}",
            "a=${v%%$p}${v##*a*a*a*b}\n".repeat(size)
        )
    }),
    accepted("a value taken up by many", 2_500, |size| {
        format!(
            "v={}\n{}",
            "x".repeat(1000),
            "a=${v+y}${v%x}${#v}\n".repeat(size)
        )
    }),
    refused("one value, bytes", 2_500_000, |size| {
        format!("a='{}'", "x".repeat(size))
    }),
    refused("one value without quotes, bytes", 2_500_000, |size| {
        format!("a={}", "x".repeat(size))
    }),
    refused("lines of `;`", 250_000, |size| ";\n".repeat(size)),
    refused("quotes in braces in quotes", 250_000, |size| {
        "\"${x:-".repeat(size)
    }),
    refused("braces that nest", 250_000, |size| {
        format!("a={}", "${x:-".repeat(size))
    }),
    refused("a value that doubles", 2_500, |size| {
        format!("a=x\n{}", "a=$a$a\n".repeat(size))
    }),
    refused("readonly at the end of a long line", 25_000, |size| {
        format!(
            "{}readonly z=1\n{}",
            "a=1;".repeat(size),
            "z=2\n".repeat(size)
        )
    }),
];

fn read(text: &str) -> Result<Config, ConfigError> {
    let outside = Outside {
        variable: &|_| None,
        home: &|_| None,
    };
    parse(vec![Source::new("easy-bhyve.conf", text.into())], &outside)
}

/// Reads a text to its end; the duration in seconds.
fn time(shape: &Shape, text: &str) -> Result<f64> {
    let begun = Instant::now();
    let read = read(text);
    if let Ok(config) = &read {
        for finding in lint::check(config) {
            black_box((config.place(finding.span), config.line(finding.span)));
        }
        let wanted = Wanted::new(Need::Settings, Spelling::default(), Path::new("/dev"));
        if let Ok(vms) = resolve::all(config, wanted) {
            black_box(vms.flatten().count());
        }
    }
    let taken = begun.elapsed().as_secs_f64();
    let as_expected = read.is_ok() == shape.is_accepted;
    ensure!(
        as_expected,
        "{}: {:?}",
        shape.name,
        read.err().map(|error| error.to_string())
    );
    Ok(taken)
}

/// The table of how the time grows with the size; an error names the shapes that grow too fast.
///
/// # Errors
/// If a shape is not read as it should be.
pub(super) fn table(is_full: bool) -> Result<(String, Vec<&'static str>)> {
    let mut table = format!(
        "Reading in the process, the shortest of {TIMES}; by how much four times the size costs more \
         (≤ {MOST}; exactly: 4, quadratic: 16):\n\n\
         | what is read | size | time | time of 4 × | growth | |\n|---|---:|---:|---:|---:|---|\n"
    );
    let mut too_fast = Vec::new();
    let (times, part) = if is_full { (TIMES, 1) } else { (1, 10) };
    for shape in &SHAPES {
        let sizes = [1, 2, 4].map(|factor| shape.size / part * factor);
        let texts = sizes.map(shape.text);
        let mut shortest = [f64::INFINITY; 3];
        for _ in 0..times {
            for (text, shortest) in texts.iter().zip(&mut shortest) {
                *shortest = shortest.min(time(shape, text)?);
            }
        }
        let growth = shortest[2] / shortest[0];
        if growth > MOST {
            too_fast.push(shape.name);
        }
        let verdict = if growth > MOST { "not met" } else { "met" };
        let [one, four] = [shortest[0], shortest[2]].map(duration);
        let Shape { name, .. } = shape;
        let size = sizes[0];
        writeln!(
            table,
            "| {name} | {size} | {one} | {four} | {} | {verdict} |",
            number(growth)
        )?;
    }
    Ok((table, too_fast))
}
