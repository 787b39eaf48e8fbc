//! From a host's name to a socket, with TLS: looks up, checks, and connects to what was checked.
//!
//! A name is looked up once for each connection, and the addresses that pass are the ones that are connected to: there is no second
//! look-up that could answer otherwise. An address that is written into a URL is checked like any other.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use hyper::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};
use tokio_rustls::rustls::time_provider::TimeProvider;
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore, crypto};

use super::address::{Reach, reach};
use super::client::Policy;
use super::error::OutboundError;

/// Addresses of one host that are tried.
const ADDRESSES: usize = 4;

/// Look-ups at a time. The system's resolver can't be interrupted, and each takes a thread while it lasts.
const LOOKUPS: usize = 32;

/// Who vouches for servers' names.
pub(super) type Authorities = Arc<RootCertStore>;

/// Those whom the web's browsers trust.
pub(super) fn authorities() -> Authorities {
    Arc::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
}

/// The clock by which certificates are judged: ahead of the system's by this much.
#[derive(Debug)]
struct Later(Duration);

impl TimeProvider for Later {
    fn current_time(&self) -> Option<UnixTime> {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok().map(|now| UnixTime::since_unix_epoch(now + self.0))
    }
}

/// Makes connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connector {
    allow_private: bool,
    /// For one host: looking up, connecting, and TLS each.
    patience: Duration,
    lookups: Arc<Semaphore>,
    tls: TlsConnector,
}

impl Connector {
    pub(super) fn new(policy: &Policy, authorities: Authorities) -> Self {
        let clock = Arc::new(Later(policy.outlasting));
        let config = ClientConfig::builder_with_details(Arc::new(crypto::ring::default_provider()), clock)
            .with_safe_default_protocol_versions()
            .expect("ring knows the versions of TLS that rustls thinks safe")
            .with_root_certificates(authorities)
            .with_no_client_auth();
        let Policy { allow_private, connect: patience, .. } = *policy;
        Self { allow_private, patience, lookups: Arc::new(Semaphore::new(LOOKUPS)), tls: TlsConnector::from(Arc::new(config)) }
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<Socket>, OutboundError> {
        let with_tls = uri.scheme_str() != Some("http");
        let name = uri.host().unwrap_or_default();
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name).to_owned();
        let port = uri.port_u16().unwrap_or(if with_tls { 443 } else { 80 });
        let addresses = self.may_connect(&name, self.addresses(&name, port).await?)?;
        let stream = self.first(&name, &addresses).await?;
        // A failure costs a delay of milliseconds and no more.
        drop(stream.set_nodelay(true));
        if !with_tls {
            return Ok(TokioIo::new(Socket(Box::new(stream))));
        }
        let failed = |cause: String| OutboundError::Tls { host: name.clone(), cause };
        let server = ServerName::try_from(name.clone()).map_err(|cause| failed(cause.to_string()))?;
        match timeout(self.patience, self.tls.connect(server, stream)).await {
            Ok(Ok(stream)) => Ok(TokioIo::new(Socket(Box::new(stream)))),
            Ok(Err(cause)) if is_expiry(&cause) => Err(OutboundError::Expired { host: name.clone(), cause: cause.to_string() }),
            Ok(Err(cause)) => Err(failed(cause.to_string())),
            Err(_) => Err(failed(format!("nothing came within {:?}", self.patience))),
        }
    }

    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, OutboundError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let failed = |cause: String| OutboundError::Lookup { host: host.to_owned(), cause };
        let slow = || failed(format!("nothing came within {:?}", self.patience));
        let look = async {
            let turn = Arc::clone(&self.lookups).acquire_owned().await;
            let name = host.to_owned();
            // A task of its own: it keeps its turn until the resolver comes back, though nobody waits any more.
            tokio::spawn(async move {
                let _turn = turn;
                tokio::net::lookup_host((name.as_str(), port)).await.map(Vec::from_iter)
            })
            .await
        };
        match timeout(self.patience, look).await {
            Ok(Ok(Ok(addresses))) => Ok(addresses),
            Ok(Ok(Err(cause))) => Err(failed(cause.to_string())),
            Ok(Err(cause)) => Err(failed(cause.to_string())),
            Err(_) => Err(slow()),
        }
    }

    /// Those that may be connected to; an error if none may.
    fn may_connect(&self, host: &str, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, OutboundError> {
        let may = |address: &SocketAddr| match reach(address.ip()) {
            Reach::Public => true,
            Reach::Private => self.allow_private,
            Reach::Nowhere => false,
        };
        let good: Vec<SocketAddr> = addresses.iter().copied().filter(may).take(ADDRESSES).collect();
        if good.is_empty() {
            let addresses = addresses.iter().take(ADDRESSES).map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
            return Err(OutboundError::Address { host: host.to_owned(), addresses });
        }
        Ok(good)
    }

    /// A connection to the first address that takes one. All together have the patience of one.
    async fn first(&self, host: &str, addresses: &[SocketAddr]) -> Result<TcpStream, OutboundError> {
        let each = self.patience / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
        let mut failure = String::new();
        for address in addresses {
            failure = match timeout(each, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(cause)) => format!("{address}: {cause}"),
                Err(_) => format!("{address}: nothing came within {each:?}"),
            };
        }
        Err(OutboundError::Connect { host: host.to_owned(), cause: failure })
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Socket>;
    type Error = OutboundError;
    type Future = BoxFuture<'static, Result<TokioIo<Socket>, OutboundError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OutboundError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// Whether all that is wrong with a certificate is that its time is over.
fn is_expiry(cause: &io::Error) -> bool {
    let cause = cause.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })))
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection, with TLS or without.
pub(super) struct Socket(Box<dyn Stream>);

impl Connection for Socket {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
