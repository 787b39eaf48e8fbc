//! The engine: wasmtime's settings, the ticking of epochs, and the limits of an instance.
//!
//! One engine runs the components that the operator trusts. Calls are synchronous; a call that passes its deadline traps at
//! the next tick. Where the address space for pooled instances can't be had (a container with little of it), instances are
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
        let weak = engine.weak();
        std::thread::Builder::new()
            .name("epochs".to_owned())
            .spawn(move || {
                while let Some(engine) = weak.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(TICK);
                }
            })
            .map_err(|cause| SandboxError::Engine(cause.to_string()))?;
        Ok(Self { engine })
    }
}

/// A deadline as a number of epochs.
pub(super) fn ticks(deadline: Duration) -> u64 {
    u64::try_from(deadline.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

fn config() -> Config {
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
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(16 << 10);
    pool
}

/// What an instance may take, summed over all its memories and tables: wasmtime's own limits apply to each alone.
#[derive(Debug, Default)]
pub(super) struct Limits {
    memory: usize,
    elements: usize,
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(grow(&mut self.memory, current, desired, MEMORY_LIMIT))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(grow(&mut self.elements, current, desired, TABLE_LIMIT))
    }
}

fn grow(sum: &mut usize, current: usize, desired: usize, limit: usize) -> bool {
    let wanted = sum.saturating_add(desired.saturating_sub(current));
    let allowed = wanted <= limit;
    if allowed {
        *sum = wanted;
    }
    allowed
}
