use super::arguments::{Format, InventoryAction, InventoryFlags};
use super::exit::{Exit, Stop};
use super::streams::{print, say};
use crate::inventory::{describe_inventory, write_inventory};
use crate::project::{InventoryChoice, Project};

/// Prints an inventory.
pub(super) fn show_inventory(flags: &InventoryFlags) -> Result<Exit, Stop> {
    let InventoryAction::Show {
        inventory,
        sim,
        format,
    } = &flags.action;
    let choice = match (sim, inventory) {
        (Some(shape), _) => InventoryChoice::Simulated(shape.clone()),
        (None, Some(file)) => InventoryChoice::File(file.clone()),
        (None, None) => InventoryChoice::Found,
    };
    let project = Project::new(&choice)?;
    say(&format!("from {}\n", project.inventory_name()));
    let text = match format {
        Format::Human => describe_inventory(project.inventory()),
        Format::Json => write_inventory(project.inventory()),
    };
    print(&text)?;
    Ok(Exit::Done)
}
