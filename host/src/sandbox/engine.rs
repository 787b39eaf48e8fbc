//! The engine: wasmtime's settings, the ticking of epochs, and the limits of an instance.
//!
//! This engine runs the components that the operator trusts; those of strangers have their own ([`super::strangers`]). Calls are synchronous; a call that passes its deadline
//! (`deadline.rs`) traps at the next tick. Where the address space for pooled instances can't be had (a container with little of it), instances are
//! allocated on demand, which is slower and otherwise the same.

use std::time::Duration;

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ResourceLimiter};

use super::SandboxError;

/// How often a running guest is asked whether its time is over.
const TICK: Duration = Duration::from_millis(5);

/// Linear memory of one instance, all its memories together. A community object handles a batch in well under 2 MiB.
const MEMORY_LIMIT: usize = 64 << 20;

/// Elements of all tables of one instance.
const TABLE_LIMIT: usize = 40_000;

/// Core instances, memories and tables of one instance. A composed object has a dozen.
const PARTS: usize = 100;

/// The engine and its clock.
pub struct Sandbox {
    pub(super) engine: Engine,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sandbox")
    }
}

impl Sandbox {
    /// `instances` is how many may live at the same time, in all.
    pub fn new(instances: u32) -> Result<Self, SandboxError> {
        let pooled = Engine::new(config().allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances))));
        let engine = pooled.or_else(|cause| {
            tracing::warn!(%cause, "no address space for pooled instances: allocating them on demand");
            Engine::new(&config())
        });
        let engine = engine.map_err(|cause| SandboxError::Engine(format!("{cause:#}")))?;
        tick(&engine, TICK)?;
        Ok(Self { engine })
    }
}

/// Counts an engine's epochs for as long as it lives, one in each such time.
fn tick(engine: &Engine, every: Duration) -> Result<(), SandboxError> {
    let weak = engine.weak();
    let ticker = std::thread::Builder::new().name("epochs".to_owned()).spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(every);
        }
    });
    ticker.map(drop).map_err(|cause| SandboxError::Engine(cause.to_string()))
}

/// A deadline as a number of epochs.
pub(super) fn ticks(deadline: Duration) -> u64 {
    u64::try_from(deadline.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// What holds for everybody's components.
pub(super) fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        // `wasm_multi_memory(false)` would make composed components panic the compiler.
        .max_wasm_stack(256 << 10)
        .memory_init_cow(true);
    config
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        // A composed object has the two guests, and small instances that join them to each other and to WASI.
        .total_core_instances(instances.saturating_mul(12))
        .total_memories(instances.saturating_mul(2))
        .total_tables(instances.saturating_mul(8))
        .max_memory_size(MEMORY_LIMIT)
        .max_core_instances_per_component(48)
        .max_memories_per_component(4)
        .max_tables_per_component(16)
        .table_elements(20_000)
        .max_unused_warm_slots(64)
        // Memories are given back to the system as an instance ends. To write their first part anew instead would keep the far end of a
        // stack that no guest comes to: 128 KiB for each instance. And never `pagemap_scan`, which finds what was written: it passes
        // over what lies in swap, so a community would see what another has left (wasmtime's pull request 14357).
        .table_keep_resident(16 << 10);
    pool
}

/// What an instance may take, summed over all its memories and tables: wasmtime's own limits apply to each alone.
#[derive(Debug)]
pub(super) struct Limits {
    memory: Sum,
    elements: Sum,
    /// Parts of each kind: core instances, memories, tables.
    parts: usize,
}

#[derive(Debug)]
struct Sum {
    taken: usize,
    most: usize,
    refused: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(MEMORY_LIMIT, TABLE_LIMIT, PARTS)
    }
}

impl Limits {
    /// Bytes of memory, elements of tables, and how many parts of each kind there may be.
    pub(super) fn new(memory: usize, elements: usize, parts: usize) -> Self {
        let sum = |most| Sum { taken: 0, most, refused: false };
        Self { memory: sum(memory), elements: sum(elements), parts }
    }

    /// Bytes of memory that were taken.
    pub(super) fn memory(&self) -> usize {
        self.memory.taken
    }

    /// Whether the instance has asked for more memory than it may have.
    pub(super) fn refused_memory(&self) -> bool {
        self.memory.refused
    }

    /// The same of its tables.
    pub(super) fn refused_elements(&self) -> bool {
        self.elements.refused
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.memory.grow(current, desired))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.elements.grow(current, desired))
    }

    fn instances(&self) -> usize {
        self.parts
    }

    fn tables(&self) -> usize {
        self.parts
    }

    fn memories(&self) -> usize {
        self.parts
    }
}

impl Sum {
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let wanted = self.taken.saturating_add(desired.saturating_sub(current));
        let allowed = wanted <= self.most;
        if allowed {
            self.taken = wanted;
        }
        self.refused |= !allowed;
        allowed
    }
}
