//! The whole object against a stand-in for the host: what happens in told stories, and that chance can't break the law.

mod host;
mod law;
mod stories;
