use super::arguments::{InventoryAction, InventoryFlags};
use super::exit::{Exit, Stop};
use super::streams::{print, say};
use crate::inventory::describe_inventory;
use crate::project::{InventoryChoice, Project};

/// Prints an inventory.
pub(super) fn show_inventory(flags: &InventoryFlags) -> Result<Exit, Stop> {
    let InventoryAction::Show { inventory, sim } = &flags.action;
    let choice = match (sim, inventory) {
        (Some(shape), _) => InventoryChoice::Simulated(shape.clone()),
        (None, Some(file)) => InventoryChoice::File(file.clone()),
        (None, None) => InventoryChoice::Found,
    };
    let project = Project::new(&choice)?;
    say(&format!("from {}\n", project.inventory_name()));
    print(&describe_inventory(project.inventory()))?;
    Ok(Exit::Done)
}
