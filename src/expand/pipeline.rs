use super::encode::awk_string;
use super::expander::Expander;
use super::expression::{Code, Scope};
use super::function::{Function, uses};
use crate::diagnostic::Spanned;
use crate::evaluate::describe;
use crate::syntax::{Arguments, Expression, FilterCall, FilterForm, Written};

impl Expander<'_> {
    /// What comes out of filters.
    pub fn pipe(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        source: String,
        filters: &[Spanned<FilterCall>],
    ) -> Code {
        let mut code = source;
        for filter in filters {
            let or_none = u8::from(filter.node.or_none);
            code = match &filter.node.form {
                FilterForm::Where(condition) => self.where_call(scope, &code, condition)?,
                FilterForm::Each(expression) => self.each_call(scope, &code, expression)?,
                FilterForm::SortBy(keys) => {
                    let keys: Vec<String> = keys
                        .iter()
                        .map(|(column, down)| format!("{}{}", if *down { "-" } else { "" }, column.node))
                        .collect();
                    let keys = awk_string(&keys.join("\u{1f}"));
                    format!("filter_sort({code}, {keys}, {or_none})")
                }
                FilterForm::Plain(arguments) => {
                    self.plain_filter(function, scope, &code, &filter.node, arguments)?
                }
            };
        }
        Ok(code)
    }

    fn plain_filter(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        source: &str,
        filter: &FilterCall,
        written: &Arguments,
    ) -> Code {
        let known = crate::library::find_filter(&filter.name.node);
        let parameters = known.map_or(&[][..], |filter| filter.parameters);
        let mut code = format!("filter_{}({source}", filter.name.node);
        let mut words = written.positional.iter();
        for parameter in parameters
            .iter()
            .filter(|it| !matches!(it.kind, crate::library::ParameterKind::SortKeys))
        {
            let given = match parameter.positional {
                true => words.next(),
                false => {
                    let named = written.named.iter().find(|(name, _)| name.node == parameter.name);
                    named.map(|(_, value)| value)
                }
            };
            let argument = match given {
                None => "\"\"".to_owned(),
                // A bare name among a filter's arguments is a column's name or a word.
                Some(word) => match &word.node {
                    Expression::Name(name) => awk_string(&format!("t{name}")),
                    _ => self.expression(function, scope, word)?,
                },
            };
            code.push_str(&format!(", {argument}"));
        }
        if filter.name.node == "sort" {
            code.push_str(", \"\"");
        }
        code.push_str(&format!(", {})", u8::from(filter.or_none)));
        Ok(code)
    }

    /// A call of a function that keeps what meets a condition.
    pub fn where_call(&mut self, scope: &Scope, source: &str, condition: &Written) -> Code {
        let mut function = Function::new(&self.functions.name("where", ""));
        function.parameters.push("table".to_owned());
        let (items, kept, index, row, it, truth) = (
            function.local("all_"),
            function.local("kept_"),
            function.local("index_"),
            function.local("row"),
            function.local("it"),
            function.local("truth_"),
        );
        let mut inner = scope.with("it", &it);
        inner.looks_at_rows = true;
        function.line("if (failed(table) || is_unknown(table)) return table");
        function.line(format!("{items} = choices(table)"));
        function.line(format!("if (failed({items})) return {items}"));
        function.line(format!("{kept} = none_of(table)"));
        function.line(format!(
            "for ({index} = 1; {index} <= item_count({items}); {index}++) {{"
        ));
        function.line(format!("{it} = item({items}, {index})"));
        function.line(format!("{row} = {it}"));
        let code = self.truth(&mut function, &inner, condition)?;
        function.line(format!("{truth} = {code}"));
        function.line(format!("if (failed({truth})) return {truth}"));
        function.line(format!("{kept} = keep({kept}, {it}, {truth})"));
        function.line(format!("if (failed({kept}) || is_unknown({kept})) return {kept}"));
        function.line("}");
        function.line(format!("return {kept}"));
        function.comment = format!("where {}", describe(&condition.node));
        Ok(self.close_helper(function, scope, source))
    }

    /// A call of a function that yields something for each item or row.
    fn each_call(&mut self, scope: &Scope, source: &str, expression: &Written) -> Code {
        let mut function = Function::new(&self.functions.name("each", ""));
        function.parameters.push("table".to_owned());
        let (list, made, index, row, it, value) = (
            function.local("all_"),
            function.local("made_"),
            function.local("index_"),
            function.local("row"),
            function.local("it"),
            function.local("value_"),
        );
        let mut inner = scope.with("it", &it);
        inner.looks_at_rows = true;
        function.line(format!("{list} = each_item(table)"));
        function.line(format!("if (failed({list}) || is_unknown({list})) return {list}"));
        function.line(format!("{made} = \"L\""));
        function.line(format!(
            "for ({index} = 1; {index} <= item_count({list}); {index}++) {{"
        ));
        function.line(format!("{it} = item({list}, {index})"));
        // An item that is no row lends no names; those of the row around it are still seen.
        let around = if scope.looks_at_rows { "row_around" } else { "\"\"" };
        function.line(format!("{row} = (substr({it}, 1, 1) == \"R\") ? {it} : {around}"));
        let code = self.expression(&mut function, &inner, expression)?;
        function.line(format!("{value} = {code}"));
        function.line(format!("if (failed({value})) return {value}"));
        function.line(format!("{made} = list_add({made}, {value})"));
        function.line("}");
        function.line(format!("return of_rows({made})"));
        function.comment = format!("each {}", describe(&expression.node));
        if scope.looks_at_rows {
            function.parameters.push("row_around".to_owned());
            let call = self.close_helper(function, scope, source);
            return Ok(call.replacen(source, &format!("{source}, row"), 1));
        }
        Ok(self.close_helper(function, scope, source))
    }

    /// Gives a helper function the variables of the place that it uses, and calls it.
    pub fn close_helper(&mut self, mut function: Function, scope: &Scope, source: &str) -> String {
        let body = function.lines.join("\n");
        let captured: Vec<String> = scope
            .locals()
            .into_iter()
            .filter(|name| !function.locals.contains(name) && !function.parameters.contains(name))
            .filter(|name| uses(&body, name))
            .collect();
        function.parameters.extend(captured.clone());
        let mut call = format!("{}(place", self.functions.add_helper(function));
        if !source.is_empty() {
            call.push_str(&format!(", {source}"));
        }
        for name in captured {
            call.push_str(&format!(", {name}"));
        }
        call.push(')');
        call
    }
}
