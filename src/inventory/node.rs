use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A node's name as the inventory writes it.
///
/// Ordered as people count: `mds2` before `mds10`. It does not borrow as `str`, since text has
/// another order and a sorted map would look in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodeName(Arc<str>);

impl NodeName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for NodeName {
    fn from(name: &str) -> Self {
        NodeName(name.into())
    }
}

impl From<String> for NodeName {
    fn from(name: String) -> Self {
        NodeName(name.into())
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl Ord for NodeName {
    fn cmp(&self, other: &Self) -> Ordering {
        natural(&self.0, &other.0).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for NodeName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares runs of digits by their number and the rest byte by byte.
fn natural(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    loop {
        match (left.first(), right.first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (one, rest_left) = digits(left);
                let (two, rest_right) = digits(right);
                let (bare_one, bare_two) = (without_zeros(one), without_zeros(two));
                let order = bare_one
                    .len()
                    .cmp(&bare_two.len())
                    .then_with(|| bare_one.cmp(bare_two));
                if order != Ordering::Equal {
                    return order;
                }
                (left, right) = (rest_left, rest_right);
            }
            (Some(a), Some(b)) if a == b => (left, right) = (&left[1..], &right[1..]),
            (Some(a), Some(b)) => return a.cmp(b),
        }
    }
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let start = digits
        .iter()
        .position(|digit| *digit != b'0')
        .unwrap_or(digits.len());
    &digits[start..]
}

/// A node as the inventory describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The name used everywhere.
    pub name: NodeName,
    /// Where it is reached, when that is not its name.
    pub address: Option<String>,
    /// Other names and addresses that outputs may call it by.
    pub aliases: Vec<String>,
    /// How it is logged in to, where the inventory says so.
    pub login: Login,
    /// What else is known of it, such as `rack`: read in a script as `$node.rack`.
    pub variables: BTreeMap<String, String>,
    /// What the inventory knows under a name and cannot be read here, with what it is: `a
    /// template of Ansible`.
    pub withheld: BTreeMap<String, String>,
}

impl Node {
    /// A node of which nothing is known but its name.
    pub fn new(name: NodeName) -> Node {
        Node {
            name,
            address: None,
            aliases: Vec::new(),
            login: Login::default(),
            variables: BTreeMap::new(),
            withheld: BTreeMap::new(),
        }
    }
}

/// How a node is logged in to; what is not said here, the configuration of `ssh` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Login {
    /// The port of its ssh server.
    pub port: Option<u16>,
    /// Who logs in.
    pub user: Option<String>,
    /// The file of the private key.
    pub identity: Option<String>,
    /// More words for the command line of `ssh`, such as `-o` and `ProxyJump=gate`.
    pub arguments: Vec<String>,
    /// Whether it is this machine, and no connection is made.
    pub is_local: bool,
}
