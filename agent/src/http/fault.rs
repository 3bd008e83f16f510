//! What went wrong with a request, in words.

use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError};
use ureq::http::Uri;

use super::proxy::Route;
use super::verifier::says_authority;

/// What went wrong with a request that no server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which kind of fault it is.
    pub kind: FaultKind,
    /// What it is, who is to blame, and what may help.
    text: String,
}

/// Which kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It took too long.
    Timeout,
    /// There is no connection, or it broke.
    Connection,
    /// The server's certificate is not trusted, or TLS does not come about otherwise.
    Certificate,
    /// The proxy refuses, or is not there.
    Proxy,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What to do where an authority is not known.
const NAME_IT: &str = "if it is your company's or your own, name the authority's certificate (a PEM file) in SSL_CERT_FILE, \
                       or a folder of such in SSL_CERT_DIR";
/// What to do where a certificate has to be known itself.
const NAME_ITSELF: &str = "name the server's own certificate (a PEM file) in SSL_CERT_FILE, or a folder with it in \
                           SSL_CERT_DIR";

pub(super) fn of(error: &ureq::Error, url: &str, route: Option<&Route>, notes: &[String]) -> Fault {
    let uri: Option<Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or(url).to_owned();
    let is_secure = url.starts_with("https:");
    let (kind, mut text) = match error {
        ureq::Error::Timeout(_) => (FaultKind::Timeout, "it did not answer in time".to_owned()),
        ureq::Error::Io(error) => of_io(error, &host),
        ureq::Error::Rustls(error) => of_tls(error, &host),
        ureq::Error::HostNotFound => (FaultKind::Connection, "no such host is known".to_owned()),
        ureq::Error::ConnectProxyFailed(reason) => (
            FaultKind::Proxy,
            format!("the proxy opens no way to it ({reason})"),
        ),
        ureq::Error::Protocol(_) if !is_secure => (
            FaultKind::Connection,
            format!("what answers there speaks no HTTP ({error}): is its address one of https://?"),
        ),
        other => (FaultKind::Connection, other.to_string()),
    };
    if kind == FaultKind::Certificate {
        for note in notes {
            text += &format!("; {note}");
        }
    }
    if let Some(route) = route {
        text += &format!(
            "; it was asked through the proxy {} of {}: hosts to be asked directly belong in NO_PROXY",
            route.shown(),
            route.variable
        );
    }
    Fault { kind, text }
}

fn of_io(error: &io::Error, host: &str) -> (FaultKind, String) {
    let inside = error.get_ref();
    if let Some(tls) = inside.and_then(|inside| inside.downcast_ref::<rustls::Error>()) {
        return of_tls(tls, host);
    }
    if let Some(other) = inside.and_then(|inside| inside.downcast_ref::<ureq::Error>()) {
        return match other {
            ureq::Error::Timeout(_) => (FaultKind::Timeout, "it did not answer in time".to_owned()),
            ureq::Error::Rustls(tls) => of_tls(tls, host),
            other => (FaultKind::Connection, other.to_string()),
        };
    }
    match error.kind() {
        io::ErrorKind::TimedOut => (FaultKind::Timeout, "it did not answer in time".to_owned()),
        io::ErrorKind::ConnectionRefused => (
            FaultKind::Connection,
            "the connection is refused".to_owned(),
        ),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => (
            FaultKind::Connection,
            format!("it closed the connection without an answer ({error})"),
        ),
        _ => (FaultKind::Connection, error.to_string()),
    }
}

fn of_tls(error: &rustls::Error, host: &str) -> (FaultKind, String) {
    let text = match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error, host),
        rustls::Error::InvalidMessage(_) => {
            "what answers there speaks no TLS: is its address one of http://, not of https://?"
                .to_owned()
        }
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::BadCertificate,
        ) => "it wants a certificate of its clients, and none can be given".to_owned(),
        other => format!("no TLS connection comes about ({other})"),
    };
    (FaultKind::Certificate, text)
}

fn of_certificate(error: &CertificateError, host: &str) -> String {
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            format!("its certificate is not trusted: no known authority has signed it; {NAME_IT}")
        }
        error if says_authority(error) => format!(
            "its certificate is not trusted: it says that it is an authority's and no server's, and must itself be known, \
             whoever signed it; if it is your company's or your own, {NAME_ITSELF}"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired, unless this machine's clock is wrong".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet, unless this machine's clock is wrong".to_owned()
        }
        CertificateError::NotValidForName => {
            format!("its certificate is not for the host {host}")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            // These come from the certificate, and are shown in a message.
            let names: Vec<String> = presented
                .iter()
                .take(5)
                .map(|name| {
                    // rustls writes `DnsName("a.example")`.
                    let inside = name.split_once('(');
                    let inside = inside.and_then(|(_, inside)| inside.strip_suffix(')'));
                    let plain = inside.unwrap_or(name).trim_matches('"').chars();
                    plain.filter(|one| !one.is_control()).take(100).collect()
                })
                .collect();
            let names = match names.is_empty() {
                true => "it names no host as an alternative name".to_owned(),
                false => format!("it is for {}", names.join(", ")),
            };
            format!("its certificate is not for the host {host}: {names}")
        }
        other => format!("its certificate cannot be used ({other:?}); {NAME_IT}"),
    }
}
