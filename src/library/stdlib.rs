/// The standard modules and their texts, by name.
const MODULES: &[(&str, &str)] = &[
    ("base", include_str!("../../stdlib/base.runbook")),
    ("etcd", include_str!("../../stdlib/etcd.runbook")),
    ("pstorage", include_str!("../../stdlib/pstorage.runbook")),
];

/// The text of the standard module called `name`.
pub fn stdlib(name: &str) -> Option<&'static str> {
    MODULES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}

/// The names of the standard modules.
pub fn stdlib_names() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(name, _)| *name)
}
