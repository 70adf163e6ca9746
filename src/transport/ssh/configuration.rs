//! What the configuration of `ssh` says of a host, as the real client tells it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

/// What `ssh -G` printed of one host: keys in small letters, each with its values in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Configuration {
    values: HashMap<String, Vec<String>>,
}

impl Configuration {
    /// Reads what `ssh -G` printed.
    pub fn read(printed: &str) -> Configuration {
        let mut values: HashMap<String, Vec<String>> = HashMap::new();
        for line in printed.lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            values
                .entry(key.to_ascii_lowercase())
                .or_default()
                .push(value.to_owned());
        }
        Configuration { values }
    }

    /// The same, for another host of its class: only the names differ.
    pub fn for_host(&self, host: &str) -> Configuration {
        let mut values = self.values.clone();
        values.insert("hostname".to_owned(), vec![host.to_owned()]);
        if let Some(told) = values.get_mut("host") {
            *told = vec![host.to_owned()];
        }
        Configuration { values }
    }

    /// The first value of a key; `none` is none.
    pub fn value(&self, key: &str) -> Option<&str> {
        let value = self.values.get(key)?.first()?.as_str();
        (!value.is_empty() && value != "none").then_some(value)
    }

    /// All values of a key.
    pub fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.values.get(key).into_iter().flatten().map(String::as_str)
    }

    /// The words of all values of a key.
    pub fn words(&self, key: &str) -> impl Iterator<Item = &str> {
        self.values(key).flat_map(str::split_whitespace)
    }

    /// The parts of a list with commas.
    pub fn list(&self, key: &str) -> Vec<&str> {
        let list = self.value(key).unwrap_or_default();
        list.split(',').filter(|part| !part.is_empty()).collect()
    }

    /// Whether a key is `yes`.
    pub fn is_on(&self, key: &str) -> bool {
        matches!(self.value(key), Some("yes" | "true"))
    }

    /// Where the host is.
    pub fn host_name(&self) -> &str {
        self.value("hostname").unwrap_or_default()
    }

    /// The port of its ssh server.
    pub fn port(&self) -> u16 {
        self.value("port")
            .and_then(|port| port.parse().ok())
            .unwrap_or(22)
    }

    /// Who logs in.
    pub fn user(&self) -> &str {
        self.value("user").unwrap_or_default()
    }

    /// How long a connection may take to be made, where it says so.
    pub fn connect_limit(&self) -> Option<Duration> {
        self.seconds("connecttimeout")
    }

    /// How long the host may be silent until it is asked whether it lives, where it says so.
    pub fn alive_interval(&self) -> Option<Duration> {
        self.seconds("serveraliveinterval")
    }

    /// How many of these questions may stay without an answer.
    pub fn alive_count(&self) -> usize {
        self.value("serveralivecountmax")
            .and_then(|count| count.parse().ok())
            .filter(|count| *count > 0)
            .unwrap_or(3)
    }

    fn seconds(&self, key: &str) -> Option<Duration> {
        let seconds = self.value(key)?.parse().ok().filter(|seconds| *seconds > 0)?;
        Some(Duration::from_secs(seconds))
    }

    /// The path in a value: `~` and the signs with `%` that stand in paths are replaced.
    ///
    /// # Errors
    ///
    /// The sign that nothing here can replace.
    pub fn path(&self, written: &str, home: &str) -> Result<PathBuf, String> {
        let expanded = self.expand(written, home)?;
        Ok(match expanded.strip_prefix("~/") {
            Some(rest) => PathBuf::from(home).join(rest),
            None => PathBuf::from(expanded),
        })
    }

    /// Replaces the signs with `%`.
    ///
    /// # Errors
    ///
    /// The sign that nothing here can replace.
    pub fn expand(&self, written: &str, home: &str) -> Result<String, String> {
        let mut text = String::with_capacity(written.len());
        let mut letters = written.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                text.push(letter);
                continue;
            }
            match letters.next() {
                Some('%') => text.push('%'),
                Some('h') => text.push_str(self.host_name()),
                Some('p') => text.push_str(&self.port().to_string()),
                Some('r') => text.push_str(self.user()),
                Some('n') if self.value("host").is_some() => {
                    text.push_str(self.value("host").unwrap_or_default());
                }
                Some('k') => text.push_str(self.value("hostkeyalias").unwrap_or(self.host_name())),
                Some('d') if !home.is_empty() => text.push_str(home),
                Some(sign) => return Err(format!("%{sign}")),
                None => return Err("%".to_owned()),
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Configuration;
    use std::path::PathBuf;
    use std::time::Duration;

    fn example() -> Configuration {
        Configuration::read(
            "host n1\nuser ops\nhostname 10.0.0.1\nport 2222\nidentityfile ~/.ssh/a\nidentityfile /b\n\
             userknownhostsfile /a /b\nconnecttimeout none\nserveraliveinterval 7\nproxyjump none\nciphers a,b\n",
        )
    }

    #[test]
    fn what_ssh_prints_is_read() {
        let configuration = example();
        assert_eq!(configuration.host_name(), "10.0.0.1");
        assert_eq!(configuration.port(), 2222);
        assert_eq!(configuration.values("identityfile").count(), 2);
        assert_eq!(configuration.words("userknownhostsfile").count(), 2);
        assert_eq!(configuration.value("proxyjump"), None);
        assert_eq!(configuration.list("ciphers"), ["a", "b"]);
        assert_eq!(configuration.connect_limit(), None);
        assert_eq!(configuration.alive_interval(), Some(Duration::from_secs(7)));
        assert_eq!(configuration.for_host("10.0.0.2").host_name(), "10.0.0.2");
    }

    #[test]
    fn paths_are_expanded() {
        let cases = [
            ("~/.ssh/id", Ok("/home/ops/.ssh/id")),
            ("%d/%r@%h:%p%%", Ok("/home/ops/ops@10.0.0.1:2222%")),
            ("/keys/%n", Ok("/keys/n1")),
            ("/keys/%C", Err("%C")),
        ];
        for (written, expected) in cases {
            assert_eq!(
                example().path(written, "/home/ops"),
                expected.map(PathBuf::from).map_err(str::to_owned),
                "{written}"
            );
        }
    }
}
