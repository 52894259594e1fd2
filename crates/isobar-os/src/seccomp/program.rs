//! Decision graphs, and their layout as a classic BPF program.
//!
//! The assembler builds nodes; equal nodes are one node, so equal argument rules share their code.
//! [`Program::layout`] then writes instructions from the last to the first: whatever a branch
//! leads to is already in place, and its distance is known. A branch reaches 255 instructions;
//! beyond that it gets a return of its own, or an unconditional jump, which reaches everything.
//! Invariant: the layout holds no instruction that cannot be reached.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::instruction::{ANY_BIT, AT_LEAST, EQUAL, Instruction, JUMP, LOAD, MASK, RETURN};

/// Multiplies and rotates. The keys are our own, so nobody aims at collisions, and the standard
/// hasher would take a third of the assembly.
#[derive(Clone, Copy, Debug, Default)]
struct PlainHasher(u64);

impl Hasher for PlainHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let value = chunk.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
            // 2^64 divided by the golden ratio, odd.
            self.0 = (self.0.rotate_left(29) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
}

type Map<K, V> = HashMap<K, V, BuildHasherDefault<PlainHasher>>;

/// A node of a [`Program`]; valid for the program that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(usize);

/// The comparison of a branch, with the accumulator on the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Comparison {
    /// Equal to the operand.
    Equal,
    /// Not less than the operand, unsigned.
    AtLeast,
    /// At least one bit in common with the operand.
    AnyBit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    Return(u32),
    Load { offset: u32, next: Id },
    Mask { bits: u32, next: Id },
    Branch { comparison: Comparison, operand: u32, yes: Id, no: Id },
}

/// From `start` on, up to the next cut, values lead to `target`.
#[derive(Clone, Copy, Debug)]
struct Cut {
    start: u32,
    target: Id,
}

/// A decision graph under construction.
#[derive(Debug, Default)]
pub(super) struct Program {
    nodes: Vec<Node>,
    known: Map<Node, Id>,
}

impl Program {
    fn add(&mut self, node: Node) -> Id {
        let next = Id(self.nodes.len());
        let id = *self.known.entry(node).or_insert(next);
        if id == next {
            self.nodes.push(node);
        }
        id
    }

    /// Ends with the seccomp action `value`.
    pub(super) fn end(&mut self, value: u32) -> Id {
        self.add(Node::Return(value))
    }

    /// Loads the word at `offset` bytes of the call's data, then goes on at `next`.
    pub(super) fn load(&mut self, offset: u32, next: Id) -> Id {
        self.add(Node::Load { offset, next })
    }

    /// Keeps only `bits` of the loaded word; nothing to do when that is all of them.
    pub(super) fn mask(&mut self, bits: u32, next: Id) -> Id {
        if bits == u32::MAX { next } else { self.add(Node::Mask { bits, next }) }
    }

    /// Compares the loaded word with `operand`.
    pub(super) fn branch(&mut self, comparison: Comparison, operand: u32, yes: Id, no: Id) -> Id {
        if yes == no { yes } else { self.add(Node::Branch { comparison, operand, yes, no }) }
    }

    /// Looks the loaded word up among `points` (ascending, no value twice).
    ///
    /// Neighbours with one target become one range; the ranges become a balanced search.
    pub(super) fn lookup(&mut self, points: &[(u32, Id)], otherwise: Id) -> Id {
        let mut cuts: Vec<Cut> = Vec::new();
        let mut add = |start, target| {
            let before = cuts.last().map_or(otherwise, |cut| cut.target);
            if before != target {
                cuts.push(Cut { start, target });
            }
        };
        // The first value behind the last point; none when that was the greatest of all.
        let mut end = Some(0);
        for &(value, target) in points {
            if let Some(start) = end.filter(|start| *start < value) {
                add(start, otherwise);
            }
            add(value, target);
            end = value.checked_add(1);
        }
        if let Some(start) = end {
            add(start, otherwise);
        }
        self.search(otherwise, &cuts)
    }

    /// `base` holds below the first cut.
    fn search(&mut self, base: Id, cuts: &[Cut]) -> Id {
        // A lone value costs one comparison instead of two, as long as the chain stays short.
        if let [point, end, rest @ ..] = cuts
            && rest.len() <= 2
            && end.target == base
            && end.start - point.start == 1
        {
            let no = self.search(base, rest);
            return self.branch(Comparison::Equal, point.start, point.target, no);
        }
        let (low, high) = cuts.split_at(cuts.len() / 2);
        let Some((pivot, high)) = high.split_first() else { return base };
        let yes = self.search(pivot.target, high);
        let no = self.search(base, low);
        self.branch(Comparison::AtLeast, pivot.start, yes, no)
    }

    fn node(&self, id: Id) -> Node {
        #[expect(
            clippy::indexing_slicing,
            reason = "an Id is made by `add` only, for a node that it has pushed; none is removed"
        )]
        self.nodes[id.0]
    }

    /// The instructions of the graph that starts at `entry`.
    pub(super) fn layout(&self, entry: Id) -> Vec<Instruction> {
        let mut layout = Layout { program: self, reversed: Vec::new(), placed: Map::default() };
        layout.place(entry);
        layout.reversed.reverse();
        layout.reversed
    }
}

/// Instructions in reverse order: the last of the program comes first.
struct Layout<'a> {
    program: &'a Program,
    reversed: Vec<Instruction>,
    /// Where the code of a node begins, as an index of `reversed`; of a return, its last copy.
    placed: Map<Id, usize>,
}

impl Layout<'_> {
    fn push(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> usize {
        self.reversed.push(Instruction { code, jt, jf, k });
        self.reversed.len() - 1
    }

    /// Instructions between the next one to be written and `target`.
    fn distance(&self, target: usize) -> usize {
        self.reversed.len() - target - 1
    }

    /// Writes the code of `id` once and tells where it begins.
    fn place(&mut self, id: Id) -> usize {
        if let Some(at) = self.placed.get(&id) {
            return *at;
        }
        let at = match self.program.node(id) {
            Node::Return(value) => self.push(RETURN, 0, 0, value),
            Node::Load { offset, next } => {
                self.reach(next, 0);
                self.push(LOAD, 0, 0, offset)
            }
            Node::Mask { bits, next } => {
                self.reach(next, 0);
                self.push(MASK, 0, 0, bits)
            }
            Node::Branch { comparison, operand, yes, no } => {
                // Subgraphs first, so that nothing but returns and jumps comes between.
                for target in [no, yes] {
                    if !matches!(self.program.node(target), Node::Return(_)) {
                        self.place(target);
                    }
                }
                // One less: the second target may need an instruction of its own.
                let no = self.reach(no, 254);
                let yes = self.reach(yes, 255);
                let (yes, no) = (self.short_distance(yes), self.short_distance(no));
                let code = match comparison {
                    Comparison::Equal => EQUAL,
                    Comparison::AtLeast => AT_LEAST,
                    Comparison::AnyBit => ANY_BIT,
                };
                self.push(code, yes, no, operand)
            }
        };
        self.placed.insert(id, at);
        at
    }

    /// A place at most `limit` instructions away from the next one that leads to `id`.
    fn reach(&mut self, id: Id, limit: usize) -> usize {
        if let Some(at) = self.placed.get(&id)
            && self.distance(*at) <= limit
        {
            return *at;
        }
        if let Node::Return(value) = self.program.node(id) {
            let at = self.push(RETURN, 0, 0, value);
            self.placed.insert(id, at);
            return at;
        }
        let target = self.place(id);
        let distance = self.distance(target);
        if distance <= limit {
            return target;
        }
        // A program far above MAX_INSTRUCTIONS is refused by `check` later.
        self.push(JUMP, 0, 0, u32::try_from(distance).unwrap_or(u32::MAX))
    }

    fn short_distance(&self, target: usize) -> u8 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "`reach` has brought the target within 255 instructions"
        )]
        let distance = self.distance(target) as u8;
        distance
    }
}
