//! The documents keep their word: scripts in them check, commands in them run, and what they
//! show as printed is what the program prints.
//!
//! In `README.md` and `docs/language.md` a fenced block is, by the words after its fence,
//!
//! * `quorate`: a script that checks on the simulated cluster; warnings are allowed,
//! * `quorate refused`, `quorate refused=CODE`: one that does not, with this finding among others,
//! * `quorate file=NAME`: the same, and the console blocks of the document find it as `NAME`,
//! * `console`: command lines after `$ `, each with exactly what it prints below it,
//! * `sh`: command lines; those with `--sim` are carried out and must end with 0, or with the
//!   code of `# exit code N` at their end; the flags of the others must be known.
//!
//! `UPDATE_GOLDEN=1 cargo test --test docs` writes what the console blocks show anew.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use quorate::diagnostic::Style;
use quorate::project::Project;
use tempfile::TempDir;

const DOCUMENTS: [&str; 2] = ["README.md", "docs/language.md"];

/// A fenced block of a document.
struct Block {
    /// The document and the line of the fence, for people.
    place: String,
    /// The words after the opening fence.
    words: Vec<String>,
    text: String,
}

impl Block {
    fn is(&self, kind: &str) -> bool {
        self.words.first().is_some_and(|word| word == kind)
    }

    /// What stands after `KEY=` among the words, empty for the bare word.
    fn setting(&self, key: &str) -> Option<&str> {
        self.words.iter().skip(1).find_map(|word| {
            let rest = word.strip_prefix(key)?;
            if rest.is_empty() {
                Some("")
            } else {
                rest.strip_prefix('=')
            }
        })
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read_blocks(document: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(root().join(document)).expect("the document is in the repository");
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(words), None) => {
                open = Some(Block {
                    place: format!("{document}:{}", number + 1),
                    words: words.split_whitespace().map(str::to_owned).collect(),
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{document}: the last fenced block does not end");
    blocks
}

/// Says what is wrong with a script of a document, if anything.
fn judge_script(block: &Block) -> Option<String> {
    let mut project = Project::simulated();
    let problems = project.check_text(&block.place, &block.text);
    let drawn = project.render_plain(&problems);
    let Some(code) = block.setting("refused") else {
        return problems
            .has_errors()
            .then(|| format!("{} does not check:\n{drawn}", block.place));
    };
    if !problems.has_errors() {
        return Some(format!(
            "{} ought to be refused, and checks:\n{}",
            block.place, block.text
        ));
    }
    let is_named = code.is_empty() || problems.iter().any(|problem| problem.code() == code);
    (!is_named).then(|| format!("{} is not refused with {code}:\n{drawn}", block.place))
}

#[test]
fn scripts_in_the_documents_check() {
    let mut wrong = Vec::new();
    for document in DOCUMENTS {
        let blocks = read_blocks(document);
        let scripts: Vec<&Block> = blocks.iter().filter(|block| block.is("quorate")).collect();
        assert!(!scripts.is_empty(), "no scripts in {document}");
        wrong.extend(scripts.into_iter().filter_map(judge_script));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn shipped_texts_are_in_the_one_layout() {
    let mut different = Vec::new();
    for folder in ["scripts", "stdlib"] {
        for path in list_files(&root().join(folder)) {
            let text = std::fs::read_to_string(&path).expect("it is in the repository");
            let name = path.display().to_string();
            match Project::format_text(&name, &text, Style::Plain) {
                Ok(formatted) if formatted == text => {}
                Ok(_) => different.push(format!("{name}: `quorate fmt` would change it")),
                Err(drawn) => different.push(drawn),
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

fn list_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is in the repository");
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// A folder that looks like the repository to a command, and holds the files of a document.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn of(blocks: &[Block]) -> Desk {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["scripts", "stdlib", "tests"] {
            std::os::unix::fs::symlink(root().join(name), folder.path().join(name)).expect("a link in it");
        }
        for block in blocks {
            if let Some(name) = block.setting("file") {
                std::fs::write(folder.path().join(name), &block.text).expect("a file in it");
            }
        }
        Desk { folder }
    }

    /// Carries a command out; what it prints, and its exit code.
    fn carry_out(&self, words: &[&str]) -> (String, i32) {
        let output = Command::new(env!("CARGO_BIN_EXE_quorate"))
            .args(words)
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .env_remove("QUORATE_INVENTORY")
            .stdin(Stdio::null())
            .output()
            .expect("the command starts");
        let told = [output.stdout, output.stderr].concat();
        let code = output.status.code().expect("no signal ends it");
        (String::from_utf8_lossy(&told).into_owned(), code)
    }
}

/// The words after `quorate`, or after `cargo run … --`, of a command line of a document.
fn words_of(line: &str) -> Option<Vec<&str>> {
    let line = line.split(" # ").next().unwrap_or(line);
    let line = line.rsplit("&& ").next().unwrap_or(line);
    let rest = line
        .strip_prefix("quorate ")
        .or_else(|| Some(line.strip_prefix("cargo run ")?.split_once("-- ")?.1))?;
    Some(
        rest.split_whitespace()
            .map(|word| word.trim_matches(['"', '\'']))
            .collect(),
    )
}

#[test]
fn consoles_show_what_is_printed() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for document in DOCUMENTS {
        let blocks = read_blocks(document);
        let desk = Desk::of(&blocks);
        for block in blocks.iter().filter(|block| block.is("console")) {
            let mut found = String::new();
            for line in block.text.lines() {
                let Some(command) = line.strip_prefix("$ ") else {
                    continue;
                };
                let words =
                    words_of(command).unwrap_or_else(|| panic!("{}: not quorate: {line}", block.place));
                found.push_str(&format!("{line}\n{}", desk.carry_out(&words).0));
            }
            if found == block.text {
                continue;
            }
            if update {
                let path = root().join(document);
                let text = std::fs::read_to_string(&path).expect("the document is in the repository");
                std::fs::write(&path, text.replacen(&block.text, &found, 1)).expect("it can be written");
            } else {
                wrong.push(format!(
                    "{}: shown\n{}\nprinted\n{found}",
                    block.place, block.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn command_lines_in_the_documents_are_good() {
    let mut wrong = Vec::new();
    for document in DOCUMENTS {
        let blocks = read_blocks(document);
        let desk = Desk::of(&blocks);
        for block in blocks.iter().filter(|block| block.is("sh")) {
            for line in block.text.lines() {
                let Some(mut words) = words_of(line) else {
                    continue;
                };
                // Where the output goes is up to the shell.
                if let Some(place) = words.iter().position(|word| *word == ">") {
                    words.truncate(place);
                }
                let code = line.rsplit_once("# exit code ");
                let mut expected = code.map_or(0, |(_, code)| code.trim().parse().expect("a number"));
                if !words.contains(&"--sim") {
                    // Help is printed only after all flags before it are known.
                    words.push("--help");
                    expected = 0;
                }
                let (told, code) = desk.carry_out(&words);
                if code != expected {
                    wrong.push(format!(
                        "{}: {line}\nends with {code}, not {expected}:\n{told}",
                        block.place
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
