//! The manual pages: mdoc(7) text in `pages`, into which the definitions are filled in.
//!
//! A line of that text that begins with `@` stands for what the program knows elsewhere, so that
//! nothing is listed twice:
//!
//! | placeholder | stands for |
//! |---|---|
//! | `@synopsis` | the forms of all commands |
//! | `@common-options` | the options that several commands have |
//! | `@command NAME` | the entry of a verb or a command: form, meaning, options of its own |
//! | `@form NAME` | the form alone, for a page in another language |
//! | `@examples NAME` | the examples of a verb or a command |
//! | `@host-setting NAME`, `@vm-setting NAME` | the entry of a setting: name, form, meaning, default |
//! | `@causes` | what programs say when a VM does not start, with cause and remedy |
//! | `@findings` | the names of all findings |
//! | `@difference TEXT` | one difference from the script, whose words up to the colon are those of its tag in `src` |
//!
//! The explanation of an entry follows its placeholder. A test asks for an entry for each verb, command
//! and setting, and for the examples of each verb and command; another one for each option in the page
//! of another language.

mod commands;
mod mdoc;
mod settings;

use crate::config::settings::{HOST, VM};
use crate::finding::FindingName;
use crate::run::causes;
use clap::{Command, ValueEnum};

/// A manual page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Page {
    /// The commands: easy-bhyve(1).
    #[default]
    #[value(name = "easy-bhyve", alias = "1")]
    Program,
    /// The configuration: easy-bhyve.conf(5).
    #[value(name = "easy-bhyve.conf", alias = "5")]
    Configuration,
    /// Recipes: easy-bhyve-examples(7).
    #[value(name = "easy-bhyve-examples", alias = "7")]
    Examples,
    /// The commands, in Japanese.
    #[value(name = "easy-bhyve.ja", alias = "ja")]
    Japanese,
}

impl Page {
    /// All pages.
    pub const ALL: [Self; 4] = [
        Self::Program,
        Self::Configuration,
        Self::Examples,
        Self::Japanese,
    ];

    /// The name of its file among those of other programs.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Program | Self::Japanese => "easy-bhyve.1",
            Self::Configuration => "easy-bhyve.conf.5",
            Self::Examples => "easy-bhyve-examples.7",
        }
    }

    /// The directory of that file below one of the manual. man(1) looks for the pages of the locale
    /// `ja_JP.UTF-8` in `ja_JP.UTF-8` and in `ja.UTF-8` (`man_setup_locale` in FreeBSD's
    /// `usr.bin/man/man.sh`).
    pub fn directory(self) -> &'static str {
        match self {
            Self::Program => "man1",
            Self::Configuration => "man5",
            Self::Examples => "man7",
            Self::Japanese => "ja.UTF-8/man1",
        }
    }

    /// Its text, before the definitions are filled in.
    fn parts(self) -> &'static [&'static str] {
        match self {
            Self::Program => &[
                include_str!("pages/program.mdoc"),
                include_str!("pages/verbs.mdoc"),
                include_str!("pages/disks.mdoc"),
                include_str!("pages/commands.mdoc"),
                include_str!("pages/commands_vms.mdoc"),
                include_str!("pages/preview.mdoc"),
                include_str!("pages/operation.mdoc"),
                include_str!("pages/privileges.mdoc"),
                include_str!("pages/json.mdoc"),
                include_str!("pages/json_plan.mdoc"),
                include_str!("pages/surroundings.mdoc"),
                include_str!("pages/differences.mdoc"),
                include_str!("pages/caveats.mdoc"),
            ],
            Self::Configuration => &[
                include_str!("pages/grammar.mdoc"),
                include_str!("pages/settings.mdoc"),
                include_str!("pages/values.mdoc"),
                include_str!("pages/profiles.mdoc"),
                include_str!("pages/uefi.mdoc"),
                include_str!("pages/screen.mdoc"),
                include_str!("pages/grub.mdoc"),
            ],
            Self::Examples => &[
                include_str!("pages/recipes.mdoc"),
                include_str!("pages/recipes_network.mdoc"),
                include_str!("pages/recipes_coming.mdoc"),
            ],
            Self::Japanese => &[
                include_str!("pages/ja/program.mdoc"),
                include_str!("pages/ja/verbs.mdoc"),
                include_str!("pages/ja/commands.mdoc"),
                include_str!("pages/ja/operation.mdoc"),
            ],
        }
    }
}

/// The source of a page; `program` is the definition of the command line.
pub fn source(page: Page, program: &Command) -> String {
    let mut source = String::new();
    for line in page.parts().iter().flat_map(|part| part.lines()) {
        let placeholder = line.strip_prefix('@');
        match placeholder.and_then(|placeholder| filled_in(placeholder, program)) {
            Some(text) => source.push_str(&text),
            None => source.extend([line, "\n"]),
        }
    }
    source
}

/// What a placeholder stands for; none if there is no such definition.
fn filled_in(placeholder: &str, program: &Command) -> Option<String> {
    let (kind, name) = placeholder.split_once(' ').unwrap_or((placeholder, ""));
    match kind {
        "synopsis" => Some(commands::synopsis(program)),
        "common-options" => Some(commands::common_options(program)),
        "command" => commands::entry(program, name),
        "form" => commands::form(program, name),
        "examples" => Some(commands::examples(name)),
        "host-setting" => {
            let row = HOST.iter().find(|row| row.name == name)?;
            Some(settings::entry("", row))
        }
        "vm-setting" => {
            let row = VM.iter().find(|row| row.name == name)?;
            Some(settings::entry("VM_", row))
        }
        "difference" => Some(format!(".It\n{}", mdoc::text(name))),
        "causes" => Some(causes()),
        "findings" => Some(findings()),
        _ => None,
    }
}

fn causes() -> String {
    let items = causes::KNOWN.iter().map(|known| {
        let cause = mdoc::sentence(&format!("Cause: {}", known.cause));
        let remedy = mdoc::sentence(&format!("Remedy: {}", known.remedy));
        format!(".It Ql {}\n{cause}{remedy}", mdoc::argument(known.message))
    });
    items.collect()
}

fn findings() -> String {
    let items = FindingName::ALL.iter().map(|finding| {
        let description = mdoc::text(finding.description());
        format!(".It Sy {finding} Pq {}\n{description}", finding.severity())
    });
    items.collect()
}
