//! Servers of TLS and proxies in this process. The certificates are made for these tests: an authority's, those that it
//! signed, and one that signed itself; all but the authorities' are of the key in `key.pem`.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

fn certificate(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/http/tests");
    folder.join(format!("{name}.pem"))
}

/// The head of a request.
fn head(stream: &mut impl Read) -> String {
    let mut reader = BufReader::new(stream);
    let (mut all, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line).unwrap_or(0) > 0 && !line.trim().is_empty() {
        all += &line;
        line.clear();
    }
    all
}

/// Serves each connection; the port.
fn serve(answer: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().flatten().for_each(answer));
    port
}

fn secure(name: &str) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_file(certificate(name)).unwrap()];
    let key = PrivateKeyDer::from_pem_file(certificate("key")).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    serve(move |stream| {
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        if !head(&mut stream).is_empty() {
            let _ = stream.write_all(ANSWER);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    })
}

/// Answers every request, and remembers its head.
fn plain(answer: &'static [u8]) -> (u16, Arc<Mutex<Vec<String>>>) {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let heads = seen.clone();
    let port = serve(move |mut stream| {
        let head = head(&mut stream);
        heads.lock().unwrap().push(head);
        let _ = stream.write_all(answer);
    });
    (port, seen)
}

fn client(url: &str, variables: &[(&str, &str)]) -> HttpClient {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    let variables = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    HttpClient::with_variables(url, Duration::from_secs(10), &variables).unwrap()
}

/// What comes of a request: the text, or the fault in words.
fn get(url: &str, variables: &[(&str, &str)]) -> Result<String, String> {
    let client = client(url, variables);
    match client.agent().post(url).send("x") {
        Ok(mut reply) => Ok(reply.body_mut().read_to_string().unwrap()),
        Err(error) => Err(client.fault(&error).to_string()),
    }
}

#[test]
fn an_authority_is_trusted_where_the_environment_names_it() {
    let url = format!("https://localhost:{}/x", secure("signed"));
    let file = certificate("authority");
    let file = file.to_str().unwrap();
    assert_eq!(get(&url, &[("SSL_CERT_FILE", file)]).as_deref(), Ok("ok"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(file, folder.path().join("company.crt")).unwrap();
    let folders = format!("/nowhere:{}", folder.path().display());
    assert_eq!(
        get(&url, &[("SSL_CERT_DIR", &folders)]).as_deref(),
        Ok("ok")
    );
    let told = get(&url, &[]).unwrap_err();
    assert!(
        told.contains("certificate is not trusted") && told.contains("SSL_CERT_FILE"),
        "{told}"
    );
    // What the environment names and cannot be read is told where it matters.
    let told = get(&url, &[("SSL_CERT_FILE", "/no/such.pem")]).unwrap_err();
    assert!(told.contains("/no/such.pem"), "{told}");
    let key = certificate("key");
    let told = get(&url, &[("SSL_CERT_FILE", key.to_str().unwrap())]).unwrap_err();
    assert!(told.contains("holds no certificate"), "{told}");
}

#[test]
fn a_certificate_that_signed_itself_is_trusted_where_it_is_named() {
    let port = secure("self_signed");
    let url = format!("https://localhost:{port}/x");
    let file = certificate("self_signed");
    let named = [("SSL_CERT_FILE", file.to_str().unwrap())];
    assert_eq!(get(&url, &named).as_deref(), Ok("ok"));
    assert!(get(&url, &[]).unwrap_err().contains("not trusted"));
    // One that an authority signed, but that says that it is an authority's: naming the former does not help.
    let url = format!("https://localhost:{}/x", secure("authority_signed"));
    let [authority, itself] = ["second_authority", "authority_signed"].map(certificate);
    let told = get(&url, &[("SSL_CERT_FILE", authority.to_str().unwrap())]).unwrap_err();
    assert!(
        told.contains("says that it is an authority's")
            && told.contains("name the server's own certificate"),
        "{told}"
    );
    let named = [("SSL_CERT_FILE", itself.to_str().unwrap())];
    assert_eq!(get(&url, &named).as_deref(), Ok("ok"));
    // It is for one host alone.
    let named = [("SSL_CERT_FILE", file.to_str().unwrap())];
    let told = get(&format!("https://127.0.0.1:{port}/x"), &named).unwrap_err();
    assert!(told.contains("not for the host 127.0.0.1"), "{told}");
}

#[test]
fn other_faults_of_tls_are_named() {
    let file = certificate("authority");
    let named = [("SSL_CERT_FILE", file.to_str().unwrap())];
    for (name, expected) in [
        ("expired", "has expired"),
        ("other_name", "it is for other.example"),
    ] {
        let url = format!("https://localhost:{}/x", secure(name));
        let told = get(&url, &named).unwrap_err();
        assert!(told.contains(expected), "{told}");
    }
    let (port, _) = plain(ANSWER);
    let told = get(&format!("https://localhost:{port}/x"), &named).unwrap_err();
    assert!(told.contains("speaks no TLS"), "{told}");
    let url = format!("http://localhost:{}/x", secure("signed"));
    let told = get(&url, &[]).unwrap_err();
    assert!(
        told.contains("https://") || told.contains("closed"),
        "{told}"
    );
}

#[test]
fn plain_http_goes_through_a_proxy_as_curl_sends_it() {
    let (port, seen) = plain(ANSWER);
    let proxy = format!("http://me:pa%20ss@127.0.0.1:{port}");
    let url = "http://tools.example:8080/virtual?a=b";
    assert_eq!(get(url, &[("http_proxy", &proxy)]).as_deref(), Ok("ok"));
    let head = seen.lock().unwrap()[0].clone();
    assert!(
        head.starts_with("POST http://tools.example:8080/virtual?a=b HTTP/1.1\r\n"),
        "{head}"
    );
    // me:pa ss
    assert!(
        head.contains("Proxy-Authorization: Basic bWU6cGEgc3M=\r\n"),
        "{head}"
    );
    assert!(
        head.to_lowercase().contains("host: tools.example:8080\r\n"),
        "{head}"
    );
    let short = proxy.strip_prefix("http://").unwrap();
    assert_eq!(get(url, &[("all_proxy", short)]).as_deref(), Ok("ok"));
}

#[test]
fn the_environment_names_the_proxy_of_a_scheme_and_hosts_without_one() {
    let (port, seen) = plain(ANSWER);
    let url = format!("http://localhost:{port}/x");
    // Nobody is there: what goes through it fails.
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let proxy = format!("http://me:secret@{nobody}");
    for direct in [
        vec![("HTTP_PROXY", proxy.as_str())],
        vec![("https_proxy", &proxy), ("HTTPS_PROXY", &proxy)],
        vec![("http_proxy", &proxy), ("NO_PROXY", "localhost")],
        vec![("http_proxy", &proxy), ("no_proxy", "*")],
        vec![("ALL_PROXY", &proxy), ("no_proxy", "localhost")],
    ] {
        assert_eq!(get(&url, &direct).as_deref(), Ok("ok"), "{direct:?}");
    }
    assert_eq!(seen.lock().unwrap().len(), 5);
    for through in [
        vec![("http_proxy", proxy.as_str())],
        vec![("ALL_PROXY", &proxy), ("NO_PROXY", "other.example")],
    ] {
        let told = get(&url, &through).unwrap_err();
        assert!(
            told.contains(&format!("http://{nobody} of {}", through[0].0)),
            "{told}"
        );
        assert!(!told.contains("secret"), "{told}");
    }
    let told = get("https://tools.example/x", &[("HTTPS_PROXY", &proxy)]).unwrap_err();
    assert!(
        told.contains("HTTPS_PROXY") && !told.contains("secret"),
        "{told}"
    );
    let wrong = |_: &str| Some("gopher://me:secret@there".to_owned());
    let error = HttpClient::with_variables(&url, Duration::from_secs(1), &|name| {
        (name == "http_proxy").then(|| wrong(name)).flatten()
    });
    let told = error.unwrap_err().to_string();
    assert!(
        told.contains("http_proxy") && !told.contains("secret"),
        "{told}"
    );
}

#[test]
fn https_goes_through_a_tunnel() {
    let server = secure("signed");
    let refuses = Arc::new(Mutex::new(false));
    let told = refuses.clone();
    let proxy = serve(move |mut stream| {
        let head = head(&mut stream);
        assert!(head.starts_with("CONNECT localhost:"), "{head}");
        if *told.lock().unwrap() {
            let _ = stream.write_all(b"HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let mut behind = TcpStream::connect(("127.0.0.1", server)).unwrap();
        let (mut back, mut from) = (stream.try_clone().unwrap(), behind.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut back));
        let _ = std::io::copy(&mut stream, &mut behind);
    });
    let url = format!("https://localhost:{server}/x");
    let (proxy, file) = (format!("127.0.0.1:{proxy}"), certificate("authority"));
    let both = [
        ("https_proxy", proxy.as_str()),
        ("SSL_CERT_FILE", file.to_str().unwrap()),
    ];
    assert_eq!(get(&url, &both).as_deref(), Ok("ok"));
    *refuses.lock().unwrap() = true;
    let told = get(&url, &both).unwrap_err();
    assert!(
        told.contains("407") && told.contains("https_proxy"),
        "{told}"
    );
}

/// Where this is set, [`an_empty_variable_hides_no_authority`] runs in a process of its own: how many authorities there
/// should be. (The stores of macOS and Windows are read by a library that looks at the variables itself.)
#[cfg(all(unix, not(target_os = "macos")))]
const EXPECTED: &str = "GLPFT_TEST_AUTHORITIES";

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn an_empty_variable_hides_no_authority() {
    let found = Authorities::gather(&|_| None).named.len();
    if let Ok(expected) = std::env::var(EXPECTED) {
        assert_eq!(found.to_string(), expected);
        return;
    }
    // The environment is read by libraries as well: in a process of its own.
    let name = "http::tests::an_empty_variable_hides_no_authority";
    let empty = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env("SSL_CERT_FILE", "")
        .env("SSL_CERT_DIR", "")
        .env(EXPECTED, found.to_string())
        .output()
        .unwrap();
    assert!(empty.status.success(), "{empty:?}");
}
