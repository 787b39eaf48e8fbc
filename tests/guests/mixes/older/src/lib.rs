//! A mix from the day on which the contract was frozen, written with nothing but its text of that day: what a stranger has uploaded
//! and won't build again. It uses all of the contract. Natively there is nothing here.

#![cfg(target_arch = "wasm32")]
#![expect(unsafe_code, reason = "the component's entry points are exported by name")]

wit_bindgen::generate!({
    world: "atrarium:feed-mix/feed-mix",
    path: "feed-mix-1.0.0.wit",
});

use atrarium::feed_mix::types::{Named, Note, Role, SourceKind, Value};
use atrarium::feed_mix::{log, viewer};
use exports::atrarium::feed_mix::mix::{Guest, Page, Request};

struct Older;

impl Guest for Older {
    /// The oldest post first, replies last. Pinned is what comes first; each source's first post has a note of what it is. Whoever
    /// reads is logged.
    fn mix(request: Request) -> Result<Page, String> {
        let posts = &request.posts;
        let count = posts.uri.len();
        let columns = [posts.source.len(), posts.author.len(), posts.sort_time.len(), posts.reply.len(), posts.languages.len(), posts.labels.len()];
        if columns != [count; 6] {
            return Err(format!("columns of {columns:?} for {count} posts"));
        }
        let mut picks: Vec<u32> = (0..).take(count).collect();
        picks.sort_by_key(|pick| (posts.reply[*pick as usize], posts.sort_time[*pick as usize]));
        let notes = request.sources.iter().filter(|source| source.count > 0).map(|source| {
            let (kind, post) = (kind(source.kind), source.first as usize);
            let author = &request.authors[posts.author[post] as usize];
            let languages = request.languages[posts.languages[post] as usize].join("+");
            let labels = request.labels[posts.labels[post] as usize].join("+");
            let role = author.role.map_or("nobody", role);
            let age = request.now - posts.sort_time[post];
            let more = if source.has_more { "and more" } else { "and no more" };
            let text = format!(
                "{} by {role} {} of {} posts, {age} ms old, in {languages:?}, labelled {labels:?}; {kind}: {} % of {}, {} taken, {more}",
                posts.uri[post], author.did, author.posts, source.share, request.community, source.taken
            );
            Note { post: source.first, text }
        });
        let notes = notes.collect();
        let reader = viewer::did().unwrap_or_else(|| "nobody".to_owned());
        log::log(&format!("{reader} wants {} behind {}; {} things are new", request.limit, request.position, request.more.len()));
        let consumed = request.sources.iter().map(|source| source.count).collect();
        let values = [Value::Truth(true), Value::Number(-1), Value::Text(String::new()), Value::Numbers(vec![1]), Value::Texts(vec![String::new()])];
        let more = values.map(|value| Named { name: "what no host knows".to_owned(), value });
        let pinned = picks.first().map(|pick| vec![*pick]);
        Ok(Page { picks, pinned, notes: Some(notes), consumed: Some(consumed), more: Some(more.to_vec()) })
    }
}

fn kind(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Own => "own",
        SourceKind::Parent => "parent",
        SourceKind::Global => "global",
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "the owner",
        Role::Moderator => "a moderator",
        Role::Member => "a member",
    }
}

export!(Older);
