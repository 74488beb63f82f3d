//! Where an unquoted `~` stands for a home directory (`argstr` and `exptilde` of `bin/sh/expand.c`).

use super::output::{Context, Out, Until};
use super::parser::Parser;

/// What a `~` at the current place of a word would be.
#[derive(Debug)]
pub(super) struct Tilde {
    state: State,
    /// Whether one counts also behind a `:` and a `=`.
    assigned: bool,
    /// Whether no `=` of this word has had a `~` behind it; only the first that has counts.
    first: bool,
}

#[derive(Debug)]
enum State {
    /// Itself.
    No,
    /// A home, at the beginning or behind a `:`.
    Here,
    /// A home, behind a `=`.
    Equals,
    /// A part of what follows the `~` of a home.
    User(Vec<u8>),
}

impl Tilde {
    /// At the beginning of a word.
    pub(super) fn new(until: Until, context: Context) -> Self {
        Self {
            state: match until {
                _ if context.quoted => State::No,
                // The `=` behind the name counts as one of the word.
                Until::WordEnd if context.assigned => State::Equals,
                _ => State::Here,
            },
            assigned: context.assigned,
            first: true,
        }
    }

    /// Behind a byte that is open.
    fn pass(&mut self, byte: Option<u8>) {
        self.state = match byte {
            Some(b':') if self.assigned => State::Here,
            Some(b'=') if self.assigned && self.first => State::Equals,
            _ => State::No,
        };
    }

    /// Whether a `~` here begins a home. It uses the `=` before it up, whatever comes of it.
    fn begins(&mut self) -> bool {
        let is_equals = matches!(self.state, State::Equals);
        self.first &= !is_equals;
        is_equals || matches!(self.state, State::Here)
    }
}

impl Parser<'_, '_, '_> {
    /// Takes unquoted text.
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

    /// Ends a `~user` that was begun: with the home if it is `whole`, else as it stands.
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
            // What is no user is text like any other, in which a `=~` counts.
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

    /// The home of a user, or of nobody named; an empty one is none.
    fn home(&self, user: &[u8]) -> Option<Vec<u8>> {
        let home = if user.is_empty() {
            self.lookup(b"HOME").map(std::borrow::Cow::into_owned)
        } else {
            self.reading.outside.home(user)
        };
        home.filter(|home| !home.is_empty())
    }
}
