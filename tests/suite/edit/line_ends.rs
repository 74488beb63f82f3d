//! Edits of files whose lines end in CR LF.

use super::edited;

#[test]
fn a_file_with_cr_lf_keeps_its_line_ends_and_its_new_lines_have_them() {
    let before = "a_id=1\r\na_mem=256M\r\n# end\r\n";
    for (words, after) in [
        (
            ["set", "a", "mem=512M"],
            "a_id=1\r\na_mem=512M\r\n# end\r\n",
        ),
        (
            ["set", "a", "cpu=2"],
            "a_id=1\r\na_mem=256M\r\na_cpu=2\r\n# end\r\n",
        ),
        (
            ["new", "b", "id=2"],
            "a_id=1\r\na_mem=256M\r\n# end\r\n\r\nb_id=2\r\n",
        ),
    ] {
        let (said, text) = edited(before, &words);
        assert_eq!(String::from_utf8_lossy(&text), after);
        assert_eq!(said.status, Some(0), "{}", said.err);
        let warnings = said.err.matches("the line ends in CR LF").count();
        assert_eq!(warnings, 1, "{}", said.err);
    }
}
