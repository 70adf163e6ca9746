//! `pstorage` (`vstorage`): the storage's own tool.

use std::fmt::Write;
use std::time::Duration;

use crate::transport::simulated::command::{Progress, Task, complain, not_modelled, print};
use crate::transport::simulated::format;
use crate::transport::simulated::world::ChunkServer;
use crate::transport::simulated::world::World;
use crate::value::read_ratio;

/// How long the tool tries to reach the cluster before it gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often something that hangs is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What stands before the sub-command.
#[derive(Debug, Default)]
struct Options<'a> {
    cluster: Option<&'a str>,
    is_quiet: bool,
    is_forced: bool,
}

/// Runs `pstorage [-q] [-f] -c CLUSTER SUBCOMMAND ...`.
pub(in crate::transport::simulated) fn run_storage(world: &mut World, task: &Task) -> Progress {
    let arguments = task.arguments();
    let mut options = Options::default();
    let mut rest = arguments.as_slice();
    while let [option, tail @ ..] = rest
        && option.starts_with('-')
    {
        rest = tail;
        match (*option, tail) {
            ("-c", [cluster, tail @ ..]) => {
                options.cluster = Some(cluster);
                rest = tail;
            }
            ("-q", _) => options.is_quiet = true,
            ("-f", _) => options.is_forced = true,
            _ => return complain(1, format!("pstorage: unknown option {option}")),
        }
    }
    let Some((action, rest)) = rest.split_first() else {
        return complain(1, "Usage: pstorage [-c CLUSTER] COMMAND [OPTIONS]");
    };
    let action = Action {
        name: action,
        arguments: rest,
        options,
    };
    match connect(world, task, &action) {
        Err(progress) => progress,
        Ok(server) => act(world, task, &action, server),
    }
}

struct Action<'a> {
    name: &'a str,
    arguments: &'a [&'a str],
    options: Options<'a>,
}

impl Action<'_> {
    /// The argument after an option.
    fn value_of(&self, option: &str) -> Option<&str> {
        let place = self.arguments.iter().position(|it| *it == option)?;
        self.arguments.get(place + 1).copied()
    }

    fn has(&self, option: &str) -> bool {
        self.arguments.contains(&option)
    }

    /// The last argument, when it is a number.
    fn number(&self) -> Option<u32> {
        self.arguments.last()?.parse().ok()
    }
}

/// Finds a metadata server to talk to, waits for one, or gives up.
fn connect(world: &World, task: &Task, action: &Action) -> Result<u32, Progress> {
    let name = &world.settings.name;
    let given = action.options.cluster.map(str::to_owned).or_else(|| {
        let path = action.arguments.iter().find(|it| it.starts_with("/pstorage/"))?;
        path.split('/').nth(2).map(str::to_owned)
    });
    match given {
        None => return Err(complain(1, "pstorage: the cluster name is missing: use -c")),
        Some(given) if given != *name => {
            return Err(complain(
                1,
                format!("pstorage: cluster '{given}': Requested object not found"),
            ));
        }
        Some(_) => {}
    }
    if !world.hosts[task.host].is_authorised && action.name != "auth-node" {
        return Err(complain(
            1,
            "pstorage: Authentication failure due to wrong credentials",
        ));
    }
    let is_connected = world.is_on_storage(task.host);
    if let Some(server) = world.metadata.servers.iter().find(|server| server.counts)
        && is_connected
        && world.has_master()
    {
        return Ok(server.id);
    }
    if world.now < task.began + PATIENCE {
        return Err(Progress::Wait(LOOK_AGAIN));
    }
    let why = if is_connected {
        "Service unavailable"
    } else {
        "Peer did not respond or did not hold deadline"
    };
    Err(complain(1, format!("pstorage: {why}")))
}

fn act(world: &mut World, task: &Task, action: &Action, server: u32) -> Progress {
    let result = match action.name {
        "stat" | "top" if action.has("-X") || action.has("--xml") => {
            return not_modelled("pstorage stat --xml");
        }
        "stat" | "top" => Ok(format::write_stat(world, action.has("-n"))),
        "rm-cs" => match remove_chunk_server(world, task, action) {
            Ok(Some(text)) => Ok(text),
            Ok(None) => return Progress::Wait(LOOK_AGAIN),
            Err(why) => Err(why),
        },
        "rm-mds" => remove_metadata_server(world, action),
        "make-cs" => make_chunk_server(world, task.host, action),
        "configure-cs" => configure_chunk_server(world, task.host, action),
        "make-mds" => make_metadata_server(world, task.host, action),
        "auth-node" => authorise(world, task),
        "list-services" => Ok(format::write_services(world, task.host)),
        "get-event" => Ok(format::write_events(world)),
        "get-attr" => get_attributes(world, action),
        "set-attr" => set_attributes(world, action),
        "get-config" => Ok(format::write_config(world)),
        "set-config" => set_config(world, action),
        "view-license" => Ok(format::write_license(world)),
        other => return not_modelled(&format!("pstorage {other}")),
    };
    match result {
        Err(why) => complain(1, format!("pstorage: {why}")),
        Ok(text) if action.options.is_quiet || action.name == "auth-node" => print(text),
        Ok(text) => print(format!("connected to MDS#{server}\n{text}")),
    }
}

/// Releases or drops a server; nothing yet while `--wait` waits.
fn remove_chunk_server(world: &mut World, task: &Task, action: &Action) -> Result<Option<String>, String> {
    let id = action.number().ok_or("Invalid parameters")?;
    let server = world.find_server(id).ok_or("Requested object not found")?;
    let done = Ok(Some(format!("Removing CS#{id} ...\ndone\n")));
    if task.stage > 1 {
        return if world.storage.servers[server].is_dropped {
            done
        } else {
            Ok(None)
        };
    }
    if world.storage.servers[server].is_dropped {
        return Err("Requested object not found".to_owned());
    }
    if action.options.is_forced {
        world.drop_server(server);
        return done;
    }
    if !world.storage.servers[server].is_live() && world.loses_data_without(server) {
        return Err("Not enough alive replicas available".to_owned());
    }
    let staying = |it: &&ChunkServer| it.is_configured() && !it.is_releasing && it.id != id;
    if world.storage.servers.iter().filter(staying).count() < world.normal {
        let why = "The number of chunk servers in cluster is less than the required number of replicas";
        return Err(why.to_owned());
    }
    world.release_server(server);
    if action.has("--wait") && !world.storage.servers[server].is_dropped {
        return Ok(None);
    }
    if action.has("--wait") {
        done
    } else {
        Ok(Some(format!("Removing CS#{id} ...\n")))
    }
}

fn remove_metadata_server(world: &mut World, action: &Action) -> Result<String, String> {
    let id = action.number().ok_or("Invalid parameters")?;
    if !world.metadata.servers.iter().any(|server| server.id == id) {
        return Err("Requested object not found".to_owned());
    }
    if !world.survives_removal(id) {
        return Err("Removing this MDS will make the cluster unusable".to_owned());
    }
    world.remove_metadata_server(id);
    Ok(format!("Removing MDS#{id} ...\ndone\n"))
}

fn make_chunk_server(world: &mut World, host: usize, action: &Action) -> Result<String, String> {
    let repository = action
        .value_of("-r")
        .ok_or("Invalid parameters")?
        .trim_end_matches('/')
        .to_owned();
    let node = &world.hosts[host];
    let Some(disk) = node.disk(&repository).filter(|disk| disk.is_mounted) else {
        return Err(format!(
            "{repository}: the path is not mounted: Invalid parameters"
        ));
    };
    if disk.has_failed {
        return Err(format!("{repository}: Input/output error"));
    }
    if node.directories.contains(&format!("{repository}/lost+found")) {
        return Err(format!(
            "{repository}: the directory is not empty: Invalid parameters"
        ));
    }
    let holds = |it: &&ChunkServer| {
        it.host == host && it.repository == repository && it.has_repository && !it.is_dropped
    };
    if let Some(holder) = world.storage.servers.iter().find(holds) {
        return Err(format!(
            "{repository}: CS#{} is there: Invalid parameters",
            holder.id
        ));
    }
    let journal = action.value_of("-j").map(str::to_owned);
    if let Some(journal) = &journal {
        check_journal(world, host, journal)?;
    }
    for old in world.servers_of(host) {
        // What was on the disk before, and is not dropped yet, can never come back.
        if world.storage.servers[old].repository == repository {
            world.lose_repository(old, 'R');
        }
    }
    for server in &mut world.storage.servers {
        if server.host == host && server.repository == repository {
            server.has_repository = false;
        }
    }
    let server = world.add_chunk_server(host, repository.clone(), journal);
    world.hosts[host]
        .services
        .entry("pstorage-csd".to_owned())
        .or_default()
        .is_enabled = true;
    Ok(format!(
        "Created CS#{} in {repository}\n",
        world.storage.servers[server].id
    ))
}

/// An SSD must be mounted and sound to take a journal.
fn check_journal(world: &World, host: usize, journal: &str) -> Result<(), String> {
    match world.hosts[host].disk_under(journal) {
        None => Err(format!("{journal}: the SSD is not mounted: Invalid parameters")),
        Some(disk) if disk.has_failed => Err(format!("{journal}: Input/output error")),
        Some(_) => Ok(()),
    }
}

fn configure_chunk_server(world: &mut World, host: usize, action: &Action) -> Result<String, String> {
    let repository = action.value_of("-r").ok_or("Invalid parameters")?.to_owned();
    let here = world.servers_of(host);
    let server = here
        .into_iter()
        .find(|it| world.storage.servers[*it].repository == repository);
    let server = server.ok_or("Requested object not found")?;
    if world.storage.servers[server].flaw == Some('S') {
        return Err(format!(
            "{repository}: the journal is not accessible: Input/output error"
        ));
    }
    let target = action
        .value_of("-a")
        .or_else(|| action.value_of("-m"))
        .map(str::to_owned);
    match target {
        Some(journal) => {
            check_journal(world, host, &journal)?;
            let has_one = world.storage.servers[server].journal.is_some();
            if has_one != action.has("-m") {
                return Err("Invalid parameters".to_owned());
            }
            world.storage.servers[server].journal = Some(journal);
        }
        None if action.has("-d") => world.storage.servers[server].journal = None,
        None => return Err("Invalid parameters".to_owned()),
    }
    world.hold_journal(server);
    Ok("done\n".to_owned())
}

fn make_metadata_server(world: &mut World, host: usize, action: &Action) -> Result<String, String> {
    let repository = action
        .value_of("-r")
        .ok_or("Invalid parameters")?
        .trim_end_matches('/')
        .to_owned();
    let address = action.value_of("-a").ok_or("Invalid parameters")?;
    let bare = address.split(':').next().unwrap_or(address);
    let node = &world.hosts[host];
    if bare != node.address && bare != node.name {
        return Err(format!(
            "{address}: not an address of this node: Invalid parameters"
        ));
    }
    if world
        .metadata
        .servers
        .iter()
        .any(|it| it.host == host && it.has_repository)
    {
        return Err("The MDS with such id already exist in cluster".to_owned());
    }
    let id = world.add_metadata_server(host, repository.clone());
    world.hosts[host]
        .services
        .entry("pstorage-mdsd".to_owned())
        .or_default()
        .is_enabled = true;
    world.refresh_metadata();
    Ok(format!("Created MDS#{id} in {repository}\n"))
}

fn authorise(world: &mut World, task: &Task) -> Result<String, String> {
    if task.input.trim_end_matches('\n') != world.settings.password {
        return Err("Authentication failure due to wrong credentials".to_owned());
    }
    world.hosts[task.host].is_authorised = true;
    Ok(String::new())
}

fn get_attributes(world: &World, action: &Action) -> Result<String, String> {
    let path = action
        .arguments
        .iter()
        .rfind(|it| !it.starts_with('-'))
        .ok_or("Invalid parameters")?;
    Ok(format::write_attributes(world, path))
}

fn set_attributes(world: &mut World, action: &Action) -> Result<String, String> {
    let mut was_set = false;
    for (name, value) in action.arguments.iter().filter_map(|it| it.split_once('=')) {
        was_set = true;
        match name {
            "replicas" => {
                let (normal, least) = read_ratio(value).map_err(|_| "Invalid parameters")?;
                let servers = world
                    .storage
                    .servers
                    .iter()
                    .filter(|it| it.is_configured())
                    .count();
                if normal as usize > servers {
                    let why =
                        "The number of chunk servers in cluster is less than the required number of replicas";
                    return Err(why.to_owned());
                }
                if least == 0 || least > normal {
                    return Err("Invalid parameters".to_owned());
                }
                (world.normal, world.least) = (normal as usize, least as usize);
            }
            "failure-domain" if ["disk", "host", "rack"].contains(&value) => {
                value.clone_into(&mut world.settings.failure_domain);
            }
            "tier" | "client-ssd-cache" => {}
            _ => return Err("Invalid parameters".to_owned()),
        }
    }
    if !was_set {
        return Err("Invalid parameters".to_owned());
    }
    world.storage_changed();
    Ok(String::new())
}

fn set_config(world: &mut World, action: &Action) -> Result<String, String> {
    let mut text = String::new();
    for (name, value) in action.arguments.iter().filter_map(|it| it.split_once('=')) {
        let number: u64 = value.parse().map_err(|_| "Invalid parameters")?;
        match name {
            "mds.wd.offline_tout" => world.settings.offline_after = Duration::from_millis(number),
            "mds.wd.max_offline_cs_hosts" | "mds.wd.max_offline_cs" => {
                world.settings.max_offline_hosts = number as usize;
            }
            "mds.alloc.fill_margin" | "mds.alloc.free_space_margin" | "mds.log.level" | "cs.log.level" => {
                world.config.insert(name.to_owned(), value.to_owned());
            }
            _ => return Err("Requested object not found".to_owned()),
        }
        let _ = writeln!(text, "{name}={value}");
    }
    world.storage_changed();
    if text.is_empty() {
        Err("Invalid parameters".to_owned())
    } else {
        Ok(text)
    }
}
