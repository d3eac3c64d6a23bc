#!/usr/bin/env run-cargo-script
//! A module's documentation.
#![allow(dead_code)]

use std::{fmt, io::{self, Read as _, Write as W}};
// About the next one.
pub use crate::error::*;

/// A point.
#[derive(Debug)]
pub struct Point<T> { x: T } // trailing
struct Unit; struct Two;

enum Shape {
    /// Round.
    Circle(Point<f32>),
    Square { side: u8 },
}

union Bits { a: u32, b: f32 }

/// Things that are drawn.
pub(crate) trait Draw: fmt::Debug {
    const SIZE: usize = 1;
    type Out;

    /// Draws.
    fn draw(&self) -> Self::Out;
    fn twice(&self) { self.draw(); }
}

impl<T> Draw for Point<T> where T: fmt::Debug {
    type Out = ();
    fn draw(&self) {
        let local = helper(self.x);
        Shape::Circle(local);
        println!("{}", other::path(VALUE));
    }
}

impl Empty {}

const VALUE: [u8; 2] = [1, 2];
static mut COUNT: u32 = 0;
type Alias = Vec<Shape>;

macro_rules! square { ($x:expr) => { $x * $x } }

cfg_rt! {
    pub fn inside() {}
    impl Unit { fn member(self) {} }
}

extern "C" { fn c_side(x: i32); }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works() { assert_eq!(square!(2), 4); }
}
mod elsewhere;

// The end.
