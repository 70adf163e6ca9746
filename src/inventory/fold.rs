use std::collections::{BTreeSet, HashMap};

use super::NodeName;
use super::range::{DIGITS, fold_numbers};

/// Names that differ in their numbers only: for each number's place, which ones stand there.
struct Family<'a> {
    texts: Vec<&'a str>,
    members: Vec<Vec<Vec<&'a str>>>,
}

/// Writes names folded: `n[1-2]-ib[0-1]`.
pub(super) fn fold_names(names: &BTreeSet<NodeName>) -> String {
    let mut families: Vec<Family<'_>> = Vec::new();
    let mut known: HashMap<Vec<&str>, usize> = HashMap::new();
    for name in names {
        let (texts, numbers) = split_name(name.as_str());
        let index = *known.entry(texts).or_insert_with_key(|texts| {
            families.push(Family {
                texts: texts.clone(),
                members: Vec::new(),
            });
            families.len() - 1
        });
        families[index]
            .members
            .push(numbers.into_iter().map(|number| vec![number]).collect());
    }
    let folded: Vec<String> = families.into_iter().flat_map(fold_family).collect();
    folded.join(",")
}

/// Cuts `n1-ib0` into `n`, `-ib`, `` and the numbers between them. What has more digits
/// than are counted with stays text.
fn split_name(name: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
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
    (texts, numbers)
}

/// Joins members that agree in all places but one, place by place from the last.
fn fold_family(family: Family<'_>) -> Vec<String> {
    let mut members = family.members;
    for place in (0..family.texts.len() - 1).rev() {
        let mut known: HashMap<Vec<Vec<&str>>, usize> = HashMap::new();
        let mut joined: Vec<Vec<Vec<&str>>> = Vec::new();
        for mut member in members {
            let numbers = std::mem::take(&mut member[place]);
            if let Some(index) = known.get(&member) {
                joined[*index][place].extend(numbers);
                continue;
            }
            known.insert(member.clone(), joined.len());
            member[place] = numbers;
            joined.push(member);
        }
        members = joined;
    }
    let write = |member: Vec<Vec<&str>>| {
        let mut written = family.texts[0].to_owned();
        for (numbers, text) in member.iter().zip(&family.texts[1..]) {
            match numbers.as_slice() {
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
    };
    members.into_iter().map(write).collect()
}
