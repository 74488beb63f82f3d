//! Makes configurations that are to be accepted, and counts the rules of the grammar in them.

use std::collections::BTreeMap;

/// How often each rule was produced.
pub type Rules = BTreeMap<&'static str, usize>;

/// The rules that must occur; one name for each thing that sh's grammar says about assignments.
pub const RULES: &[&str] = &[
    "alternative",
    "alternative if set",
    "ansi quotes",
    "assign default",
    "assign default if unset",
    "backslash",
    "braces",
    "carriage return",
    "comment behind a word",
    "comment line",
    "concatenation",
    "continuation",
    "continuation in a name",
    "continuation in double quotes",
    "default",
    "default if unset",
    "double quotes",
    "double quotes: backslash is itself",
    "double quotes: backslash quotes",
    "empty value",
    "end of file without newline",
    "environment",
    "export",
    "export a name",
    "hash inside a word",
    "include",
    "indented",
    "length",
    "longest name",
    "newline in quotes",
    "no globbing",
    "no splitting",
    "not UTF-8",
    "parameter",
    "readonly",
    "readonly a name",
    "reassigned",
    "semicolon",
    "several on a line",
    "single quotes",
    "single quotes: no continuation",
    "tilde",
    "tilde behind a colon",
    "tilde that is quoted",
    "tilde of nobody",
    "tilde of a user",
    "trim prefix",
    "trim longest prefix",
    "trim suffix",
    "trim longest suffix",
    "unset",
    "word in quotes in braces",
];

/// Numbers to choose by; 0, the simplest choice, when they are used up.
pub struct Choices<'c> {
    numbers: std::slice::Iter<'c, u16>,
}

impl<'c> Choices<'c> {
    pub fn new(numbers: &'c [u16]) -> Self {
        Self {
            numbers: numbers.iter(),
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.numbers.next().copied().unwrap_or_default()) % limit
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// What is open around a piece of a word.
#[derive(Clone, Copy, PartialEq)]
enum Around {
    Nothing,
    Double,
    Brace,
    BraceInDouble,
}

pub struct Generator<'c, 'r> {
    choices: Choices<'c>,
    ansi: bool,
    rules: &'r mut Rules,
    out: Vec<u8>,
    readonly: usize,
    in_pattern: usize,
}

impl<'c, 'r> Generator<'c, 'r> {
    pub fn new(choices: Choices<'c>, ansi: bool, rules: &'r mut Rules) -> Self {
        Self {
            choices,
            ansi,
            rules,
            out: Vec::new(),
            readonly: 0,
            in_pattern: 0,
        }
    }

    fn rule(&mut self, rule: &'static str) {
        *self.rules.entry(rule).or_default() += 1;
    }

    fn put(&mut self, text: impl AsRef<[u8]>) {
        self.out.extend_from_slice(text.as_ref());
    }

    /// Makes one file.
    pub fn file(mut self) -> Vec<u8> {
        for _ in 0..=self.choices.below(9) {
            self.statement();
        }
        if self.out.ends_with(b"\n") && self.choices.below(4) == 1 {
            self.out.pop();
            // A backslash at the very end is another thing than before a newline.
            if self.out.ends_with(b"\\") {
                self.out.push(b'\n');
            }
            self.rule("end of file without newline");
        }
        self.out
    }

    fn statement(&mut self) {
        if self.choices.below(6) == 1 {
            self.rule("indented");
            self.put(b" \t");
        }
        match self.choices.below(12) {
            9 => self.exports(),
            10 => {
                self.rule("include");
                let file = self
                    .choices
                    .one_of(&["./inc.conf", "\"./inc.conf\"", "./in\\c'.conf'"]);
                self.put(format!(". {file}"));
            }
            11 => {
                self.rule("comment line");
                let text: &[u8] =
                    self.choices
                        .one_of(&[b"# it's \"$(", b"#", b"# \xa4\xa2 `", b"#a=1 \\"]);
                self.put(text);
                self.put(b"\n");
                return;
            }
            _ => {
                self.assignment();
                while self.choices.below(4) == 1 {
                    self.rule("several on a line");
                    let blank = self.choices.one_of(&[" ", "\t", "  ", " \\\n "]);
                    self.put(blank);
                    self.assignment();
                }
            }
        }
        match self.choices.below(8) {
            1 | 2 => {
                self.rule("semicolon");
                let end = self.choices.one_of(&["; ", ";", " ;\n"]);
                self.put(end);
            }
            3 => {
                self.rule("comment behind a word");
                self.put(b" # it's 'not\n");
            }
            _ => self.put(b"\n"),
        }
    }

    fn exports(&mut self) {
        if self.choices.below(2) == 1 {
            let name = format!("ro{}", self.readonly);
            if self.readonly < 3 {
                self.readonly += 1;
                self.put(format!("readonly {name}"));
                if self.choices.below(4) == 1 {
                    self.rule("readonly a name");
                    return;
                }
                self.rule("readonly");
                self.put(b"=");
                return self.value();
            }
        }
        self.put(b"export");
        for _ in 0..=self.choices.below(3) {
            self.put(b" ");
            if self.choices.below(3) == 1 {
                self.rule("export a name");
                let name = self.name();
                self.put(name);
            } else {
                self.rule("export");
                self.assignment();
            }
        }
    }

    fn name(&mut self) -> &'static str {
        self.choices.one_of(&["a", "b", "c", "d", "foo", "a_x"])
    }

    fn assignment(&mut self) {
        let name = self.name();
        let before = format!("{name}=");
        if self
            .out
            .windows(before.len())
            .any(|text| text == before.as_bytes())
        {
            self.rule("reassigned");
        }
        if name == "foo" && self.choices.below(4) == 1 {
            self.rule("continuation in a name");
            self.put(b"f\\\noo\\\n=");
        } else {
            self.put(before);
        }
        self.value();
    }

    fn value(&mut self) {
        let pieces = self.choices.below(5);
        match pieces {
            0 => self.rule("empty value"),
            1 => {}
            _ => self.rule("concatenation"),
        }
        for first in std::iter::once(true)
            .chain(std::iter::repeat(false))
            .take(pieces)
        {
            if first && self.choices.below(5) == 1 {
                self.tilde();
            } else {
                self.piece(Around::Nothing, 3);
            }
        }
    }

    fn tilde(&mut self) {
        let (rule, text) = self.choices.one_of(&[
            ("tilde", "~"),
            ("tilde", "~/x"),
            ("tilde of a user", "~root/y"),
            ("tilde of nobody", "~no_such_user/z"),
            ("tilde behind a colon", "x:~"),
            ("tilde behind a colon", "~:~root:~"),
            ("tilde that is quoted", "\\~/x"),
            ("tilde that is quoted", "'~'"),
            ("tilde that is quoted", "~\"root\""),
            ("tilde that is quoted", "x\\:~"),
        ]);
        self.rule(rule);
        self.put(text);
    }

    fn piece(&mut self, around: Around, depth: usize) {
        let open = matches!(around, Around::Nothing | Around::Brace);
        match self.choices.below(if depth == 0 { 4 } else { 9 }) {
            0 | 1 => self.literal(around),
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
            ("", b"{,"),
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
        let chosen = match around {
            Around::Nothing if self.choices.below(20) == 1 => ("", &b"}"[..]),
            Around::Nothing => self.choices.one_of(&everywhere),
            _ if self.choices.below(3) == 1 => self.choices.one_of(&quoted),
            // bash has trouble with a lone quote in nested expansions.
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
        // What follows must not become a part of the name.
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
        // Shells do not agree on whether a pattern that is not needed is looked at.
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
