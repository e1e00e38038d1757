// SPDX-License-Identifier: MIT
//
// sym_generics.rs - Rust code whose functions are hard to name: generics, closures, trait objects, iterator chains,
// nested modules, methods of enumerations, deep inlining. Needs only the standard library, any edition, rustc 1.63.
// A perfect report names every frame, inlined ones included, as the compiler's debug information does.
// Prints one checksum; allocates a little and frees all of it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

mod outer {
    pub mod inner {
        #[derive(Debug, Clone)]
        pub enum Tree<T> {
            Leaf(T),
            Node(Box<Tree<T>>, Box<Tree<T>>),
        }

        impl<T: Copy + std::ops::Add<Output = T>> Tree<T> {
            #[inline(never)]
            pub fn sum(&self) -> T {
                match self {
                    Tree::Leaf(x) => *x,
                    Tree::Node(a, b) => a.sum() + b.sum(),
                }
            }

            #[inline(never)]
            pub fn map<F: Fn(T) -> T + Copy>(&self, f: F) -> Tree<T> {
                match self {
                    Tree::Leaf(x) => Tree::Leaf(f(*x)),
                    Tree::Node(a, b) => Tree::Node(Box::new(a.map(f)), Box::new(b.map(f))),
                }
            }
        }

        #[inline(never)]
        pub fn build(depth: u32, seed: u64) -> Tree<u64> {
            if depth == 0 {
                return Tree::Leaf(seed);
            }
            Tree::Node(Box::new(build(depth - 1, seed * 2)), Box::new(build(depth - 1, seed * 2 + 1)))
        }
    }
}

trait Shape: Debug {
    fn area(&self) -> f64;
    fn name(&self) -> String {
        format!("{:?}", self)
    }
}

#[derive(Debug)]
struct Square(f64);

#[derive(Debug)]
struct Circle {
    radius: f64,
}

impl Shape for Square {
    #[inline(never)]
    fn area(&self) -> f64 {
        self.0 * self.0
    }
}

impl Shape for Circle {
    #[inline(never)]
    fn area(&self) -> f64 {
        3.0 * self.radius * self.radius
    }

    fn name(&self) -> String {
        String::from("circle")
    }
}

struct Ring<T, const N: usize> {
    items: [T; N],
    head: usize,
}

impl<T: Copy + Into<u64>, const N: usize> Ring<T, N> {
    #[inline(always)]
    fn push(&mut self, item: T) {
        self.items[self.head % N] = item;
        self.head += 1;
    }

    #[inline(never)]
    fn total(&self) -> u64 {
        self.items.iter().map(|&x| x.into()).filter(|x| x % 3 != 0).fold(0, |a, b| a ^ b.rotate_left(3))
    }
}

#[inline(never)]
fn words(text: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    counts
}

#[inline(never)]
fn checked(values: &[i32]) -> Result<i32, String> {
    values
        .iter()
        .map(|v| v.checked_mul(3).ok_or_else(|| format!("too large: {}", v)))
        .collect::<Result<Vec<_>, _>>()
        .map(|v| v.iter().sum())
}

fn main() {
    let tree = outer::inner::build(6, 1);
    let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Square(2.0)), Box::new(Circle { radius: 1.5 })];
    let mut ring = Ring::<u32, 16> { items: [0; 16], head: 0 };
    let mut by_length: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut total = tree.sum() + tree.map(|x| x.wrapping_mul(7)).sum();

    for i in 0..40u32 {
        ring.push(i * i);
    }
    total += ring.total();
    for (word, count) in words("the quick brown fox and the lazy dog and the cat") {
        by_length.entry(word.len() + count).or_default().push(word);
    }
    for (length, mut list) in by_length {
        list.sort_by(|a, b| b.cmp(a));
        total += length as u64 * list.len() as u64;
    }
    for shape in &shapes {
        total += shape.area() as u64 + shape.name().len() as u64;
    }
    total += checked(&[1, 2, 3]).unwrap_or(0) as u64;
    total += checked(&[i32::MAX]).unwrap_err().len() as u64;
    let worker = std::thread::spawn(move || (0..100u64).map(|x| x * x).sum::<u64>());
    total += worker.join().unwrap();
    println!("{}", total);
}
