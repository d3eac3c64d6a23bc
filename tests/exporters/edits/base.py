"""The file that tests of edits begin with."""

BASE = """\
use std::fmt;

pub fn first() { one(); }

pub fn second() {
    let a = compute(1);
    let b = compute(2);
    finish(a, b);
}

impl Thing {
    fn member(&self) { self.go(); }
}
"""
