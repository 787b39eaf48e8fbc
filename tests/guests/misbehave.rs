//! What the hostile guests do when a name tells them to. Everything else they do as the real ones, whose sources they share.

/// Does what the name's first word says, as in `trap-1`, `loop-here`, `idle-away`, `eat-all` or `refuse-this`; of an AT-URI, the record key
/// is the name. Any other name is harmless.
pub(crate) fn as_told(name: &str) -> Result<(), String> {
    let name = name.rsplit('/').next().unwrap_or_default();
    match name.split('-').next() {
        Some("trap") => panic!("told to trap"),
        Some("loop") => loop {
            std::hint::spin_loop();
        },
        // Tens of millions of instructions that no compiler can foresee, and then as if nothing were.
        Some("idle") => {
            let mut n = name.len() as u64 | 1;
            for _ in 0..2_000_000 {
                n ^= n << 13;
                n ^= n >> 7;
                n ^= n << 17;
            }
            if n == 0 { Err("impossible".to_owned()) } else { Ok(()) }
        }
        Some("eat") => {
            let mut eaten = Vec::new();
            loop {
                eaten.push(vec![1_u8; 1 << 20]);
                std::hint::black_box(&eaten);
            }
        }
        Some("refuse") => Err("told to refuse".to_owned()),
        _ => Ok(()),
    }
}
