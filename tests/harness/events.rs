//! A reader of server-sent events, as far as the program uses them: `id`, `event` and `data`, in a chunked answer.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::http::{self, Answer};

/// How long a test waits for an event that must come.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: Value,
}

/// An open stream. It ends when this is dropped.
#[derive(Debug)]
pub struct Events {
    stream: BufReader<TcpStream>,
    /// What has come of the body and was not a whole event yet.
    rest: Vec<u8>,
}

impl Events {
    /// The answer as it is where it isn't a stream.
    pub async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, Answer> {
        let mut stream = TcpStream::connect(address).await.expect("the program listens");
        let headers = [headers, &[("accept", "text/event-stream")]].concat();
        stream.write_all(http::request("GET", path, &headers, "").as_bytes()).await.expect("the program reads");
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = tokio::time::timeout(PATIENCE, stream.read_line(&mut head)).await.expect("an answer comes").expect("an answer comes");
            assert!(read > 0, "the answer to {path} ends within its head: {head}");
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        if status != 200 || !head.to_ascii_lowercase().contains("content-type: text/event-stream") {
            let mut body = Vec::new();
            stream.read_to_end(&mut body).await.expect("the answer ends");
            return Err(Answer { status, head, body: String::from_utf8_lossy(&body).into_owned() });
        }
        assert!(head.to_ascii_lowercase().contains("transfer-encoding: chunked"), "{head}");
        Ok(Self { stream, rest: Vec::new() })
    }

    /// The next event, comments left out; `None` when the program ends the stream.
    pub async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("an event comes")
    }

    /// All events up to the next with this name, which is the last of them.
    pub async fn up_to(&mut self, name: &str) -> Vec<Event> {
        let mut events = Vec::new();
        while events.last().is_none_or(|event: &Event| event.name != name) {
            events.push(self.next().await.unwrap_or_else(|| panic!("the stream ends before a `{name}`, after {events:?}")));
        }
        events
    }

    /// The next event with this name; those before it are passed over.
    pub async fn until(&mut self, name: &str) -> Event {
        self.up_to(name).await.pop().expect("it is the last of them")
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.rest.windows(2).position(|window| window == b"\n\n") {
                let block: Vec<u8> = self.rest.drain(..end + 2).collect();
                let event = event_of(&String::from_utf8_lossy(&block));
                if event.is_some() {
                    return event;
                }
            }
            let chunk = self.chunk().await?;
            self.rest.extend(chunk.into_iter().filter(|byte| *byte != b'\r'));
        }
    }

    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = String::new();
        self.stream.read_line(&mut size).await.ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok().filter(|size| *size > 0)?;
        let mut bytes = vec![0; size + 2];
        self.stream.read_exact(&mut bytes).await.ok()?;
        bytes.truncate(size);
        Some(bytes)
    }
}

/// `None` for a comment, by which a server keeps the connection.
fn event_of(block: &str) -> Option<Event> {
    let field = |name: &str| {
        let values = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(|value| value.strip_prefix(' ').unwrap_or(value));
        values.collect::<Vec<_>>().join("\n")
    };
    let (id, name, data) = (field("id"), field("event"), field("data"));
    (!data.is_empty() || !name.is_empty()).then(|| Event { id, name, data: serde_json::from_str(&data).unwrap_or(Value::String(data)) })
}
