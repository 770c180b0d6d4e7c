//! Bugs of unsafe Rust, and a panic: rusty BUG HANDLER
use std::io::Write;

extern "C" {
    fn signal(number: i32, handler: usize) -> usize;
    fn raise(number: i32) -> i32;
    fn abort() -> !;
}

const SIGSEGV: i32 = 11;

extern "C" fn by_raise(number: i32) {
    unsafe {
        signal(number, 0);
        raise(number);
    }
}

extern "C" fn by_abort(_number: i32) {
    unsafe { abort() }
}

/// The compiler must not know what comes out: the bugs here are on purpose.
#[inline(always)]
fn black_box<T>(value: T) -> T {
    unsafe {
        let copy = std::ptr::read_volatile(&value);
        std::arch::asm!("/* {0} */", in(reg) &copy, options(nostack));
        std::mem::forget(value);
        copy
    }
}

fn about<T>(object: *const T, size: usize, offset: usize) {
    println!("object {:x}\nsize {:x}\naccess {:x}", object as usize, size, (object as usize).wrapping_add(offset));
    std::io::stdout().flush().unwrap();
}

macro_rules! here {
    ($function:expr) => {
        println!("at {} {}", $function, line!() + 1);
    };
}

struct Order {
    number: u64,
    lines: [u64; 5],
}

trait Priced {
    fn price(&self) -> u64;
}

impl Priced for Order {
    #[inline(never)]
    fn price(&self) -> u64 {
        here!("price");
        unsafe { std::ptr::read_volatile(&self.number) + self.lines[1] }
    }
}

#[inline(never)]
fn uaf_box() {
    let order = Box::new(Order { number: black_box(3), lines: [1; 5] });
    let pointer: *const Order = black_box(&*order);
    about(pointer, 48, 0);
    drop(order);
    black_box(unsafe { (*pointer).price() });
}

#[inline(never)]
fn uaf_dyn() {
    let order: Box<dyn Priced> = Box::new(Order { number: black_box(3), lines: [1; 5] });
    let pointer: *const dyn Priced = black_box(&*order);
    about(pointer as *const u8, 48, 0);
    drop(order);
    black_box(unsafe { (*pointer).price() });
}

#[inline(never)]
fn store<T: Copy>(all: &mut Vec<T>, at: usize, value: T) {
    here!("store<u64>");
    unsafe { std::ptr::write_volatile(all.as_mut_ptr().add(at), value) };
    black_box(all);
}

#[inline(never)]
fn over_vec() {
    let mut all: Vec<u64> = vec![black_box(1); 6];
    about(all.as_ptr(), 48, 48);
    store(&mut all, black_box(6), 9);
}

#[inline(never)]
fn under_vec() {
    let all: Vec<u64> = vec![black_box(1); 6];
    let pointer = black_box(all.as_ptr());
    about(pointer, 48, usize::MAX - 7);
    let sum: u64 = (0..2)
        .map(|i| unsafe { std::ptr::read_volatile(pointer.wrapping_sub(1).wrapping_add(i)) })
        .sum();
    black_box(sum);
}

#[inline(never)]
fn uaf_closure() {
    let order = Box::new(Order { number: black_box(3), lines: [1; 5] });
    let pointer: *const Order = black_box(&*order);
    about(pointer, 48, 8);
    let later = black_box(move |i: usize| unsafe {
        std::ptr::read_volatile((*pointer).lines.as_ptr().add(i))
    });
    drop(order);
    black_box(later(0));
}

#[inline(never)]
fn double_drop() {
    let order = Box::into_raw(Box::new(Order { number: black_box(3), lines: [1; 5] }));
    about(order, 48, 0);
    unsafe {
        drop(Box::from_raw(order));
        drop(Box::from_raw(black_box(order)));
    }
}

#[inline(never)]
fn out_of_range() {
    let all: Vec<u64> = vec![black_box(1); 6];
    black_box(all[black_box(4711)]);
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    match words[2].as_str() {
        "raise" => unsafe { signal(SIGSEGV, by_raise as usize) },
        "abort" => unsafe { signal(SIGSEGV, by_abort as usize) },
        _ => 0,
    };
    let bug: fn() = match words[1].as_str() {
        "uaf_box" => uaf_box,
        "uaf_dyn" => uaf_dyn,
        "over_vec" => over_vec,
        "under_vec" => under_vec,
        "uaf_closure" => uaf_closure,
        "double_drop" => double_drop,
        "panic" => out_of_range,
        _ => return,
    };
    if words.len() > 3 {
        std::thread::Builder::new().name("worker".into()).spawn(bug).unwrap().join().unwrap();
    } else {
        black_box(bug)();
    }
}
