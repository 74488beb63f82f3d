//! The simulated host's long-running programs as real processes: what they do by themselves, on
//! signals, on their consoles and on terminals, whoever calls them.

mod button;
mod console;
mod daemon;
mod disk;
mod ends;
mod faults;
mod forged;
mod loaders;
mod noise;
mod over;
mod planted;
mod race;
mod rig;
mod root;
mod steps;
mod surroundings;
mod taps;
mod temp;
