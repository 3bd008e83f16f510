//! The list of hosts that are asked without a proxy.

use std::net::IpAddr;

/// Whether `list` (the value of `no_proxy`) names this host and port.
///
/// Its entries stand between commas or spaces: `*`, a domain (which stands for all names below it as well, with or without
/// a leading dot or `*.`), an IP address, a block of them (`10.0.0.0/8`), each but the last with `:PORT` or without.
pub(super) fn is_excluded(host: &str, port: u16, list: &str) -> bool {
    let host = bare(host);
    list.split([',', ' ', '\t', '\n'])
        .filter(|entry| !entry.is_empty())
        .any(|entry| matches(&host, port, entry))
}

/// A host's name in lower case, without the brackets of an IPv6 address or the root's dot.
fn bare(host: &str) -> String {
    host.trim_start_matches('[')
        .trim_end_matches([']', '.'])
        .to_lowercase()
}

fn matches(host: &str, port: u16, entry: &str) -> bool {
    if entry == "*" {
        return true;
    }
    let address: Option<IpAddr> = host.parse().ok();
    if let Some((network, bits)) = entry.split_once('/') {
        let network = bare(network).parse().ok();
        let bits = bits.parse().ok();
        return match (address, network, bits) {
            (Some(address), Some(network), Some(bits)) => is_in(address, network, bits),
            _ => false,
        };
    }
    let (entry, of_port) = with_port(entry);
    if of_port.is_some_and(|of_port| of_port != port) {
        return false;
    }
    let entry = bare(entry);
    match (address, entry.parse::<IpAddr>()) {
        (Some(address), Ok(entry)) => address == entry,
        (Some(_), Err(_)) | (None, Ok(_)) => false,
        (None, Err(_)) => {
            let domain = entry.trim_start_matches("*.").trim_start_matches('.');
            let below = host.strip_suffix(domain);
            !domain.is_empty()
                && below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
        }
    }
}

/// An entry without its port, and the port. An IPv6 address without brackets has none.
fn with_port(entry: &str) -> (&str, Option<u16>) {
    let is_plain_v6 = entry.matches(':').count() > 1 && !entry.starts_with('[');
    let parts = entry.rsplit_once(':').filter(|_| !is_plain_v6);
    match parts.map(|(name, port)| (name, port.parse())) {
        Some((name, Ok(port))) => (name, Some(port)),
        _ => (entry, None),
    }
}

/// Whether an address is in a block whose first `bits` bits are fixed.
fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    // The bits that differ, and how many there are.
    let (differ, all) = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (u128::from(one.to_bits() ^ other.to_bits()), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits(), 128),
        _ => return false,
    };
    bits <= all && differ.checked_shr(all - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_addresses_blocks_and_ports_are_told_apart() {
        for (host, port, list, expected) in [
            ("tools.example", 80, "*", true),
            ("tools.example", 80, "", false),
            ("tools.example", 80, "other.example, tools.example", true),
            ("Tools.Example.", 80, "tools.example", true),
            ("a.tools.example", 80, "tools.example", true),
            ("a.tools.example", 80, ".tools.example", true),
            ("tools.example", 80, ".tools.example", true),
            ("a.tools.example", 80, "*.tools.example", true),
            ("mytools.example", 80, "tools.example", false),
            ("tools.example", 80, "example:80", true),
            ("tools.example", 8080, "example:80", false),
            ("tools.example", 80, "localhost .example", true),
            ("127.0.0.1", 80, "127.0.0.1", true),
            ("127.0.0.1", 80, "0.0.1", false),
            ("127.0.0.1", 8080, "127.0.0.1:8080", true),
            ("127.0.0.1", 8081, "127.0.0.1:8080", false),
            ("10.9.8.7", 80, "10.0.0.0/8", true),
            ("11.9.8.7", 80, "10.0.0.0/8", false),
            ("11.9.8.7", 80, "0.0.0.0/0", true),
            ("10.0.0.1", 80, "10.0.0.1/32", true),
            ("10.0.0.2", 80, "10.0.0.1/32", false),
            ("10.0.0.2", 80, "10.0.0.1/33", false),
            ("10.0.0.2", 80, "10.0.0.0/x", false),
            ("[::1]", 80, "::1", true),
            ("[::1]", 8080, "[::1]:8080", true),
            ("[::1]", 80, "[::1]:8080", false),
            ("[fd00::7]", 80, "fd00::/8", true),
            ("[fe00::7]", 80, "fd00::/8", false),
            ("tools.example", 80, "10.0.0.0/8", false),
            ("tools.example", 80, ".", false),
        ] {
            assert_eq!(
                is_excluded(host, port, list),
                expected,
                "{host}:{port} in {list:?}"
            );
        }
    }
}
