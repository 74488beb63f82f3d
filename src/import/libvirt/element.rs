//! Elements of a document that record what is read of them, so that everything else is reported.

use super::table::{Is, find};
use crate::import::Guest;
use roxmltree::{Document, Node, NodeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;

/// What has been read of a document: of each element itself, its attributes, and its text.
pub(super) struct Record {
    read: RefCell<HashMap<NodeId, Vec<&'static str>>>,
    /// The offset of each end of a line.
    lines: Vec<usize>,
}

/// The part of an element that is the element itself.
const ITSELF: &str = "";
/// The part of an element that is its text; no attribute has such a name.
const TEXT: &str = "<text>";

impl Record {
    pub(super) fn of(document: &Document<'_>) -> Self {
        let text = document.input_text();
        Self {
            read: RefCell::default(),
            lines: text.match_indices('\n').map(|(at, _)| at).collect(),
        }
    }
}

/// An element, and the record of its document.
#[derive(Clone, Copy)]
pub(super) struct Element<'a, 'input> {
    node: Node<'a, 'input>,
    record: &'a Record,
}

impl<'a, 'input> Element<'a, 'input> {
    pub(super) fn new(node: Node<'a, 'input>, record: &'a Record) -> Self {
        let element = Self { node, record };
        element.mark(ITSELF);
        element
    }

    fn mark(self, part: &'static str) {
        let mut read = self.record.read.borrow_mut();
        let parts = read.entry(self.node.id()).or_default();
        if !parts.contains(&part) {
            parts.push(part);
        }
    }

    fn is_read(self, part: &str) -> bool {
        let read = self.record.read.borrow();
        let parts = read.get(&self.node.id());
        parts.is_some_and(|parts| parts.contains(&part))
    }

    /// Its name, without the namespace.
    pub(super) fn name(self) -> &'a str {
        self.node.tag_name().name()
    }

    pub(super) fn attribute(self, name: &'static str) -> Option<&'a str> {
        self.mark(ITSELF);
        self.mark(name);
        self.node.attribute(name)
    }

    /// Its text, without blanks around it.
    pub(super) fn text(self) -> &'a str {
        self.mark(TEXT);
        self.unread_text()
    }

    fn children(self) -> impl Iterator<Item = Node<'a, 'input>> {
        self.node.children().filter(Node::is_element)
    }

    /// Every element of this name below it; none of them counts as read.
    pub(super) fn unread(self, name: &'static str) -> impl Iterator<Item = Self> {
        let named = move |node: &Node<'_, '_>| node.tag_name().name() == name;
        let record = self.record;
        let all = self.children().filter(named);
        all.map(move |node| Self { node, record })
    }

    /// The first element of this name below it that is one of the driver for bhyve, not of another one.
    pub(super) fn child_of_bhyve(self, name: &'static str) -> Option<Self> {
        const NAMESPACE: &str = "http://libvirt.org/schemas/domain/bhyve/1.0";
        let is_ours = |one: &Self| one.node.tag_name().namespace() == Some(NAMESPACE);
        let element = self.unread(name).find(is_ours);
        element.inspect(|element| element.mark(ITSELF))
    }

    /// Its text, which does not count as read.
    pub(super) fn unread_text(self) -> &'a str {
        let texts = self.node.children().filter(Node::is_text);
        let mut texts = texts.filter_map(|text| text.text()).map(str::trim);
        texts.find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// An attribute that does not count as read.
    pub(super) fn unread_attribute(self, name: &str) -> Option<&'a str> {
        self.node.attribute(name)
    }

    /// Whether an attribute has this value; it does not count as read.
    pub(super) fn is(self, name: &str, value: &str) -> bool {
        self.unread_attribute(name) == Some(value)
    }

    /// Every element of this name below it.
    pub(super) fn all(self, name: &'static str) -> impl Iterator<Item = Self> {
        self.unread(name).inspect(|element| element.mark(ITSELF))
    }

    /// The first element of this name below it.
    pub(super) fn child(self, name: &'static str) -> Option<Self> {
        self.all(name).next()
    }

    /// An attribute of the first element of this name below it.
    pub(super) fn of(self, child: &'static str, name: &'static str) -> Option<&'a str> {
        self.child(child)?.attribute(name)
    }

    /// The text of the first element of this name below it.
    pub(super) fn text_of(self, child: &'static str) -> Option<&'a str> {
        self.child(child).map(Self::text)
    }

    /// Reports every part that was not read, at and below it, and that has a meaning. `path` is the path of
    /// its names in the table, empty for the domain.
    ///
    /// Descends only into elements that were read or that the table has, so the depth is bounded.
    pub(super) fn report(self, path: &str, guest: &mut Guest) {
        for attribute in self.node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            if !self.is_read(name)
                && let Some(why) = find(&format!("{path}@{name}")).is_lost(value)
            {
                guest.lose(self.shown(&written(name, value), ""), why);
            }
        }
        let text = self.unread_text();
        if !text.is_empty()
            && !self.is_read(TEXT)
            && let Some(why) = find(path).is_lost(text)
        {
            guest.lose(self.shown("", text), why);
        }
        for node in self.children() {
            let record = self.record;
            let child = Self { node, record };
            let path = format!("{path}/{}", child.name());
            let path = path.trim_start_matches('/');
            let is = find(path);
            if child.is_read(ITSELF) || matches!(is, Is::Parts | Is::NothingIf(_)) {
                child.report(path, guest);
            } else if let Is::Lost(why) = is {
                let attributes = node.attributes();
                let written = attributes.map(|one| written(one.name(), one.value()));
                let text = child.unread_text();
                guest.lose(child.shown(&written.collect::<String>(), text), why);
            }
        }
    }

    /// Its line and its tag, for a remark, with these attributes and this text.
    fn shown(self, attributes: &str, text: &str) -> String {
        let start = self.node.range().start;
        let line = self.record.lines.partition_point(|end| *end < start) + 1;
        let name = self.name();
        let mut shown = format!("line {line}: <{name}{attributes}>");
        if !text.is_empty() {
            let _ = write!(shown, "{text}</{name}>");
        }
        let parent = self.node.parent_element();
        let parent = parent.map(|parent| parent.tag_name().name());
        if let Some(parent) = parent.filter(|name| !matches!(*name, "domain" | "devices")) {
            let _ = write!(shown, " of <{parent}>");
        }
        shown
    }
}

/// An attribute as it is written; a password is not shown.
fn written(name: &str, value: &str) -> String {
    match name {
        "passwd" | "password" => format!(" {name}"),
        _ => format!(" {name}='{value}'"),
    }
}
