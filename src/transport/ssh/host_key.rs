//! Whether a host is the one it should be.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use russh::client::{DisconnectReason, Handler};
use russh::keys::PublicKeyOrCertificate;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::{Algorithm, Certificate, Fingerprint, HashAlg, PublicKey};

use super::coverage::{Covered, Strictness};
use super::known_hosts::{Judgement, KnownHost};
use super::pattern::matches_pattern;
use crate::value::quote;

/// Why a host's key is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// For good; what is wrong and what to do.
    Refused(String),
    /// `ssh` is to decide, for this reason.
    LeftToClient(String),
}

/// What is learnt of a connection while it is made and kept.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    /// Why the host's key was not accepted.
    pub refusal: Option<Refusal>,
    /// What the host said, or what went wrong, when the connection ended.
    pub ended: Option<String>,
}

/// Looks at what the host shows.
pub(super) struct Watcher {
    pub host: HostToCheck,
    pub learnt: Arc<Mutex<Learnt>>,
}

/// What is known of a host, and how its keys would be put right.
#[derive(Debug, Clone)]
pub(super) struct HostToCheck {
    pub known: KnownHost,
    pub strictness: Strictness,
    /// Where the host is.
    pub name: String,
    pub port: u16,
    /// The name in its certificates.
    pub principal: String,
    /// Whether the key is looked for under another name, of `HostKeyAlias`.
    pub has_alias: bool,
    /// The first file of known keys, where a new one would be put.
    pub file: String,
    /// The kinds of signatures of authorities that are accepted.
    pub authority_signatures: Vec<String>,
}

impl Watcher {
    fn learn(&self, change: impl FnOnce(&mut Learnt)) {
        change(&mut self.learnt.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Handler for Watcher {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let judged = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.host.judge_key(key),
            PublicKeyOrCertificate::Certificate(certificate) => {
                self.host.judge_certificate(certificate, SystemTime::now())
            }
        };
        let is_accepted = judged.is_ok();
        if let Err(refusal) = judged {
            self.learn(|learnt| learnt.refusal = Some(refusal));
        }
        Ok(is_accepted)
    }

    async fn disconnected(&mut self, reason: DisconnectReason<russh::Error>) -> Result<(), russh::Error> {
        let told = match &reason {
            DisconnectReason::ReceivedDisconnect(told) if told.message.is_empty() => {
                "the host ended the connection".to_owned()
            }
            DisconnectReason::ReceivedDisconnect(told) => {
                format!("the host ended the connection: {}", told.message.trim())
            }
            DisconnectReason::Error(error) => describe_loss(error),
        };
        self.learn(|learnt| learnt.ended = Some(told));
        Ok(())
    }
}

/// Why a connection ended.
pub(super) fn describe_loss(error: &russh::Error) -> String {
    match error {
        russh::Error::KeepaliveTimeout => {
            "the host has not answered the questions whether it lives".to_owned()
        }
        russh::Error::Disconnect | russh::Error::HUP | russh::Error::SendError => {
            "the connection was closed".to_owned()
        }
        russh::Error::IO(error) => describe_input(error),
        other => format!("the connection broke: {other}"),
    }
}

/// What the system says of a stream.
pub(super) fn describe_input(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset => "the connection was reset".to_owned(),
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => "the connection was closed".to_owned(),
        ErrorKind::HostUnreachable => "no route to the host".to_owned(),
        ErrorKind::NetworkUnreachable => "no route to its network".to_owned(),
        ErrorKind::TimedOut => "the network gave up".to_owned(),
        _ => error.to_string(),
    }
}

impl HostToCheck {
    /// The kinds of keys to ask the host for, those that are known of it first.
    pub fn order_algorithms(&self, algorithms: &[Algorithm]) -> Vec<Algorithm> {
        let is_known = |algorithm: &Algorithm| {
            self.known
                .plain_keys()
                .any(|known| match (known.key.algorithm(), algorithm) {
                    (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
                    (known, algorithm) => known == *algorithm,
                })
        };
        let (mut first, rest): (Vec<Algorithm>, Vec<Algorithm>) =
            algorithms.iter().cloned().partition(is_known);
        first.extend(rest);
        first
    }

    /// The kinds of certificates to ask the host for: none where no authority is known.
    pub fn certificates(&self, covered: &Covered) -> Vec<Algorithm> {
        match self.known.authorities().next() {
            Some(_) => covered.certificates.clone(),
            None => Vec::new(),
        }
    }

    fn judge_key(&self, key: &PublicKey) -> Result<(), Refusal> {
        let shown = describe_key(key);
        let (name, file) = (&self.known.name, quote(&self.file));
        match self.known.judge(key) {
            Judgement::Known => Ok(()),
            Judgement::New if self.strictness != Strictness::Refuse => Err(Refusal::LeftToClient(
                "the host key is new, and StrictHostKeyChecking has `ssh` write it down".to_owned(),
            )),
            Judgement::Changed { .. } if self.strictness == Strictness::AcceptAny => {
                Err(Refusal::LeftToClient(
                    "the host key has changed, and StrictHostKeyChecking is off".to_owned(),
                ))
            }
            Judgement::New => Err(Refusal::Refused(format!(
                "its host key is not known: {shown}; compare it with what `ssh-keygen -lf` says on the host, \
                 then add it: {}",
                self.adding(key, &file)
            ))),
            Judgement::Changed { place } => Err(Refusal::Refused(format!(
                "its host key has changed: it shows {shown}, and {place} has another one; somebody may stand \
                 in between; if the host was set up anew: ssh-keygen -R {} -f {}, then {}",
                quote(name),
                quote(place.rsplit_once(':').map_or(place.as_str(), |(file, _)| file)),
                self.adding(key, &file)
            ))),
            Judgement::Revoked { place } => Err(Refusal::Refused(format!(
                "its host key is revoked: {shown} by {place}; give the host a new one"
            ))),
        }
    }

    /// The command that adds a key to a file. Under an alias only a line of that name is looked for,
    /// which `ssh-keyscan` does not write.
    fn adding(&self, key: &PublicKey, file: &str) -> String {
        let name = quote(&self.name);
        match (self.has_alias, self.port, key.to_openssh()) {
            (true, _, Ok(line)) => {
                let line = format!("{} {}", self.known.name, line.trim());
                format!("echo {} >> {file}", quote(&line))
            }
            (_, 22, _) => format!("ssh-keyscan {name} >> {file}"),
            (_, port, _) => format!("ssh-keyscan -p {port} {name} >> {file}"),
        }
    }

    fn judge_certificate(&self, certificate: &Certificate, now: SystemTime) -> Result<(), Refusal> {
        let wrong = |why: String| {
            Err(Refusal::Refused(format!(
                "its host certificate is not good: {why}"
            )))
        };
        let authority = PublicKey::new(certificate.signature_key().clone(), "");
        let key = PublicKey::new(certificate.public_key().clone(), "");
        for revoked in [&authority, &key] {
            if let Some(place) = self.known.revoked(revoked) {
                return wrong(format!("{} is revoked by {place}", describe_key(revoked)));
            }
        }
        if certificate.cert_type() != CertType::Host {
            return wrong("it is one for users".to_owned());
        }
        let names = certificate.valid_principals();
        if !names.iter().any(|name| matches_pattern(name, &self.principal)) {
            return wrong(format!(
                "it is for {}, not for {}",
                names.join(", "),
                self.principal
            ));
        }
        if certificate.critical_options().iter().next().is_some() {
            return wrong("it has conditions that are not known here".to_owned());
        }
        let signature = certificate.signature().algorithm().to_string();
        if !self.authority_signatures.is_empty() && !self.authority_signatures.contains(&signature) {
            return wrong(format!(
                "it is signed by {signature}, which CASignatureAlgorithms leaves out"
            ));
        }
        let trusted: Vec<Fingerprint> = self
            .known
            .authorities()
            .map(|known| known.key.fingerprint(HashAlg::Sha256))
            .collect();
        if !trusted.contains(&authority.fingerprint(HashAlg::Sha256)) {
            return wrong(format!(
                "{} signed it, which is no @cert-authority of {}",
                describe_key(&authority),
                self.known.name
            ));
        }
        let now = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |passed| passed.as_secs());
        if certificate.validate_at(now, &trusted).is_err() {
            return wrong("its time has passed or has not come, or its signature is false".to_owned());
        }
        Ok(())
    }
}

/// A key's kind and fingerprint.
pub(super) fn describe_key(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256))
}
