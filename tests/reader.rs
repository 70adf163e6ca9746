//! Reading and laying out whole scripts: nothing panics, nothing is lost.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use quorate::diagnostic::{Problems, SourceMap, Style, render_problems};
use quorate::syntax::{Script, format_script, parse_script};

/// All scripts at hand: the samples, the standard modules and the runbooks.
fn samples() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["tests/samples", "stdlib", "scripts"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == "runbook") {
                let text = fs::read_to_string(&path).expect("a sample is readable");
                found.push((path.display().to_string(), text));
            }
        }
    }
    found.sort();
    found
}

fn read(text: &str) -> (Script, Problems) {
    let mut problems = Problems::new();
    let script = parse_script(text, 0, &mut problems);
    (script, problems)
}

/// Problems as an operator sees them.
fn drawn(name: &str, text: &str, problems: &Problems) -> String {
    let mut sources = SourceMap::default();
    sources.add(name, text);
    render_problems(problems, &sources, Style::Plain)
}

#[test]
fn samples_are_read_without_problems() {
    for (name, text) in samples() {
        let (_, problems) = read(&text);
        assert!(problems.is_empty(), "{}", drawn(&name, &text, &problems));
    }
}

/// `depth` times `open`, then `middle`, then `depth` times `close`.
fn nested(depth: usize, open: &str, middle: &str, close: &str) -> String {
    format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn deep_nesting_is_read_or_refused_at_once() {
    let shapes = [
        // what opens, what stands innermost, what closes
        ("on a < ", "stop b", " >"),
        ("on a < ", "stop ) b", " >"),
        ("on a <\n", "stop b \"x\"y\n", ">\n"),
        ("on a sideways < ", "stop b", " >"),
        ("on a < ", "stop b", " > junk"),
        ("let a = (", "1", ")"),
        ("(", "1", ")"),
        ("let x = on a < ", "stop b", " > | where where"),
        ("let a = (on b < ", "let x 5", " > bad)"),
        ("if (on b < ", "let x 5", " > bad) < stop c > else bad"),
        ("if on b < ", "let x 5", " > bad < stop c > else bad"),
        ("a (", "let x 5", " bad bad | x)"),
        ("a k=(", "let x 5", " bad bad | x |)"),
        ("let a = f(all of (", "let x 5", ") x)"),
        ("[", "a", "]"),
        ("exactly (on a < ", "x", " > bad) of"),
        ("try < ", "x", " > else bad < y >"),
        ("guard g(x: table(a: ", "x", "))"),
        ("service s < before stop < ", "x", " > after stop < bad bad )> >"),
        (
            "for x in (on a < ",
            "x",
            " > | where all of (on x < y > bad) have) < y ",
        ),
        ("run (", "x", " x x) x"),
        ("{ ", "x", " }"),
    ];
    for (open, middle, close) in shapes {
        let brackets = open.matches(['<', '(', '[', '{']).count().max(1);
        for depth in [30 / brackets, 256 / brackets, 10_000] {
            let text = nested(depth, open, middle, close);
            let _ = read(&text);
        }
    }
}

#[test]
fn every_prefix_of_lines_is_at_worst_incomplete() {
    for (name, text) in samples() {
        // Of a long script every seventh line: each prefix is read from its beginning.
        let step = if text.len() > 8_000 { 7 } else { 1 };
        for (end, _) in text.match_indices('\n').step_by(step) {
            let prefix = &text[..=end];
            let (_, problems) = read(prefix);
            let is_fine = problems.is_empty() || problems.is_incomplete();
            assert!(is_fine, "{}", drawn(&name, prefix, &problems));
        }
    }
}

/// Asserts that a good script laid out says the same, and stays so when laid out again.
fn assert_layout_keeps(name: &str, text: &str) {
    let (script, problems) = read(text);
    assert!(problems.is_empty(), "{}", drawn(name, text, &problems));
    let laid_out = format_script(text, 0, &script);
    let (again, problems) = read(&laid_out);
    assert!(problems.is_empty(), "{}", drawn(name, &laid_out, &problems));
    assert_eq!(script, again, "{name} laid out:\n{laid_out}");
    assert_eq!(
        laid_out,
        format_script(&laid_out, 0, &again),
        "{name} laid out twice"
    );
}

#[test]
fn layout_keeps_the_tree_of_samples() {
    for (name, text) in samples() {
        assert_layout_keeps(&name, &text);
        assert_layout_keeps(&name, &text.replace("  ", " ").replace(" <\n", "   <\n\n\n"));
    }
}

#[test]
fn there_is_one_layout() {
    let long = "a-long-name-of-a-fact";
    let cases = [
        // as written, as laid out
        ("v one ,two", "v one ,two"),
        ("on a,or none < stop b >", "on a, or none < stop b >"),
        (
            "verb f( a:int,b : string=\"x\" ) < stop b >",
            "verb f(a: int, b: string = \"x\") < stop b >",
        ),
        (
            "fact f:table(a:int , b: string ) < mds >",
            "fact f: table(a: int, b: string) < mds >",
        ),
        ("param p : path ...", "param p: path..."),
        ("let x=$x|count", "let x = $x | count"),
        (
            "let x = mds|sort by a down,b|first",
            "let x = mds | sort by a down, b | first",
        ),
        ("let x = $a+1", "let x = $a + 1"),
        ("on a+b < stop c >", "on a + b < stop c >"),
        ("on a <\n>", "on a < >"),
        ("on a <>", "on a < >"),
        ("v a=b [c=d x,y]", "v a=b [c=d x,y]"),
        ("let x = f(a,b , c)", "let x = f(a, b, c)"),
        (
            "if $a is 1 <\n  stop b\n> # why\nelse <\n  stop c\n>",
            "if $a is 1 <\n  stop b\n>  # why\nelse <\n  stop c\n>",
        ),
        (
            "if $a is 1 <\n  stop b\n>\n# why\nelse <\n  stop c\n>",
            "if $a is 1 <\n  stop b\n>\n# why\nelse <\n  stop c\n>",
        ),
        (
            &format!("let x = {long} | where {long} is 5 | get {long} | sort by {long} | first"),
            &format!("let x = {long}\n  | where {long} is 5\n  | get {long}\n  | sort by {long}\n  | first"),
        ),
    ];
    for (written, wanted) in cases {
        let (script, problems) = read(written);
        assert!(problems.is_empty(), "{}", drawn("case", written, &problems));
        assert_eq!(format_script(written, 0, &script).trim_end(), wanted, "{written}");
        assert_layout_keeps("case", written);
    }
}

fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(64)
}

/// Statements without blocks, as they stand in scripts.
fn simple_statement() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "stop a b /pstorage/x",
        "run \"a $b\" limit=5m ok=[0 1] # why",
        "let x = a | where b is \"c\" and not (d in $e)\n| count",
        "require quorum losing=$node\n  else \"text\"",
        "check $a - 1 at least (b | count)",
        "wait up to 2h until healthy holding 5m",
        "note \"one\n   two\"",
        "# a comment",
        "## a doc comment",
        "show [a b\n c] ; note 'x'",
        "v one ,two ,three",
        "let y=(a|sort by b,c)+1",
        "verb f( a:int,b : string=\"x\" ) < v ,b >",
        "rm-cs $cs force=yes",
    ])
    .prop_map(str::to_owned)
}

/// Whole scripts with blocks in blocks, laid out carelessly.
fn script_text() -> impl Strategy<Value = String> {
    let block = |inner: BoxedStrategy<String>| {
        let heads = prop::sample::select(vec![
            "on a + node[1-3] in parallel, or none",
            "try",
            "if $a is \"b\"",
            "for x in [a b]",
            "locally",
            "outage \"why\"",
            "retry 3 times every 10s",
        ]);
        let separators = prop::sample::select(vec!["\n", "\n\n", " \n    ", "\n\n\n  "]);
        (
            heads,
            prop::collection::vec(inner, 0..4),
            separators,
            any::<bool>(),
        )
            .prop_map(|(head, statements, separator, is_short)| {
                let is_whole = statements
                    .iter()
                    .all(|statement| !statement.contains(['#', '\n']));
                if is_short && is_whole {
                    return format!("{head} <{}>", statements.join("; "));
                }
                format!("{head} <{separator}{}{separator}>", statements.join(separator))
            })
    };
    let statement = simple_statement().boxed().prop_recursive(4, 24, 4, block);
    prop::collection::vec(statement, 0..6).prop_map(|statements| statements.join("\n"))
}

proptest! {
    // Enough for each run of the tests; `PROPTEST_CASES` asks for more.
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn layout_keeps_the_tree_of_any_script(text in script_text()) {
        assert_layout_keeps("generated", &text);
    }

    #[test]
    fn mutated_scripts_never_panic(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..30, "[ -~\n“é]{0,3}|[<>()\\[\\]\"'{}|;$/\\\\]"), 1..6),
    ) {
        let samples = samples();
        let mut text: Vec<char> = which.get(&samples).1.chars().collect();
        for (at, removed, inserted) in cuts {
            let from = at.index(text.len() + 1);
            let to = (from + removed).min(text.len());
            text.splice(from..to, inserted.chars());
        }
        let text: String = text.into_iter().collect();
        let (script, problems) = read(&text);
        let _ = drawn("mutated", &text, &problems);
        if problems.is_empty() {
            let laid_out = format_script(&text, 0, &script);
            prop_assert_eq!(&laid_out, &format_script(&laid_out, 0, &read(&laid_out).0));
        }
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,80}") {
        let (_, problems) = read(&text);
        let _ = drawn("any", &text, &problems);
    }
}
