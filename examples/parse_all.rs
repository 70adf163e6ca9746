use quorate::diagnostic::{Problems, SourceMap, Style, render_problems};
fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut sources = SourceMap::default();
        let base = sources.add(path.clone(), text.clone());
        let mut problems = Problems::default();
        let script = quorate::syntax::parse_script(&text, base, &mut problems);
        println!("{path}: {} statements, {} problems", script.statements.len(), problems.len());
        println!("{}", render_problems(&problems, &sources, Style::Plain));
    }
}
