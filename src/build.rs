//! Tells cargo about the files of the program that no source file names.

fn main() {
    println!("cargo::rerun-if-changed=src/config/profiles");
}
