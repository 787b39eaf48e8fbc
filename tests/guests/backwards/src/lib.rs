//! A mix whose order nobody takes for the default one: each block from its oldest post to its newest, all of it at once. At the
//! top of a feed the first is pinned, and every post has a note of its place in the walk. In a community whose record key is `personal` it asks
//! who reads, and puts the reader's own posts first. It says how many posts it was given. Natively there is nothing here.

#![cfg(target_arch = "wasm32")]

use atrarium_sdk::{Mix, Note, Page, Post, Request, log, viewer};

struct Backwards;

impl Mix for Backwards {
    fn mix(request: Request) -> Result<Page, String> {
        let mut posts: Vec<Post<'_>> = request.posts().collect();
        log(&format!("{} posts behind {}", posts.len(), request.position));
        posts.sort_by(|one, other| (one.sort_time, one.uri).cmp(&(other.sort_time, other.uri)));
        if request.community.ends_with("/personal")
            && let Some(reader) = viewer()
        {
            posts.sort_by_key(|post| post.author.did != reader);
        }
        let notes = posts.iter().zip(request.position..).map(|(post, place)| Note { post: post.number, text: place.to_string() });
        let pinned = posts.first().filter(|_| request.position == 0).map(|post| post.number);
        Ok(Page { notes: Some(notes.collect()), ..Page::of(posts.iter().map(|post| post.number)).pinned(pinned) })
    }
}

atrarium_sdk::export_mix!(Backwards);
