//! Whose certificates are trusted.

use std::env;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls_native_certs::{CertificateResult, load_certs_from_paths};

use super::Variables;

/// Names a file of certificates.
const FILE: &str = "SSL_CERT_FILE";
/// Names folders of certificates.
const FOLDERS: &str = "SSL_CERT_DIR";

/// The certificates that are trusted: the built-in ones, the system's, and those that the environment names.
pub(super) struct Authorities {
    pub store: RootCertStore,
    /// The system's, and those that the environment names.
    pub named: Vec<CertificateDer<'static>>,
    /// What could not be read, to be told where a certificate is not trusted.
    pub notes: Vec<String>,
}

impl Authorities {
    /// Reads them.
    pub fn gather(variables: Variables<'_>) -> Self {
        let mut all = Self {
            store: RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            },
            named: Vec::new(),
            notes: Vec::new(),
        };
        for found in system() {
            if let Some(error) = found.errors.first() {
                let note = format!("not all of the system's authorities can be read: {error}");
                all.notes.push(note);
            }
            all.add(found);
        }
        let folders = variables(FOLDERS);
        if let Some(file) = variables(FILE) {
            all.add_named(
                FILE,
                &file,
                load_certs_from_paths(Some(Path::new(&file)), None),
            );
        }
        for folder in env::split_paths(&folders.unwrap_or_default()) {
            if !folder.as_os_str().is_empty() {
                let found = load_certs_from_paths(None, Some(&folder));
                all.add_named(FOLDERS, &folder.to_string_lossy(), found);
            }
        }
        all.named
            .sort_unstable_by(|one, other| one.as_ref().cmp(other.as_ref()));
        all.named.dedup();
        all.store
            .add_parsable_certificates(all.named.iter().cloned());
        all
    }

    fn add(&mut self, found: CertificateResult) {
        self.named.extend(found.certs);
    }

    fn add_named(&mut self, variable: &str, place: &str, found: CertificateResult) {
        match (found.errors.first(), found.certs.is_empty()) {
            (Some(error), _) => self.notes.push(format!("{variable} is {place:?}: {error}")),
            (None, true) => self.notes.push(format!(
                "{variable} is {place:?}, which holds no certificate in PEM format"
            )),
            (None, false) => {}
        }
        self.add(found);
    }
}

/// The system's authorities, whatever the environment names: OpenSSL's usual folders, or its file where there is none.
#[cfg(all(unix, not(target_os = "macos")))]
fn system() -> Vec<CertificateResult> {
    let folders: Vec<&Path> = openssl_probe::candidate_cert_dirs().collect();
    match (folders.is_empty(), openssl_probe::probe().cert_file) {
        (true, Some(file)) => vec![load_certs_from_paths(Some(&file), None)],
        _ => folders
            .into_iter()
            .map(|folder| load_certs_from_paths(None, Some(folder)))
            .collect(),
    }
}

/// The system's authorities, or those alone that the environment names: the stores of macOS and Windows are not read where
/// `SSL_CERT_FILE` or `SSL_CERT_DIR` is set.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn system() -> Vec<CertificateResult> {
    vec![rustls_native_certs::load_native_certs()]
}
