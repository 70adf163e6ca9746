//! Which commands surely change something: only what is known to act is told, as `probe` must
//! not refuse a command that looks.

/// What service managers are asked to do that changes a service.
const SERVICE_ACTS: [&str; 16] = [
    "stop",
    "start",
    "restart",
    "condrestart",
    "try-restart",
    "force-reload",
    "reload",
    "reload-or-restart",
    "enable",
    "disable",
    "mask",
    "unmask",
    "kill",
    "isolate",
    "reboot",
    "poweroff",
];

/// What package managers are asked to do that changes a node.
const PACKAGE_ACTS: [&str; 18] = [
    "install",
    "localinstall",
    "groupinstall",
    "reinstall",
    "update",
    "upgrade",
    "dist-upgrade",
    "full-upgrade",
    "distro-sync",
    "downgrade",
    "remove",
    "erase",
    "purge",
    "autoremove",
    "swap",
    "clean",
    "makecache",
    "source",
];

/// What they are asked to do that only looks.
const PACKAGE_LOOKS: [&str; 22] = [
    "check-update",
    "check",
    "list",
    "info",
    "repolist",
    "repoinfo",
    "repoquery",
    "search",
    "provides",
    "whatprovides",
    "deplist",
    "updateinfo",
    "grouplist",
    "groupinfo",
    "version",
    "help",
    "show",
    "policy",
    "depends",
    "rdepends",
    "showpkg",
    "changelog",
];

/// Options with which any of them only says what it would do.
const PRETENDING: [&str; 7] = [
    "--assumeno",
    "--dry-run",
    "--simulate",
    "--just-print",
    "--no-act",
    "--help",
    "--version",
];

/// Whether the words of a command are known to change something.
pub(super) fn changes_something(words: &[&str]) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return false;
    };
    if rest.iter().any(|word| PRETENDING.contains(word)) {
        return false;
    }
    let has = |option: &str| rest.contains(&option);
    let operand = rest.iter().find(|word| !word.starts_with('-'));
    let command = first.rsplit('/').next().unwrap_or(first);
    match command {
        _ if first.starts_with("/etc/init.d/") => {
            rest.first().is_some_and(|word| SERVICE_ACTS.contains(word))
        }
        "service" => rest.get(1).is_some_and(|word| SERVICE_ACTS.contains(word)),
        "systemctl" => operand.is_some_and(|word| SERVICE_ACTS.contains(word)),
        "yum" | "dnf" | "apt" | "apt-get" => manages_packages(rest),
        "rpm" => rest.iter().any(|word| is_rpm_act(word)) && !rest.iter().any(|word| is_rpm_look(word)),
        // `mount`, `mount -l` and `mount -t TYPE` list what is mounted.
        "mount" => !(rest.is_empty() || has("-l") || has("-V") || (has("-t") && rest.len() == 2)),
        "umount" => operand.is_some() || has("-a"),
        // Signal 0 asks whether a process is there.
        "kill" | "killall" | "pkill" => !(has("-0") || has("-l") || has("-L")),
        "rm" | "rmdir" | "mv" | "reboot" | "poweroff" | "halt" | "shutdown" => true,
        _ => (command == "mkfs" || command.starts_with("mkfs.")) && !has("-n") && !has("-V"),
    }
}

/// The first simple command of a text that changes something, in its first words.
pub(super) fn find_change(text: &str) -> Option<String> {
    simple_commands(text).into_iter().find_map(|command| {
        let mut words: Vec<&str> = command.split_whitespace().collect();
        if words
            .first()
            .is_some_and(|word| word.rsplit('/').next() == Some("sudo"))
        {
            words.remove(0);
            while words.first().is_some_and(|word| word.starts_with('-')) {
                words.remove(0);
            }
        }
        let first_words = || words[..words.len().min(3)].join(" ");
        if changes_something(&words) {
            return Some(first_words());
        }
        command
            .contains('\u{1}')
            .then(|| first_words().replace('\u{1}', ">"))
    })
}

/// Parts a text at `&&`, `||`, `|`, `;`, `&` and newlines; what stands in quotes is left out, and a
/// `>` that writes a file becomes a sign of its own.
fn simple_commands(text: &str) -> Vec<String> {
    let mut commands = vec![String::new()];
    let mut quote = None;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let last = commands.last_mut().expect("there is always one");
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => {
                quote = Some(letter);
                last.push('_');
            }
            (None, '\\') => {
                letters.next();
                last.push('_');
            }
            (None, '>') => {
                let target = text[at + 1..].trim_start_matches(['>', '|']).trim_start();
                let is_harmless = target.starts_with('&') || target.starts_with("/dev/null");
                last.push(if is_harmless { ' ' } else { '\u{1}' });
                letters.next_if(|(_, next)| *next == '&');
            }
            (None, '&' | '|' | ';' | '\n') => commands.push(String::new()),
            _ => last.push(letter),
        }
    }
    commands
}

/// The first word that is known decides: options may have values of their own.
fn manages_packages(rest: &[&str]) -> bool {
    // `apt-get -s` says what it would do.
    if rest.contains(&"-s") {
        return false;
    }
    for (index, word) in rest.iter().enumerate() {
        if *word == "history" {
            let next = rest.get(index + 1);
            return next.is_some_and(|word| ["undo", "redo", "rollback"].contains(word));
        }
        if PACKAGE_LOOKS.contains(word) {
            return false;
        }
        if PACKAGE_ACTS.contains(word) {
            return true;
        }
    }
    false
}

fn is_rpm_act(word: &str) -> bool {
    ["-i", "-U", "-F", "-e"]
        .iter()
        .any(|option| word.starts_with(option))
        || [
            "--install",
            "--upgrade",
            "--freshen",
            "--erase",
            "--import",
            "--rebuilddb",
        ]
        .contains(&word)
}

fn is_rpm_look(word: &str) -> bool {
    ["-q", "-V", "--query", "--verify", "--test", "--checksig", "-K"]
        .iter()
        .any(|option| word.starts_with(option))
}

#[cfg(test)]
mod tests {
    use super::changes_something;

    #[test]
    fn only_what_acts_is_told() {
        let cases = [
            ("yum -q check-update", false),
            ("yum -y update", true),
            ("yum list updates", false),
            ("yum -d 0 -e 0 info installed", false),
            ("yum repolist", false),
            ("yum history undo 5", true),
            ("yum history", false),
            ("yum update --assumeno", false),
            ("dnf install x", true),
            ("apt list --installed", false),
            ("apt-get -s dist-upgrade", false),
            ("apt-get update", true),
            ("systemctl status start", false),
            ("systemctl -q is-active sshd", false),
            ("systemctl show sshd", false),
            ("systemctl --no-block restart sshd", true),
            ("service vz status", false),
            ("service --status-all", false),
            ("service vz stop", true),
            ("/etc/init.d/vz restart", true),
            ("/etc/init.d/vz status", false),
            ("rpm -qi vz", false),
            ("rpm -q --changelog vz", false),
            ("rpm -Uvh vz.rpm", true),
            ("rpm -Va", false),
            ("mount", false),
            ("mount -t fuse.pstorage", false),
            ("mount /dev/sdb /mnt", true),
            ("umount /mnt", true),
            ("kill -0 17", false),
            ("pkill -f x", true),
            ("/sbin/reboot", true),
            ("rm -rf /x", true),
            ("mkfs.ext4 /dev/sdb", true),
            ("mkfs.ext4 -n /dev/sdb", false),
            ("mvn --version", false),
        ];
        for (text, acts) in cases {
            let words: Vec<&str> = text.split_whitespace().collect();
            assert_eq!(changes_something(&words), acts, "{text}");
        }
    }

    #[test]
    fn every_part_of_a_command_is_judged() {
        let cases = [
            ("sudo -n rm -rf /tmp/x", Some("rm -rf /tmp/x")),
            ("cd /tmp && rm -rf x", Some("rm -rf x")),
            ("/sbin/reboot", Some("/sbin/reboot")),
            ("echo 3 > /proc/sys/vm/drop_caches", Some("echo 3 >")),
            ("cat /x 2>/dev/null", None),
            ("cat /x > /dev/null 2>&1", None),
            ("grep 'rm; reboot > x' /x", None),
            ("yum -q check-update", None),
            ("test -e /x || exit 1", None),
        ];
        for (text, found) in cases {
            assert_eq!(super::find_change(text).as_deref(), found, "{text}");
        }
    }
}
