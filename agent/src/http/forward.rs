//! A proxy that is asked for whole addresses: the way of plain HTTP.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Error, Proxy};

/// Finds the proxy, whatever is asked for: the server's own name may be known to the proxy alone.
#[derive(Debug)]
pub(super) struct ProxyResolver {
    proxy: Uri,
    usual: DefaultResolver,
}

impl ProxyResolver {
    pub fn new(proxy: &Proxy) -> Self {
        Self {
            proxy: proxy.uri().clone(),
            usual: DefaultResolver::default(),
        }
    }
}

impl Resolver for ProxyResolver {
    fn resolve(
        &self,
        _: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        self.usual.resolve(&self.proxy, config, timeout)
    }
}

/// Puts the server's address into requests to a proxy.
pub(super) struct ForwardConnector {
    /// `http://host:port`.
    origin: String,
    /// The header's line with the proxy's user and password; empty without.
    authorization: String,
}

impl ForwardConnector {
    /// For the server of `uri`, behind `proxy`.
    pub fn new(uri: &Uri, proxy: &Proxy) -> Self {
        let user = proxy.username().unwrap_or_default();
        let password = proxy.password().unwrap_or_default();
        let authorization = match user.is_empty() && password.is_empty() {
            true => String::new(),
            false => {
                let both = BASE64_STANDARD.encode(format!("{user}:{password}"));
                format!("Proxy-Authorization: Basic {both}\r\n")
            }
        };
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        Self {
            origin: format!("http://{authority}"),
            authorization,
        }
    }
}

impl fmt::Debug for ForwardConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardConnector")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl<In: Transport> Connector<In> for ForwardConnector {
    type Out = ForwardTransport<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|transport| ForwardTransport {
            transport,
            origin: self.origin.clone(),
            authorization: self.authorization.clone(),
            begun: false,
        }))
    }
}

/// A connection to a proxy, for one request.
pub(super) struct ForwardTransport<T> {
    transport: T,
    origin: String,
    authorization: String,
    /// Whether the request's head is sent.
    begun: bool,
}

impl<T> fmt::Debug for ForwardTransport<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardTransport").finish_non_exhaustive()
    }
}

impl<T: Transport> Transport for ForwardTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.begun {
            return self.transport.transmit_output(amount, timeout);
        }
        self.begun = true;
        let output = self.transport.buffers().output();
        let head = rewritten(&output[..amount], &self.origin, &self.authorization)
            .ok_or(Error::ConnectionFailed)?;
        // As much as the buffer takes at a time.
        let length = output.len().max(1);
        for part in head.chunks(length) {
            self.transport.buffers().output()[..part.len()].copy_from_slice(part);
            self.transport.transmit_output(part.len(), timeout)?;
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }
}

/// A request's beginning, `POST /path HTTP/1.1` and what follows, with the origin before the path and another header.
fn rewritten(head: &[u8], origin: &str, header: &str) -> Option<Vec<u8>> {
    let path = head.iter().position(|&byte| byte == b' ')? + 1;
    let line = head.windows(2).position(|two| two == b"\r\n")? + 2;
    (path < line).then(|| {
        [
            &head[..path],
            origin.as_bytes(),
            &head[path..line],
            header.as_bytes(),
            &head[line..],
        ]
        .concat()
    })
}
