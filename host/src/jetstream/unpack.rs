//! From a message's payload to JSON: zstd with the wire's dictionary, at a bounded size.
//!
//! One [`Unpacker`] lives as long as the receiver: making a decompressor for each message costs thirty times what
//! decompressing it does. A payload that can't be unpacked is the caller's to skip.

use std::io;

use zstd::{bulk::Decompressor, zstd_safe::get_frame_content_size};

use super::{Refusal, Wire};

/// What Jetstream v1 compresses each event with; its id is 1612007021. Where it comes from stands in `data/README.md`.
pub(crate) const DICTIONARY: &[u8] = include_bytes!("../../data/jetstream-v1.zdict");

/// The same for v2. Servers may train another one at any time, and then refuse this: they are read uncompressed from then on.
const DICTIONARY_V2: &[u8] = include_bytes!("../../data/jetstream-v2.zdict");

/// What a v2 server is told that we have; it stands in the dictionary as well.
pub(super) const DICTIONARY_V2_ID: u32 = 20_260_811;

/// The largest event that is looked at, in bytes of JSON. A record is at most 1 MiB, and its event hardly more.
pub(super) const MAX_JSON: usize = 4 << 20;

pub(super) struct Unpacker {
    v1: Decompressor<'static>,
    v2: Decompressor<'static>,
    /// Its capacity is [`MAX_JSON`] from the start, of which only the pages that were once written to take memory. zstd
    /// refuses what doesn't fit.
    json: Vec<u8>,
}

impl Unpacker {
    /// Fails only where zstd can't take a dictionary, which is to say, not enough memory.
    pub(super) fn new() -> io::Result<Self> {
        let [v1, v2] = [DICTIONARY, DICTIONARY_V2].map(Decompressor::with_dictionary);
        Ok(Self { v1: v1?, v2: v2?, json: Vec::with_capacity(MAX_JSON) })
    }

    /// The JSON in this payload, valid until the next call.
    pub(super) fn unpack(&mut self, wire: Wire, payload: &[u8]) -> Result<&[u8], Refusal> {
        let decompressor = match wire {
            Wire::V1 => &mut self.v1,
            Wire::V2 => &mut self.v2,
        };
        match decompressor.decompress_to_buffer(payload, &mut self.json) {
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
            assert!(unpacker.unpack(Wire::V1, payload) == expected, "{} bytes", payload.len());
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
    fn each_wire_has_a_dictionary_of_its_own() {
        // RFC 8878, section 5: a magic number, then the id.
        assert_eq!(DICTIONARY_V2[4..8], DICTIONARY_V2_ID.to_le_bytes());
        let json = br#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#commit"}}"#;
        let packed = zstd::bulk::Compressor::with_dictionary(1, DICTIONARY_V2).and_then(|mut zstd| zstd.compress(json)).expect("zstd takes any bytes");
        let mut unpacker = Unpacker::new().expect("zstd takes the dictionaries");
        assert_eq!(unpacker.unpack(Wire::V2, &packed), Ok(json.as_slice()));
        assert_eq!(unpacker.unpack(Wire::V1, &packed), Err(Refusal::NotZstd));
        assert_eq!(unpacker.unpack(Wire::V2, &packed), Ok(json.as_slice()));
    }

    #[test]
    fn a_frame_that_hides_its_size_is_bounded_too() {
        let pack = |size| {
            let mut stream = zstd::Encoder::with_dictionary(Vec::new(), 3, DICTIONARY).expect("zstd takes the dictionary");
            stream.write_all(&vec![b' '; size]).expect("a Vec takes any bytes");
            stream.finish().expect("a Vec takes any bytes")
        };
        let mut unpacker = Unpacker::new().expect("zstd takes the dictionary");
        assert_eq!(unpacker.unpack(Wire::V1, &pack(1_000)), Ok([b' '; 1_000].as_slice()));
        assert!(unpacker.unpack(Wire::V1, &pack(MAX_JSON + 1)).is_err());
    }
}
