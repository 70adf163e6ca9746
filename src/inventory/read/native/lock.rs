use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{File, span};
use crate::inventory::{InventoryError, LockSettings};

/// Keys of the table `lock`.
const LOCK_KEYS: [&str; 6] = ["etcd", "prefix", "ca", "certificate", "key", "lease"];

/// The shortest and the longest lease, in seconds: etcd keeps none that is shorter.
const LEASES: std::ops::RangeInclusive<u64> = 2..=3600;

impl<'a> File<'a> {
    /// Reads where the maintenance lock lives.
    pub(super) fn read_lock(&self, top: &DeTable<'a>) -> Result<LockSettings, InventoryError> {
        let mut lock = LockSettings::default();
        let (mut certificate, mut key_file) = (None, None);
        let table = self.table(top, "lock")?;
        for (key, value) in table.into_iter().flatten() {
            match key.get_ref().as_ref() {
                "etcd" => lock.etcd = self.addresses_of(value)?,
                "prefix" => self.text_of(value, "`prefix`")?.clone_into(&mut lock.prefix),
                "ca" => lock.ca = Some(self.text_of(value, "`ca`")?.to_owned()),
                "certificate" => certificate = Some((self.text_of(value, "`certificate`")?, key)),
                "key" => key_file = Some((self.text_of(value, "`key`")?, key)),
                "lease" => lock.lease = self.lease_of(value)?,
                _ => return Err(self.unknown_key(key, "`lock`", &LOCK_KEYS)),
            }
        }
        lock.certificate = match (certificate, key_file) {
            (Some((certificate, _)), Some((key, _))) => Some((certificate.to_owned(), key.to_owned())),
            (None, None) => None,
            (Some((_, alone)), None) | (None, Some((_, alone))) => {
                return Err(self.refuse(alone.span(), "`certificate` and `key` are named together"));
            }
        };
        Ok(lock)
    }

    fn addresses_of(&self, value: &Spanned<DeValue<'a>>) -> Result<Vec<String>, InventoryError> {
        let mut addresses = Vec::new();
        for (text, at) in self.texts_of(value, "`etcd`")? {
            let host = text
                .strip_prefix("http://")
                .or_else(|| text.strip_prefix("https://"));
            if host.is_none_or(|host| host.is_empty() || host.contains(['/', ' '])) {
                let why = "an address of etcd is written as http://HOST:2379 or https://HOST:2379";
                return Err(self.refuse(at, why));
            }
            addresses.push(text.to_owned());
        }
        match addresses.is_empty() {
            true => Err(self.refuse(value.span(), "`etcd` names no address")),
            false => Ok(addresses),
        }
    }

    fn lease_of(&self, value: &Spanned<DeValue<'a>>) -> Result<Duration, InventoryError> {
        let text = self.text_of(value, "`lease`")?;
        let (number, factor) = match text.strip_suffix('m') {
            Some(minutes) => (minutes, 60),
            None => (text.strip_suffix('s').unwrap_or(text), 1),
        };
        let seconds = number
            .parse::<u64>()
            .ok()
            .map(|number| number.saturating_mul(factor));
        match seconds.filter(|seconds| LEASES.contains(seconds)) {
            Some(seconds) => Ok(Duration::from_secs(seconds)),
            None => Err(self.refuse(value.span(), "`lease` must be a time from \"2s\" to \"60m\"")),
        }
    }

    fn refuse(&self, at: std::ops::Range<usize>, why: &str) -> InventoryError {
        InventoryError::Refused {
            why: why.to_owned(),
            help: None,
            file: self.source.clone(),
            at: span(at),
        }
    }
}
