//! What a change is answered with: what it is now, or that it is done and can't be seen here yet (202).
//!
//! Every change is made by [`Dashboard::write`], so to its end, though the peer goes away or the listener stops waiting.

use std::future::Future;

use axum::Json;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use serde::Serialize;

use super::Api;
use super::caller::Writer;
use super::error::ApiError;
use crate::dashboard::writes::{Effect, Pen};
use crate::dashboard::{Dashboard, Problem, access};

/// A change that was made, and the status of one that can be seen.
pub(super) struct Written<T> {
    status: StatusCode,
    effect: Effect<T>,
}

impl<T: Serialize> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        match self.effect {
            Effect::Seen(now) => (self.status, Json(now)).into_response(),
            Effect::Pending(pending) => (StatusCode::ACCEPTED, Json(pending)).into_response(),
        }
    }
}

impl Api {
    /// Makes a change in the caller's repo.
    pub(super) async fn write<T, F>(
        &self,
        status: StatusCode,
        Writer { who, session }: Writer,
        change: impl FnOnce(Dashboard, access::Caller, Pen) -> F,
    ) -> Result<Written<T>, ApiError>
    where
        T: Send + 'static,
        F: Future<Output = Result<Effect<T>, Problem>> + Send + 'static,
    {
        let repo = self.repo(session).await?;
        let effect = self.dashboard.write(who, &repo, change).await?;
        Ok(Written { status, effect })
    }
}
