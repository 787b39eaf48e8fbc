//! WASI's streams and polls for guests whose streams are all in memory: whatever they wait for is there at once.
//!
//! wasmtime-wasi's own versions wait on a runtime of tokio's. Called on a thread of such a runtime, as a mix is, they panic in the
//! host as soon as a guest prints anything, and a guest that panics does. These never wait, so they need no runtime.

use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::sync::io::{poll, streams};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, StreamError, StreamResult, subscribe};

/// What `blocking-write-and-flush` may be given at once, in bytes.
const MAX_BLOCKING: u64 = 4_096;

/// The guest's table, seen by the interfaces that would wait.
pub(super) struct AtOnce<'a>(pub(super) &'a mut ResourceTable);

impl streams::Host for AtOnce<'_> {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<streams::StreamError> {
        match error {
            StreamError::Closed => Ok(streams::StreamError::Closed),
            StreamError::LastOperationFailed(cause) => Ok(streams::StreamError::LastOperationFailed(self.0.push(cause)?)),
            StreamError::Trap(cause) => Err(cause),
        }
    }
}

impl streams::HostOutputStream for AtOnce<'_> {
    fn drop(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        self.0.delete(stream)?;
        Ok(())
    }

    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        Ok(self.0.get_mut(&stream)?.check_write()? as u64)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        self.0.get_mut(&stream)?.write(bytes.into())
    }

    fn blocking_write_and_flush(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        if bytes.len() as u64 > MAX_BLOCKING {
            return Err(StreamError::trap("more is written at once than may be"));
        }
        self.0.get_mut(&stream)?.write(bytes.into())
    }

    fn blocking_write_zeroes_and_flush(&mut self, stream: Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        self.write_zeroes(stream, length)
    }

    fn subscribe(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.0, stream)
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        if length > MAX_BLOCKING {
            return Err(StreamError::trap("more is written at once than may be"));
        }
        self.write(stream, vec![0; usize::try_from(length).unwrap_or(0)])
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.0.get_mut(&stream)?.flush()
    }

    fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.flush(stream)
    }

    fn splice(&mut self, to: Resource<DynOutputStream>, from: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        let bytes = streams::HostInputStream::read(self, from, length.min(MAX_BLOCKING))?;
        let count = bytes.len() as u64;
        self.write(to, bytes)?;
        Ok(count)
    }

    fn blocking_splice(&mut self, to: Resource<DynOutputStream>, from: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        self.splice(to, from, length)
    }
}

impl streams::HostInputStream for AtOnce<'_> {
    fn drop(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        self.0.delete(stream)?;
        Ok(())
    }

    fn read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(self.0.get_mut(&stream)?.read(length)?.into())
    }

    fn blocking_read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        self.read(stream, length)
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        Ok(self.read(stream, length)?.len() as u64)
    }

    fn blocking_skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        self.skip(stream, length)
    }

    fn subscribe(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.0, stream)
    }
}

impl poll::Host for AtOnce<'_> {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        Ok((0..).take(pollables.len()).collect())
    }
}

impl poll::HostPollable for AtOnce<'_> {
    fn ready(&mut self, _pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        Ok(true)
    }

    fn block(&mut self, _pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        Ok(())
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        self.0.delete(pollable)?;
        Ok(())
    }
}
