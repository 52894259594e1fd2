//! The guest's synthetic `/etc`, and which of the host's files join it.

/// Host paths that are bound read-only where they exist, each for a reason. Nothing is bound that may
/// hold a private key: an ordinary user's guest keeps the groups that such files are shared with.
pub(crate) const HOST_FILES: &[(&str, &str)] = &[
    ("/etc/ld.so.cache", "the dynamic linker finds libraries by it"),
    ("/etc/ld.so.conf", "compilers and linkers read it"),
    ("/etc/ld.so.conf.d", "as above"),
    ("/etc/alternatives", "Debian's links from /usr/bin lead through it"),
    ("/etc/ssl/certs", "certificates of authorities, which ssl modules load at start"),
    ("/etc/ssl/cert.pem", "the same in one file: Arch, Alpine"),
    ("/etc/ssl/openssl.cnf", "OpenSSL reads it at start"),
    ("/etc/pki/tls/certs", "certificates of authorities: Fedora"),
    ("/etc/pki/tls/cert.pem", "the same in one file"),
    ("/etc/pki/tls/openssl.cnf", "OpenSSL reads it at start"),
    ("/etc/pki/ca-trust/extracted", "what the files above lead to"),
    ("/etc/pki/java/cacerts", "the same for Java"),
    ("/etc/ca-certificates", "the same, on other distributions"),
    ("/etc/mime.types", "type guessing in standard libraries"),
    ("/etc/protocols", "getprotobyname"),
    ("/etc/services", "getservbyname"),
    ("/etc/python3", "Debian's interpreters read their defaults here"),
    ("/etc/python3.11", "sitecustomize of Debian 12"),
    ("/etc/python3.13", "sitecustomize of Debian 13"),
    ("/etc/perl", "perl's module path"),
    ("/etc/java-17-openjdk", "links of the Java runtime lead here"),
];

/// Synthetic files: path and content.
pub(crate) fn files(
    uid: u32,
    gid: u32,
    hostname: &str,
    home: &str,
) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "/etc/passwd",
            format!(
                "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n\
                 guest:x:{uid}:{gid}:guest:{home}:/bin/sh\n\
                 nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
            )
            .into_bytes(),
        ),
        ("/etc/group", format!("root:x:0:\nguest:x:{gid}:\nnogroup:x:65534:\n").into_bytes()),
        (
            "/etc/hosts",
            format!("127.0.0.1 localhost {hostname}\n::1 localhost ip6-localhost {hostname}\n")
                .into_bytes(),
        ),
        ("/etc/hostname", format!("{hostname}\n").into_bytes()),
        ("/etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n".to_vec()),
        // No network: resolvers fail at once instead of asking a server that is not there.
        ("/etc/resolv.conf", b"options attempts:1 timeout:1\n".to_vec()),
        ("/etc/localtime", localtime()),
    ]
}

/// The caller's time zone: a file of some KiB that is no secret, else UTC by being empty.
fn localtime() -> Vec<u8> {
    const MOST: usize = 64 * 1024;
    let zone = std::fs::read("/etc/localtime").unwrap_or_default();
    if zone.len() <= MOST { zone } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_takes_private_keys_along() {
        // Where Debian's group ssl-cert, Fedora's services and OpenSSL's own scripts keep them.
        let private =
            ["/etc/ssl/private/key", "/etc/pki/tls/private/key", "/etc/pki/CA/private/key"];
        for (path, _reason) in HOST_FILES {
            for key in private {
                let covers = std::path::Path::new(key).starts_with(path);
                assert!(!covers, "{path} would show {key} to a guest in its group");
            }
        }
    }
}
