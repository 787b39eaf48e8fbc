//! Cursors: where a walk through a feed goes on, and where a list of the API does.
//!
//! A text that is taken is the very text that would be given for what it says, so there is one for each place; a text that is no cursor
//! is an error and nothing else. If the bytes aren't base64url they are encoded first, since chance alone would seldom get there.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::page::{List, Page, cursor};
use crate::feed::cursor::{BadCursor, Walk};

/// The longest text that is looked at, of either kind.
const LONGEST: usize = 4 << 10;

const LISTS: [List; 9] =
    [List::Communities, List::Children, List::Members, List::Posts, List::AllPosts, List::Actions, List::ActionsOn, List::Held, List::DeadLetters];

pub fn run(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        check_walk(text);
        check_lists(text);
    }
    let text = URL_SAFE_NO_PAD.encode(bytes);
    check_walk(&text);
    check_lists(&text);
}

fn check_walk(text: &str) {
    match Walk::from_text(text) {
        Ok(walk) => {
            assert!(text.len() <= LONGEST, "a cursor of {} bytes", text.len());
            assert_eq!(walk.to_text(), text, "another cursor says the same: {walk:?}");
        }
        Err(BadCursor::Long) => assert!(text.len() > LONGEST, "a cursor of {} bytes is called long", text.len()),
        Err(BadCursor::Foreign | BadCursor::Version) => {}
    }
}

fn check_lists(text: &str) {
    let Ok(page) = Page::new(None, Some(text.to_owned())) else { panic!("the default limit is a limit") };
    let mut taken = 0;
    for list in LISTS {
        match page.after(list) {
            Ok(Some(key)) => {
                assert!(!key.is_empty() && text.len() <= LONGEST);
                assert_eq!(cursor(list, &key), text, "another cursor says the same");
                taken += 1;
            }
            Ok(None) => panic!("a cursor was given"),
            Err(_) => {}
        }
    }
    assert!(taken <= 1, "a cursor belongs to {taken} lists");
}
