//! A small HTTP/1.1 client, one connection a request. It can also send what no client should, and needs no library for it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(55);

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The `error` of an XRPC error, and of our own API.
    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    /// The values of a header, in their order.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }
}

/// GETs a path.
pub async fn get(address: SocketAddr, path: &str) -> std::io::Result<Answer> {
    get_with(address, path, &[]).await
}

/// GETs a path with headers.
pub async fn get_with(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> std::io::Result<Answer> {
    send(address, request("GET", path, headers, "").as_bytes()).await
}

/// POSTs JSON; `null` is no body at all.
pub async fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &Value) -> std::io::Result<Answer> {
    call(address, "POST", path, headers, body).await
}

/// Any method, with JSON or, if that is `null`, without a body.
pub async fn call(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> std::io::Result<Answer> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len().to_string();
    let own: &[_] = if body.is_empty() { &[] } else { &[("content-type", "application/json"), ("content-length", &length)] };
    send(address, request(method, path, &[headers, own].concat(), &body).as_bytes()).await
}

/// The text of a request after which the connection is closed; to the host `localhost`, unless a header names another.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let host = if headers.iter().any(|(name, _)| *name == "host") { "" } else { "host: localhost\r\n" };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\n{host}connection: close\r\n{headers}\r\n{body}")
}

/// A text as a value in a query.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Sends bytes and reads to the end of the connection.
pub async fn send(address: SocketAddr, request: &[u8]) -> std::io::Result<Answer> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))?;
    Ok(answer(&bytes))
}

fn answer(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, body) = end.map_or((bytes, [].as_slice()), |end| (&bytes[..end], &bytes[end + 4..]));
    let head = String::from_utf8_lossy(head).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") { joined(body) } else { body.to_vec() };
    Answer { status, head, body: String::from_utf8_lossy(&body).into_owned() }
}

/// A client that keeps its connection, as the AppView does, for answers that tell their length. After an error it makes a new one.
#[derive(Debug)]
pub struct Kept {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Kept {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    pub async fn get(&mut self, path: &str) -> std::io::Result<Answer> {
        // What is dropped in the middle of an exchange doesn't come back.
        let taken = self.stream.take();
        let exchange = async {
            let mut stream = match taken {
                Some(stream) => stream,
                None => TcpStream::connect(self.address).await?,
            };
            stream.set_nodelay(true)?;
            stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await?;
            let mut bytes = Vec::new();
            loop {
                if stream.read_buf(&mut bytes).await? == 0 {
                    return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
                }
                let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
                let length = answer(&bytes[..head + 4]).header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
                if bytes.len() >= head + 4 + length {
                    return Ok((stream, answer(&bytes)));
                }
            }
        };
        let (stream, answer) = tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))?;
        self.stream = answer.header("connection").is_none_or(|said| !said.eq_ignore_ascii_case("close")).then_some(stream);
        Ok(answer)
    }
}

/// A chunked body without what is between the chunks; as far as it came.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&chunks[..end]).ok().and_then(|size| usize::from_str_radix(size.trim(), 16).ok()).unwrap_or(0);
        let chunk = &chunks[end + 2..];
        body.extend_from_slice(&chunk[..size.min(chunk.len())]);
        if size == 0 || chunk.len() < size + 2 {
            break;
        }
        chunks = &chunk[size + 2..];
    }
    body
}
