//! `run` and `probe`, with what may be said of them.

use super::kinds::Kind;
use super::words::HOSTILE_TEXTS;
use super::writer::{Writer, braced};

/// Files that commands touch and look for.
const FILES: [&str; 4] = ["/tmp/f1", "/tmp/f2", "/tmp/d1", "'/tmp/it is'"];

impl Writer {
    /// A word of a command: a value, or a text that needs no escape.
    fn word(&mut self) -> String {
        let fits = |kind: &Kind| kind.is_scalar() || matches!(kind, Kind::List(_) | Kind::Nodes);
        if self.dice.hits(75)
            && let Some(known) = self.known(fits)
        {
            return match self.dice.hits(25) {
                true => format!("a-{}", braced(&known)),
                false => braced(&known),
            };
        }
        let text = self.dice.one_of(&HOSTILE_TEXTS);
        // Within single quotes of the command, within double quotes of the runbook.
        match text.contains(['\'', '\n', '\t', '"', '\\', '$', '`']) {
            true => "plain".to_owned(),
            false => format!("'{text}'"),
        }
    }

    fn file(&mut self) -> &'static str {
        self.dice.one_of(&FILES)
    }

    /// A command that only looks.
    pub fn probe_text(&mut self) -> String {
        let command = match self.dice.below(14) {
            0..=3 => format!("echo {}", self.word()),
            4 => format!("echo {} {}", self.word(), self.word()),
            5 => "hostname".to_owned(),
            6 => format!("cat {}", self.file()),
            7 => "cat /etc/hostname".to_owned(),
            8 => "printf 'alpha 3 40%\\\\nbeta 0 7%\\\\n'".to_owned(),
            9 => "printf 'a: 1\\\\n\\\\n  b: it'".to_owned(),
            10 => "rpm -q --qf %{VERSION} pstorage-metadata-server".to_owned(),
            11 => format!("test -e {}", self.file()),
            12 => "true".to_owned(),
            _ => "echo".to_owned(),
        };
        format!("\"{command}\"")
    }

    /// A command that acts.
    pub fn run_text(&mut self) -> String {
        let (file, word) = (self.file(), self.word());
        let command = match self.dice.below(20) {
            0..=4 => format!("touch {file}"),
            5..=7 => format!("echo {word} > {file}"),
            8 => format!("rm -f {file}"),
            9 => format!("rm {file}"),
            10 => format!("mkdir -p {file}"),
            11 | 12 => format!("sleep {}", self.dice.one_of(&["4", "7", "0.5", "20"])),
            13 => format!("test -e {file} && touch /tmp/f2"),
            14 => format!("cat {file}"),
            15 if self.dice.hits(50) => "false".to_owned(),
            16 => format!("touch {word}"),
            _ => format!("echo {word}"),
        };
        format!("\"{command}\"")
    }

    /// What follows a command.
    pub fn command_options(&mut self, acts: bool) -> String {
        let mut options = String::new();
        if self.dice.hits(15) {
            options.push_str(&format!(" limit={}", self.dice.one_of(&["10s", "45s", "2m"])));
        }
        if self.dice.hits(25) {
            options.push_str(&format!(
                " ok={}",
                self.dice.one_of(&["[0 1]", "[0 1 2 3]", "[0]", "[1]"])
            ));
        }
        if self.dice.hits(7) {
            options.push_str(&format!(
                " expect=/{}/",
                self.dice.one_of(&["a", "^node", "[0-9]", "it's", "^$"])
            ));
        }
        if self.dice.hits(5) {
            let input = match self.known_of(&Kind::Secret) {
                Some(known) if self.dice.hits(60) => known,
                _ => self.template(),
            };
            options.push_str(&format!(" input={input}"));
        }
        if acts && self.dice.hits(8) {
            let done = match self.dice.below(3) {
                0 => "(succeeds \"true\")".to_owned(),
                1 => "(succeeds \"test -e /tmp/f1\")".to_owned(),
                _ => self
                    .guard_call(0)
                    .unwrap_or_else(|| "(succeeds \"false\")".to_owned()),
            };
            options.push_str(&format!(" done when {done}"));
        }
        if acts && self.dice.hits(4) {
            options.push_str(" may disconnect");
        }
        options
    }

    /// `run` as a statement.
    pub fn run(&mut self) {
        if self.dice.hits(4) {
            let done = match self.dice.hits(50) {
                true => " done when (succeeds \"true\")",
                false => "",
            };
            return self.line(format!("run \"sleep 600\" limit=3s{done}"));
        }
        if self.dice.hits(5) {
            let file = self.file();
            let input = match self.known_of(&Kind::Secret) {
                Some(known) => known,
                None => self.template(),
            };
            return self.line(format!("run \"cat > {file}\" input={input}"));
        }
        let (text, options) = (self.run_text(), self.command_options(true));
        self.line(format!("run {text}{options}"));
    }

    /// `probe` as a statement.
    pub fn probe(&mut self) {
        let (text, options) = (self.probe_text(), self.command_options(false));
        self.line(format!("probe {text}{options}"));
    }
}
