//! The order of rooms: the code follows the list in the crate's documentation.

use crate::case::root;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use syn::visit::{self, Visit};

/// A module's path below the crate: `["plan", "form"]`.
type ModulePath = Vec<String>;

/// The wrong imports of these files, each with its path below `src`, where `order` lists
/// the rooms from the lowest up.
fn faults(order: &[&str], files: &[(String, String)]) -> Vec<String> {
    let modules: BTreeMap<ModulePath, &str> = files
        .iter()
        .map(|(path, text)| (module_of(path), text.as_str()))
        .collect();
    let mut faults = Vec::new();
    let mut siblings: BTreeMap<ModulePath, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (module, text) in &modules {
        for import in imports(module, text) {
            let known = (0..=import.len())
                .rev()
                .map(|length| import[..length].to_vec());
            let Some(target) = known.into_iter().find(|path| modules.contains_key(path)) else {
                continue;
            };
            let (Some(from), Some(to)) = (module.first(), target.first()) else {
                continue;
            };
            if from != to {
                let place = |room: &str| order.iter().position(|one| *one == room);
                match (place(from), place(to)) {
                    (Some(from), Some(to)) if to < from => {}
                    (Some(_), Some(_)) => faults.push(format!(
                        "{} imports {}, which stands behind {from}",
                        module.join("::"),
                        target.join("::")
                    )),
                    (None, _) => faults.push(format!("{from} is not listed")),
                    (_, None) => faults.push(format!("{to} is not listed")),
                }
                continue;
            }
            let mut common = module.iter().zip(&target);
            let common = common
                .by_ref()
                .take_while(|(one, other)| one == other)
                .count();
            if let (Some(from), Some(to)) = (module.get(common), target.get(common)) {
                let of_parent = siblings.entry(module[..common].to_vec()).or_default();
                let imported = of_parent.entry(from.clone()).or_default();
                imported.insert(to.clone());
            }
        }
    }
    for (parent, imports) in &siblings {
        if let Some(circle) = circle(imports) {
            faults.push(format!(
                "a circle in {}: {}",
                parent.join("::"),
                circle.join(" → ")
            ));
        }
    }
    faults.dedup();
    faults
}

/// The module of a file: `plan/form.rs` and `plan/form/mod.rs` are `plan::form`.
fn module_of(path: &str) -> ModulePath {
    let stem = path.trim_end_matches(".rs");
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    match stem {
        "lib" | "main" | "build" => Vec::new(),
        _ => stem.split('/').map(str::to_owned).collect(),
    }
}

/// The imports of a module from its crate, by use or by a path, without those of its tests.
fn imports(module: &ModulePath, text: &str) -> BTreeSet<ModulePath> {
    let file = syn::parse_file(text).unwrap();
    let mut reader = Reader {
        module,
        found: BTreeSet::new(),
    };
    reader.visit_file(&file);
    reader.found
}

struct Reader<'module> {
    module: &'module ModulePath,
    found: BTreeSet<ModulePath>,
}

impl Reader<'_> {
    fn add(&mut self, segments: &[String]) {
        let mut base = match segments.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self") => self.module.clone(),
            Some("super") => self.module[..self.module.len().saturating_sub(1)].to_vec(),
            _ => return,
        };
        let mut rest = segments.iter().skip(1).peekable();
        while rest.next_if(|segment| *segment == "super").is_some() {
            base.pop();
        }
        base.extend(rest.cloned());
        self.found.insert(base);
    }

    fn add_tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.add(&with(&name.ident)),
            syn::UseTree::Rename(rename) => self.add(&with(&rename.ident)),
            syn::UseTree::Glob(_) => self.add(prefix),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(prefix, tree);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let is_test = |attribute: &syn::Attribute| {
            attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Ident>()
                    .is_ok_and(|condition| condition == "test")
        };
        if !item.attrs.iter().any(is_test) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter();
        let segments: Vec<String> = segments.map(|segment| segment.ident.to_string()).collect();
        self.add(&segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // The words of a macro are not parsed.
        let text = call.tokens.to_string();
        for part in text.split("crate :: ").skip(1) {
            let path =
                part.split(|letter: char| !(letter.is_alphanumeric() || "_: ".contains(letter)));
            let names = path.take(1).flat_map(|path| path.split(" :: "));
            let names = names.map(|name| name.trim().to_owned());
            let segments: Vec<String> = std::iter::once("crate".to_owned()).chain(names).collect();
            self.add(&segments);
        }
        visit::visit_macro(self, call);
    }
}

/// Names that import each other in a circle, if there are any.
fn circle(imports: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn walk<'names>(
        name: &'names str,
        imports: &'names BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<&'names str>,
        done: &mut BTreeSet<&'names str>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|one| *one == name) {
            let circle = way[start..].iter().chain([&name]);
            return Some(circle.map(|name| (*name).to_owned()).collect());
        }
        if done.contains(name) {
            return None;
        }
        way.push(name);
        for next in imports.get(name).into_iter().flatten() {
            let found = walk(next, imports, way, done);
            if found.is_some() {
                return found;
            }
        }
        way.pop();
        done.insert(name);
        None
    }
    let mut done = BTreeSet::new();
    imports
        .keys()
        .find_map(|name| walk(name, imports, &mut Vec::new(), &mut done))
}

/// The shipped files below `directory`, by their path below `src`.
fn read(directory: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, files);
            continue;
        }
        let name = path.strip_prefix(root().join("src")).unwrap();
        let name = name.to_str().unwrap().to_owned();
        let is_code = path.extension().is_some_and(|end| end == "rs");
        if is_code && !name.ends_with("tests.rs") {
            files.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The rooms that the crate's documentation lists, from the lowest up.
fn listed(library: &str) -> Vec<&str> {
    let rows = library
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

#[test]
fn no_room_imports_a_later_one_and_no_siblings_import_each_other_in_a_circle() {
    let mut files = Vec::new();
    read(&root().join("src"), &mut files);
    let library = files.iter().find(|(path, _)| path == "lib.rs").unwrap();
    let order = listed(&library.1);
    let rooms: BTreeSet<String> = files
        .iter()
        .filter_map(|(path, _)| module_of(path).first().cloned())
        .collect();
    let listed: BTreeSet<String> = order.iter().map(|room| (*room).to_owned()).collect();
    assert_eq!(listed, rooms);
    assert_eq!(faults(&order, &files), Vec::<String>::new());
}

#[test]
fn an_import_upwards_and_a_circle_are_found_in_every_notation() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let found = faults(
        &["low", "high"],
        &[
            file("lib.rs", "pub mod low; pub mod high; use high::X;"),
            file("high.rs", "use crate::low::{self, a::Y}; pub struct X;"),
            file(
                "low/mod.rs",
                "mod a; mod b; mod c; fn f() { vec![crate::high::X]; } \
                 #[cfg(test)] mod tests { use crate::high::X; }",
            ),
            file(
                "low/a.rs",
                "use super::b::Z; // use crate::high::X;\npub struct Y;",
            ),
            file(
                "low/b.rs",
                "pub struct Z; fn f() -> super::c::V { \"crate::high\"; }",
            ),
            file(
                "low/c.rs",
                "pub struct V; impl V { fn f(_: crate::low::a::Y) {} }",
            ),
            file("low/d.rs", "use {std::io, crate::{high as other}};"),
        ],
    );
    assert_eq!(
        found,
        [
            "low imports high, which stands behind low",
            "low::d imports high, which stands behind low",
            "a circle in low: a → b → c → a",
        ]
    );
}
