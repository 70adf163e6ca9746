//! The real client, which is asked what its configuration means.

use std::cell::RefCell;
use std::collections::HashMap;
use std::process::Stdio;
use std::rc::Rc;

use tokio::process::Command;
use tokio::sync::{OnceCell, Semaphore};

use super::classes::Classes;
use super::configuration::Configuration;

/// How many `ssh -G` run at once.
const MOST_AT_ONCE: usize = 8;

/// What is said of a host on the command line of `ssh`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    /// What follows the options: a name, an alias or an address.
    pub host: String,
    /// The options.
    pub options: Vec<String>,
}

/// Asks `ssh -G`, once for hosts that its configuration cannot tell apart.
pub(super) struct Client {
    file: Option<String>,
    classes: Classes,
    known: RefCell<HashMap<Key, Told>>,
    turns: Semaphore,
}

/// The options, and the class of the host or, where it has none, the host itself.
type Key = (Vec<String>, Result<Vec<bool>, String>);

/// What was told, and of which host.
type Told = Rc<OnceCell<Result<(String, Configuration), String>>>;

impl Client {
    /// Reads which hosts the configuration tells apart; `file` stands for `-F`.
    pub fn new(file: Option<String>) -> Client {
        Client {
            classes: Classes::read(file.as_deref()),
            file,
            known: RefCell::default(),
            turns: Semaphore::new(MOST_AT_ONCE),
        }
    }

    /// The words of a command line of `ssh`, its name left out, up to and with the host.
    pub fn words(&self, before: &[&str], target: &Target) -> Vec<String> {
        let mut words: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
        if let Some(file) = &self.file {
            words.extend(["-F".to_owned(), file.clone()]);
        }
        words.extend(target.options.iter().cloned());
        words.extend(["--".to_owned(), target.host.clone()]);
        words
    }

    /// The home folder of the user, as `ssh` sees it.
    pub fn home(&self) -> &str {
        self.classes.home()
    }

    /// What the configuration says of a host.
    ///
    /// # Errors
    ///
    /// Why `ssh` does not tell, for people.
    pub async fn ask(&self, target: &Target) -> Result<Configuration, String> {
        if let Some(class) = self.classes.class_of(&target.host) {
            let (asked, told) = self.ask_once((target.options.clone(), Ok(class)), target).await?;
            // Where a `HostName` stands for all of them, no other one can be put in its place.
            if told.host_name() == asked {
                return Ok(told.for_host(&target.host));
            }
        }
        let key = (target.options.clone(), Err(target.host.clone()));
        Ok(self.ask_once(key, target).await?.1)
    }

    async fn ask_once(&self, key: Key, target: &Target) -> Result<(String, Configuration), String> {
        let cell = self.known.borrow_mut().entry(key).or_default().clone();
        let told = cell.get_or_init(|| async {
            let configuration = self.run(target).await?;
            Ok((target.host.clone(), configuration))
        });
        told.await.clone()
    }

    async fn run(&self, target: &Target) -> Result<Configuration, String> {
        let _turn = self.turns.acquire().await;
        let output = Command::new("ssh")
            .args(self.words(&["-G"], target))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| describe_missing(&error))?;
        if output.status.success() {
            return Ok(Configuration::read(&String::from_utf8_lossy(&output.stdout)));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().replace('\n', "; ");
        Err(format!("`ssh -G` does not tell how it is reached: {said}"))
    }
}

/// Why the program `ssh` does not start.
pub(super) fn describe_missing(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no program `ssh` here; install openssh-client".to_owned(),
        _ => format!("`ssh` does not start: {error}"),
    }
}
