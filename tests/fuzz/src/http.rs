//! What a query asks for, without the server.

#[path = "../../../host/src/http/query.rs"]
mod query;
#[expect(dead_code, reason = "the rest is for the routes")]
#[path = "../../../host/src/http/skeleton.rs"]
mod skeleton;

pub mod queries;

/// Stands in for `http/public.rs`, which answers.
mod public {
    use hyper::body::Bytes;

    use crate::feed::{FeedError, Request};

    pub(crate) trait FeedSource {
        fn skeleton(&self, request: &Request<'_>) -> Result<Bytes, FeedError>;
    }

    pub(super) fn warn_unavailable(_: &str) {}
}

/// Stands in for `http/reply.rs`, which makes answers of what is wrong.
mod reply {
    use std::borrow::Cow;

    #[derive(Debug)]
    pub(super) enum Fault {
        InvalidRequest(Cow<'static, str>),
        UnknownFeed,
        Unavailable,
    }

    impl Fault {
        pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
            Self::InvalidRequest(message.into())
        }
    }
}
