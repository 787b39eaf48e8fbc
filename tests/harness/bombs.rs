//! Components that harm whoever compiles them: each takes the compiler more time or memory than its size lets one think, if it is let
//! through. Only a process with limits may be given one.

use crate::mixes::{When, with_code};

/// A component without end, of 2 KB: each of forty components in it instantiates the one before it twice, so that a million million core
/// instances are made, all of them before anything is compiled. Takes whatever memory there is, 100 MB a second or more.
pub fn instances() -> Vec<u8> {
    let mut parts = "(component $c0 (core module $m) (core instance (instantiate $m)))\n".to_owned();
    for n in 1..=40 {
        let before = n - 1;
        parts += &format!("(component $c{n} (instance (instantiate $c{before})) (instance (instantiate $c{before})))\n");
    }
    parts += "(instance (instantiate $c40))\n";
    with_parts(&parts)
}

/// So many functions of one number each. 100,000 are the most that is let through.
pub fn functions(count: usize) -> Vec<u8> {
    with_core(&"(func (result i32) (i32.const 7))\n".repeat(count))
}

/// Functions of nearly a megabyte, in each of which so many values are alive at once.
pub fn values(functions: usize, count: usize) -> Vec<u8> {
    let load = "local.get 0 i32.load\n";
    with_core(&format!("(func (param i32) (result i32)\n{}{})\n", load.repeat(count), "i32.add\n".repeat(count - 1)).repeat(functions))
}

/// Functions in which so many variables are set before, and read after, so many branches.
pub fn variables(functions: usize, variables: usize, branches: usize) -> Vec<u8> {
    let mut code = format!("(func (param i32) (result i64) (local{})\n", " i64".repeat(variables));
    for n in 1..=variables {
        code += &format!("i64.const {n} local.set {n}\n");
    }
    for n in 0..branches {
        let variable = n % variables + 1;
        code += &format!("local.get 0 if local.get {variable} i64.const 3 i64.add local.set {variable} end\n");
    }
    code += "i64.const 0\n";
    for n in 1..=variables {
        code += &format!("local.get {n} i64.xor\n");
    }
    with_core(&format!("{code})\n").repeat(functions))
}

/// Functions that are loops in loops, so deep, around so many variables that each changes.
pub fn loops(functions: usize, depth: usize, variables: usize) -> Vec<u8> {
    let mut code = format!("(func (param i32) (result i64) (local{})\n", " i64".repeat(variables));
    for n in 0..depth {
        code += "loop\n";
        for variable in 1..=variables {
            code += &format!("local.get {variable} i64.const {n} i64.add local.set {variable}\n");
        }
    }
    code += &"local.get 0 br_if 0 end\n".repeat(depth);
    with_core(&format!("{code}local.get 1)\n").repeat(functions))
}

/// Functions with a jump to one of so many places, by a table of so many entries.
pub fn branches(functions: usize, places: usize, entries: usize) -> Vec<u8> {
    let table = (0..=entries).map(|n| format!(" {}", n % places)).collect::<String>();
    let code = format!("(func (param i32)\n{}(br_table{table} (local.get 0))\n{})\n", "block\n".repeat(places), "end\n".repeat(places));
    with_core(&code.repeat(functions))
}

/// So many types of core functions, no two of which are alike.
pub fn types(count: usize) -> Vec<u8> {
    let kinds = ["i32", "i64", "f32", "f64"];
    let ty = |n: usize| (0..10).map(|place| format!(" {}", kinds[(n >> (2 * place)) % 4])).collect::<String>();
    with_core(&(0..count).map(|n| format!("(type (func (param{})))\n", ty(n))).collect::<String>())
}

/// Components in one another, so deep, with a module and its instance at the bottom of each.
pub fn nested(depth: usize) -> Vec<u8> {
    let (open, close) = ("(component (core module $m) (core instance (instantiate $m))\n", ")\n");
    with_parts(&format!("{}{}", open.repeat(depth), close.repeat(depth)))
}

/// Two components that call each other by so many functions, whose type is so large: each gets an adapter that goes through all of it.
pub fn adapters(functions: usize, fields: usize) -> Vec<u8> {
    let record = |name: &str, of: &str| format!("(type ${name} (tuple{}))\n", format!(" {of}").repeat(fields));
    let types = record("inner", "string") + &record("outer", "$inner") + "(type $f (func (param \"x\" (list $outer))))\n";
    let imports = (0..functions).map(|n| format!("(import \"f{n}\" (func $f{n} (type $f)))\n")).collect::<String>();
    let lowered = (0..functions).map(|n| format!("(core func (canon lower (func $f{n}) (memory $m \"memory\")))\n")).collect::<String>();
    let memory = "(core module $m (memory (export \"memory\") 1) (func (export \"f\") (param i32 i32))\n\
        (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 0)))\n(core instance $m (instantiate $m))\n";
    let lift = "(func $f (type $f) (canon lift (core func $m \"f\") (memory $m \"memory\") (realloc (func $m \"realloc\"))))\n";
    let exports = (0..functions).map(|n| format!("(export \"f{n}\" (func $f))\n")).collect::<String>();
    let with = (0..functions).map(|n| format!("(with \"f{n}\" (func $one \"f{n}\"))\n")).collect::<String>();
    with_parts(&format!(
        "(component $one {types}{memory}{lift}{exports})\n(component $two {types}{imports}{memory}{lowered})\n\
         (instance $one (instantiate $one))\n(instance (instantiate $two {with}))\n"
    ))
}

fn with_core(code: &str) -> Vec<u8> {
    with_code(&format!("(func $misdeed (type $mix) (call $nothing))\n{code}"), false, "", When::Later)
}

fn with_parts(parts: &str) -> Vec<u8> {
    with_code("(func $misdeed (type $mix) (call $nothing))\n", false, parts, When::Later)
}
