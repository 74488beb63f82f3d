//! The words of generated configurations: quotes, expansions and literal text.

use super::Generator;

/// The open construct around a piece of a word.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Around {
    Nothing,
    Double,
    Brace,
    BraceInDouble,
}

impl Generator<'_, '_> {
    pub(super) fn piece(&mut self, around: Around, depth: usize) {
        let open = matches!(around, Around::Nothing | Around::Brace);
        match self.choices.below(if depth == 0 { 4 } else { 9 }) {
            2 => self.escaped(around),
            3 => self.parameter(),
            4 if open => self.single(),
            5 if open => {
                self.rule("double quotes");
                if around == Around::Brace {
                    self.rule("word in quotes in braces");
                }
                self.put(b"\"");
                for _ in 0..self.choices.below(4) {
                    self.piece(Around::Double, depth - 1);
                }
                self.put(b"\"");
            }
            6 => {
                let (rule, text) = match around {
                    Around::Nothing | Around::Brace => ("continuation", "\\\n"),
                    _ => ("continuation in double quotes", "\\\n"),
                };
                self.rule(rule);
                self.put(text);
            }
            7 | 8 => self.expansion(around, depth),
            _ => self.literal(around),
        }
    }

    fn literal(&mut self, around: Around) {
        let everywhere: [(&str, &[u8]); 18] = [
            ("", b"x"),
            ("", b"y0"),
            ("", b"a/b.c"),
            ("no globbing", b"*"),
            ("no globbing", b"[a]?"),
            ("", b":"),
            ("", b"="),
            ("", if self.ansi { b"{" } else { b"{," }),
            ("", b"!"),
            ("not UTF-8", b"\xa4\xa2"),
            ("", "é".as_bytes()),
            ("", "あ".as_bytes()),
            ("carriage return", b"\r"),
            ("", b"~"),
            ("", b"%^+@-"),
            ("", b"$/"),
            ("", b"abcabc"),
            ("hash inside a word", b"x#y"),
        ];
        let quoted: [(&str, &[u8]); 5] = [
            ("", b" "),
            ("", b"  ;&|<> ()"),
            ("", b"# "),
            ("newline in quotes", b"\n"),
            ("", b"\t"),
        ];
        // bash expands braces and fails at single quotes where sh does not.
        let chosen = match around {
            Around::Nothing if self.choices.below(20) == 1 => ("", &b"}"[..]),
            Around::Nothing => self.choices.one_of(&everywhere),
            _ if self.choices.below(3) == 1 => self.choices.one_of(&quoted),
            Around::Double | Around::BraceInDouble if !self.ansi && self.choices.below(8) == 1 => {
                ("", &b"'"[..])
            }
            _ => self.choices.one_of(&everywhere),
        };
        if !chosen.0.is_empty() && (chosen.0 != "newline in quotes" || around == Around::Double) {
            self.rule(chosen.0);
        }
        self.put(chosen.1);
    }

    fn escaped(&mut self, around: Around) {
        if matches!(around, Around::Nothing | Around::Brace) {
            self.rule("backslash");
            let text = self.choices.one_of(&[
                r"\ ", r"\\", r"\'", "\\\"", r"\$", r"\`", r"\n", r"\*", r"\}", r"\#",
            ]);
            self.put(text);
        } else if self.choices.below(2) == 1 {
            self.rule("double quotes: backslash is itself");
            let text = self.choices.one_of(&[r"\n", r"\ ", r"\'", r"\*", r"\/"]);
            self.put(text);
        } else {
            self.rule("double quotes: backslash quotes");
            let text = self.choices.one_of(&[r"\\", "\\\"", r"\$", r"\`"]);
            self.put(text);
        }
    }

    fn single(&mut self) {
        if self.ansi && self.choices.below(2) == 1 {
            self.rule("ansi quotes");
            self.put(b"$'");
            for _ in 0..self.choices.below(5) {
                let text = self.choices.one_of(&[
                    r"\n",
                    r"\t",
                    r"\\",
                    r"\'",
                    "\\\"",
                    r"\a\b\e\f\r\v",
                    r"\101",
                    r"\7x",
                    r"\x41g",
                    r"\xfF",
                    r"\cA\c?",
                    r"\u0041",
                    r"\U00000042",
                    "x y",
                    "$a",
                    "\n",
                    "#",
                    "\"",
                    "}",
                ]);
                self.put(text);
            }
            return self.put(b"'");
        }
        self.rule("single quotes");
        let (rule, text) = self.choices.one_of(&[
            ("", "x y"),
            ("", "$a \"`\\"),
            ("newline in quotes", "1\n2"),
            ("", ""),
            ("", "}*?"),
            ("single quotes: no continuation", "1\\\n2"),
            ("", "# ;&"),
            ("", "a/b"),
        ]);
        if !rule.is_empty() {
            self.rule(rule);
        }
        self.put(format!("'{text}'"));
    }

    fn parameter(&mut self) {
        let (rule, text) = self.choices.one_of(&[
            ("parameter", "$a"),
            ("parameter", "$b"),
            ("no splitting", "$d"),
            ("longest name", "$a_x"),
            ("braces", "${a}"),
            ("braces", "${a}_x"),
            ("braces", "${foo}"),
            ("unset", "$unset_1"),
            ("environment", "$env1"),
            ("continuation in a name", "$f\\\noo"),
            ("length", "${#a}"),
            ("continuation in a name", "$\\\n{\\\na\\\n_x\\\n}"),
            ("length", "${#foo}"),
            ("unset", "${unset_1}"),
            ("environment", "${HOME}"),
        ]);
        self.rule(rule);
        self.put(text);
        // The following text must not become a part of the name.
        if !text.ends_with('}') {
            self.put(b"/");
        }
    }

    fn expansion(&mut self, around: Around, depth: usize) {
        let (rule, operator) = self.choices.one_of(&[
            ("default", ":-"),
            ("default if unset", "-"),
            ("assign default", ":="),
            ("assign default if unset", "="),
            ("alternative", ":+"),
            ("alternative if set", "+"),
            ("trim suffix", "%"),
            ("trim longest suffix", "%%"),
            ("trim prefix", "#"),
            ("trim longest prefix", "##"),
            ("trim suffix", "%"),
            ("trim prefix", "#"),
        ]);
        // Shells do not agree on whether a pattern that is not needed is expanded.
        let assigns = operator.ends_with('=');
        let (rule, operator) = if assigns && self.in_pattern > 0 {
            ("default", ":-")
        } else {
            (rule, operator)
        };
        self.rule(rule);
        let name = self.name();
        self.put(format!("${{{name}{operator}"));
        if operator.contains(['%', '#']) {
            self.in_pattern += 1;
            self.pattern(operator, depth);
            self.in_pattern -= 1;
        } else {
            let inner = match around {
                Around::Nothing | Around::Brace => Around::Brace,
                _ => Around::BraceInDouble,
            };
            if inner == Around::Brace && self.choices.below(6) == 1 {
                self.tilde();
            }
            for _ in 0..self.choices.below(4) {
                self.piece(inner, depth - 1);
            }
        }
        self.put(b"}");
    }

    fn pattern(&mut self, operator: &str, depth: usize) {
        for first in [true, false, false]
            .into_iter()
            .take(1 + self.choices.below(3))
        {
            let text = self.choices.one_of(&[
                "*",
                "?",
                "[ab]",
                "[!x]",
                "[[:alpha:]]",
                "[a-c]",
                "[]x]",
                "[!a]",
                "\\*",
                "'*'",
                "\"?\"",
                "$b",
                "\"$b\"",
                "b",
                "c",
                "/*",
                "*/",
                "x",
                "[a\\]-]",
                "[[:digit:]x]",
                "\\\\",
                "~",
            ]);
            let repeats = first && operator.ends_with(text);
            if !repeats {
                self.put(text);
            }
            if self.choices.below(5) == 1 {
                self.piece(Around::Brace, depth - 1);
            }
        }
    }
}
