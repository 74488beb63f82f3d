//! The scripts of the shells, and their installation.

use crate::cli::invocation::options::Shell;
use crate::cli::locate::HOST_DIRECTORY;
use crate::cli::written::written;
use crate::config::Config;
use crate::error::Result;
use crate::plan::{FileChange, Plan};
use crate::process::Process;
use crate::verb::Verb;
use crate::{quote, vis};
use std::path::{Path, PathBuf};

impl Shell {
    const ALL: [Self; 4] = [Self::Bash, Self::Zsh, Self::Fish, Self::Tcsh];

    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Tcsh => "tcsh",
        }
    }

    fn template(self) -> &'static str {
        match self {
            Self::Bash => include_str!("scripts/easy-bhyve.bash"),
            Self::Zsh => include_str!("scripts/easy-bhyve.zsh"),
            Self::Fish => include_str!("scripts/easy-bhyve.fish"),
            Self::Tcsh => include_str!("scripts/easy-bhyve.tcsh"),
        }
    }

    /// The file that the shell reads at its start, from the home directory.
    fn rc(self) -> &'static str {
        match self {
            Self::Bash => "~/.bashrc",
            Self::Zsh => "~/.zshrc",
            Self::Fish => "~/.config/fish/config.fish",
            Self::Tcsh => "~/.cshrc",
        }
    }
}

/// The script of a shell: `@PROGRAM@` is this program, and a line with `@VERB@` is repeated.
pub(super) fn text(shell: Shell, process: &Process) -> String {
    let path = process.program.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    // tcsh has no quoting that survives its own.
    let program = match shell {
        _ if path.chars().all(is_plain) => path,
        Shell::Tcsh => "easy-bhyve".to_owned(),
        _ => quote::shown(&process.program),
    };
    let mut text = String::new();
    for line in shell.template().lines() {
        let line = line.replace("@PROGRAM@", &program);
        if line.contains("@VERB@") {
            for verb in Verb::ALL {
                text.extend([&line.replace("@VERB@", verb.as_str()), "\n"]);
            }
        } else {
            text.extend([line.as_str(), "\n"]);
        }
    }
    text
}

/// The directory of the scripts: next to a user's configuration; that of the host has other files beside.
fn directory(config: &Path, share: &Path) -> PathBuf {
    if config == Path::new(HOST_DIRECTORY) {
        share.join("easy-bhyve/completions")
    } else {
        config.join("completions")
    }
}

/// The plan that writes the scripts, and what the user does with them.
///
/// # Errors
/// If a script that exists cannot be read.
pub(in crate::cli) fn plan(process: &Process, config: &Config) -> Result<(Plan, Vec<String>)> {
    let directory = directory(config.directory(), &process.share);
    let mut plan = Plan::default();
    if !directory.is_dir() {
        plan.push(FileChange::MakeDirectories(directory.clone()));
    }
    let mut done = Vec::new();
    for shell in Shell::ALL {
        let path = directory.join(format!("easy-bhyve.{}", shell.name()));
        let text = text(shell, process).into_bytes();
        if let Some(change) = written(path.clone(), text)? {
            plan.push(change);
        }
        done.push(format!(
            "completions for {}: add to {}: source {}",
            shell.name(),
            shell.rc(),
            vis::shown(&quote::shown(&path))
        ));
    }
    Ok((plan, done))
}

#[cfg(test)]
mod tests {
    use super::directory;
    use std::path::Path;

    #[test]
    fn the_directory_of_other_programs_has_no_scripts() {
        for (config, scripts) in [
            ("/home/me/bin", "/home/me/bin/completions"),
            ("/usr/local/etc", "/share/easy-bhyve/completions"),
        ] {
            let found = directory(Path::new(config), Path::new("/share"));
            assert_eq!(found, Path::new(scripts));
        }
    }
}
