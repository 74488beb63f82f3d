//! Expansion of an unquoted `~` to a home directory (`argstr` and `exptilde` of `bin/sh/expand.c`).

use super::output::{Context, Out, Until};
use super::parser::Parser;

/// The meaning of a `~` at the current position of a word.
#[derive(Debug)]
pub(super) struct Tilde {
    state: State,
    /// Whether a `~` also expands after a `:` and a `=`.
    assigned: bool,
    /// Whether no `=` of this word was followed by a `~` yet; only the first such `=` counts.
    first: bool,
}

#[derive(Debug)]
enum State {
    /// A literal `~`.
    No,
    /// A home, at the start or after a `:`.
    Here,
    /// A home, after a `=`.
    Equals,
    /// A part of the name after the `~` of a home.
    User(Vec<u8>),
}

impl Tilde {
    /// The state at the start of a word.
    pub(super) fn new(until: Until, context: Context) -> Self {
        Self {
            state: match until {
                _ if context.quoted => State::No,
                // The `=` after the name counts as one of the word.
                Until::WordEnd if context.assigned => State::Equals,
                _ => State::Here,
            },
            assigned: context.assigned,
            first: true,
        }
    }

    /// Sets the state after a byte; none for a byte that is quoted or expanded.
    fn pass(&mut self, byte: Option<u8>) {
        self.state = match byte {
            Some(b':') if self.assigned => State::Here,
            Some(b'=') if self.assigned && self.first => State::Equals,
            _ => State::No,
        };
    }

    /// Whether a `~` here begins a home. In any case, the `=` before it is used up.
    fn begins(&mut self) -> bool {
        let is_equals = matches!(self.state, State::Equals);
        self.first &= !is_equals;
        is_equals || matches!(self.state, State::Here)
    }
}

impl Parser<'_, '_, '_> {
    /// Reads unquoted text.
    pub(super) fn open_text(&self, out: &mut Out, tilde: &mut Tilde, text: &[u8]) {
        if !text.contains(&b'~') && !matches!(tilde.state, State::User(_)) {
            out.push(text, false);
            tilde.pass(text.last().copied());
            return;
        }
        for byte in text {
            if let State::User(user) = &mut tilde.state {
                if *byte != b'/' && !(*byte == b':' && tilde.assigned) {
                    user.push(*byte);
                    continue;
                }
                self.settle(out, tilde, true);
            }
            if *byte == b'~' && tilde.begins() {
                tilde.state = State::User(Vec::new());
                continue;
            }
            out.push(&[*byte], false);
            tilde.pass(Some(*byte));
        }
    }

    /// Ends a started `~user`: with the home if it is `whole`, else with the literal text.
    pub(super) fn settle(&self, out: &mut Out, tilde: &mut Tilde, whole: bool) {
        let State::User(mut user) = std::mem::replace(&mut tilde.state, State::No) else {
            return;
        };
        if out.is_dead() || out.is_full() {
            return;
        }
        loop {
            if let Some(home) = whole.then(|| self.home(&user)).flatten() {
                return out.push(&home, true);
            }
            out.push(b"~", false);
            // The name of an unknown user is ordinary text, in which a `=~` counts.
            let equals = user.windows(2).position(|pair| pair == b"=~");
            let equals = equals.filter(|_| tilde.assigned && std::mem::take(&mut tilde.first));
            let Some(equals) = equals else {
                return out.push(&user, false);
            };
            let rest = user.split_off(equals + 2);
            out.push(user.get(..=equals).unwrap_or_default(), false);
            user = rest;
        }
    }

    /// The home of a user, or `$HOME` for an empty name; an empty home counts as none.
    fn home(&self, user: &[u8]) -> Option<Vec<u8>> {
        let home = if user.is_empty() {
            self.lookup(b"HOME").map(std::borrow::Cow::into_owned)
        } else {
            self.reading.outside.home(user)
        };
        home.filter(|home| !home.is_empty())
    }
}
