//! The long-running programs of the simulated host as real processes: their behaviour by themselves, on
//! signals, on their consoles and on terminals.

mod button;
mod console;
mod daemon;
mod disk;
mod ends;
mod faults;
mod forged;
mod loaders;
mod log;
mod noise;
mod over;
mod planted;
mod race;
mod rig;
mod root;
mod steps;
mod store;
mod surroundings;
mod taps;
mod temp;
mod vnc;
