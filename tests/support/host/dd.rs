//! dd(1), as far as it fills a file with zeros or copies one: bin/dd/args.c, bin/dd/dd.c.

use std::path::Path;

use super::Host;
use super::call::{Answer, Call};
use super::words::expand_number;

/// Runs `dd if=FILE of=FILE [bs=SIZE] [count=N] [conv=sync] [status=none]`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let (mut input, mut output) = (None, None);
    let (mut block, mut count, mut quiet) = (512, None, false);
    for word in call.words() {
        let Some((name, value)) = word.split_once('=') else {
            return Answer::fail(1, format!("dd: unknown operand {word}"));
        };
        match name {
            "if" => input = Some(value.to_owned()),
            "of" => output = Some(value.to_owned()),
            "bs" | "ibs" | "obs" => match expand_number(value) {
                Some(size) if size > 0 => block = size,
                _ => return Answer::fail(1, format!("dd: {name}: illegal numeric value")),
            },
            "count" => match expand_number(value) {
                Some(number) => count = Some(number),
                None => return Answer::fail(1, format!("dd: {name}: illegal numeric value")),
            },
            "status" => quiet = value == "none",
            "conv" | "oflag" | "iflag" => {}
            _ => return Answer::fail(1, format!("dd: unknown operand {name}")),
        }
    }
    let (Some(input), Some(output)) = (input, output) else {
        return Answer::fail(1, "dd: only files can be copied here");
    };
    let zero = matches!(
        host.device(Path::new(&input)),
        Some(super::devices::Device::Zero)
    );
    let written = if zero {
        let Some(count) = count else {
            return Answer::fail(1, format!("dd: {output}: No space left on device"));
        };
        let Some(size) = block.checked_mul(count) else {
            return Answer::fail(1, "dd: count: Result too large");
        };
        host.files_mut()
            .fill(Path::new(&output), size)
            .map(|()| size)
            .map_err(|errno| (output.clone(), errno))
    } else {
        host.files()
            .read(Path::new(&input))
            .map_err(|errno| (input.clone(), errno))
            .and_then(|content| {
                host.files_mut()
                    .write(Path::new(&output), &content)
                    .map(|()| content.len() as u64)
                    .map_err(|errno| (output.clone(), errno))
            })
    };
    match written {
        Err((file, errno)) => Answer::fail(1, format!("dd: {file}: {}", errno.text())),
        Ok(_) if quiet => Answer::ok(),
        Ok(size) => {
            let (whole, part) = (size / block, u64::from(size % block != 0));
            Answer::ok().and_err(format!(
                "{whole}+{part} records in\n{whole}+{part} records out\n{size} bytes transferred \
                 in 0.100000 secs ({} bytes/sec)",
                size * 10
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_allocate_blocks() {
        let mut host = Host::freebsd(14);
        let call = Call::new(["dd", "if=/dev/zero", "of=/vm/web", "bs=1m", "count=2"]);
        assert_eq!(
            host.run(&call).stderr(),
            "2+0 records in\n2+0 records out\n2097152 bytes transferred in 0.100000 secs \
             (20971520 bytes/sec)\n"
        );
        let file = host.state.files.nodes[Path::new("/vm/web")].clone();
        assert_eq!(file.map(|file| file.allocated), Some(2 << 20));
        let missing = Call::new(["dd", "if=/dev/zero", "of=/no/web", "bs=1m", "count=2"]);
        assert_eq!(
            host.run(&missing),
            Answer::fail(1, "dd: /no/web: No such file or directory")
        );
    }
}
