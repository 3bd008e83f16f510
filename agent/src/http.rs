//! HTTP as every client of this program speaks it: one place that decides whose certificates are trusted, which proxy is
//! asked, and what is said when nothing comes back.

mod authorities;
mod fault;
mod forward;
mod no_proxy;
mod proxy;
mod tls;
mod verifier;

use std::time::Duration;

use ureq::Agent;
use ureq::http::Uri;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    ConnectProxyConnector, Connector, SocksConnector, TcpConnector,
};

use authorities::Authorities;
use forward::{ForwardConnector, ProxyResolver};
use proxy::Route;
use tls::TlsConnector;

pub use fault::{Fault, FaultKind};
pub use proxy::ProxyError;

/// What a variable of the environment holds.
type Variables<'v> = &'v dyn Fn(&str) -> Option<String>;

/// A client of one server.
///
/// It trusts the authorities that are built in, those of the system, and those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
/// It goes through the proxy that the environment names for this server, as curl does: `http_proxy` (in lower case alone)
/// for `http://`, `https_proxy` or `HTTPS_PROXY` for `https://`, else `all_proxy` or `ALL_PROXY`; none for the hosts of
/// `no_proxy` or `NO_PROXY`. It follows no redirects, since they would take questions and keys elsewhere.
#[derive(Debug)]
pub struct HttpClient {
    agent: Agent,
    url: String,
    route: Option<Route>,
    notes: Vec<String>,
}

impl HttpClient {
    /// A client of the server at `url`, each of whose requests may take as long as `timeout`, its last byte included.
    ///
    /// # Errors
    /// Where the environment names a proxy that is none.
    pub fn new(url: &str, timeout: Duration) -> Result<Self, ProxyError> {
        let variables = |name: &str| {
            let value = std::env::var_os(name)?;
            Some(value.to_string_lossy().trim().to_owned()).filter(|value| !value.is_empty())
        };
        Self::with_variables(url, timeout, &variables)
    }

    fn with_variables(
        url: &str,
        timeout: Duration,
        variables: Variables<'_>,
    ) -> Result<Self, ProxyError> {
        let uri: Option<Uri> = url.parse().ok();
        let route = match &uri {
            Some(uri) => proxy::route(uri, variables)?,
            None => None,
        };
        let is_secure = |uri: &Uri| uri.scheme_str() == Some("https");
        let proxy = route.as_ref().map(|route| &route.proxy);
        let needs_tls = uri.as_ref().is_some_and(is_secure)
            || proxy.is_some_and(|proxy| is_secure(proxy.uri()));
        let authorities = needs_tls.then(|| Authorities::gather(variables));
        let notes = authorities.as_ref().map(|all| all.notes.clone());
        let tls = TlsConnector::new(authorities);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(timeout))
            .proxy(None);
        let forwards = route.as_ref().is_some_and(|route| route.forwards);
        let agent = match (&route, forwards, uri) {
            // An `http://` server behind an `http://` proxy: the proxy is asked for the whole address, as curl does. Many
            // proxies let nobody CONNECT to ports of plain HTTP.
            (Some(route), true, Some(uri)) => Agent::with_parts(
                config.max_idle_connections(0).build(),
                TcpConnector::default().chain(ForwardConnector::new(&uri, &route.proxy)),
                ProxyResolver::new(&route.proxy),
            ),
            (route, ..) => Agent::with_parts(
                config
                    .proxy(route.as_ref().map(|route| route.proxy.clone()))
                    .build(),
                ().chain(SocksConnector::default())
                    .chain(ConnectProxyConnector::default())
                    .chain(TcpConnector::default())
                    .chain(tls),
                DefaultResolver::default(),
            ),
        };
        Ok(Self {
            agent,
            url: url.to_owned(),
            route,
            notes: notes.unwrap_or_default(),
        })
    }

    /// What requests are made with.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// What went wrong with a request, in words: what it is, who is to blame, and what may help.
    pub fn fault(&self, error: &ureq::Error) -> Fault {
        fault::of(error, &self.url, self.route.as_ref(), &self.notes)
    }
}

#[cfg(test)]
mod tests;
