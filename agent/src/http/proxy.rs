//! Which proxy the environment names for a server.

use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

use super::Variables;
use super::no_proxy::is_excluded;

/// A proxy that the environment names and that is none. Its address is not shown: it may hold a password.
#[derive(Debug, thiserror::Error)]
#[error(
    "the proxy that {variable} names cannot be used: give an address such as http://proxy.example:3128 or \
     socks5://proxy.example:1080, or unset {variable}"
)]
pub struct ProxyError {
    /// The environment's variable.
    pub variable: &'static str,
}

/// The way through a proxy.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub proxy: Proxy,
    /// The variable that names it.
    pub variable: &'static str,
    /// Whether it is asked for whole addresses, and not for a tunnel.
    pub forwards: bool,
}

impl Route {
    /// The proxy's address without a user's name and password.
    pub fn shown(&self) -> String {
        let scheme = self.proxy.protocol().to_string().to_lowercase();
        format!("{scheme}://{}:{}", self.proxy.host(), self.proxy.port())
    }
}

/// The way to the server of `uri`; none where it is asked directly.
pub(super) fn route(uri: &Uri, variables: Variables<'_>) -> Result<Option<Route>, ProxyError> {
    let is_secure = uri.scheme_str() == Some("https");
    // `HTTP_PROXY` is not read: a web server that runs a program sets it to what a request's header `Proxy` holds.
    let names: &[&'static str] = match is_secure {
        true => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        false => &["http_proxy", "all_proxy", "ALL_PROXY"],
    };
    let found = names
        .iter()
        .find_map(|name| Some((*name, variables(name)?)));
    let (Some((variable, address)), Some(host)) = (found, uri.host()) else {
        return Ok(None);
    };
    let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    let excluded = ["no_proxy", "NO_PROXY"]
        .into_iter()
        .find_map(variables)
        .is_some_and(|list| is_excluded(host, port, &list));
    if excluded {
        return Ok(None);
    }
    let proxy = Proxy::new(&address).map_err(|_| ProxyError { variable })?;
    Ok(Some(Route {
        forwards: !is_secure && proxy.protocol() == ProxyProtocol::Http,
        proxy,
        variable,
    }))
}
