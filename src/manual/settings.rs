//! Settings, as their table has them.

use super::mdoc;
use crate::config::settings::{Default, Form, Setting};

/// The entry of a setting in a list: its name, form, meaning and default.
pub(super) fn entry<Into>(prefix: &str, setting: &Setting<Into>) -> String {
    let form = match setting.form {
        Form::Named(name) => format!("Ar {}", mdoc::argument(name)),
        Form::OneOf(words) => {
            let words: Vec<String> = words.iter().map(|word| mdoc::argument(word)).collect();
            format!("Cm {}", words.join(" | "))
        }
    };
    let mut entry = format!(".It Va {prefix}{} Ns = Ns {form}\n", setting.name);
    entry.push_str(&mdoc::sentence(setting.meaning));
    if let Some(slots) = setting.slots {
        entry.push_str(&mdoc::text(&format!("`N` is 0 to {}.", slots.last())));
    }
    match setting.default {
        Default::Required => entry.push_str("This setting is required.\n"),
        Default::None => {}
        default => entry.push_str(&mdoc::sentence(&format!("Default: {default}"))),
    }
    if !setting.older.is_empty() {
        let older = setting.older.iter().map(|name| format!("`{prefix}{name}`"));
        let older: Vec<String> = older.collect();
        entry.push_str(&mdoc::text(&format!(
            "Older spelling, also accepted: {}.",
            older.join(", ")
        )));
    }
    entry
}
