//! What an installation shows.

use super::{Preset, Profile};
use crate::model::Vm;

impl Profile {
    /// What to do during an installation of a VM.
    pub fn hints(&self, vm: &Vm) -> Vec<String> {
        let loader = vm.loader.facts().word;
        let is_its_loader = |preset: &Preset| preset.text == loader;
        let menu = self.menu.iter();
        let menu = menu.filter(|_| self.preset("loader").is_none_or(is_its_loader));
        let screen = self.screen.iter().filter(|_| vm.screen.is_some());
        menu.chain(&self.console).chain(screen).cloned().collect()
    }
}
