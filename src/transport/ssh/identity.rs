//! The user's keys: files, with the passphrase asked for once, and the agent.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use russh::keys::ssh_key::{Certificate, PrivateKey, PublicKey};
use russh::keys::{Error, decode_secret_key};
use tokio::sync::OnceCell;

use crate::transport::Secrets;

/// The key in a file.
#[derive(Debug, Clone)]
pub(super) enum KeyFile {
    /// There is no such file.
    Missing,
    /// It is there and is of no use, and why.
    Unusable(String),
    /// Only the public key is there; the agent may have the other one.
    Public(PublicKey),
    /// It is ready.
    Ready(Arc<PrivateKey>),
    /// It has a passphrase.
    Locked(Option<PublicKey>),
}

impl KeyFile {
    /// The public key.
    pub fn public(&self) -> Option<&PublicKey> {
        match self {
            KeyFile::Ready(key) => Some(key.public_key()),
            KeyFile::Public(key) | KeyFile::Locked(Some(key)) => Some(key),
            _ => None,
        }
    }
}

/// An answer that several wait for and one gets.
type Once<T> = Rc<OnceCell<T>>;

/// A key that was opened, or why it was not.
type Opened = Result<Arc<PrivateKey>, String>;

/// All key files that were looked at, each read once.
pub(super) struct KeyFiles {
    files: RefCell<HashMap<PathBuf, KeyFile>>,
    unlocked: RefCell<HashMap<PathBuf, Once<Opened>>>,
    secrets: Rc<dyn Secrets>,
}

impl KeyFiles {
    /// Asks `secrets` for passphrases.
    pub fn new(secrets: Rc<dyn Secrets>) -> KeyFiles {
        KeyFiles {
            files: RefCell::default(),
            unlocked: RefCell::default(),
            secrets,
        }
    }

    /// The key in a file.
    pub fn load(&self, path: &Path) -> KeyFile {
        if let Some(known) = self.files.borrow().get(path) {
            return known.clone();
        }
        let loaded = load_key(path);
        self.files.borrow_mut().insert(path.to_path_buf(), loaded.clone());
        loaded
    }

    /// Opens a key with a passphrase, which is asked for once in a run.
    pub async fn unlock(&self, path: &Path) {
        let cell = self
            .unlocked
            .borrow_mut()
            .entry(path.to_path_buf())
            .or_default()
            .clone();
        let opened = cell.get_or_init(|| async {
            let prompt = format!("Passphrase for the key {}: ", path.display());
            let Some(passphrase) = self.secrets.ask(&prompt).await else {
                return Err(
                    "it has a passphrase, and none was given: put it into the agent with ssh-add".to_owned(),
                );
            };
            let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
            // To derive the key from the passphrase takes a while, on purpose.
            let opened = tokio::task::spawn_blocking(move || {
                decode_secret_key(&text, Some(passphrase.reveal())).map_err(|_| ())
            });
            match opened.await {
                Ok(Ok(key)) => Ok(Arc::new(key)),
                _ => Err("the passphrase does not fit".to_owned()),
            }
        });
        let loaded = match opened.await {
            Ok(key) => KeyFile::Ready(Arc::clone(key)),
            Err(why) => KeyFile::Unusable(why.clone()),
        };
        self.files.borrow_mut().insert(path.to_path_buf(), loaded);
    }
}

fn load_key(path: &Path) -> KeyFile {
    let public = || {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".pub");
        let text = fs::read_to_string(beside).ok()?;
        PublicKey::from_openssh(&text).ok()
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return public().map_or(KeyFile::Missing, KeyFile::Public);
        }
        Err(error) => return KeyFile::Unusable(error.to_string()),
    };
    if let Ok(key) = PublicKey::from_openssh(&text) {
        return KeyFile::Public(key);
    }
    match decode_secret_key(&text, None) {
        Ok(key) => KeyFile::Ready(Arc::new(key)),
        Err(Error::KeyIsEncrypted) => {
            // The public half stands open in a key file of OpenSSH.
            let inside = PrivateKey::from_openssh(&text).ok();
            KeyFile::Locked(inside.map(|key| key.public_key().clone()).or_else(public))
        }
        Err(error) => KeyFile::Unusable(error.to_string()),
    }
}

/// The certificates in files that are named, or that lie beside key files.
pub(super) fn load_certificates(named: &[PathBuf], keys: &[PathBuf]) -> Vec<Certificate> {
    let beside = keys.iter().map(|path| {
        let mut beside = path.as_os_str().to_owned();
        beside.push("-cert.pub");
        PathBuf::from(beside)
    });
    let texts = named
        .iter()
        .cloned()
        .chain(beside)
        .filter_map(|path| fs::read_to_string(path).ok());
    texts
        .filter_map(|text| Certificate::from_openssh(&text).ok())
        .collect()
}
