//! The grammar of sh(1), as far as a configuration may use it: tokens, words, expansions, statements.

mod ansi;
pub(super) mod by_locale;
pub(super) mod class;
mod command;
pub(super) mod expand;
mod level;
pub mod lexer;
pub(super) mod locale;
mod output;
pub(super) mod parser;
mod pattern;
mod plain_line;
mod refuse;
pub(super) mod refused;
mod tilde;
mod word;
