//! Atrarium: community feeds on the AT Protocol.

pub mod app;
pub mod authoring;
pub mod backfill;
pub mod cli;
pub mod clock;
pub mod community;
pub mod config;
pub mod dashboard;
pub mod demo;
pub mod event;
pub mod feed;
pub mod http;
pub mod identity;
pub mod ingest;
pub mod jetstream;
pub mod logging;
pub mod outbound;
pub mod pds;
pub mod record;
pub mod sandbox;
pub mod session;
pub mod store;
pub mod telemetry;
pub mod uploads;
pub mod vital;
