//! Mixes that strangers have uploaded, at the wall: what is admitted, what each hostile one gets, and that the contract stays what it
//! was. How the server lives with them is in [`super::uploads`].

mod admission; // what is refused before it has run, and in which words
mod bombs; // what harms who compiles it
mod contract; // as it was frozen
mod damaged; // cut short, and with bits turned
mod examples; // of the three languages, in the feed
mod hostile; // admitted, and then
mod outside; // what can be had of the world outside: nothing
