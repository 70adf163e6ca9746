use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use data_encoding::BASE64;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::holder::Holder;
use super::seat::{Action, Age, Reply, Seats};
use crate::inventory::LockSettings;

/// A lock in etcd: one key says who holds it and stays, and a second one, bound to a lease, says
/// that its holder lives. So a lock whose holder has died is still seen, as it is on nodes.
///
/// # Source
///
/// The gRPC gateway of etcd 3.4 and later: <https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/>.
pub struct EtcdSeat {
    client: Arc<Client>,
}

impl EtcdSeat {
    /// The lock of a cluster in the etcd of its inventory; each question may take `limit`.
    ///
    /// # Errors
    ///
    /// Which certificate cannot be read, and why.
    pub fn open(settings: &LockSettings, cluster: &str, limit: Duration) -> Result<EtcdSeat, String> {
        let agent = Agent::config_builder()
            .timeout_global(Some(limit))
            .http_status_as_error(false)
            .proxy(None)
            .tls_config(read_certificates(settings)?)
            .build();
        let key = format!("{}{cluster}", settings.prefix);
        Ok(EtcdSeat {
            client: Arc::new(Client {
                agent: agent.into(),
                addresses: settings.etcd.clone(),
                alive: BASE64.encode(format!("{key}/alive").as_bytes()),
                key: BASE64.encode(key.as_bytes()),
                lease: settings.lease,
                granted: Mutex::new(None),
            }),
        })
    }
}

#[async_trait(?Send)]
impl Seats for EtcdSeat {
    fn names(&self) -> Vec<String> {
        vec!["etcd".to_owned()]
    }

    fn kind(&self) -> &'static str {
        "etcd"
    }

    async fn ask(&self, _seat: usize, ours: &str, action: &Action) -> Reply {
        let (client, ours, action) = (Arc::clone(&self.client), ours.to_owned(), action.clone());
        let asked = tokio::task::spawn_blocking(move || client.carry_out(&ours, &action)).await;
        match asked {
            Ok(Ok(reply)) => reply,
            Ok(Err(why)) => Reply::Unsure(why),
            Err(error) => Reply::Silent(error.to_string()),
        }
    }
}

fn read_certificates(settings: &LockSettings) -> Result<TlsConfig, String> {
    let read = |path: &str| fs::read(path).map_err(|error| format!("`{path}` cannot be read: {error}"));
    let mut tls = TlsConfig::builder();
    if let Some(path) = &settings.ca {
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates(path, &read(path)?)?));
    }
    if let Some((path, key_path)) = &settings.certificate {
        let chain = certificates(path, &read(path)?)?;
        let key = PrivateKey::from_pem(&read(key_path)?)
            .map_err(|error| format!("`{key_path}` holds no key: {error}"))?;
        tls = tls.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
    }
    Ok(tls.build())
}

fn certificates(path: &str, text: &[u8]) -> Result<Vec<Certificate<'static>>, String> {
    let items = parse_pem(text).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let found: Vec<_> = items.collect();
    match found.is_empty() {
        true => Err(format!("`{path}` holds no certificate")),
        false => Ok(found),
    }
}

/// What speaks with the gateway; each question waits for its answer.
struct Client {
    agent: Agent,
    addresses: Vec<String>,
    /// The key of the holder, as the gateway takes it.
    key: String,
    /// The key that says that the holder lives.
    alive: String,
    lease: Duration,
    /// The lease that keeps it.
    granted: Mutex<Option<String>>,
}

impl Client {
    fn carry_out(&self, ours: &str, action: &Action) -> Result<Reply, String> {
        let value = BASE64.encode(ours.as_bytes());
        let is_value =
            |value: &str| json!({"target": "VALUE", "result": "EQUAL", "key": self.key, "value": value});
        let (compare, success) = match action {
            Action::Look => (Vec::new(), self.ranges()),
            Action::Take => {
                let is_free =
                    json!({"target": "CREATE", "result": "EQUAL", "key": self.key, "create_revision": "0"});
                (vec![is_free], self.puts(&value)?)
            }
            Action::Replace(theirs) => {
                let is_theirs = is_value(&BASE64.encode(theirs.as_bytes()));
                (vec![is_theirs], self.puts(&value)?)
            }
            Action::Restore(theirs) => {
                // The lease is that of whoever has it again, and nobody may end it but they.
                *self.granted() = None;
                let theirs_for = Holder::read(theirs).good_for();
                let lease = self.grant_for(theirs_for)?;
                (
                    vec![is_value(&value)],
                    self.puts_under(&BASE64.encode(theirs.as_bytes()), &lease),
                )
            }
            Action::Renew => return self.renew(is_value(&value), &value, ours),
            Action::Free => (vec![is_value(&value)], self.deletes()),
        };
        let answer = self.transact(&compare, &success)?;
        let is_done = answer["succeeded"] == true;
        Ok(match action {
            Action::Take | Action::Replace(_) if is_done => Reply::Made,
            Action::Restore(_) if is_done => Reply::Free,
            Action::Free if is_done => {
                self.revoke();
                Reply::Free
            }
            _ => self.read_holder(&answer, ours)?,
        })
    }

    fn renew(&self, is_ours: Value, value: &str, ours: &str) -> Result<Reply, String> {
        let known = self.granted().clone();
        let mut is_alive = false;
        if let Some(lease) = known {
            let answer = self.post("lease/keepalive", &json!({"ID": lease}))?;
            is_alive = number(&answer["result"]["TTL"]).is_some_and(|left| left > 0);
        }
        if !is_alive {
            *self.granted() = None;
        }
        let success = match is_alive {
            true => self.ranges(),
            false => self.puts(value)?,
        };
        let answer = self.transact(&[is_ours], &success)?;
        match answer["succeeded"] == true {
            true => Ok(Reply::Ours),
            false => self.read_holder(&answer, ours),
        }
    }

    /// Both keys are read, wherever nothing is changed.
    fn ranges(&self) -> Vec<Value> {
        let read = |key: &str| json!({"request_range": {"key": key}});
        vec![read(&self.key), read(&self.alive)]
    }

    fn puts(&self, value: &str) -> Result<Vec<Value>, String> {
        Ok(self.puts_under(value, &self.grant()?))
    }

    fn puts_under(&self, value: &str, lease: &str) -> Vec<Value> {
        vec![
            json!({"request_put": {"key": self.key, "value": value}}),
            json!({"request_put": {"key": self.alive, "value": "", "lease": lease}}),
        ]
    }

    fn deletes(&self) -> Vec<Value> {
        let delete = |key: &str| json!({"request_delete_range": {"key": key}});
        vec![delete(&self.key), delete(&self.alive)]
    }

    fn granted(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grant(&self) -> Result<String, String> {
        if let Some(known) = &*self.granted() {
            return Ok(known.clone());
        }
        let lease = self.grant_for(self.lease)?;
        *self.granted() = Some(lease.clone());
        Ok(lease)
    }

    fn grant_for(&self, length: Duration) -> Result<String, String> {
        let answer = self.post("lease/grant", &json!({"TTL": length.as_secs().to_string()}))?;
        Ok(answer["ID"].as_str().ok_or("etcd grants no lease")?.to_owned())
    }

    /// A lease that is not revoked ends by itself.
    fn revoke(&self) {
        let known = self.granted().take();
        if let Some(lease) = known {
            let _ = self.post("lease/revoke", &json!({"ID": lease}));
        }
    }

    fn transact(&self, compare: &[Value], success: &[Value]) -> Result<Value, String> {
        let asked = json!({"compare": compare, "success": success, "failure": self.ranges()});
        self.post("kv/txn", &asked)
    }

    /// Who holds it, from what was read of both keys.
    fn read_holder(&self, answer: &Value, ours: &str) -> Result<Reply, String> {
        let range = |at: usize| &answer["responses"][at]["response_range"]["kvs"][0];
        let Some(value) = range(0)["value"].as_str() else {
            return Ok(Reply::Free);
        };
        let value = BASE64
            .decode(value.as_bytes())
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&value).into_owned();
        if text == ours {
            return Ok(Reply::Ours);
        }
        let Some(lease) = range(1)["lease"].as_str() else {
            return Ok(Reply::Theirs(text, Age::OverLease));
        };
        let known = self.post("lease/timetolive", &json!({"ID": lease}))?;
        let (left, granted) = (number(&known["TTL"]), number(&known["grantedTTL"]));
        let age = match (left, granted) {
            (Some(left), Some(granted)) if left >= 0 => {
                Age::Ago(Duration::from_secs(granted.saturating_sub(left).unsigned_abs()))
            }
            _ => Age::OverLease,
        };
        Ok(Reply::Theirs(text, age))
    }

    /// Puts a question to the addresses in turn, until one answers it.
    fn post(&self, path: &str, asked: &Value) -> Result<Value, String> {
        let mut why = "the inventory names no etcd".to_owned();
        for address in &self.addresses {
            match self.post_to(address, path, asked) {
                Ok(answer) => return Ok(answer),
                Err(error) => why = format!("{address}: {error}"),
            }
        }
        Err(why)
    }

    fn post_to(&self, address: &str, path: &str, asked: &Value) -> Result<Value, String> {
        let sent = self
            .agent
            .post(format!("{address}/v3/{path}"))
            .header("content-type", "application/json")
            .send(asked.to_string());
        let mut answer = sent.map_err(|error| error.to_string())?;
        let text = answer
            .body_mut()
            .read_to_string()
            .map_err(|error| error.to_string())?;
        let read: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if answer.status().is_success() && read.is_object() {
            return Ok(read);
        }
        let told = read["message"].as_str().or_else(|| read["error"].as_str());
        Err(told.map_or_else(|| format!("it answers {}", answer.status()), str::to_owned))
    }
}

/// The gateway writes large numbers as text.
fn number(value: &Value) -> Option<i64> {
    value
        .as_str()
        .map_or_else(|| value.as_i64(), |text| text.parse().ok())
}
