//! A real cluster of etcd: one process a host, started and stopped by the host's `service`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::host::{Host, as_root, kill, run, write_program};
use crate::site::Site;

/// How long the cluster may take for what it is sure to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `service` is on each host; `$folder` and what follows it stands before.
const SERVICE: &str = r#"
is_running() {
    process=$(cat "$folder/pid" 2>/dev/null) || return 1
    read -r _ _ state _ 2>/dev/null <"/proc/$process/stat" || return 1
    [ "$state" != Z ]
}
[ "$1" = etcd ] || { echo "$1: unrecognized service" >&2; exit 1; }
case $2 in
    start)
        is_running && exit 0
        . "$folder/cluster"
        setsid etcd --name "$name" --data-dir "$folder/data" \
            --listen-peer-urls "http://$address:2380" --initial-advertise-peer-urls "http://$address:2380" \
            --listen-client-urls "http://$address:2379" --advertise-client-urls "http://$address:2379" \
            --initial-cluster "$members" --initial-cluster-state "$state" \
            --heartbeat-interval 100 --election-timeout 2000 </dev/null >>"$folder/log" 2>&1 &
        echo $! >"$folder/pid"
        ;;
    stop)
        is_running || exit 0
        kill "$process"
        while is_running; do sleep 0.1; done
        ;;
    restart) "$0" etcd stop && "$0" etcd start ;;
    status) is_running || exit 3 ;;
    *) echo "usage: service etcd start|stop|restart|status" >&2; exit 2 ;;
esac
"#;

/// Hosts with a member each; their processes end with this.
pub struct Etcd {
    pub site: Site,
}

impl Etcd {
    /// Starts hosts `n1` to `n5`, of which the first `voting` are the members of a new cluster, and
    /// waits until these agree on a leader.
    pub fn start(voting: usize) -> Etcd {
        let names = ["n1", "n2", "n3", "n4", "n5"];
        let site = Site::start(&names, |_, address| {
            vec![
                ("ETCDCTL_ENDPOINTS", format!("http://{address}:2379")),
                ("ETCDCTL_API", "2".to_owned()),
            ]
        });
        let inventory = format!(
            "name = \"etcd1\"\nsystem = \"etcd\"\n[groups]\netcd_nodes = \"n[1-5]\"\n{}",
            site.addresses()
        );
        fs::write(site.at().join("cluster.toml"), inventory).expect("it can be written");
        let etcd = Etcd { site };
        let hosts = &etcd.site.hosts;
        for host in hosts {
            let head = format!(
                "#!/bin/sh\nfolder={} name={} address={}\n",
                host.folder.display(),
                host.name,
                host.address
            );
            write_program(&host.programs().join("service"), &format!("{head}{SERVICE}"));
        }
        let members = hosts[..voting].iter().map(write_member);
        let members: Vec<String> = members.collect();
        for host in &hosts[..voting] {
            etcd.join(host, &members, "new");
        }
        for host in &hosts[..voting] {
            etcd.wait_for("a leader", || etcd.ask(host, &["get", "nothing"]).is_some());
        }
        etcd
    }

    fn join(&self, host: &Host, members: &[String], state: &str) {
        let text = format!("members={} state={state}\n", members.join(","));
        fs::write(host.folder.join("cluster"), text).expect("it can be written");
        self.service(host, "start");
    }

    /// Adds the member of a host as one without a vote, and starts it.
    pub fn add_learner(&self, name: &str) {
        let (first, host) = (&self.site.hosts[0], self.site.host(name));
        let peer = format!("--peer-urls=http://{}:2380", host.address);
        // A cluster takes no member before it has been connected for some seconds.
        self.wait_for("a cluster that takes members", || {
            self.ask(first, &["member", "add", name, "--learner", &peer])
                .is_some()
        });
        let members = self.site.hosts.iter().map(write_member);
        self.join(host, &members.collect::<Vec<String>>(), "existing");
        let learns = |line: &str| line.contains(&host.address) && line.contains(", true");
        self.wait_for("the learner", || {
            let status = self.ask(host, &["endpoint", "status"]);
            status.is_some_and(|told| told.lines().any(learns))
        });
    }

    /// Does by hand what the host's `service` does.
    pub fn service(&self, host: &Host, action: &str) {
        run(as_root()
            .arg(host.programs().join("service"))
            .args(["etcd", action]));
    }

    /// What `etcdctl` prints for the member of a host; nothing when it fails.
    pub fn ask(&self, host: &Host, words: &[&str]) -> Option<String> {
        let output = Command::new("etcdctl")
            .env("ETCDCTL_API", "3")
            .env("ETCDCTL_ENDPOINTS", format!("http://{}:2379", host.address))
            .args(words)
            .output()
            .expect("etcdctl is installed");
        let is_good = output.status.success();
        is_good.then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The number of the process of a host's member.
    pub fn process(&self, host: &Host) -> Option<u32> {
        read_process(&host.folder)
    }

    fn wait_for(&self, what: &str, is_there: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_there() {
            assert!(began.elapsed() < PATIENCE, "{what} does not come");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let processes = self
            .site
            .hosts
            .iter()
            .filter_map(|host| read_process(&host.folder));
        kill("KILL", &processes.collect::<Vec<u32>>());
    }
}

fn write_member(host: &Host) -> String {
    format!("{}=http://{}:2380", host.name, host.address)
}

/// The process in a host's folder, if it is still that host's.
fn read_process(folder: &Path) -> Option<u32> {
    let process = fs::read_to_string(folder.join("pid")).ok()?;
    let process = process.trim().parse().ok()?;
    let words = fs::read(format!("/proc/{process}/cmdline")).ok()?;
    let data = folder.join("data").display().to_string();
    String::from_utf8_lossy(&words).contains(&data).then_some(process)
}
