//! From a message's payload to JSON: zstd with Jetstream's dictionary, at a bounded size.
//!
//! One [`Unpacker`] lives as long as the receiver: making a decompressor for each message costs thirty times what
//! decompressing it does. A payload that can't be unpacked is the caller's to skip.

use std::io;

use zstd::{bulk::Decompressor, zstd_safe::get_frame_content_size};

use super::Refusal;

/// What Jetstream v1 compresses each event with; its id is 1612007021. Where it comes from stands in `data/README.md`.
pub(crate) const DICTIONARY: &[u8] = include_bytes!("../../data/jetstream-v1.zdict");

/// The largest event that is looked at, in bytes of JSON. A record is at most 1 MiB, and its event hardly more.
pub(super) const MAX_JSON: usize = 4 << 20;

pub(super) struct Unpacker {
    decompressor: Decompressor<'static>,
    /// Its capacity is [`MAX_JSON`] from the start, of which only the pages that were once written to take memory. zstd
    /// refuses what doesn't fit.
    json: Vec<u8>,
}

impl Unpacker {
    /// Fails only where zstd can't take the dictionary, which is to say, not enough memory.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { decompressor: Decompressor::with_dictionary(DICTIONARY)?, json: Vec::with_capacity(MAX_JSON) })
    }

    /// The JSON in this payload, valid until the next call.
    pub(super) fn unpack(&mut self, payload: &[u8]) -> Result<&[u8], Refusal> {
        match self.decompressor.decompress_to_buffer(payload, &mut self.json) {
            Ok(_) => Ok(&self.json),
            Err(_) if get_frame_content_size(payload).is_ok_and(|size| size > Some(MAX_JSON as u64)) => Err(Refusal::TooLarge),
            Err(_) => Err(Refusal::NotZstd),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::demo::script::compressor;

    #[test]
    fn what_jetstream_packs_is_unpacked_up_to_the_limit() {
        let mut unpacker = Unpacker::new().expect("zstd takes the dictionary");
        let mut check = |payload: &[u8], expected: Result<&[u8], Refusal>| {
            assert!(unpacker.unpack(payload) == expected, "{} bytes", payload.len());
        };
        let pack = |json: &[u8]| compressor().and_then(|mut zstd| zstd.compress(json)).expect("zstd takes any bytes");
        for line in include_str!("../../data/captured-events.jsonl").lines() {
            check(&pack(line.as_bytes()), Ok(line.as_bytes()));
        }
        let largest = vec![b' '; MAX_JSON + 1];
        check(&pack(&largest[..MAX_JSON]), Ok(&largest[..MAX_JSON]));
        check(&pack(&largest), Err(Refusal::TooLarge));
        check(b"", Ok(b""));
        check(b"{}", Err(Refusal::NotZstd));
        let packed = pack(b"{}");
        check(&packed[..packed.len() - 1], Err(Refusal::NotZstd));
        check(&pack(b"{}"), Ok(b"{}"));
    }

    #[test]
    fn a_frame_that_hides_its_size_is_bounded_too() {
        let pack = |size| {
            let mut stream = zstd::Encoder::with_dictionary(Vec::new(), 3, DICTIONARY).expect("zstd takes the dictionary");
            stream.write_all(&vec![b' '; size]).expect("a Vec takes any bytes");
            stream.finish().expect("a Vec takes any bytes")
        };
        let mut unpacker = Unpacker::new().expect("zstd takes the dictionary");
        assert_eq!(unpacker.unpack(&pack(1_000)), Ok([b' '; 1_000].as_slice()));
        assert!(unpacker.unpack(&pack(MAX_JSON + 1)).is_err());
    }
}
