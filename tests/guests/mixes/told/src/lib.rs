//! A mix that picks every post as it comes, until the record key of its community tells it to do something else. In the trial it is
//! never told, so it is admitted. What it has found of the world outside it logs. Natively there is nothing here.

#![cfg(target_arch = "wasm32")]

use std::fmt::Debug;
use std::hash::BuildHasher;
use std::io::{Read, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, io, process, thread};

use atrarium_sdk::{Mix, Page, Request, log, viewer};

struct Told;

impl Mix for Told {
    fn mix(request: Request) -> Result<Page, String> {
        match request.community.rsplit('/').next().unwrap_or_default() {
            "files" => files(),
            "environment" => environment(),
            "clocks" => clocks(request.now),
            "chance" => log(&format!("{:x}", std::collections::hash_map::RandomState::new().hash_one(1))),
            "remember" => remember(),
            "panic" => panic!("told to panic"),
            "exit" => process::exit(3),
            "abort" => process::abort(),
            "give-up" => return Err("told to give up".to_owned()),
            "eat" => eat(),
            "slow" => {
                // What no compiler can foresee.
                let mut n = request.now as u64 | 1;
                for _ in 0..30_000_000 {
                    n ^= n << 13;
                    n ^= n >> 7;
                    n ^= n << 17;
                }
                log(if n == 0 { "impossible" } else { "slow, and done" });
            }
            "log" => (0..100_000).for_each(|n| log(&format!("line {n}"))),
            "print" => flood(&mut io::stdout()),
            "complain" => flood(&mut io::stderr()),
            "print-and-panic" => {
                flood(&mut io::stdout());
                panic!("after all that");
            }
            _ => {}
        }
        Ok(Page::of(request.posts().map(|post| post.number)))
    }
}

/// What can be had of files, by every way that the standard library has.
fn files() {
    tell("list /", fs::read_dir("/"));
    tell("list .", fs::read_dir("."));
    tell("read /etc/passwd", fs::read("/etc/passwd"));
    tell("read Cargo.toml", fs::read("Cargo.toml"));
    tell("read ../secret", fs::read("../secret"));
    tell("write /tmp/trace", fs::write("/tmp/trace", "trace"));
    tell("write trace", fs::write("trace", "trace"));
    tell("make a folder", fs::create_dir("/tmp/trace"));
    tell("remove /etc/passwd", fs::remove_file("/etc/passwd"));
    tell("rename", fs::rename("/etc/passwd", "/etc/shadow"));
    tell("look at /", fs::metadata("/"));
    tell("see where it is", env::current_dir().and_then(fs::metadata));
    let mut text = String::new();
    let read = io::stdin().read_to_string(&mut text);
    tell("read its input", read.and_then(|length| if length > 0 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }));
}

fn tell<T>(what: &str, came: io::Result<T>) {
    match came {
        Ok(_) => log(&format!("{what}: done")),
        Err(cause) => log(&format!("{what}: not possible ({})", cause.kind())),
    }
}

fn environment() {
    log(&format!("{} variables, {} arguments, path {:?}", env::vars_os().count(), env::args_os().count(), env::var("PATH").ok()));
}

/// What the clocks say before and after a while, and after a sleep of an hour.
fn clocks(now: i64) {
    let (wall, monotonic) = (SystemTime::now(), Instant::now());
    let mut sum = 0_u64;
    (0..100_000).for_each(|n| sum = std::hint::black_box(sum.wrapping_mul(31) + n));
    thread::sleep(Duration::from_secs(3_600));
    let date = wall.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let passed = SystemTime::now().duration_since(wall);
    show("the date is not the request's", date as i64 - now);
    show("passed on the wall", passed.unwrap_or_default());
    show("passed", monotonic.elapsed());
}

fn show(what: &str, value: impl Debug) {
    log(&format!("{what}: {value:?}"));
}

/// Everybody who has ever read the feed.
static READERS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn remember() {
    let mut readers = READERS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    log(&format!("before: {}", readers.join(", ")));
    readers.extend(viewer());
    log(&format!("now: {}", readers.join(", ")));
}

fn eat() {
    let mut eaten = Vec::new();
    loop {
        eaten.push(vec![1_u8; 1 << 20]);
        std::hint::black_box(&eaten);
    }
}

/// Four megabytes.
fn flood(stream: &mut dyn Write) {
    let line = [b'x'; 4_096];
    for _ in 0..1 << 10 {
        if stream.write_all(&line).is_err() {
            log("nobody listens");
            break;
        }
    }
}

atrarium_sdk::export_mix!(Told);
