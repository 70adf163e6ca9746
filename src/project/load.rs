use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::ProjectError;
use crate::check::{Module, Use, UseError, find_uses};
use crate::diagnostic::{Problems, SourceMap, Span, Spanned, nearest};
use crate::library::{stdlib, stdlib_names};
use crate::syntax::{Declaration, Script, Statement, parse_script};

/// Most of a file that is read, in MiB; the reader of scripts takes no more.
const MOST_MIB: u64 = 8;

/// Reads a text file, or standard input for `-`, and says what it is to be called.
///
/// # Errors
///
/// [`ProjectError`] when there is no such file, it is a folder, too large or not UTF-8.
pub fn read_text(path: &Path) -> Result<(String, String), ProjectError> {
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let bytes = if is_stdin {
        read_capped(io::stdin().lock())
    } else {
        read_file(path)
    };
    let bytes = bytes.map_err(|error| explain_failure(path, &name, &error))?;
    if bytes.len() as u64 > MOST_MIB << 20 {
        return Err(ProjectError::TooLarge {
            path: name,
            most_mib: MOST_MIB,
        });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((name, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(ProjectError::NotUtf8 {
                path: name,
                line,
                byte: bytes[at],
            })
        }
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    read_capped(file)
}

/// Reads one byte more than is allowed at most, so that what is too large is seen to be.
fn read_capped(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take((MOST_MIB << 20) + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn explain_failure(path: &Path, name: &str, error: &io::Error) -> ProjectError {
    let path_text = name.to_owned();
    match error.kind() {
        io::ErrorKind::IsADirectory => ProjectError::IsFolder { path: path_text },
        io::ErrorKind::NotFound => ProjectError::NoFile {
            path: path_text,
            help: suggest_file(path),
        },
        _ => ProjectError::NotRead {
            path: path_text,
            why: describe_failure(error),
        },
    }
}

/// What the system said, without the number that means nothing to an operator.
pub(super) fn describe_failure(error: &io::Error) -> String {
    let text = error.to_string();
    let plain = text.split(" (os error").next().unwrap_or(&text);
    plain.to_lowercase()
}

/// The file beside it whose name is nearest.
fn suggest_file(path: &Path) -> Option<String> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(_) => return Some(format!("there is no folder `{}`, either", folder.display())),
    };
    let names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let wanted = path.file_name()?.to_str()?;
    let near = nearest(wanted, names.iter().map(String::as_str))?;
    let near = if folder == Path::new(".") {
        PathBuf::from(near)
    } else {
        folder.join(near)
    };
    Some(format!("did you mean `{}`?", near.display()))
}

/// A script and the modules that it uses, each before those that use it.
pub(super) struct Loaded {
    /// The modules.
    pub modules: Vec<Module>,
    /// The script itself.
    pub script: Module,
}

/// A module that every script uses by itself: that of the inventory's system.
#[derive(Debug, Clone)]
pub(super) enum Implied {
    /// A standard module.
    Standard(String),
    /// A file beside the inventory.
    File(PathBuf),
}

impl Implied {
    fn name(&self) -> &str {
        match self {
            Implied::Standard(system) => system,
            Implied::File(path) => path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .unwrap_or_default(),
        }
    }
}

/// Reads `text` as a script called `name`, and every module that it uses.
///
/// Paths of quoted modules are taken from `folder`; of one that is not there the text in `kept`
/// is taken whose name ends alike. What is wrong goes to `problems`.
pub(super) fn load_script(
    name: &str,
    text: &str,
    folder: &Path,
    implied: Option<&Implied>,
    kept: &[(String, String)],
    sources: &mut SourceMap,
    problems: &mut Problems,
) -> Loaded {
    let own = if name == "standard input" {
        Key::Text
    } else {
        Key::of_file(&PathBuf::from(name))
    };
    let mut loader = Loader {
        kept,
        sources,
        problems,
        modules: Vec::new(),
        known: Vec::new(),
        places: Vec::new(),
        path: Vec::new(),
    };
    let (script, base) = loader.read(name, text);
    let declared = declared_module(&script);
    loader.path.push((own, name.to_owned()));
    // A standard module that is itself checked must not meet its double.
    let is_standard = declared.as_deref().is_some_and(|name| stdlib(name).is_some());
    // The script's own lines come first: they may say which groups are meant.
    loader.follow_uses(&script, folder);
    match implied.filter(|_| !is_standard) {
        // One of the script's own files stands in for it.
        Some(implied) if loader.modules.iter().any(|it| it.name == implied.name()) => {}
        Some(Implied::Standard(system)) => {
            loader.use_standard(system, BTreeMap::new(), Span::default());
        }
        Some(Implied::File(path)) => {
            let written = path.display().to_string();
            loader.use_file(path, &written, BTreeMap::new(), Span::default());
        }
        None => {}
    }
    let module = Module {
        name: declared.or_else(|| declared_runbook(&script)).unwrap_or_default(),
        script,
        text: text.into(),
        base,
        with: BTreeMap::new(),
        is_built_in: false,
    };
    Loaded {
        modules: loader.modules,
        script: module,
    }
}

/// What makes two uses the same.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Text,
    Standard(String),
    File(PathBuf),
}

impl Key {
    fn of_file(path: &Path) -> Key {
        Key::File(path.canonicalize().unwrap_or_else(|_| path.to_path_buf()))
    }
}

struct Loader<'a> {
    /// Texts that stand for files which are not there any more.
    kept: &'a [(String, String)],
    sources: &'a mut SourceMap,
    problems: &'a mut Problems,
    modules: Vec<Module>,
    known: Vec<Key>,
    /// Where each module that was read stands among `modules`.
    places: Vec<(Key, usize)>,
    /// From the script to the file in hand.
    path: Vec<(Key, String)>,
}

impl Loader<'_> {
    fn read(&mut self, name: &str, text: &str) -> (Script, u32) {
        let base = self.sources.add(name, text);
        (parse_script(text, base, self.problems), base)
    }

    fn follow_uses(&mut self, script: &Script, folder: &Path) {
        for wanted in find_uses(script) {
            let with = wanted.with.iter();
            let with = with
                .map(|(group, own)| (group.node.clone(), own.node.clone()))
                .collect();
            let key = if wanted.is_file {
                let Spanned { node: path, span } = &wanted.module;
                self.use_file(&folder.join(path), path, with, *span);
                Key::of_file(&folder.join(path))
            } else {
                self.use_named(&wanted.module, with);
                Key::Standard(wanted.module.node.clone())
            };
            self.join_groups(&key, &wanted);
        }
    }

    /// A module that was read before may be given its groups by a later line.
    fn join_groups(&mut self, key: &Key, wanted: &Use) {
        let Some((_, place)) = self.places.iter().find(|(known, _)| known == key) else {
            return;
        };
        let module = &mut self.modules[*place];
        for (group, own) in &wanted.with {
            let known = module
                .with
                .entry(group.node.clone())
                .or_insert_with(|| own.node.clone());
            if *known != own.node {
                self.problems.push(UseError::TwoGroups {
                    module: module.name.clone(),
                    group: group.node.clone(),
                    first: known.clone(),
                    second: own.node.clone(),
                    at: own.span,
                });
            }
        }
    }

    fn use_named(&mut self, module: &Spanned<String>, with: BTreeMap<String, String>) {
        if stdlib(&module.node).is_some() {
            self.use_standard(&module.node, with, module.span);
            return;
        }
        let help = match nearest(&module.node, stdlib_names()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("a file of your own is quoted: use \"{}.runbook\"", module.node),
        };
        self.problems.push(UseError::UnknownModule {
            name: module.node.clone(),
            at: module.span,
            help: Some(help),
        });
    }

    fn use_standard(&mut self, name: &str, with: BTreeMap<String, String>, at: Span) {
        let Some(text) = stdlib(name) else {
            return;
        };
        let key = Key::Standard(name.to_owned());
        if self.enter(&key, name, at) {
            let file = format!("stdlib/{name}.runbook");
            self.use_text((key, name), name, (&file, text), Path::new("stdlib"), with, true);
        }
    }

    fn use_file(&mut self, path: &Path, written: &str, with: BTreeMap<String, String>, at: Span) {
        let key = Key::of_file(path);
        if !self.enter(&key, written, at) {
            return;
        }
        let read = read_text(path);
        let kept = match read {
            Err(ProjectError::NoFile { .. }) => self.find_kept(written),
            _ => None,
        };
        match kept.map_or(read, Ok) {
            Ok((file, text)) => {
                let stem = path
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
                self.use_text((key, written), &stem, (&file, &text), &folder, with, false);
            }
            Err(error) => {
                let why = match &error {
                    ProjectError::NoFile { .. } => "there is no such file".to_owned(),
                    ProjectError::NotRead { why, .. } => why.clone(),
                    other => other.to_string(),
                };
                self.problems.push(UseError::FileNotRead {
                    path: written.to_owned(),
                    why,
                    at,
                });
            }
        }
    }

    fn find_kept(&self, written: &str) -> Option<(String, String)> {
        let kept = self.kept.iter();
        kept.into_iter()
            .find(|(name, _)| Path::new(name).ends_with(written))
            .cloned()
    }

    /// Whether a module is to be read now; a ring is reported.
    fn enter(&mut self, key: &Key, name: &str, at: Span) -> bool {
        if let Some(start) = self.path.iter().position(|(known, _)| known == key) {
            let between: Vec<String> = self.path[start + 1..]
                .iter()
                .map(|(_, name)| format!("`{name}`"))
                .collect();
            let chain = match between.is_empty() {
                true => String::new(),
                false => format!(", by way of {}", between.join(" and ")),
            };
            self.problems.push(UseError::CyclicUse {
                name: name.to_owned(),
                chain,
                at,
            });
            return false;
        }
        if self.known.contains(key) {
            return false;
        }
        self.known.push(key.clone());
        true
    }

    /// Reads a module's text: `entry` is how rings are told, `stem` its name unless it says one.
    fn use_text(
        &mut self,
        entry: (Key, &str),
        stem: &str,
        (file, text): (&str, &str),
        folder: &Path,
        with: BTreeMap<String, String>,
        is_built_in: bool,
    ) {
        let (script, base) = self.read(file, text);
        self.path.push((entry.0.clone(), entry.1.to_owned()));
        self.follow_uses(&script, folder);
        self.path.pop();
        self.places.push((entry.0, self.modules.len()));
        let name = declared_module(&script).unwrap_or_else(|| stem.to_owned());
        self.modules.push(Module {
            name,
            script,
            text: text.into(),
            base,
            with,
            is_built_in,
        });
    }
}

fn declared_module(script: &Script) -> Option<String> {
    declarations(script).find_map(|declaration| match declaration {
        Declaration::Module(name) => Some(name.node.clone()),
        _ => None,
    })
}

fn declared_runbook(script: &Script) -> Option<String> {
    declarations(script).find_map(|declaration| match declaration {
        Declaration::Runbook(name) => Some(name.node.clone()),
        _ => None,
    })
}

fn declarations(script: &Script) -> impl Iterator<Item = &Declaration> {
    script
        .statements
        .iter()
        .filter_map(|statement| match &statement.node {
            Statement::Declaration(declaration) => Some(&**declaration),
            _ => None,
        })
}
