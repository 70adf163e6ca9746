//! What of a host's configuration this process can do by itself, and what it leaves to `ssh`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use russh::keys::ssh_key::Algorithm;
use russh::{Preferred, cipher, kex, mac};

use super::client::Target;
use super::configuration::Configuration;

/// How the stream to a host's server is had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// By TCP.
    Direct,
    /// Through another host.
    Jump(Target),
    /// Through a program, its command line complete.
    Program(String),
}

/// What is done about a key that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// It is refused.
    Refuse,
    /// A new one is left to `ssh`, which writes it down.
    AcceptNew,
    /// A changed one is left to `ssh` as well.
    AcceptAny,
}

/// A configuration that this process can follow.
#[derive(Debug, Clone)]
pub(super) struct Covered {
    pub way: Way,
    pub strictness: Strictness,
    /// The files of known host keys, the user's first.
    pub known_files: Vec<PathBuf>,
    /// The algorithms of both sides' liking, most preferred first.
    pub preferred: Preferred,
    /// The kinds of certificates that the host may show.
    pub certificates: Vec<Algorithm>,
    /// The files of private keys, in order.
    pub identities: Vec<PathBuf>,
    /// The files of certificates, in order.
    pub certificate_files: Vec<PathBuf>,
    /// The socket of the agent.
    pub agent: Option<PathBuf>,
    /// The variables that the command is given, where the server takes them.
    pub variables: Vec<(String, String)>,
}

/// Options that are followed when they are off, and left to `ssh` when they are on.
const ONLY_OFF: [(&str, &str); 9] = [
    // the key, what it asks for
    (
        "proxyusefdpass",
        "a program that hands its connection over (ProxyUseFdpass)",
    ),
    ("checkhostip", "host keys by address (CheckHostIP)"),
    ("verifyhostkeydns", "host keys in the DNS (VerifyHostKeyDNS)"),
    (
        "nohostauthenticationforlocalhost",
        "no host keys for this machine (NoHostAuthenticationForLocalhost)",
    ),
    ("forwardagent", "the agent on the host (ForwardAgent)"),
    ("forwardx11", "windows of the host (ForwardX11)"),
    (
        "permitlocalcommand",
        "a command on this machine (PermitLocalCommand)",
    ),
    ("tunnel", "a network tunnel (Tunnel)"),
    ("requesttty", "a terminal (RequestTTY)"),
];

/// Options that are left to `ssh` when they are there at all.
const ONLY_ABSENT: [(&str, &str); 10] = [
    (
        "knownhostscommand",
        "host keys from a command (KnownHostsCommand)",
    ),
    ("revokedhostkeys", "a file of revoked keys (RevokedHostKeys)"),
    ("pkcs11provider", "keys on a card (PKCS11Provider)"),
    ("bindaddress", "an address of its own (BindAddress)"),
    ("bindinterface", "an interface of its own (BindInterface)"),
    ("localforward", "forwarded ports (LocalForward)"),
    ("remoteforward", "forwarded ports (RemoteForward)"),
    ("dynamicforward", "forwarded ports (DynamicForward)"),
    ("remotecommand", "a command of its own (RemoteCommand)"),
    ("addressfamily", "one kind of addresses (AddressFamily)"),
];

/// Looks through a configuration.
///
/// # Errors
///
/// What is left to `ssh`, as it goes on "the configuration wants …".
pub(super) fn cover(configuration: &Configuration, home: &str) -> Result<Covered, String> {
    for (key, wanted) in ONLY_OFF {
        let value = configuration.value(key);
        if value.is_some_and(|value| !matches!(value, "no" | "false" | "auto")) {
            return Err(wanted.to_owned());
        }
    }
    for (key, wanted) in ONLY_ABSENT {
        let value = configuration.value(key).filter(|value| *value != "any");
        if value.is_some() {
            return Err(wanted.to_owned());
        }
    }
    check_authentication(configuration)?;
    let expand = |written: &str| {
        let path = configuration.path(written, home);
        path.map_err(|sign| format!("the sign {sign} in `{written}`"))
    };
    let all = |texts: Vec<&str>| {
        texts
            .into_iter()
            .map(expand)
            .collect::<Result<Vec<PathBuf>, String>>()
    };
    let known = configuration.words("userknownhostsfile");
    let known = known.chain(configuration.words("globalknownhostsfile"));
    let known = known.filter(|file| *file != "none").collect();
    let (preferred, certificates) = choose_algorithms(configuration)?;
    Ok(Covered {
        way: read_way(configuration, home)?,
        strictness: match configuration.value("stricthostkeychecking") {
            Some("accept-new") => Strictness::AcceptNew,
            Some("no" | "off" | "false") => Strictness::AcceptAny,
            _ => Strictness::Refuse,
        },
        known_files: all(known)?,
        preferred,
        certificates,
        identities: all(configuration
            .values("identityfile")
            .filter(|file| *file != "none")
            .collect())?,
        certificate_files: all(configuration
            .values("certificatefile")
            .filter(|file| *file != "none")
            .collect())?,
        agent: find_agent(configuration, &expand)?,
        variables: choose_variables(configuration),
    })
}

fn check_authentication(configuration: &Configuration) -> Result<(), String> {
    if configuration.value("pubkeyauthentication") == Some("no")
        || configuration.value("pubkeyauthentication") == Some("false")
    {
        return Err("other proofs than keys (PubkeyAuthentication no)".to_owned());
    }
    let methods = configuration.list("preferredauthentications");
    if !methods.is_empty() && !methods.contains(&"publickey") {
        return Err("other proofs than keys (PreferredAuthentications)".to_owned());
    }
    let smallest = configuration
        .value("requiredrsasize")
        .and_then(|size| size.parse::<u32>().ok());
    if smallest.is_some_and(|size| size > 2048) {
        return Err("large RSA keys (RequiredRSASize)".to_owned());
    }
    Ok(())
}

fn read_way(configuration: &Configuration, home: &str) -> Result<Way, String> {
    if let Some(jump) = configuration.value("proxyjump") {
        return read_jump(jump).map(Way::Jump);
    }
    match configuration.value("proxycommand") {
        Some(command) => {
            let command = configuration.expand(command, home);
            command
                .map(Way::Program)
                .map_err(|sign| format!("the sign {sign} in its ProxyCommand"))
        }
        None => Ok(Way::Direct),
    }
}

/// The last of the hosts that are jumped over, which is reached over the others.
fn read_jump(written: &str) -> Result<Target, String> {
    let (before, last) = match written.rsplit_once(',') {
        Some((before, last)) => (Some(before), last),
        None => (None, written),
    };
    let wrong = || format!("the jump host `{last}` (ProxyJump)");
    let place = last.strip_prefix("ssh://").unwrap_or(last).trim_end_matches('/');
    let (user, place) = match place.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, place),
    };
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
        (host, port.strip_prefix(':'))
    } else {
        match place.split_once(':') {
            // More than one colon: an address without a port.
            Some((_, port)) if port.contains(':') => (place, None),
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        }
    };
    if host.is_empty() || host.starts_with('-') {
        return Err(wrong());
    }
    let mut options = Vec::new();
    for (flag, value) in [("-J", before), ("-l", user), ("-p", port)] {
        if let Some(value) = value {
            options.extend([flag.to_owned(), value.to_owned()]);
        }
    }
    Ok(Target {
        host: host.to_owned(),
        options,
    })
}

/// The algorithms that both the configuration and this process know, in its order.
fn choose_algorithms(configuration: &Configuration) -> Result<(Preferred, Vec<Algorithm>), String> {
    let none = |what: &str| format!("{what} that this program does not have");
    let mut kexes: Vec<kex::Name> = pick(&configuration.list("kexalgorithms"), |name| {
        kex::Name::try_from(name).ok().filter(|name| *name != kex::NONE)
    });
    if kexes.is_empty() {
        return Err(none("key exchanges (KexAlgorithms)"));
    }
    kexes.extend([
        kex::EXTENSION_SUPPORT_AS_CLIENT,
        kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
    ]);
    let ciphers: Vec<cipher::Name> = pick(&configuration.list("ciphers"), |name| {
        let found = cipher::Name::try_from(name).ok();
        found.filter(|name| *name != cipher::NONE && *name != cipher::CLEAR)
    });
    if ciphers.is_empty() {
        return Err(none("ciphers (Ciphers)"));
    }
    let macs: Vec<mac::Name> = pick(&configuration.list("macs"), |name| {
        mac::Name::try_from(name).ok().filter(|name| *name != mac::NONE)
    });
    if macs.is_empty() {
        return Err(none("message codes (MACs)"));
    }
    let wanted = configuration.list("hostkeyalgorithms");
    let keys = pick(&wanted, read_algorithm);
    let certificates = pick(&wanted, |name| {
        read_algorithm(&format!("{}{}", name.strip_suffix("-cert-v01@openssh.com")?, ""))
    });
    if keys.is_empty() {
        return Err(none("host keys (HostKeyAlgorithms)"));
    }
    let preferred = Preferred {
        kex: Cow::Owned(kexes),
        cipher: Cow::Owned(ciphers),
        mac: Cow::Owned(macs),
        key: Cow::Owned(keys),
        ..Preferred::DEFAULT
    };
    Ok((preferred, certificates))
}

fn pick<T>(names: &[&str], read: impl Fn(&str) -> Option<T>) -> Vec<T> {
    names.iter().filter_map(|name| read(name)).collect()
}

/// A kind of host keys that this process can check.
fn read_algorithm(name: &str) -> Option<Algorithm> {
    let algorithm = Algorithm::from_str(name).ok()?;
    match algorithm {
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. } | Algorithm::Rsa { .. } => Some(algorithm),
        _ => None,
    }
}

fn find_agent(
    configuration: &Configuration,
    expand: &impl Fn(&str) -> Result<PathBuf, String>,
) -> Result<Option<PathBuf>, String> {
    let from = |name: &str| {
        std::env::var_os(name)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    Ok(match configuration.values("identityagent").next() {
        None | Some("" | "SSH_AUTH_SOCK") => from("SSH_AUTH_SOCK"),
        Some("none") => None,
        Some(written) => match written.strip_prefix('$') {
            Some(name) => from(name.trim_start_matches('{').trim_end_matches('}')),
            None => Some(expand(written)?),
        },
    })
}

/// `SendEnv` of this process's variables, then `SetEnv`.
fn choose_variables(configuration: &Configuration) -> Vec<(String, String)> {
    let patterns: Vec<&str> = configuration.words("sendenv").collect();
    let sent = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        super::pattern::matches_list(patterns.iter().copied(), &name).then_some((name, value))
    });
    let set = configuration.values("setenv").filter_map(|written| {
        let (name, value) = written.split_once('=')?;
        Some((name.to_owned(), value.trim_matches('"').to_owned()))
    });
    sent.chain(set).collect()
}

/// Whether a shared connection of the user's own is open at the place that the configuration gives.
pub(super) fn shared_connection(configuration: &Configuration) -> Option<PathBuf> {
    let path = Path::new(configuration.value("controlpath")?);
    (path.is_absolute() && path.exists()).then(|| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::{Strictness, Way, cover, read_jump};
    use crate::transport::ssh::configuration::Configuration;

    const PLAIN: &str = "host n1\nhostname n1\nuser ops\nport 22\nforwardagent no\naddressfamily any\n\
        requesttty auto\nbindaddress none\n\
        kexalgorithms sntrup761x25519-sha512,curve25519-sha256\nciphers aes128-ctr,chacha20-poly1305@openssh.com\n\
        macs umac-64@openssh.com,hmac-sha2-256\n\
        hostkeyalgorithms ssh-ed25519-cert-v01@openssh.com,sk-ssh-ed25519@openssh.com,ssh-ed25519,rsa-sha2-512\n";

    fn with(line: &str) -> Configuration {
        // Of two values of a key the first one counts.
        Configuration::read(&format!("{line}\n{PLAIN}"))
    }

    #[test]
    fn what_is_not_covered_says_why() {
        let cases = [
            ("", Ok(())),
            ("proxycommand nc %h %p", Ok(())),
            ("requesttty false", Ok(())),
            ("proxycommand nc %h %C", Err("the sign %C in its ProxyCommand")),
            ("forwardagent yes", Err("the agent on the host (ForwardAgent)")),
            ("bindaddress 10.0.0.1", Err("an address of its own (BindAddress)")),
            (
                "kexalgorithms sntrup761x25519-sha512",
                Err("key exchanges (KexAlgorithms) that this program does not have"),
            ),
            (
                "ciphers 3des-cbc",
                Err("ciphers (Ciphers) that this program does not have"),
            ),
            (
                "macs umac-64@openssh.com",
                Err("message codes (MACs) that this program does not have"),
            ),
            (
                "hostkeyalgorithms sk-ssh-ed25519@openssh.com",
                Err("host keys (HostKeyAlgorithms) that this program does not have"),
            ),
            (
                "pubkeyauthentication no",
                Err("other proofs than keys (PubkeyAuthentication no)"),
            ),
            (
                "preferredauthentications password",
                Err("other proofs than keys (PreferredAuthentications)"),
            ),
            ("preferredauthentications password,publickey", Ok(())),
            ("identityfile ~/%C", Err("the sign %C in `~/%C`")),
        ];
        for (line, expected) in cases {
            let covered = cover(&with(line), "/home/ops").map(|_| ());
            assert_eq!(covered, expected.map_err(str::to_owned), "{line}");
        }
    }

    #[test]
    fn a_covered_configuration_is_followed() {
        let covered = cover(
            &with(
                "stricthostkeychecking accept-new\nuserknownhostsfile ~/.ssh/a /b\nidentityagent none\nsetenv A=b",
            ),
            "/home/ops",
        )
        .expect("it is covered");
        assert_eq!(covered.way, Way::Direct);
        assert_eq!(covered.strictness, Strictness::AcceptNew);
        assert_eq!(covered.known_files.len(), 2);
        assert_eq!(covered.preferred.key.len(), 2);
        assert_eq!(covered.certificates.len(), 1);
        assert_eq!(covered.agent, None);
        assert_eq!(covered.variables, [("A".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn jump_hosts_are_read() {
        let cases = [
            ("gate", "gate", ""),
            ("ops@gate:2222", "gate", "-l ops -p 2222"),
            ("a,b:22,ops@gate", "gate", "-J a,b:22 -l ops"),
            ("ssh://ops@gate:2222", "gate", "-l ops -p 2222"),
            ("[fe80::1]:2222", "fe80::1", "-p 2222"),
            ("fe80::1", "fe80::1", ""),
        ];
        for (written, host, options) in cases {
            let target = read_jump(written).expect(written);
            assert_eq!(
                (target.host.as_str(), target.options.join(" ").as_str()),
                (host, options)
            );
        }
        assert!(read_jump("-oProxyCommand=x").is_err());
    }
}
