"""A history that grows, and its files while the edits of a commit are made one by one."""

from difflib import unified_diff
from itertools import groupby

GROWTH = [
    {
        "Cargo.toml": '[package]\nname = "growth"\nedition = "2021"\n',
        "src/lib.rs": """\
//! Grows.
use std::fmt;

mod shape;

/// A plan.
pub struct Plan {
    parts: Vec<u32>,
}

impl Plan {
    /// Makes one.
    pub fn new() -> Self {
        Plan { parts: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_empty() {
        assert!(Plan::new().parts.is_empty());
    }
}
""",
        "src/shape.rs": "pub fn area(side: u32) -> u32 {\n    side * side\n}\n",
    },
    {
        "src/lib.rs": """\
//! Grows.
use std::collections::HashMap;
use std::fmt;

mod part;
mod shape;

use part::Part;

/// A plan.
pub struct Plan {
    parts: Vec<Part>,
    names: HashMap<String, usize>,
}

impl Plan {
    /// Makes one.
    pub fn new() -> Self {
        Plan { parts: Vec::new(), names: HashMap::new() }
    }

    /// Adds a part.
    pub fn add(&mut self, part: Part) {
        self.names.insert(part.name().to_string(), self.parts.len());
        self.parts.push(part);
    }

    pub fn area(&self) -> u32 {
        self.parts.iter().map(|part| shape::area(part.side())).sum()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a plan of {} parts", self.parts.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_empty() {
        assert!(Plan::new().parts.is_empty());
        assert_eq!(Plan::new().area(), 0);
    }

    #[test]
    fn it_has_what_was_added() {
        let mut plan = Plan::new();
        plan.add(Part::new("one", 3));
        assert_eq!(plan.area(), 9);
    }
}
""",
        "src/part.rs": """\
use crate::shape;

/// A part of a plan.
pub struct Part {
    name: String,
    side: u32,
}

impl Part {
    pub fn new(name: &str, side: u32) -> Self {
        Part { name: name.to_string(), side }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn side(&self) -> u32 {
        shape::clamp(self.side)
    }
}

pub fn parts_of(names: &[&str]) -> Vec<Part> {
    names.iter().map(|name| Part::new(name, 1)).collect()
}
""",
        "src/shape.rs": """\
/// The longest side.
pub const MAX_SIDE: u32 = 1000;

pub fn area(side: u32) -> u32 {
    clamp(side) * clamp(side)
}

pub fn clamp(side: u32) -> u32 {
    side.min(MAX_SIDE)
}
""",
    },
    {
        "src/shape.rs": """\
/// The longest side.
pub const MAX_SIDE: u32 = 2000;

/// The area of a square.
pub fn area(side: u32) -> u32 {
    bounded(side).pow(2)
}

fn bounded(side: u32) -> u32 {
    side.min(MAX_SIDE).max(1)
}
""",
        "src/part.rs": """\
/// A part of a plan.
pub struct Part {
    name: String,
    side: u32,
}

impl Part {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn side(&self) -> u32 {
        self.side
    }

    pub fn rename(&mut self, name: &str) {
        self.name = name.to_string();
    }
}
""",
    },
]


class Tree:
    """The files of a commit's parent, in which the edits of the commit are made one by one."""

    def __init__(self, repo, parent):
        names = repo.git("ls-tree", "-r", "--name-only", parent).split() if parent else []
        self._before = {name: repo.blob(parent, name) for name in names}
        self._files = dict(self._before)
        self._repo = repo

    def patch(self):
        """Return what the edits so far changed, as a diff."""
        lines = []
        for name in sorted(self._before.keys() | self._files.keys()):
            old, new = (
                files.get(name, b"").decode().splitlines(keepends=True)
                for files in (self._before, self._files)
            )
            head = "/dev/null" if name not in self._before else f"a/{name}"
            lines += unified_diff(old, new, head, f"b/{name}")
        return "".join(lines)

    def make(self, meta):
        """Make the edit of a row, by its place or where its old code stands."""
        commit, whole = meta["commit"], meta.get("edit", meta)
        old, new = (
            self._repo.content(side["blob"])[side["start"] : side["end"]] if side else b""
            for side in (whole["old"], whole["new"])
        )
        name = (meta["place"] or [meta["path"]])[0].partition(":")[0]
        file = self._files.get(name, b"")
        if old:
            assert file.count(old) == 1, (commit, meta["symbol"])
            self._files[name] = file.replace(old, new)
            return
        lines = file.splitlines(keepends=True)
        # Parts of new code have no address; here they end their file.
        n_before = int(meta["place"][2]) if len(meta["place"] or ()) > 1 else len(lines)
        self._files[name] = b"".join([*lines[:n_before], new, *lines[n_before:]])


def edits_of(rows):
    """Yield the rows of each commit, as lists of the rows of each edit, in their order."""
    for _, of_commit in groupby(rows, key=lambda row: row[2]["commit"]):
        yield [
            list(of_edit) for _, of_edit in groupby(of_commit, key=lambda row: str(_sides(row[2])))
        ]


def _sides(meta):
    whole = meta.get("edit", meta)
    return whole["old"], whole["new"]
