//! The formats that inventories are written in, one file each.

mod native;

use super::{Inventory, InventoryError};

/// Reads a text; the name of its file is for the errors.
type Reader = fn(&str, &str) -> Result<Inventory, InventoryError>;

/// Which endings of file names have a reader. A further format is a file here and a row.
const READERS: &[(&str, Reader)] = &[(".toml", native::read_native)];

/// Reads an inventory whose file is called `name`, by the format that the name's ending tells.
///
/// # Errors
///
/// [`InventoryError`] for an ending without a reader, and for whatever is wrong in the text.
pub fn read_inventory(name: &str, text: &str) -> Result<Inventory, InventoryError> {
    let Some((_, read)) = READERS.iter().find(|(ending, _)| name.ends_with(ending)) else {
        let endings: Vec<&str> = READERS.iter().map(|(ending, _)| *ending).collect();
        return Err(InventoryError::UnknownFormat {
            file: name.to_owned(),
            endings: endings.join(", "),
        });
    };
    read(name, text)
}
