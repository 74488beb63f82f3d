//! The port for FreeBSD: its parts are in step with the program. `BLESS=1` writes those that are made of
//! other files.

use crate::case::root;
use easy_bhyve::manual::Page;
use easy_bhyve::tools::firmware;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    let path = root().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares a file with what it should be, or writes it.
fn compare(name: &str, wanted: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(root().join(name), wanted).unwrap();
    }
    similar_asserts::assert_eq!(read(name), wanted, "{name}");
}

/// The value of a variable of the port's Makefile.
fn variable(name: &str) -> String {
    let makefile = read("examples/port/Makefile").replace("\\\n", "");
    let lines = makefile.lines();
    let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix("=\t"));
    values.next().unwrap().trim().to_owned()
}

#[test]
fn the_port_has_the_version_and_the_crates_of_the_program() {
    assert_eq!(variable("PORTNAME"), env!("CARGO_PKG_NAME"));
    assert_eq!(variable("DISTVERSION"), env!("CARGO_PKG_VERSION"));
    let lock: toml::Value = toml::from_str(&read("Cargo.lock")).unwrap();
    let text = |package: &toml::Value, key| Some(package.get(key)?.as_str()?.to_owned());
    let packages = lock["package"].as_array().unwrap().iter();
    let foreign = packages.filter(|package| text(package, "source").is_some());
    let mut crates: Vec<String> = foreign
        .map(|package| {
            let source = text(package, "source").unwrap();
            assert!(source.starts_with("registry+"), "{source}");
            let [name, version] = ["name", "version"].map(|key| text(package, key).unwrap());
            format!("{name}-{version}")
        })
        .collect();
    // As `make cargo-crates` sorts them: by bytes.
    crates.sort();
    assert!(crates.len() > 50, "{crates:?}");
    let list = crates.join(" \\\n\t\t");
    compare(
        "examples/port/Makefile.crates",
        &format!("CARGO_CRATES=\t{list}\n"),
    );
}

#[test]
fn the_list_of_files_is_what_the_port_installs() {
    let mut wanted = BTreeSet::from(["bin/easy-bhyve".to_owned()]);
    for page in Page::ALL {
        wanted.insert(format!(
            "share/man/{}/{}.gz",
            page.directory(),
            page.file_name()
        ));
    }
    for document in variable("DOCUMENTS").split_whitespace() {
        assert!(root().join(document).is_file(), "{document}");
        wanted.insert(format!("%%PORTDOCS%%%%DOCSDIR%%/{document}"));
    }
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if Path::new(&name)
            .extension()
            .is_some_and(|end| end == "conf")
        {
            wanted.insert(format!("%%PORTEXAMPLES%%%%EXAMPLESDIR%%/{name}"));
        }
    }
    let listed: BTreeSet<String> = read("examples/port/pkg-plist")
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, wanted);
}

#[test]
fn the_script_for_rc_is_that_of_the_examples() {
    let script = read("examples/rc.d/easy_bhyve");
    let name = variable("USE_RC_SUBR");
    let file = format!("examples/port/files/{name}.in");
    compare(&file, &script.replace("/usr/local/", "%%PREFIX%%/"));
    assert!(script.contains(": \"${easy_bhyve_svcj:=NO}\"\n"));
}

#[test]
fn the_crate_has_all_that_the_port_takes_from_it() {
    let manifest: toml::Value = toml::from_str(&read("Cargo.toml")).unwrap();
    let include = manifest["package"]["include"].as_array().unwrap();
    let include: Vec<&str> = include.iter().map(|path| path.as_str().unwrap()).collect();
    let has = |path: &str| {
        include.iter().any(|pattern| {
            let (before, behind) = pattern.split_once('*').unwrap_or((pattern, ""));
            let rest = path.strip_prefix(before.trim_start_matches('/'));
            rest.is_some_and(|rest| rest.ends_with(behind.trim_start_matches('*')))
        })
    };
    for path in ["src/main.rs", "examples/easy-bhyve.conf", "LICENSE"] {
        assert!(has(path), "{path}: {include:?}");
    }
    for document in variable("DOCUMENTS").split_whitespace() {
        assert!(has(document), "{document}: {include:?}");
    }
}

#[test]
fn a_document_as_installed_has_all_that_it_refers_to() {
    let documents = variable("DOCUMENTS");
    let documents: Vec<&Path> = documents.split_whitespace().map(Path::new).collect();
    for name in ["README.md", "examples/guide.ja.md"] {
        let text = read(name);
        let links = text.split("](").skip(1);
        let links = links.filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with('#')) {
            let path = Path::new(name).with_file_name(link);
            let is_there = documents.iter().any(|document| document.starts_with(&path));
            assert!(is_there, "{name}: {link}: {documents:?}");
        }
    }
}

#[test]
fn the_port_has_the_loaders_of_each_machine() {
    for (machine, packages) in [
        ("amd64", &[firmware::PACKAGE, "grub2-bhyve"][..]),
        ("aarch64", &[firmware::U_BOOT_PACKAGE]),
    ] {
        let options = variable(&format!("OPTIONS_DEFINE_{machine}"));
        let needed = options
            .split(' ')
            .map(|option| variable(&format!("{option}_RUN_DEPENDS")));
        let needed: Vec<String> = needed.collect();
        let ports = packages
            .iter()
            .map(|package| format!(":sysutils/{package}"));
        for (needed, port) in needed.iter().zip(ports) {
            assert!(needed.ends_with(&port), "{machine}: {needed}");
        }
        assert_eq!(needed.len(), packages.len());
        let default = variable(&format!("OPTIONS_DEFAULT_{machine}"));
        assert!(options.starts_with(&default), "{default}");
    }
    // portlint(1) asks for it; the port builds the published crate.
    assert_eq!(variable("MASTER_SITES"), "CRATESIO");
    assert!(variable("WWW").ends_with("/${PORTNAME}"));
}

#[test]
fn the_texts_of_the_port_fit_its_readers() {
    let comment = variable("COMMENT");
    assert!(comment.len() <= 70 && !comment.ends_with('.'), "{comment}");
    for name in ["pkg-descr", "pkg-message"] {
        let text = read(&format!("examples/port/{name}"));
        let long: Vec<&str> = text.lines().filter(|line| line.len() > 80).collect();
        assert!(long.is_empty(), "{name}: {long:?}");
    }
}
