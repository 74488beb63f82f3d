//! Generates configurations that must be accepted, and counts the rules of the grammar in them.

mod word;

use std::collections::BTreeMap;

/// How often each rule was produced.
pub(super) type Rules = BTreeMap<&'static str, usize>;

/// The accepted grammar, in the words of easy-bhyve.conf(5), and the rules that produce it; each must occur.
pub(super) const GRAMMAR: &[(&str, &[&str])] = &[
    (
        "comments",
        &[
            "comment behind a word",
            "comment line",
            "hash inside a word",
        ],
    ),
    (
        "'…'",
        &[
            "single quotes",
            "single quotes: no continuation",
            "newline in quotes",
        ],
    ),
    (
        "\"…\"",
        &[
            "double quotes",
            "double quotes: backslash is itself",
            "double quotes: backslash quotes",
            "word in quotes in braces",
        ],
    ),
    ("\\", &["backslash"]),
    ("$'…'", &["ansi quotes"]),
    (
        "continued lines",
        &[
            "continuation",
            "continuation in a name",
            "continuation in double quotes",
        ],
    ),
    (
        "several assignments on a line",
        &["several on a line", "reassigned", "indented"],
    ),
    (";", &["semicolon"]),
    ("export", &["export", "export a name"]),
    ("readonly", &["readonly", "readonly a name"]),
    (
        "$x",
        &[
            "parameter",
            "longest name",
            "unset",
            "environment",
            "no splitting",
        ],
    ),
    ("${x}", &["braces"]),
    ("${x-w}", &["default if unset"]),
    ("${x:-w}", &["default"]),
    ("${x=w}", &["assign default if unset"]),
    ("${x:=w}", &["assign default"]),
    ("${x+w}", &["alternative if set"]),
    ("${x:+w}", &["alternative"]),
    ("${#x}", &["length"]),
    ("${x%p}", &["trim suffix"]),
    ("${x%%p}", &["trim longest suffix"]),
    ("${x#p}", &["trim prefix"]),
    ("${x##p}", &["trim longest prefix"]),
    (
        "~",
        &["tilde", "tilde behind a colon", "tilde that is quoted"],
    ),
    ("~user", &["tilde of a user", "tilde of an unknown user"]),
    (". ./FILE", &["include"]),
];

/// Features that every file can have, whatever its grammar; each must occur, too.
const VALUES: [&str; 6] = [
    "carriage return",
    "concatenation",
    "empty value",
    "end of file without newline",
    "no globbing",
    "not UTF-8",
];

/// Every rule that must occur.
pub(super) fn rules() -> impl Iterator<Item = &'static str> {
    let rules = GRAMMAR.iter().flat_map(|(_, rules)| rules.iter());
    rules.chain(&VALUES).copied()
}

/// Numbers for choices; after the last number always 0, the simplest choice.
pub(super) struct Choices<'c> {
    numbers: std::slice::Iter<'c, u16>,
}

impl<'c> Choices<'c> {
    pub(super) fn new(numbers: &'c [u16]) -> Self {
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

/// Generates one file.
pub(super) struct Generator<'c, 'r> {
    choices: Choices<'c>,
    ansi: bool,
    rules: &'r mut Rules,
    out: Vec<u8>,
    readonly: usize,
    in_pattern: usize,
}

impl<'c, 'r> Generator<'c, 'r> {
    pub(super) fn new(choices: Choices<'c>, ansi: bool, rules: &'r mut Rules) -> Self {
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

    /// Generates one file.
    pub(super) fn file(mut self) -> Vec<u8> {
        for _ in 0..=self.choices.below(9) {
            self.statement();
        }
        if self.out.ends_with(b"\n") && self.choices.below(4) == 1 {
            self.out.pop();
            // A backslash at the very end differs from one before a newline.
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
                self.piece(word::Around::Nothing, 3);
            }
        }
    }

    fn tilde(&mut self) {
        let (rule, text) = self.choices.one_of(&[
            ("tilde", "~"),
            ("tilde", "~/x"),
            ("tilde of a user", "~root/y"),
            ("tilde of an unknown user", "~no_such_user/z"),
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
}
