//! TXT records, asked of the servers that the system names.
//!
//! Made at the first question, so a machine without DNS starts all the same. Bounded in time and number; what fails is told, and tried
//! again only by whoever asks again.

use std::sync::OnceLock;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Questions at a time.
const MOST: usize = 16;

const DEADLINE: Duration = Duration::from_secs(3);

/// Records of one name that are looked at.
const RECORDS: usize = 32;

pub(super) struct Dns {
    resolver: OnceLock<Result<TokioResolver, String>>,
    turns: Semaphore,
}

impl Default for Dns {
    fn default() -> Self {
        Self { resolver: OnceLock::new(), turns: Semaphore::new(MOST) }
    }
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dns").finish_non_exhaustive()
    }
}

impl Dns {
    /// The texts at this name; none if there is no such name.
    pub(super) async fn txt(&self, name: &str) -> Result<Vec<String>, String> {
        let made = self.resolver.get_or_init(|| TokioResolver::builder_tokio().map(|builder| builder.build()).map_err(|cause| cause.to_string()));
        let resolver = made.as_ref().map_err(Clone::clone)?;
        let ask = async {
            let _turn = self.turns.acquire().await;
            // The dot at the end keeps the system's search domains out.
            resolver.txt_lookup(format!("{name}.")).await
        };
        match timeout(DEADLINE, ask).await {
            Ok(Ok(answer)) => Ok(answer.iter().take(RECORDS).map(|record| String::from_utf8_lossy(&record.txt_data().concat()).into_owned()).collect()),
            Ok(Err(cause)) if cause.is_no_records_found() || cause.is_nx_domain() => Ok(Vec::new()),
            Ok(Err(cause)) => Err(cause.to_string()),
            Err(_) => Err(format!("nothing came within {DEADLINE:?}")),
        }
    }
}
