//! The proof of who logs in: by the agent's keys, then by those in files.

use std::path::{Path, PathBuf};

use russh::client::{AuthResult, Handle};
use russh::keys::PrivateKeyWithHashAlg;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::ssh_key::{Algorithm, Certificate, HashAlg, PublicKey};
use russh::{MethodKind, MethodSet};
use tokio::net::UnixStream;

use super::configuration::Configuration;
use super::coverage::Covered;
use super::failure::Failure;
use super::host_key::{Watcher, describe_key};
use super::identity::{KeyFile, KeyFiles, load_certificates};

type Agent = AgentClient<UnixStream>;

/// Proves to a host who logs in.
///
/// # Errors
///
/// [`Failure`]: that no key was accepted, and which were tried; that a passphrase is needed; or
/// that `ssh` has proofs which the host would take.
pub(super) async fn authenticate(
    handle: &mut Handle<Watcher>,
    configuration: &Configuration,
    covered: &Covered,
    files: &KeyFiles,
) -> Result<(), Failure> {
    let mut attempt = Attempt {
        user: configuration.user().to_owned(),
        handle,
        agent: None,
        rsa_hash: None,
        tried: Vec::new(),
        left: MethodSet::empty(),
    };
    let offered = attempt.ask_agent(covered).await;
    let keys: Vec<(PathBuf, KeyFile)> = covered
        .identities
        .iter()
        .map(|path| (path.clone(), files.load(path)))
        .collect();
    let certificates = load_certificates(&covered.certificate_files, &covered.identities);
    let proofs = order_proofs(configuration, offered, &keys, &certificates);
    if proofs.is_empty() && attempt.offer_nothing().await? {
        return Ok(());
    }
    for proof in proofs {
        if attempt.offer(&proof).await? {
            return Ok(());
        }
    }
    for (path, key) in &keys {
        if let KeyFile::Unusable(why) = key {
            attempt
                .tried
                .push(format!("{} (not usable: {why})", path.display()));
        }
    }
    Err(attempt.give_up(configuration, covered))
}

/// A way to prove who one is.
enum Proof {
    /// A key or certificate that the agent holds.
    Agent(AgentIdentity),
    /// A key in a file.
    File(PathBuf, KeyFile),
    /// A certificate whose key is in a file.
    Certified(PathBuf, KeyFile, Certificate),
}

/// All proofs in the client's order: certificates, the agent's keys that the configuration
/// names, its other ones, and then the files.
fn order_proofs(
    configuration: &Configuration,
    offered: Vec<AgentIdentity>,
    keys: &[(PathBuf, KeyFile)],
    certificates: &[Certificate],
) -> Vec<Proof> {
    let is_named = |public: &PublicKey| {
        let mut named = keys.iter().filter_map(|(_, key)| key.public());
        named.any(|key| key.key_data() == public.key_data())
    };
    let public = |identity: &AgentIdentity| match identity {
        AgentIdentity::PublicKey { key, .. } => key.clone(),
        AgentIdentity::Certificate { certificate, .. } => {
            PublicKey::new(certificate.public_key().clone(), "")
        }
    };
    let mut proofs = Vec::new();
    for certificate in certificates {
        let of_agent = offered.iter().find(|identity| {
            matches!(identity, AgentIdentity::PublicKey { key, .. } if key.key_data() == certificate.public_key())
        });
        let of_file = keys.iter().find(|(_, key)| {
            key.public()
                .is_some_and(|public| public.key_data() == certificate.public_key())
        });
        match (of_agent, of_file) {
            (Some(_), _) => proofs.push(Proof::Agent(AgentIdentity::Certificate {
                certificate: certificate.clone(),
                comment: String::new(),
            })),
            (None, Some((path, key))) => {
                proofs.push(Proof::Certified(path.clone(), key.clone(), certificate.clone()));
            }
            (None, None) => {}
        }
    }
    let held: Vec<PublicKey> = offered.iter().map(public).collect();
    let (named, others): (Vec<AgentIdentity>, Vec<AgentIdentity>) = offered
        .into_iter()
        .partition(|identity| is_named(&public(identity)));
    proofs.extend(named.into_iter().map(Proof::Agent));
    if !configuration.is_on("identitiesonly") {
        proofs.extend(others.into_iter().map(Proof::Agent));
    }
    for (path, key) in keys {
        let is_held = key
            .public()
            .is_some_and(|public| held.iter().any(|held| held.key_data() == public.key_data()));
        if !is_held && matches!(key, KeyFile::Ready(_) | KeyFile::Locked(_)) {
            proofs.push(Proof::File(path.clone(), key.clone()));
        }
    }
    proofs
}

/// Proofs offered to one host.
struct Attempt<'a> {
    user: String,
    handle: &'a mut Handle<Watcher>,
    agent: Option<Agent>,
    /// The hash for RSA keys, once the host was asked.
    rsa_hash: Option<HashAlg>,
    /// What was refused, for people.
    tried: Vec<String>,
    /// What the host would still take.
    left: MethodSet,
}

impl Attempt<'_> {
    /// What the agent holds; nothing when there is none.
    async fn ask_agent(&mut self, covered: &Covered) -> Vec<AgentIdentity> {
        let Some(socket) = &covered.agent else {
            return Vec::new();
        };
        let asked = async {
            let mut agent = Agent::connect_uds(socket).await?;
            if let Some(binding) = self.handle.agent_session_binding() {
                // An agent that knows no such binding has no keys that need one.
                let _ = agent.bind_session(binding, false).await;
            }
            let offered = agent.request_identities().await?;
            Ok::<_, russh::keys::Error>((agent, offered))
        };
        match asked.await {
            Ok((agent, offered)) => {
                self.agent = Some(agent);
                offered
            }
            Err(error) => {
                self.tried.push(format!(
                    "the agent at {} (it does not answer: {error})",
                    socket.display()
                ));
                Vec::new()
            }
        }
    }

    /// Whether the host lets anybody in; otherwise it says what it takes.
    async fn offer_nothing(&mut self) -> Result<bool, Failure> {
        match self.handle.authenticate_none(self.user.clone()).await? {
            AuthResult::Success => Ok(true),
            AuthResult::Failure {
                remaining_methods, ..
            } => {
                self.left = remaining_methods;
                Ok(false)
            }
        }
    }

    /// Whether a proof is accepted.
    async fn offer(&mut self, proof: &Proof) -> Result<bool, Failure> {
        let (answer, what) = match proof {
            Proof::Agent(identity) => self.offer_of_agent(identity).await?,
            Proof::File(path, key) => {
                let what = path.display().to_string();
                (self.offer_of_file(path, key, None).await?, what)
            }
            Proof::Certified(path, key, certificate) => {
                let what = format!("the certificate of {}", path.display());
                (self.offer_of_file(path, key, Some(certificate)).await?, what)
            }
        };
        match answer {
            AuthResult::Success => Ok(true),
            AuthResult::Failure {
                partial_success: true,
                ..
            } => Err(Failure::LeftToClient(
                "the host wants another proof beside a key".to_owned(),
            )),
            AuthResult::Failure {
                remaining_methods, ..
            } => {
                self.tried.push(what);
                self.left = remaining_methods;
                Ok(false)
            }
        }
    }

    async fn offer_of_agent(&mut self, identity: &AgentIdentity) -> Result<(AuthResult, String), Failure> {
        let user = self.user.clone();
        let (what, algorithm) = match identity {
            AgentIdentity::PublicKey { key, comment } => (
                format!("the agent's key {comment} {}", describe_key(key)),
                key.algorithm(),
            ),
            AgentIdentity::Certificate { certificate, .. } => (
                format!("the certificate {} with the agent's key", certificate.key_id()),
                certificate.algorithm(),
            ),
        };
        let hash = self.hash_for(&algorithm).await?;
        let Some(agent) = &mut self.agent else {
            return Err(Failure::Unreachable("the agent has gone".to_owned()));
        };
        let answer = match identity {
            AgentIdentity::PublicKey { key, .. } => {
                self.handle
                    .authenticate_publickey_with(user, key.clone(), hash, agent)
                    .await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                self.handle
                    .authenticate_certificate_with(user, certificate.clone(), hash, agent)
                    .await
            }
        };
        match answer {
            Ok(answer) => Ok((answer, what)),
            // The agent would not sign: its owner said no, or the key is bound to other hosts.
            Err(error) => Ok((
                AuthResult::Failure {
                    remaining_methods: MethodSet::empty(),
                    partial_success: false,
                },
                format!("{what} (the agent does not sign: {error})"),
            )),
        }
    }

    async fn offer_of_file(
        &mut self,
        path: &Path,
        key: &KeyFile,
        certificate: Option<&Certificate>,
    ) -> Result<AuthResult, Failure> {
        let user = self.user.clone();
        let private = match key {
            KeyFile::Ready(private) => private.clone(),
            KeyFile::Locked(Some(public)) => {
                // The passphrase is asked for only when the host would take the key.
                let hash = self.hash_for(&public.algorithm()).await?;
                let mut inquiry = Inquiry { is_wanted: false };
                let answer = self
                    .handle
                    .authenticate_publickey_with(user, public.clone(), hash, &mut inquiry)
                    .await;
                return match answer {
                    Ok(answer) => Ok(answer),
                    Err(_) if inquiry.is_wanted || certificate.is_some() => {
                        Err(Failure::NeedsPassphrase(path.to_path_buf()))
                    }
                    Err(error) => Err(Failure::Unreachable(error.to_string())),
                };
            }
            _ => return Err(Failure::NeedsPassphrase(path.to_path_buf())),
        };
        let hash = self.hash_for(&private.algorithm()).await?;
        let answer = match certificate {
            Some(certificate) => {
                self.handle
                    .authenticate_openssh_cert(user, private, certificate.clone())
                    .await
            }
            None => {
                let key = PrivateKeyWithHashAlg::new(private, hash);
                self.handle.authenticate_publickey(user, key).await
            }
        };
        Ok(answer?)
    }

    /// The hash that signatures of such a key use; none but for RSA.
    async fn hash_for(&mut self, algorithm: &Algorithm) -> Result<Option<HashAlg>, Failure> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return Ok(None);
        }
        if self.rsa_hash.is_none() {
            let told = self.handle.best_supported_rsa_hash().await?;
            // A host that does not tell takes the newest one or is too old for every default.
            self.rsa_hash = told.flatten().or(Some(HashAlg::Sha512));
        }
        Ok(self.rsa_hash)
    }

    fn give_up(&self, configuration: &Configuration, covered: &Covered) -> Failure {
        let others = [
            (
                "gssapiauthentication",
                MethodKind::GssapiWithMic,
                "Kerberos (GSSAPIAuthentication)",
            ),
            (
                "hostbasedauthentication",
                MethodKind::HostBased,
                "this machine's word (HostbasedAuthentication)",
            ),
        ];
        for (key, kind, what) in others {
            if configuration.is_on(key) && self.left.contains(&kind) {
                return Failure::LeftToClient(format!("the host takes {what}, and no key"));
            }
        }
        let user = &self.user;
        if self.tried.is_empty() {
            let looked: Vec<String> = covered
                .identities
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            let agent = match &covered.agent {
                Some(socket) => format!("the agent at {} has no key", socket.display()),
                None => "there is no agent".to_owned(),
            };
            return Failure::Unreachable(format!(
                "there is no key to log in with as {user}: {agent}, and there is none of the files {}",
                looked.join(", ")
            ));
        }
        let tried = self.tried.join("; ");
        Failure::Unreachable(format!("the login as {user} was refused; tried: {tried}"))
    }
}

/// Asks whether a host would take a key, and signs nothing.
struct Inquiry {
    is_wanted: bool,
}

/// Why an [`Inquiry`] does not sign.
#[derive(Debug, thiserror::Error)]
enum NotSigned {
    #[error("it was only an inquiry")]
    Inquiry,
    #[error(transparent)]
    Send(#[from] russh::SendError),
}

impl russh::Signer for Inquiry {
    type Error = NotSigned;

    async fn auth_sign(
        &mut self,
        _key: &AgentIdentity,
        _hash: Option<HashAlg>,
        _to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, NotSigned> {
        self.is_wanted = true;
        Err(NotSigned::Inquiry)
    }
}
