//! Prints the formats of the storage's tools.
//!
//! What no source shows verbatim is a guess that keeps to the documented columns: the row
//! of a metadata server, the tag other than `[OK]`, the words of a server that is not
//! good, `list-services`, `get-event`, `get-config` and `view-license`.

use std::fmt::Write;
use std::time::Duration;

use super::world::MetadataServer;
use super::world::World;
use super::world::{Activity, CHUNK_SIZE, ChunkServer, ChunkState, DISK_SIZE};

/// Prints what `stat` prints, without the line that says who answered.
pub(super) fn write_stat(world: &World, is_numeric: bool) -> String {
    let rows = world.storage.servers.len() + world.metadata.servers.len();
    let mut text = String::with_capacity(1_600 + rows * 96);
    write_header(world, &mut text);
    write_chunks(world, &mut text);
    write_traffic(world, &mut text);
    write_metadata_table(world, &mut text, is_numeric);
    write_server_table(world, &mut text);
    text
}

fn write_header(world: &World, text: &mut String) {
    let is_new = world.settings.edition != "6.0";
    let (active, inactive, offline, all) = world.server_counts();
    let (free, total) = measure_space(world);
    let allocatable = free - free / 20;
    let is_tight = total == 0 || free < total / 5;
    let _ = writeln!(text, "Cluster '{}': {}", world.settings.name, world.health());
    let _ = writeln!(
        text,
        "Space: [{}] allocatable {} of {}, free {} of {}",
        if is_tight { "WARN" } else { "OK" },
        write_bytes(allocatable),
        write_bytes(total),
        write_bytes(free),
        write_bytes(total)
    );
    let epoch = world.now - world.metadata.elected + world.metadata.prior_epoch;
    let seen = world
        .metadata
        .servers
        .iter()
        .filter(|server| world.is_seen_available(server))
        .count();
    let _ = write!(
        text,
        "MDS nodes: {seen} of {}, epoch uptime: ",
        world.metadata.servers.len()
    );
    text.push_str(&write_length(epoch));
    text.push_str(if is_new { ", cluster version: 128\n" } else { "\n" });
    let _ = write!(
        text,
        "CS nodes:  {active} of {all} ({active} avail, {inactive} inactive, {offline} offline)"
    );
    text.push_str(if is_new { ", storage version: 128\n" } else { "\n" });
    text.push_str(&write_license(world));
    let _ = writeln!(
        text,
        "Replication:  {} norm,  {} limit",
        world.normal, world.least
    );
}

fn measure_space(world: &World) -> (u64, u64) {
    let seen = world.storage.servers.iter().filter(|server| server.is_live());
    seen.fold((0, 0), |(free, total), server| {
        (free + free_space(world, server), total + DISK_SIZE)
    })
}

fn free_space(world: &World, server: &ChunkServer) -> u64 {
    DISK_SIZE.saturating_sub(server.replica_count as u64 * world.storage.chunk_size)
}

/// Prints what `view-license` prints; also a line of `stat`.
pub(super) fn write_license(world: &World) -> String {
    if world.settings.edition == "6.0" {
        return "License: PCSS.00000001.0000 is ACTIVE\n".to_owned();
    }
    let used = write_bytes(world.storage.chunks.len() as u64 * world.storage.chunk_size);
    format!("License: ACTIVE (expiration: 01/10/2031, capacity: 100TB, used: {used})\n")
}

fn write_chunks(world: &World, text: &mut String) {
    let counts = world.chunk_counts();
    let all = world.storage.chunks.len();
    let harmless = [
        ChunkState::Healthy,
        ChunkState::Overcommitted,
        ChunkState::Deleting,
        ChunkState::Void,
    ];
    let good: usize = harmless.iter().map(|state| counts[*state as usize]).sum();
    let _ = write!(text, "Chunks: [{}] ", if good == all { "OK" } else { "WARN" });
    for (place, state) in ChunkState::ALL.into_iter().enumerate() {
        match place {
            0 => {}
            4 | 8 => text.push_str(",\n             "),
            _ => text.push_str(",  "),
        }
        let count = counts[place];
        let share = write_share(count, all, state);
        let _ = match world.settings.edition.as_str() {
            "6.0" => write!(text, "{share}% {}", state.word()),
            _ => write!(text, "{count} ({share}%) {}", state.word()),
        };
    }
    text.push('\n');
}

/// A percentage that never hides a chunk: what is not good is rounded up.
fn write_share(count: usize, all: usize, state: ChunkState) -> usize {
    match all {
        0 if state == ChunkState::Healthy => 100,
        0 => 0,
        _ if state == ChunkState::Healthy => count * 100 / all,
        _ => (count * 100).div_ceil(all),
    }
}

fn write_traffic(world: &World, text: &mut String) {
    let chunks = world.storage.chunks.len();
    let replicas: usize = world
        .storage
        .servers
        .iter()
        .map(|server| server.replica_count)
        .sum();
    let size = write_bytes(chunks as u64 * world.storage.chunk_size);
    let _ = writeln!(
        text,
        "FS:  {size} in {} files, {} inodes,  {} file maps,  {chunks} chunks,  {replicas} chunk replicas",
        chunks * 2,
        chunks * 2,
        chunks
    );
    text.push_str(
        "IO:       read     0B/s (  0ops/s), write     0B/s (  0ops/s)\n\
         IO total: read   37.1GB ( 473Kops), write  133.7GB ( 4.7Mops)\n\
         Repl IO:  read     0B/s, write:     0B/s\n\
         Sync rate:   0ops/s, datasync rate:   0ops/s\n\
         IO QDEPTH: 0.0 aver, 0.0 max\n\n",
    );
}

fn write_metadata_table(world: &World, text: &mut String, is_numeric: bool) {
    text.push_str("MDSID STATUS   %CTIME   COMMITS   %CPU     MEM    UPTIME HOST\n");
    for server in &world.metadata.servers {
        let mark = if Some(server.id) == world.metadata.master {
            'M'
        } else {
            ' '
        };
        let host = &world.hosts[server.host];
        let name = if is_numeric || world.settings.numeric_addresses {
            &host.address
        } else {
            &host.name
        };
        let status = metadata_word(world, server);
        let up = match status {
            "unavail" => "-".to_owned(),
            _ => write_length(world.now - server.started + server.prior_uptime),
        };
        let _ = writeln!(
            text,
            "{mark} {:>3} {status:<8}   0.1%       2/s   0.0%     14m {up:>9} {name}:2510",
            server.id
        );
    }
    text.push('\n');
}

fn metadata_word(world: &World, server: &MetadataServer) -> &'static str {
    if world.is_seen_available(server) {
        "avail"
    } else if server.is_stale {
        "stale"
    } else if server.pid.is_some() && world.is_on_storage(server.host) {
        "sync"
    } else {
        "unavail"
    }
}

fn write_server_table(world: &World, text: &mut String) {
    let edition = world.settings.edition.as_str();
    text.push_str(match edition {
        "6.0" => " CSID  STATUS      SPACE    FREE REPLICAS IOWAIT IOLAT(ms) QDEPTH HOST            FLAGS\n",
        "7" => " CSID  STATUS      SPACE    FREE REPLICAS IOWAIT IOLAT(ms) QDEPTH HOST\n",
        _ => " CSID  STATUS      SPACE   AVAIL REPLICAS   UNIQUE IOWAIT IOLAT(ms) QDEPTH HOST            FLAGS\n",
    });
    let space = write_bytes(DISK_SIZE);
    for (index, server) in world.storage.servers.iter().enumerate() {
        if !server.is_configured() {
            continue;
        }
        let _ = write!(
            text,
            " {:<5} {:<9} {space:>7} {:>7} {:>8}",
            server.id,
            server_word(server),
            write_bytes(free_space(world, server)),
            server.replica_count
        );
        if edition == "4.7" {
            let _ = write!(text, " {:>8}", world.unique_replicas(index));
        }
        let address = &world.hosts[server.host].address;
        let _ = write!(text, "     0%       0/0    0.0 {address}");
        if edition != "7" {
            let width = 16usize.saturating_sub(address.len()).max(1);
            let _ = write!(text, "{:width$}{}", "", flags_of(server));
        }
        text.push('\n');
    }
}

fn server_word(server: &ChunkServer) -> &'static str {
    match server.seen {
        Activity::Inactive => "inactive",
        Activity::Offline => "offline",
        Activity::Active if server.flaw.is_some() => "failed",
        Activity::Active if server.is_releasing => "releasing",
        Activity::Active => "active",
    }
}

fn flags_of(server: &ChunkServer) -> String {
    match server.flaw {
        Some(flaw) => flaw.to_string(),
        None if server.journal.is_some() => "JCc".to_owned(),
        None => "CD".to_owned(),
    }
}

/// Prints what `list-services` prints for a node.
pub(super) fn write_services(world: &World, host: usize) -> String {
    let mut text = "TYPE ID    STATUS  REPOSITORY\n".to_owned();
    let word = |pid: Option<u32>| if pid.is_some() { "running" } else { "stopped" };
    for server in world.metadata.servers.iter().filter(|server| server.host == host) {
        let _ = writeln!(
            text,
            "MDS  {:<5} {} {}",
            server.id,
            word(server.pid),
            server.repository
        );
    }
    for server in world
        .storage
        .servers
        .iter()
        .filter(|it| it.host == host && it.has_repository)
    {
        let _ = writeln!(
            text,
            "CS   {:<5} {} {}",
            server.id,
            word(server.pid),
            server.repository
        );
    }
    text
}

/// Prints what `get-event` prints.
pub(super) fn write_events(world: &World) -> String {
    let mut text = "TIME           SYS  SEV   MESSAGE\n".to_owned();
    for line in &world.log {
        let seconds = line.at.as_secs();
        let (day, hour, minute, second) = (
            8 + seconds / 86_400,
            seconds / 3_600 % 24,
            seconds / 60 % 60,
            seconds % 60,
        );
        let _ = writeln!(
            text,
            "{day:02}-01 {hour:02}:{minute:02}:{second:02} {:<4} {:<5} {}",
            line.system, line.severity, line.message
        );
    }
    text
}

/// Prints what `get-attr` prints.
pub(super) fn write_attributes(world: &World, path: &str) -> String {
    let name = &world.settings.name;
    let inside = path
        .strip_prefix(&world.cluster_mount())
        .unwrap_or(path)
        .trim_start_matches('/');
    let first = match world.settings.edition.as_str() {
        "6.0" => format!(
            "File: '/pstorage/{name}{}{inside}'",
            if inside.is_empty() { "" } else { "/" }
        ),
        _ => format!("Path: 'vstorage://{name}/{inside}'"),
    };
    format!(
        "{first}\nAttributes:\n  directory\n  client-ssd-cache=1\n  replicas={}:{}\n  failure-domain={}\n  \
         tier=0\n  chunk-size={CHUNK_SIZE}\n",
        world.normal, world.least, world.settings.failure_domain
    )
}

/// Prints what `get-config` prints.
pub(super) fn write_config(world: &World) -> String {
    let margin =
        |name: &str, default: &str| world.config.get(name).map_or(default, String::as_str).to_owned();
    format!(
        "mds.alloc.fill_margin={}\nmds.alloc.free_space_margin={}\nmds.wd.max_offline_cs={}\n\
         mds.wd.max_offline_cs_hosts={}\nmds.wd.offline_tout={}\n",
        margin("mds.alloc.fill_margin", "5"),
        margin("mds.alloc.free_space_margin", "512"),
        world.settings.max_offline_hosts,
        world.settings.max_offline_hosts,
        world.settings.offline_after.as_millis()
    )
}

/// A number of bytes with three digits, as the tools print it.
fn write_bytes(bytes: u64) -> String {
    let units = ["B", "KB", "MB", "GB", "TB", "PB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    let number = match size {
        _ if unit == 0 => format!("{size:.0}"),
        100.0.. => format!("{size:.0}"),
        10.0.. => format!("{size:.1}"),
        _ => format!("{size:.2}"),
    };
    let number = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        &number
    };
    format!("{number}{}", units[unit])
}

/// A length of time in its two largest units: `19d 23h`.
fn write_length(length: Duration) -> String {
    let seconds = length.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::{write_bytes, write_length};
    use std::time::Duration;

    #[test]
    fn numbers_are_written_as_the_tools_write_them() {
        let sizes = [
            (0, "0B"),
            (10 << 40, "10TB"),
            (105 << 30, "105GB"),
            (1_451_698_946_048, "1.32TB"),
        ];
        for (bytes, text) in sizes {
            assert_eq!(write_bytes(bytes), text);
        }
        let lengths = [
            (42, "42s"),
            (192, "3m 12s"),
            (7_260, "2h 1m"),
            (1_724_400, "19d 23h"),
        ];
        for (seconds, text) in lengths {
            assert_eq!(write_length(Duration::from_secs(seconds)), text);
        }
    }
}
