// SPDX-License-Identifier: MIT
//! Rust: panics caught and unwound through frames with destructors, a panicking thread, and leaks of
//! known size by mem::forget, Box::leak and Rc cycles.
//! A perfect report says:
//! truth: leak forget_vec 1 4096
//! truth: leak leak_boxes 5 320
//! truth: leak cycle 2 80
//! truth: leak descend 0 0
/* build: -C opt-level=0 */
use std::cell::RefCell;
use std::panic;
use std::rc::Rc;
use std::thread;

struct Noisy<'a> {
    body: Vec<u8>,
    dropped: &'a std::cell::Cell<u32>,
}

impl Drop for Noisy<'_> {
    fn drop(&mut self) {
        self.dropped.set(self.dropped.get() + self.body.len() as u32 / 100);
    }
}

#[no_mangle]
#[inline(never)]
pub fn descend(depth: u32, dropped: &std::cell::Cell<u32>) {
    let _noisy = Noisy { body: vec![1; 100], dropped };
    if depth == 0 {
        panic!("bottom");
    }
    descend(depth - 1, dropped);
}

#[no_mangle]
#[inline(never)]
pub fn forget_vec() {
    std::mem::forget(vec![7u8; 4096]);
}

#[no_mangle]
#[inline(never)]
pub fn leak_boxes() {
    for i in 0..5u8 {
        Box::leak(Box::new([i; 64]));
    }
}

struct Node {
    next: RefCell<Option<Rc<Node>>>,
    _pad: u64,
}

#[no_mangle]
#[inline(never)]
pub fn cycle() {
    let first = Rc::new(Node { next: RefCell::new(None), _pad: 1 });
    let second = Rc::new(Node { next: RefCell::new(Some(first.clone())), _pad: 2 });
    *first.next.borrow_mut() = Some(second);
}

fn main() {
    panic::set_hook(Box::new(|_| {}));
    let dropped = std::cell::Cell::new(0);
    for _ in 0..10 {
        let result = panic::catch_unwind(panic::AssertUnwindSafe(|| descend(50, &dropped)));
        assert!(result.is_err());
    }
    let joined = thread::spawn(|| {
        let dropped = std::cell::Cell::new(0);
        descend(20, &dropped);
    })
    .join();
    forget_vec();
    leak_boxes();
    cycle();
    println!("dropped {}, thread {}", dropped.get(), if joined.is_err() { "panicked" } else { "ended" });
    if std::env::args().nth(1).as_deref() == Some("uncaught") {
        let _ = panic::take_hook();
        panic::set_hook(Box::new(|_| eprintln!("uncaught")));
        descend(3, &dropped);
    }
}
