//! The questions of `clone`, and what is said when nothing is cloned.

use super::host;
use crate::home::Home;

#[test]
fn a_first_word_that_is_a_label_is_asked_about() {
    let commands = ["zfs snapshot zroot/vm/deb@_202601010000-before"];
    let mut home = Home::new(host().with_commands(&commands), "deb_id=1\n");
    let err = home.refuses("clone deb before web", 2);
    assert!(
        err.contains("before is the label of a snapshot: zroot/vm/deb@_202601010000-before\n")
            && err.contains(
                "to clone the snapshot: easy-bhyve clone deb @_202601010000-before web\n"
            ),
        "{err}"
    );
    home.fake.answer = Some(true);
    home.does("clone deb before web --add");
    assert!(
        home.fake
            .host()
            .state
            .datasets
            .contains_key("zroot/vm/before")
    );
    // A single word is a name.
    home.fake.answer = None;
    home.does("clone deb clone_base --add");
}

#[test]
fn every_question_comes_before_the_lines_are_written() {
    let commands = ["zfs snapshot zroot/vm/deb@_202601010000-before"];
    for (words, question, again) in [
        (
            "clone deb before web --add",
            "before is the label of a snapshot",
            "clone deb @_202601010000-before www --add",
        ),
        (
            "clone deb @before web --add",
            "Clone zroot/vm/deb@_202601010000-before?",
            "clone deb @_202601010000-before www --add",
        ),
    ] {
        let mut home = Home::new(host().with_commands(&commands), "deb_id=1\n");
        let written = |home: &Home| home.file().metadata().unwrap().modified().unwrap();
        let before = written(&home);
        let shown = home.does(&format!("{words} -d"));
        let at = |text: &str| shown.out.find(text).expect(text);
        assert!(at("[y/N]") < at("web_id"), "{}", shown.out);
        for (answer, status) in [(None, 2), (Some(false), 1)] {
            home.fake.answer = answer;
            let err = home.refuses(words, status);
            assert!(!err.contains("undone"), "{err}");
            assert_eq!(written(&home), before, "written before the question: {err}");
        }
        assert!(home.fake.asked.iter().all(|asked| asked.contains(question)));
        // A yes is asked for once; a whole name is no question.
        home.fake.asked.clear();
        home.fake.answer = Some(true);
        home.does(words);
        assert_eq!(home.fake.asked.len(), 1, "{:?}", home.fake.asked);
        assert!(home.vms().contains("web_id="), "{}", home.vms());
        home.fake.answer = None;
        home.does(again);
    }
}

#[test]
fn what_is_refused_or_declined_says_nothing_of_the_new_vms() {
    let commands = ["zfs snapshot zroot/vm/deb@_202601010000-before"];
    let mut home = Home::new(
        host().with_commands(&commands),
        "deb_id=1 deb_autostart=YES\n",
    );
    for (words, status) in [("clone deb web web", 2), ("clone deb web web --add", 2)] {
        let err = home.refuses(words, status);
        assert!(!err.contains("autostart"), "{words}: {err}");
    }
    let said = home.does("clone deb web -d");
    assert!(
        said.err.contains("web has autostart as deb has"),
        "{said:?}"
    );
    let said = home.does("clone deb web");
    assert!(
        said.err.contains("web has autostart as deb has"),
        "{said:?}"
    );
}
