use std::collections::{BTreeSet, HashMap};

use super::NodeName;
use super::range::{DIGITS, fold_numbers};

/// Names that differ in their numbers only.
struct Family<'a> {
    /// What stands before, between and after the numbers.
    texts: Vec<&'a str>,
    /// The numbers of all names, one name after the other.
    numbers: Vec<&'a str>,
}

/// Writes names folded: `n[1-2]-ib[0-1]`.
pub(super) fn fold_names(names: &BTreeSet<NodeName>) -> String {
    let mut families: Vec<Family<'_>> = Vec::new();
    let mut known: HashMap<Vec<&str>, usize> = HashMap::new();
    let mut last = usize::MAX;
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
    for name in names {
        split_name(name.as_str(), &mut texts, &mut numbers);
        // Neighbours are of one family more often than not.
        if families.get(last).is_none_or(|family| family.texts != texts) {
            last = *known.entry(texts.clone()).or_insert_with_key(|texts| {
                families.push(Family {
                    texts: texts.clone(),
                    numbers: Vec::new(),
                });
                families.len() - 1
            });
        }
        families[last].numbers.append(&mut numbers);
    }
    let folded: Vec<String> = families.iter().map(fold_family).collect();
    folded.join(",")
}

/// Cuts `n1-ib0` into `n`, `-ib`, `` and the numbers between them. What has more digits
/// than are counted with stays text.
fn split_name<'a>(name: &'a str, texts: &mut Vec<&'a str>, numbers: &mut Vec<&'a str>) {
    texts.clear();
    numbers.clear();
    let (mut text_start, mut at) = (0, 0);
    let bytes = name.as_bytes();
    while at < bytes.len() {
        let digits = bytes[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if (1..=DIGITS).contains(&digits) {
            texts.push(&name[text_start..at]);
            numbers.push(&name[at..at + digits]);
            text_start = at + digits;
        }
        at += digits.max(1);
    }
    texts.push(&name[text_start..]);
}

/// Writes a family in the shortest of the ways that are tried: members that agree in all places
/// but one are joined, place by place, and the order of the places decides what can be joined.
fn fold_family(family: &Family<'_>) -> String {
    let places = family.texts.len() - 1;
    match places {
        0 => return family.texts[0].to_owned(),
        1 => return write_member(family, &[family.numbers.as_slice()]),
        _ => {}
    }
    let mut lists = Lists::default();
    let singles: Vec<u32> = family
        .numbers
        .iter()
        .map(|number| lists.number(vec![number]))
        .collect();
    let mut best: Option<String> = None;
    // The first join has by far the most members; orders that begin alike share it.
    let mut begun: HashMap<usize, Vec<u32>> = HashMap::new();
    for order in orders(places) {
        let first = order[0];
        let begun = begun
            .entry(first)
            .or_insert_with(|| join_members(&singles, places, first, &mut lists));
        let mut members = begun.clone();
        let mut before = singles.len();
        let mut rest = &order[1..];
        loop {
            for place in rest {
                members = join_members(&members, places, *place, &mut lists);
            }
            if members.len() == before {
                break;
            }
            before = members.len();
            rest = &order;
        }
        let written: Vec<String> = members
            .chunks(places)
            .map(|member| {
                let numbers: Vec<&[&str]> = member
                    .iter()
                    .map(|list| lists.all[*list as usize].as_slice())
                    .collect();
                write_member(family, &numbers)
            })
            .collect();
        let is_whole = written.len() == 1;
        let folded = written.join(",");
        if best.as_ref().is_none_or(|best| folded.len() < best.len()) {
            best = Some(folded);
        }
        if is_whole {
            break;
        }
    }
    best.unwrap_or_default()
}

/// The orders of places that are tried: all of them for three places and fewer.
fn orders(places: usize) -> Vec<Vec<usize>> {
    match places {
        2 => vec![vec![1, 0], vec![0, 1]],
        3 => vec![
            vec![2, 1, 0],
            vec![2, 0, 1],
            vec![1, 2, 0],
            vec![1, 0, 2],
            vec![0, 2, 1],
            vec![0, 1, 2],
        ],
        _ => vec![(0..places).rev().collect(), (0..places).collect()],
    }
}

/// Lists of numbers, each known by a number of its own.
#[derive(Default)]
struct Lists<'a> {
    all: Vec<Vec<&'a str>>,
    known: HashMap<Vec<&'a str>, u32>,
}

impl<'a> Lists<'a> {
    fn number(&mut self, list: Vec<&'a str>) -> u32 {
        *self.known.entry(list).or_insert_with_key(|list| {
            self.all.push(list.clone());
            self.all.len() as u32 - 1
        })
    }
}

/// Joins the members that agree in all places but this one.
fn join_members(members: &[u32], places: usize, place: usize, lists: &mut Lists<'_>) -> Vec<u32> {
    let mut joined: Vec<u32> = Vec::new();
    // Which lists stand at the place, for each member that is kept.
    let mut parts: Vec<Vec<u32>> = Vec::new();
    let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
    for member in members.chunks(places) {
        let mut key = member.to_vec();
        key[place] = 0;
        let index = *known.entry(key).or_insert_with(|| {
            joined.extend(member);
            parts.push(Vec::new());
            parts.len() - 1
        });
        parts[index].push(member[place]);
    }
    for (index, parts) in parts.iter().enumerate().filter(|(_, parts)| parts.len() > 1) {
        let list: Vec<&str> = parts
            .iter()
            .flat_map(|part| lists.all[*part as usize].iter().copied())
            .collect();
        joined[index * places + place] = lists.number(list);
    }
    joined
}

fn write_member(family: &Family<'_>, numbers: &[&[&str]]) -> String {
    let mut written = family.texts[0].to_owned();
    for (numbers, text) in numbers.iter().zip(&family.texts[1..]) {
        match numbers {
            [number] => written.push_str(number),
            numbers => {
                written.push('[');
                written.push_str(&fold_numbers(numbers));
                written.push(']');
            }
        }
        written.push_str(text);
    }
    written
}
