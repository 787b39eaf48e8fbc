//! `make bench`: one table of measurements, and `target/bench.json`.
//!
//! Every row is measured on the whole program unless it says otherwise. Firehose and load come from processes of their own, so
//! that "per core of ours" is our processor time alone; they share the machine's cores with us all the same. Beside each
//! number stands what the design asks for, and the ceiling that was measured without our program.

mod api;
mod backfill;
mod children;
mod feeds;
mod firehose;
mod mixes;
mod objects;
mod program;
mod table;
mod tokens;

use table::Table;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime for the benchmark");
    if let Some(("child", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return children::run(&runtime, rest);
    }
    // What looks at uploaded mixes is the program under test, which is this one.
    if arguments.first().is_some_and(|first| first == "admit") {
        return children::admit();
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| name.contains(argument.as_str()));
    let mut table = Table::default();
    if wanted("prefilter") {
        firehose::prefilter(&mut table);
    }
    if wanted("firehose") {
        runtime.block_on(firehose::real_mix(&mut table));
    }
    if wanted("matched") {
        runtime.block_on(firehose::matched(&mut table));
    }
    if wanted("visible") {
        runtime.block_on(feeds::visible(&mut table));
    }
    if wanted("token") {
        tokens::verifications(&mut table);
    }
    if wanted("skeleton") {
        runtime.block_on(feeds::skeletons(&mut table));
    }
    if wanted("api") {
        runtime.block_on(api::reads(&mut table));
    }
    if wanted("overload") {
        runtime.block_on(api::overload(&mut table));
    }
    if wanted("sessions") {
        api::memory(&mut table);
    }
    if wanted("mix-calls") {
        mixes::calls(&mut table);
    }
    if wanted("mix-neighbours") {
        runtime.block_on(mixes::neighbours(&mut table));
    }
    if wanted("mix-start") {
        runtime.block_on(mixes::start(&mut table));
    }
    if wanted("wake") {
        objects::wake(&mut table);
    }
    if wanted("memory") {
        objects::memory(&mut table);
    }
    if wanted("backfill") {
        runtime.block_on(backfill::repos(&mut table));
    }
    if wanted("recover") {
        objects::recover(&mut table);
    }
    if wanted("restart") {
        runtime.block_on(objects::restart(&mut table));
    }
    table.print();
    table.save();
}
