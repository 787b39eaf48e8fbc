//! A server between the program and a real PDS, which hands everything on and misbehaves on command.
//!
//! ```text
//! program ─ "where does did:… live?" ─▶ detour ─▶ PLC directory: "at the detour"
//!         └ XRPC ─────────────────────▶ detour ─▶ PDS
//! ```
//!
//! One request a connection, in plain HTTP, which is all that the program does before it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::peers::Peers;

/// What the PDS gets and the program hears of a request.
#[derive(Clone)]
pub enum Trick {
    /// The PDS does it, and the answer is lost with the connection.
    LosesAnswer,
    /// The PDS does it, and nobody ever answers.
    ForgetsAnswer,
    /// Nothing is done, and nobody ever answers.
    Swallows,
    /// Nothing is done, and this status is the answer.
    Answers(u16),
    /// This happens first; then the next trick is played, if there is one.
    After(Hook),
}

/// What happens before a request goes on.
pub type Hook = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// For the next requests in which all of these words stand, in the path or the body.
struct Order {
    words: Vec<String>,
    times: usize,
    trick: Trick,
}

/// A running detour. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Detour {
    pub address: SocketAddr,
    pds: SocketAddr,
    plc: SocketAddr,
    orders: Arc<Mutex<Vec<Order>>>,
}

impl Detour {
    pub async fn before(peers: &Peers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let address = listener.local_addr().expect("a bound listener");
        let detour = Self { address, pds: peers.pds(), plc: peers.plc(), orders: Arc::default() };
        let serving = detour.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                // A peer that goes away is part of the game.
                tokio::spawn(async move { serving.converse(stream).await.ok() });
            }
        });
        detour
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Plays a trick at the next request in which all of these words stand.
    pub fn next(&self, words: &[&str], trick: Trick) {
        self.order(words, 1, trick);
    }

    /// Plays a trick at every such request, until [`Detour::honest`].
    pub fn always(&self, words: &[&str], trick: Trick) {
        self.order(words, usize::MAX, trick);
    }

    /// Plays no more tricks that are meant for requests with this word; answers how many of the single ones were not played.
    pub fn honest(&self, word: &str) -> usize {
        let mut unplayed = 0;
        self.orders().retain(|order| {
            let stays = !order.words.iter().any(|other| other.contains(word));
            unplayed += usize::from(!stays && order.times == 1);
            stays
        });
        unplayed
    }

    fn order(&self, words: &[&str], times: usize, trick: Trick) {
        self.orders().push(Order { words: words.iter().map(ToString::to_string).collect(), times, trick });
    }

    fn orders(&self) -> MutexGuard<'_, Vec<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trick(&self, request: &str, wanted: impl Fn(&Trick) -> bool) -> Option<Trick> {
        let mut orders = self.orders();
        let at = orders.iter().position(|order| wanted(&order.trick) && order.words.iter().all(|word| request.contains(word.as_str())))?;
        let order = &mut orders[at];
        let trick = order.trick.clone();
        order.times -= 1;
        if order.times == 0 {
            orders.remove(at);
        }
        Some(trick)
    }

    async fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        let request = read(&mut stream).await?;
        let text = decoded(&request);
        let path = text.split(' ').nth(1).unwrap_or_default();
        if path.starts_with("/did:") {
            let answer = exchange(self.plc, &request).await?;
            return stream.write_all(&self.at_home(&answer)).await;
        }
        let mut trick = self.trick(&text, |_| true);
        if let Some(Trick::After(hook)) = &trick {
            hook().await;
            trick = self.trick(&text, |trick| !matches!(trick, Trick::After(_)));
        }
        match trick {
            None | Some(Trick::After(_)) => stream.write_all(&exchange(self.pds, &request).await?).await,
            Some(Trick::LosesAnswer) => exchange(self.pds, &request).await.map(drop),
            Some(Trick::ForgetsAnswer) => {
                exchange(self.pds, &request).await?;
                stream.read_u8().await.map(drop)
            }
            Some(Trick::Swallows) => stream.read_u8().await.map(drop),
            Some(Trick::Answers(status)) => stream.write_all(response(status, "{}").as_bytes()).await,
        }
    }

    /// A DID document in which the PDS is this.
    fn at_home(&self, answer: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(500);
        let body = body.replace(&format!("http://localhost:{}", self.pds.port()), &self.url());
        response(status, &body).into_bytes()
    }
}

fn response(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A whole request.
async fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    request.extend(body);
    Ok(request)
}

/// The answer to a request, on a connection that ends with it.
async fn exchange(server: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let end = request.windows(2).position(|window| window == b"\r\n").unwrap_or(request.len());
    let mut stream = TcpStream::connect(server).await?;
    let head = String::from_utf8_lossy(request).to_ascii_lowercase();
    stream.write_all(&request[..end]).await?;
    if !head.contains("\r\nconnection:") {
        stream.write_all(b"\r\nconnection: close").await?;
    }
    stream.write_all(&request[end..]).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// A request with what is written as `%3A` in its path.
fn decoded(request: &[u8]) -> String {
    String::from_utf8_lossy(request).replace("%3A", ":").replace("%2F", "/")
}
