//! Whose certificates are trusted.

use std::env;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

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
    /// What of the environment's could not be read, to be told where a certificate is not trusted.
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
        // Where the environment names some, this reads those alone.
        all.add(load_native_certs());
        let (file, folders) = (variables(FILE), variables(FOLDERS));
        if file.is_some() || folders.is_some() {
            for folder in openssl_probe::candidate_cert_dirs() {
                all.add(load_certs_from_paths(None, Some(folder)));
            }
        }
        if let Some(file) = file {
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
