use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// What can be wrong with a script that reads well.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum CheckError {
    /// A `$name` that nothing defines.
    #[error("there is no `${name}` here")]
    #[diagnostic(code(check::unknown_variable))]
    UnknownVariable {
        /// Without the `$`.
        name: String,
        /// Where it is used.
        #[label("not defined")]
        at: Span,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },

    /// `$row.column`, or `$node.rack`, where there is none.
    #[error("{owner} has no `{field}`")]
    #[diagnostic(code(check::unknown_column))]
    UnknownField {
        /// `` `$server` ``, `a node of the inventory`.
        owner: String,
        /// What was asked for.
        field: String,
        /// Where.
        #[label("no such column")]
        at: Span,
        /// What there is.
        #[help]
        help: Option<String>,
    },

    /// A column that a table does not have.
    #[error("there is no column `{name}`")]
    #[diagnostic(code(check::unknown_column))]
    UnknownColumn {
        /// The column.
        name: String,
        /// Where.
        #[label("no such column")]
        at: Span,
        /// What there is.
        #[help]
        help: Option<String>,
    },

    /// A bare name in an expression that means nothing.
    #[error("there is no {kinds} `{name}`")]
    #[diagnostic(code(check::unknown_name))]
    UnknownName {
        /// `column, fact or group`.
        kinds: String,
        /// As written.
        name: String,
        /// Where.
        #[label("not known")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A word at the start of a statement that is no verb.
    #[error("there is no verb `{name}`")]
    #[diagnostic(code(check::unknown_verb))]
    UnknownVerb {
        /// As written.
        name: String,
        /// Where.
        #[label("not known")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A guard that nothing declares.
    #[error("there is no guard `{name}`")]
    #[diagnostic(code(check::unknown_guard))]
    UnknownGuard {
        /// As written.
        name: String,
        /// Where.
        #[label("not known")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A service that nothing declares.
    #[error("there is no service `{name}`")]
    #[diagnostic(code(check::unknown_service))]
    UnknownService {
        /// As written.
        name: String,
        /// Where.
        #[label("not a declared service")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A group that the inventory does not have.
    #[error("cluster {cluster} has no group or node `{name}`")]
    #[diagnostic(code(check::unknown_group))]
    UnknownGroup {
        /// The cluster's name.
        cluster: String,
        /// As written.
        name: String,
        /// Where.
        #[label("not in the inventory")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A node that the inventory does not have.
    #[error("cluster {cluster} has no node `{name}`")]
    #[diagnostic(code(check::unknown_node))]
    UnknownNode {
        /// The cluster's name.
        cluster: String,
        /// As written.
        name: String,
        /// Where.
        #[label("not in the inventory")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A filter that the language does not have.
    #[error("there is no filter `{name}`")]
    #[diagnostic(code(check::unknown_filter))]
    UnknownFilter {
        /// As written.
        name: String,
        /// Where.
        #[label("not known")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// `key=value` where there is no such key.
    #[error("{what} has no parameter `{name}`")]
    #[diagnostic(code(check::unknown_parameter))]
    UnknownParameter {
        /// `` guard `quorum` ``.
        what: String,
        /// The key.
        name: String,
        /// Where.
        #[label("not a parameter")]
        at: Span,
        /// What there is.
        #[help]
        help: Option<String>,
    },

    /// A name that two modules share.
    #[error("`{name}` is in {modules}")]
    #[diagnostic(code(check::ambiguous_name), help("write {choices}"))]
    AmbiguousName {
        /// As written.
        name: String,
        /// `` `etcd` and `pstorage` ``.
        modules: String,
        /// `` `etcd.healthy` or `pstorage.healthy` ``.
        choices: String,
        /// Where.
        #[label("which of them?")]
        at: Span,
    },

    /// Something declared twice.
    #[error("{what} `{name}` is declared twice")]
    #[diagnostic(
        code(check::duplicate_name),
        help("give one of the two another name, or delete it")
    )]
    DuplicateName {
        /// `guard`, `fact`, …
        what: &'static str,
        /// The name.
        name: String,
        /// The second one.
        #[label("again here")]
        at: Span,
        /// The first one.
        #[label("first here")]
        first: Span,
    },

    /// A name that hides another one.
    #[error("`${name}` would hide another `${name}`")]
    #[diagnostic(
        code(check::shadowed_name),
        help("a value is set once and keeps its name; choose another name here")
    )]
    ShadowedName {
        /// Without the `$`.
        name: String,
        /// The new one.
        #[label("named again here")]
        at: Span,
        /// The hidden one, where it stands in a text.
        #[label("first here")]
        first: Option<Span>,
    },

    /// A definition that has the name of a used module's.
    #[error("this {what} `{name}` would hide that of module `{module}`")]
    #[diagnostic(code(check::shadowed_name), help("{help}"))]
    ShadowedDefinition {
        /// `service`, `guard`, …
        what: &'static str,
        /// The name.
        name: String,
        /// Whose it is already.
        module: String,
        /// The new one.
        #[label("declared again here")]
        at: Span,
        /// The module's.
        #[label("first here")]
        first: Span,
        /// What to do.
        help: String,
    },

    /// A service that is run by another one's command, and has its own guards or none.
    #[error("service `{name}` is run by the command of {other}, without its guards")]
    #[diagnostic(
        code(check::goes_round_service),
        severity(Warning),
        help("use {other}, or give this one the command of a service of its own")
    )]
    SameCommand {
        /// The new service.
        name: String,
        /// The known one.
        other: String,
        /// The new one.
        #[label("the same command")]
        at: Span,
        /// The known one.
        #[label("as this")]
        first: Span,
    },

    /// A name that the language sets itself.
    #[error("`${name}` is set by the language")]
    #[diagnostic(code(check::shadowed_name), help("choose another name here"))]
    ReservedName {
        /// Without the `$`.
        name: String,
        /// Where it is taken.
        #[label("cannot be set again")]
        at: Span,
    },

    /// A name that nothing uses.
    #[error("{what} `{name}` is never used")]
    #[diagnostic(code(check::unused_name), severity(Warning), help("{help}"))]
    UnusedName {
        /// `value`, `parameter`, `guard`, …
        what: &'static str,
        /// The name.
        name: String,
        /// Where it is given.
        #[label("not used after this")]
        at: Span,
        /// What to do.
        help: String,
    },

    /// A value of the wrong type.
    #[error("{what} must be {wanted}, and this is {given}")]
    #[diagnostic(code(check::wrong_type))]
    WrongType {
        /// What it is for: `` `limit` ``, `a condition`.
        what: String,
        /// With its article.
        wanted: String,
        /// With its article.
        given: String,
        /// Where.
        #[label("{given}")]
        at: Span,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },

    /// A constant text that cannot be read as what is wanted.
    #[error("{what} must be {wanted}, and `{text}` is not")]
    #[diagnostic(code(check::wrong_type))]
    BadValue {
        /// What it is for.
        what: String,
        /// With its article.
        wanted: String,
        /// As written.
        text: String,
        /// Where.
        #[label("not {wanted}")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// Two values that cannot be compared.
    #[error("{left} and {right} cannot be compared by `{operator}`")]
    #[diagnostic(code(check::wrong_type))]
    CannotCompare {
        /// With its article.
        left: String,
        /// With its article.
        right: String,
        /// The comparing words.
        operator: &'static str,
        /// The left one.
        #[label("{left}")]
        left_at: Span,
        /// The right one.
        #[label("{right}")]
        right_at: Span,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },

    /// Two values that cannot be calculated with.
    #[error("{left} {operator} {right} means nothing")]
    #[diagnostic(code(check::wrong_type))]
    CannotCalculate {
        /// With its article.
        left: String,
        /// With its article.
        right: String,
        /// The sign.
        operator: &'static str,
        /// The left one.
        #[label("{left}")]
        left_at: Span,
        /// The right one.
        #[label("{right}")]
        right_at: Span,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },

    /// A filter that cannot be used on what flows in, or is misused.
    #[error("`{filter}` cannot be used so: {why}")]
    #[diagnostic(code(check::wrong_filter))]
    WrongFilter {
        /// The filter.
        filter: String,
        /// What is wrong.
        why: String,
        /// Where.
        #[label("here")]
        at: Span,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },

    /// A parameter that must be given and is not.
    #[error("{what} needs `{name}`, {says}")]
    #[diagnostic(code(check::missing_argument), help("write `{example}`"))]
    MissingArgument {
        /// `` guard `replication` ``.
        what: String,
        /// The parameter.
        name: String,
        /// What it is, with its article.
        says: String,
        /// How it would be written.
        example: String,
        /// The call.
        #[label("not given here")]
        at: Span,
        /// Its declaration.
        #[label("declared here")]
        declared: Option<Span>,
    },

    /// More arguments than parameters.
    #[error("{what} takes {takes}, and this is one too many")]
    #[diagnostic(code(check::too_many_arguments))]
    TooManyArguments {
        /// `` verb `rm-cs` ``.
        what: String,
        /// `no arguments`, `` `cs` and `force` ``.
        takes: String,
        /// The first one too many.
        #[label("too many")]
        at: Span,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },

    /// A parameter that is given twice.
    #[error("`{name}` is given twice")]
    #[diagnostic(code(check::given_twice), help("keep one of the two"))]
    GivenTwice {
        /// The parameter.
        name: String,
        /// The second time.
        #[label("again here")]
        at: Span,
    },

    /// `$node` where no node is in hand.
    #[error("there is no node in hand here")]
    #[diagnostic(code(check::needs_node), help("{help}"))]
    NodeOutsideOn {
        /// Where.
        #[label("needs a node")]
        at: Span,
        /// What to write.
        help: String,
    },

    /// Something that needs a node, outside of `on`.
    #[error("{what} needs a node, and none is in hand here")]
    #[diagnostic(code(check::needs_node), help("{help}"))]
    NeedsNode {
        /// `` `stop` ``, `` guard `mounted` ``.
        what: String,
        /// Where.
        #[label("on which node?")]
        at: Span,
        /// What to write.
        help: String,
    },

    /// A bare `$node` inside of a nested `on`.
    #[error("`$node` could mean two nodes here")]
    #[diagnostic(
        code(check::ambiguous_node),
        help(
            "name the node that you mean where its `on` begins: `on each server of …`, then write `$server`"
        )
    )]
    AmbiguousNode {
        /// Where.
        #[label("of which `on`?")]
        at: Span,
        /// The outer one.
        #[label("this one's")]
        outer: Span,
        /// The inner one.
        #[label("or this one's")]
        inner: Span,
    },

    /// A set of nodes that is empty.
    #[error("{what} has no nodes")]
    #[diagnostic(
        code(check::empty_nodes),
        help("correct the set or the inventory; if it may be empty, write `, or none` before the `<`")
    )]
    EmptyNodes {
        /// `` group `s3_nodes` ``, `this set`.
        what: String,
        /// Where.
        #[label("not one node")]
        at: Span,
    },

    /// A set of nodes that cannot be read.
    #[error("{why}")]
    #[diagnostic(code(check::bad_nodes), help("write it as in `node[1-3,7]`"))]
    BadNodes {
        /// What is wrong.
        why: String,
        /// Where.
        #[label("here")]
        at: Span,
    },

    /// A block without a statement.
    #[error("nothing is done here")]
    #[diagnostic(
        code(check::empty_block),
        help("say what is to be done, or delete the `{word}`")
    )]
    EmptyBlock {
        /// The word that opens it.
        word: &'static str,
        /// Where.
        #[label("an empty block")]
        at: Span,
    },

    /// A loop over a list that has no items.
    #[error("this loop is over nothing")]
    #[diagnostic(code(check::empty_list), help("give the list an item, or delete the loop"))]
    EmptyList {
        /// Where.
        #[label("no items")]
        at: Span,
    },

    /// A service is acted upon where it does not run.
    #[error("{service} runs on none of these nodes")]
    #[diagnostic(code(check::not_its_nodes), help("write `on {group} …`, where it runs"))]
    NotItsNodes {
        /// The service.
        service: String,
        /// Its group.
        group: String,
        /// The act.
        #[label("acts on no node")]
        at: Span,
        /// The nodes.
        #[label("{nodes}")]
        on: Span,
        /// Folded.
        nodes: String,
    },

    /// Something that changes the cluster where only looking is allowed.
    #[error("{what} changes the cluster, and {place} only looks")]
    #[diagnostic(code(check::acts_while_looking), help("{help}"))]
    ActsWhileLooking {
        /// `` `stop` ``.
        what: String,
        /// `a guard`, `a fact`.
        place: &'static str,
        /// Where.
        #[label("an act")]
        at: Span,
        /// What to write.
        help: String,
    },

    /// Something that takes its time where an answer is wanted at once.
    #[error("`{word}` cannot stand in {place}")]
    #[diagnostic(
        code(check::waits_while_looking),
        help("it answers at once, yes or no; write `{word}` where it is asked")
    )]
    WaitsWhileLooking {
        /// `wait`, `retry`.
        word: &'static str,
        /// `a guard`, `a fact`.
        place: &'static str,
        /// Where.
        #[label("not here")]
        at: Span,
    },

    /// `$node.rack` in a text, where the dot is text.
    #[error("in a text `${name}.{field}` is `${name}` and then the plain text `.{field}`")]
    #[diagnostic(code(check::field_in_text), help("write `${{{name}.{field}}}`"))]
    FieldInText {
        /// The value.
        name: String,
        /// What follows the dot.
        field: String,
        /// Where.
        #[label("without braces")]
        at: Span,
    },

    /// `check` or `steady` outside a guard.
    #[error("`{word}` belongs in a guard")]
    #[diagnostic(code(check::only_in_guard), help("{help}"))]
    OnlyInGuard {
        /// `check`, `steady`.
        word: &'static str,
        /// Where.
        #[label("not in a guard")]
        at: Span,
        /// What to write.
        help: &'static str,
    },

    /// A declaration inside of a block.
    #[error("`{word}` stands at the top of a file only")]
    #[diagnostic(
        code(check::not_at_top),
        help("move it out of the block, to the top of the file")
    )]
    NotAtTop {
        /// The word that opens it.
        word: &'static str,
        /// Where.
        #[label("inside of a block")]
        at: Span,
    },

    /// An act at the top of a module.
    #[error("a module declares, and does nothing by itself")]
    #[diagnostic(code(check::acts_in_module), help("put it in a verb: `verb NAME < … >`"))]
    ActsInModule {
        /// Where.
        #[label("an act")]
        at: Span,
    },

    /// `irreversible`, `joins` or `leaves` elsewhere than at the head of a verb.
    #[error("`{word}` stands in the first lines of a verb only")]
    #[diagnostic(code(check::not_at_head), help("{help}"))]
    NotAtHead {
        /// The word.
        word: &'static str,
        /// Where.
        #[label("not at the head of a verb")]
        at: Span,
        /// What to write.
        help: &'static str,
    },

    /// A definition that comes back to itself.
    #[error("{what} `{name}` calls itself{chain}")]
    #[diagnostic(
        code(check::recursion),
        help("nothing may call itself; take one of the calls out")
    )]
    Recursion {
        /// `guard`, `verb`, `fact`.
        what: &'static str,
        /// Its name.
        name: String,
        /// `` , by way of `other` `` or nothing.
        chain: String,
        /// The call that closes the ring.
        #[label("called here")]
        at: Span,
        /// The definition.
        #[label("and declared here")]
        declared: Span,
    },

    /// A clause of a service that is missing.
    #[error("service `{service}` does not say {what}")]
    #[diagnostic(code(check::missing_clause), help("add the line `{example}`"))]
    MissingClause {
        /// The service.
        service: String,
        /// `on which nodes it runs`.
        what: &'static str,
        /// An example of the line.
        example: &'static str,
        /// Its name.
        #[label("this service")]
        at: Span,
    },

    /// A clause of a service that is said twice.
    #[error("`{clause}` is said twice")]
    #[diagnostic(code(check::duplicate_clause), help("keep one of the two lines"))]
    DuplicateClause {
        /// `may lose`, `on`.
        clause: &'static str,
        /// The second one.
        #[label("again here")]
        at: Span,
        /// The first one.
        #[label("first here")]
        first: Span,
    },

    /// `members are` that names no fact and column.
    #[error("`members are` does not say which column holds the nodes")]
    #[diagnostic(
        code(check::bad_members),
        help("write a fact, its rows if need be, and the column: `members are (mds | get host)`")
    )]
    BadMembers {
        /// Where.
        #[label("ends without `get COLUMN`")]
        at: Span,
    },

    /// Services that wait for each other.
    #[error("services come round in a ring: {chain}")]
    #[diagnostic(
        code(check::cyclic_order),
        help("none of them could come first; take one `{word}` out")
    )]
    CyclicOrder {
        /// `a → b → a`.
        chain: String,
        /// `needs`, `starts after`, `stops after`.
        word: &'static str,
        /// One of them.
        #[label("one of the ring")]
        at: Span,
    },

    /// A raw command that goes round a declared service.
    #[error("this goes round the guards of {service}")]
    #[diagnostic(
        code(check::goes_round_service),
        help("write `{action} {service}`: the same command, guarded")
    )]
    GoesRoundService {
        /// The service.
        service: String,
        /// What is done.
        action: String,
        /// The command.
        #[label("acts on a declared service")]
        at: Span,
    },

    /// A service is stopped on more nodes than its role can lose.
    #[error("this {does} {what}; {rule}")]
    #[diagnostic(code(check::stops_too_many), help("{help}"))]
    StopsTooMany {
        /// `stops`, `restarts`, `takes away`.
        does: &'static str,
        /// `5 of 5 metadata servers`.
        what: String,
        /// `a majority of 3 must stay`.
        rule: String,
        /// The statement.
        #[label("{label}")]
        at: Span,
        /// `away on node[1-5] then`.
        label: String,
        /// May lie in another file: all spans of a project share one number line.
        #[label("which this forbids")]
        budget: Span,
        /// What to write.
        help: String,
    },

    /// A service goes while another one that needs it still runs.
    #[error("this stops {service} while {by}, which needs it, still runs{where_}")]
    #[diagnostic(code(check::needed), help("{help}"))]
    Needed {
        /// The service that is stopped.
        service: String,
        /// The service that needs it.
        by: String,
        /// ` on node[1-3]`.
        where_: String,
        /// The statement.
        #[label("stopped here")]
        at: Span,
        /// The clause.
        #[label("needed here")]
        need: Span,
        /// What to write.
        help: String,
    },

    /// A service is started while one that it needs is away.
    #[error("this starts {service} before {needed}, which it needs")]
    #[diagnostic(code(check::needed), help("start {needed} first"))]
    StartedTooEarly {
        /// The service that is started.
        service: String,
        /// The service that it needs.
        needed: String,
        /// The statement.
        #[label("{needed} is still stopped here")]
        at: Span,
        /// The clause.
        #[label("needed here")]
        need: Span,
    },

    /// A service that nothing starts again.
    #[error("{service} is left stopped{where_}")]
    #[diagnostic(
        code(check::left_stopped),
        help("start it again, or say `leave {service} stopped \"why\"`")
    )]
    LeftStopped {
        /// The service.
        service: String,
        /// ` on node[1-3]`, ` at the end of the outage`.
        where_: String,
        /// The stop.
        #[label("stopped here, and not started after")]
        at: Span,
    },

    /// A script that goes on for longer than anybody could follow it.
    #[error("this script is too large to be checked for safety")]
    #[diagnostic(
        code(check::too_large),
        help("nothing is known of what comes after this; part the script, or loop over less")
    )]
    TooLargeToCheck {
        /// Where it was given up.
        #[label("followed as far as here")]
        at: Span,
    },

    /// Something irreversible that nobody confirms.
    #[error("`{verb}` cannot be taken back, and nothing asks before it")]
    #[diagnostic(
        code(check::unconfirmed),
        help("put a `require GUARD` or a `confirm \"question\"` before it")
    )]
    Unconfirmed {
        /// The verb.
        verb: String,
        /// The call.
        #[label("no guard and no `confirm` on the way here")]
        at: Span,
    },

    /// Something irreversible that would be repeated.
    #[error("`{verb}` cannot be taken back, so it must not be repeated")]
    #[diagnostic(code(check::irreversible_retried), help("move it out of the `retry`"))]
    IrreversibleRetried {
        /// The verb.
        verb: String,
        /// The call.
        #[label("irreversible")]
        at: Span,
        /// The `retry`.
        #[label("may do it again")]
        retry: Span,
    },

    /// A loop whose body can never be tried, or without an end.
    #[error("`{word}` must be {wanted}")]
    #[diagnostic(code(check::no_bound), help("{help}"))]
    NoBound {
        /// `retry`, `tolerating`, …
        word: &'static str,
        /// `at least 1`.
        wanted: &'static str,
        /// Where.
        #[label("here")]
        at: Span,
        /// What to write.
        help: &'static str,
    },

    /// A `$x` inside of quotes of a command text.
    #[error("`${name}` stands inside of quotes")]
    #[diagnostic(
        code(check::quoted_value),
        help(
            "drop the quotes: a value always becomes exactly one quoted word; the remote shell's own `$` is `\\$`"
        )
    )]
    QuotedValue {
        /// Without the `$`.
        name: String,
        /// The value.
        #[label("is quoted by itself")]
        at: Span,
    },

    /// A word of a command that is the name of a loop's variable.
    #[error("`{name}` is here the plain word, not the value of the loop")]
    #[diagnostic(code(check::forgotten_dollar), help("did you mean `${name}`?"))]
    ForgottenDollar {
        /// The name.
        name: String,
        /// The word.
        #[label("without its `$`")]
        at: Span,
        /// The loop.
        #[label("the loop sets `${name}`")]
        set: Span,
    },

    /// A `|` or `;` that hides the status of a command before it.
    #[error("`{sign}` hides whether the command before it failed")]
    #[diagnostic(code(check::hidden_status), help("{help}"))]
    HiddenStatus {
        /// `|` or `;`.
        sign: &'static str,
        /// Where.
        #[label("only the last command's status counts")]
        at: Span,
        /// What to write.
        help: &'static str,
    },

    /// Something that is no command text where one must be.
    #[error("{given} is not a command")]
    #[diagnostic(code(check::not_a_command), help("{help}"))]
    NotCommand {
        /// With its article.
        given: String,
        /// Where.
        #[label("not a command text")]
        at: Span,
        /// What to write.
        help: String,
    },

    /// A secret that would be seen.
    #[error("secret `${name}` would be seen here")]
    #[diagnostic(
        code(check::secret_shown),
        help("give it to a command as `input=${name}`, which is neither shown nor logged")
    )]
    SecretShown {
        /// Without the `$`.
        name: String,
        /// Where.
        #[label("on a command line, in a text or in a log")]
        at: Span,
    },

    /// A module that uses itself.
    #[error("`{name}` uses itself{chain}")]
    #[diagnostic(code(check::cyclic_use), help("take one of the `use` lines out"))]
    CyclicUse {
        /// The module or file.
        name: String,
        /// `` , by way of `other` `` or nothing.
        chain: String,
        /// The line that closes the ring.
        #[label("closes the ring")]
        at: Span,
    },

    /// A module that is not there.
    #[error("there is no module `{name}`")]
    #[diagnostic(code(check::unknown_module))]
    UnknownModule {
        /// As written.
        name: String,
        /// Where.
        #[label("not in the standard library")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A file that cannot be read.
    #[error("`{path}` cannot be read: {why}")]
    #[diagnostic(
        code(check::file_not_read),
        help("the path is taken from the folder of the file that says `use`")
    )]
    FileNotRead {
        /// As written.
        path: String,
        /// What the system said.
        why: String,
        /// Where.
        #[label("used here")]
        at: Span,
    },

    /// A `with` that stands for nothing.
    #[error("module `{module}` needs no group `{group}`")]
    #[diagnostic(code(check::unknown_group))]
    UnknownModuleGroup {
        /// The module.
        module: String,
        /// As written.
        group: String,
        /// Where.
        #[label("not a group of it")]
        at: Span,
        /// What there is.
        #[help]
        help: Option<String>,
    },

    /// A version of the language that this program does not speak.
    #[error("this is language 1, and the script wants language {wanted}")]
    #[diagnostic(code(check::language), help("take a newer quorate, or write `language 1`"))]
    Language {
        /// As written.
        wanted: i64,
        /// Where.
        #[label("not known here")]
        at: Span,
    },

    /// Two questions that one `--answer` would answer.
    #[error("two questions are called `{name}`")]
    #[diagnostic(
        code(check::question_twice),
        help("give each a name of its own: one `--answer {name}=yes` would answer both")
    )]
    QuestionTwice {
        /// The name after `as`.
        name: String,
        /// The second one.
        #[label("again here")]
        at: Span,
        /// The first one.
        #[label("first here")]
        first: Span,
    },
}

impl CheckError {
    /// Whether names and types are sound all the same, so that the script could be run by
    /// somebody who says why.
    pub fn leaves_it_runnable(&self) -> bool {
        use CheckError as E;
        matches!(
            self,
            E::UnusedName { .. }
                | E::GoesRoundService { .. }
                | E::SameCommand { .. }
                | E::StopsTooMany { .. }
                | E::Needed { .. }
                | E::StartedTooEarly { .. }
                | E::LeftStopped { .. }
                | E::TooLargeToCheck { .. }
                | E::Unconfirmed { .. }
                | E::IrreversibleRetried { .. }
                | E::ForgottenDollar { .. }
                | E::HiddenStatus { .. }
                | E::NotItsNodes { .. }
                | E::FieldInText { .. }
        )
    }
}
