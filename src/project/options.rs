use std::path::{Path, PathBuf};

use super::ProjectError;
use super::load::read_text;
use super::surroundings::Machine;
use crate::inventory::{Inventory, read_inventory, read_inventory_at};
use crate::transport::simulated::{Shape, SimulatedCluster};

/// Where inventories of the machine stand.
const SYSTEM_INVENTORY: &str = "/etc/quorate/cluster.toml";

/// Which cluster is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InventoryChoice {
    /// The inventory in this file (`-i`).
    File(PathBuf),
    /// The simulated cluster, of the shape in this file if one is given (`--sim`).
    Simulated(Option<PathBuf>),
    /// `$QUORATE_INVENTORY`, `./cluster.toml` or the machine's own.
    Found,
    /// The same; if there is none, the simulated cluster.
    FoundOrSimulated,
}

/// A cluster, looked up.
pub(super) struct Chosen {
    /// Its inventory.
    pub inventory: Inventory,
    /// The file that it comes from.
    pub file: Option<PathBuf>,
    /// The simulated cluster's shape, when it is that one.
    pub shape: Option<Shape>,
}

/// Reads the inventory that is meant.
///
/// # Errors
///
/// [`ProjectError`] when there is none, or it cannot be read or understood.
pub(super) fn choose_inventory(choice: &InventoryChoice) -> Result<Chosen, ProjectError> {
    let file = match choice {
        InventoryChoice::File(path) => Some(path.clone()),
        InventoryChoice::Simulated(shape) => return simulate(shape.as_deref()),
        InventoryChoice::Found | InventoryChoice::FoundOrSimulated => find_inventory(),
    };
    let Some(path) = file else {
        return match choice {
            InventoryChoice::FoundOrSimulated => simulate(None),
            _ => Err(ProjectError::NoInventory {
                last: SYSTEM_INVENTORY.to_owned(),
            }),
        };
    };
    let inventory = read_file(&path)?;
    Ok(Chosen {
        inventory,
        file: Some(path),
        shape: None,
    })
}

/// Reads the inventory at `path`, in whatever format it is.
fn read_file(path: &Path) -> Result<Inventory, ProjectError> {
    let is_there = path.exists();
    let written = path.to_str().filter(|path| is_there && *path != "-");
    let Some(written) = written else {
        // Standard input has nothing beside it; and what is wrong with a path is told here.
        let (name, text) = read_text(path)?;
        return Ok(read_inventory(&name, &text)?);
    };
    Ok(read_inventory_at(written, &Machine)?)
}

fn find_inventory() -> Option<PathBuf> {
    // An empty variable is as good as none, as it is for other tools.
    let named = std::env::var_os("QUORATE_INVENTORY").filter(|path| !path.is_empty());
    named.map(PathBuf::from).or_else(|| {
        let places = [Path::new("cluster.toml"), Path::new(SYSTEM_INVENTORY)];
        places
            .into_iter()
            .find(|path| path.exists())
            .map(Path::to_path_buf)
    })
}

fn simulate(file: Option<&Path>) -> Result<Chosen, ProjectError> {
    let shape = match file {
        Some(path) => {
            let (name, text) = read_text(path)?;
            Shape::read(&name, &text)?
        }
        None => Shape::default(),
    };
    let inventory = SimulatedCluster::new(shape.clone()).inventory();
    Ok(Chosen {
        inventory,
        file: None,
        shape: Some(shape),
    })
}
