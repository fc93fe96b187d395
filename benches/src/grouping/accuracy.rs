//! [`Accuracy`]: how well groups fit labels.

use std::collections::HashMap;

/// How well the groups of lines fit their labels, as the literature on log parsing defines it.
#[derive(Debug, PartialEq)]
pub(crate) struct Accuracy {
    /// The grouping accuracy: the share of lines whose group consists of exactly the lines of their label.
    pub(crate) lines: f64,
    /// The F1 score of group accuracy: the harmonic mean of the shares of groups and of labels for which that holds.
    pub(crate) groups: f64,
}

impl Accuracy {
    /// Compares the groups of lines with their labels.
    pub(crate) fn of(groups: &[String], labels: &[String]) -> Self {
        let (groups, labels) = (numbers(groups), numbers(labels));
        let mut group_sizes = HashMap::<usize, usize>::new();
        let mut label_sizes = HashMap::<usize, usize>::new();
        let mut pairs = HashMap::<(usize, usize), usize>::new();
        for (group, label) in groups.iter().zip(&labels) {
            *group_sizes.entry(*group).or_default() += 1;
            *label_sizes.entry(*label).or_default() += 1;
            *pairs.entry((*group, *label)).or_default() += 1;
        }
        // A group and a label are the same lines if they share as many lines as each of them has.
        let same = pairs.iter().filter(|((group, label), size)| {
            group_sizes[group] == **size && label_sizes[label] == **size
        });
        let (count, lines) =
            same.fold((0, 0), |(count, lines), (_, size)| (count + 1, lines + size));
        Self {
            lines: lines as f64 / groups.len() as f64,
            groups: 2.0 * f64::from(count) / (group_sizes.len() + label_sizes.len()) as f64,
        }
    }
}

/// Numbers equal texts alike.
fn numbers(texts: &[String]) -> Vec<usize> {
    let mut known = HashMap::new();
    texts
        .iter()
        .map(|text| {
            let next = known.len();
            *known.entry(text).or_insert(next)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accuracy(groups: &str, labels: &str) -> Accuracy {
        let split = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        Accuracy::of(&split(groups), &split(labels))
    }

    #[test]
    fn only_groups_with_exactly_the_lines_of_a_label_count() {
        assert_eq!(accuracy("xxyz", "aabc"), Accuracy { lines: 1.0, groups: 1.0 });
        // The group of `a` is right, `b` is split, and `c` and `d` are merged.
        assert_eq!(accuracy("xxyzww", "aabbcd"), Accuracy { lines: 2.0 / 6.0, groups: 2.0 / 8.0 });
        assert_eq!(accuracy("xx", "ab"), Accuracy { lines: 0.0, groups: 0.0 });
    }
}
