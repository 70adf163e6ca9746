use std::time::Duration;

use super::{Block, On};
use crate::diagnostic::Spanned;
use crate::value::Version;

/// A boxed expression and its place.
pub type Written = Box<Spanned<Expression>>;

/// Anything that yields a value. Conditions are expressions too.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// `30s`, `80%`, `3:2`, `yes`.
    Literal(Literal),
    /// `"text with $values"`, `'verbatim'`, or an unquoted word with values in it.
    Text(Template),
    /// A bare word in argument mode: text, read as whatever type is expected there.
    Word(String),
    /// `/regular expression/`, in filters and after `matches`.
    Regex(String),
    /// A bare name in expression mode: a column, a fact or a group.
    Name(String),
    /// `$name`, `${row.column}`, `$node.rack`.
    Variable(Variable),
    /// `service-state($service)`: a fact with parameters.
    Call {
        /// The fact.
        name: Spanned<String>,
        /// Its arguments, in order.
        arguments: Vec<Spanned<Expression>>,
    },
    /// `[a b $c]`: bare words in it are text.
    List(Vec<Spanned<Expression>>),
    /// `row name="x" count=3`.
    Row(Vec<(Spanned<String>, Spanned<Expression>)>),
    /// `node[01-16,20]`, a folded set written bare.
    Folded(String),
    /// `not CONDITION`.
    Not(Written),
    /// `-x`.
    Negative(Written),
    /// `a + b`; on sets of nodes also union, difference and (`&`) intersection.
    Arithmetic {
        /// Left of the operator.
        left: Written,
        /// The operator.
        operator: Spanned<ArithmeticOperator>,
        /// Right of it.
        right: Written,
    },
    /// `status is "avail"`.
    Compare {
        /// Left of the operator.
        left: Written,
        /// The operator.
        operator: Spanned<CompareOperator>,
        /// Right of it.
        right: Written,
    },
    /// `a and b`.
    And(Written, Written),
    /// `a or b`.
    Or(Written, Written),
    /// `all of T have COND`, `at most 2 of T have COND`.
    Quantified {
        /// How many rows.
        quantifier: Spanned<Quantifier>,
        /// Of which table.
        table: Written,
        /// What they must be; columns are names in it.
        condition: Written,
        /// Whether an empty table is fine.
        or_none: bool,
    },
    /// `holds GUARD ARGUMENTS`.
    Holds(GuardCall),
    /// `succeeds "command"`: status 0 is yes, 1 (or `no=[1 16]`) is no.
    Succeeds(Arguments),
    /// `source | filter | filter`.
    Pipeline {
        /// What flows in.
        source: Written,
        /// What is done with it, in order.
        filters: Vec<Spanned<FilterCall>>,
    },
    /// `on any mds_nodes < probe "…" >` as a value.
    On(Box<On>),
    /// `locally < … >` as a value.
    Locally(Block),
    /// `probe "command"` or `run "command"` as a value.
    Command(Box<CommandCall>),
    /// `( … )`
    Group(Written),
}

/// A number with its unit, or `yes` and `no`.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `42`
    Int(i64),
    /// `yes`, `no`
    Bool(bool),
    /// `30s`
    Duration(Duration),
    /// `10GB`, in bytes
    Size(u64),
    /// `80%`, in hundredths of a percent
    Percent(i64),
    /// `3:2`
    Ratio(u32, u32),
    /// `6.0.7`
    Version(Version),
}

/// `$name` and what of it: `$server.host` has the fields `["host"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Without the `$`.
    pub name: Spanned<String>,
    /// A column of a row or a variable of a node.
    pub fields: Vec<Spanned<String>>,
}

/// A text with places for values.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// How it was written.
    pub quoting: Quoting,
    /// Text (escapes already read; `\$` is a plain `$`) and values in turn.
    pub parts: Vec<Spanned<TemplatePart>>,
}

/// How a text was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// `"…"`
    Double,
    /// `'…'`: verbatim, no values.
    Single,
    /// An unquoted word with values in it.
    Bare,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum TemplatePart {
    /// Text.
    Text(String),
    /// `$name` or `${row.column}`.
    Variable(Variable),
}

/// `+`, `-`, `*`, `/`, `&`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArithmeticOperator {
    /// Sum, or union of sets of nodes.
    Add,
    /// Difference.
    Subtract,
    /// Product.
    Multiply,
    /// Quotient; of two ints rounded towards zero.
    Divide,
    /// Intersection of sets of nodes.
    Intersect,
}

/// The comparing words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOperator {
    /// `is`
    Is,
    /// `is not`
    IsNot,
    /// `at least`
    AtLeast,
    /// `at most`
    AtMost,
    /// `more than`
    MoreThan,
    /// `less than`
    LessThan,
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `matches`
    Matches,
}

impl ArithmeticOperator {
    /// The sign, as in a script.
    pub fn sign(self) -> &'static str {
        match self {
            ArithmeticOperator::Add => "+",
            ArithmeticOperator::Subtract => "-",
            ArithmeticOperator::Multiply => "*",
            ArithmeticOperator::Divide => "/",
            ArithmeticOperator::Intersect => "&",
        }
    }
}

impl CompareOperator {
    /// The words, as in a script.
    pub fn words(self) -> &'static str {
        match self {
            CompareOperator::Is => "is",
            CompareOperator::IsNot => "is not",
            CompareOperator::AtLeast => "at least",
            CompareOperator::AtMost => "at most",
            CompareOperator::MoreThan => "more than",
            CompareOperator::LessThan => "less than",
            CompareOperator::In => "in",
            CompareOperator::NotIn => "not in",
            CompareOperator::Matches => "matches",
        }
    }
}

/// How many rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantifier {
    /// `all of`
    All,
    /// `none of`
    None,
    /// `some of`
    Some,
    /// `exactly N of`
    Exactly(Written),
    /// `at least N of`
    AtLeast(Written),
    /// `at most N of`
    AtMost(Written),
}

/// `| where status is "avail"`, `| get host`, `| section /MDSID/ or none`.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterCall {
    /// The filter's name: one of the library's.
    pub name: Spanned<String>,
    /// Its arguments, by their form.
    pub form: FilterForm,
    /// Whether finding nothing is fine.
    pub or_none: bool,
}

/// The forms of a filter's arguments.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterForm {
    /// `where CONDITION`; columns are names in it.
    Where(Written),
    /// `each EXPRESSION`; `$it` is the item.
    Each(Written),
    /// `sort by A down, B`: column, and whether downwards.
    SortBy(Vec<(Spanned<String>, bool)>),
    /// Words and `key=value`.
    Plain(Arguments),
}

/// Arguments in argument mode.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arguments {
    /// In order.
    pub positional: Vec<Spanned<Expression>>,
    /// `key=value`, in order.
    pub named: Vec<(Spanned<String>, Spanned<Expression>)>,
}

/// `quorum losing=$node`: a guard and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardCall {
    /// The guard, maybe `module.name`.
    pub name: Spanned<String>,
    /// What it is given.
    pub arguments: Arguments,
}

/// `run "command" limit=5m` or `probe "command"`.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandCall {
    /// `run` acts, `probe` promises to change nothing.
    pub acts: bool,
    /// The command text: a template, or a value of type `command`.
    pub command: Written,
    /// `limit=`, `ok=`, `expect=`, `input=`.
    pub named: Vec<(Spanned<String>, Spanned<Expression>)>,
    /// `done when GUARD`: what settles an unknown outcome.
    pub done_when: Option<Spanned<Test>>,
    /// `may disconnect`: the command may cut its own connection.
    pub may_disconnect: bool,
}

/// What stands where a guard may: a guard, or a condition in parentheses.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `quorum spare=1`
    Guard(GuardCall),
    /// `( CONDITION )`
    Condition(Written),
}

/// A set of nodes as written.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeExpression {
    /// A group, a fact of type `node` or `nodes`, or a node's name.
    Name(String),
    /// `node[01-16,20]`
    Folded(String),
    /// `"n[1-5]!n3"`: ClusterShell's own syntax.
    Quoted(String),
    /// `$server.host`
    Value(Variable),
    /// `( PIPELINE )`
    Expression(Written),
    /// `a + b`, `a - b`, `a & b`
    Combined {
        /// Left of the operator.
        left: Box<Spanned<NodeExpression>>,
        /// Add, Subtract or Intersect.
        operator: ArithmeticOperator,
        /// Right of it.
        right: Box<Spanned<NodeExpression>>,
    },
    /// `cs_nodes where rack is "r1"`; variables of the node are names in it.
    Where {
        /// What is filtered.
        nodes: Box<Spanned<NodeExpression>>,
        /// What must hold of a node.
        condition: Written,
    },
}
