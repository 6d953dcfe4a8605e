//! Tokens to the tree, and what is wrong with them.
//!
//! **Invariant:** iterative: no text, however deep, needs more of the stack; each step goes forward, so it ends.
//! Not here: which brace is the wrong one (`braces`).

use super::braces::{self, Repair};
use super::findings::Findings;
use super::lex;
use super::tree::{Item, ItemKind, Kind, NONE, Tree};
use super::values;

/// The tree of a text, and what is wrong with the text.
pub fn tree<'t>(text: &'t str, found: &mut Findings) -> Tree<'t> {
    let tokens = lex::tokens(text, found);
    let repair = braces::repair(text, &tokens, found);
    let items = Vec::with_capacity(tokens.len() / 4);
    let mut builder = Builder {
        tree: Tree { text, tokens, items },
        at: 0,
        open: Vec::new(),
        repair,
        closes: 0,
        opens: 0,
        trimmed: (0, 0),
        found,
    };
    builder.run();
    builder.tree
}

/// A block that is being read.
struct Open {
    node: usize,
    block: usize,
    /// Whether its node has a block that is not commented out.
    real: bool,
}

pub(super) struct Builder<'t, 'f> {
    pub tree: Tree<'t>,
    pub at: usize,
    open: Vec<Open>,
    repair: Repair,
    /// How many of the repair's closes and opens have been used.
    closes: usize,
    opens: usize,
    /// The last place at which blocks ended without a brace, and the end of what stands before it.
    trimmed: (usize, usize),
    pub found: &'f mut Findings,
}

/// What has been read of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Entries,
    /// Only a block that is commented out so far.
    Commented,
    Block,
}

impl Builder<'_, '_> {
    fn run(&mut self) {
        loop {
            self.skip_between();
            if self.repair.closes.get(self.closes).is_some_and(|before| *before as usize <= self.at) {
                self.closes += 1;
                self.close(NONE);
                continue;
            }
            match self.kind() {
                Kind::End => break,
                Kind::CloseBrace => self.closing(),
                Kind::Semicolon => {
                    let at = self.start();
                    let finding = self.found.syntax(at, at + 1, "a `;` ends nothing").here("no node before it");
                    let span = self.found.span(at, at + 1);
                    self.found.push(finding.fix("remove it", crate::diag::Applicability::Safe, span, ""));
                    self.at += 1;
                }
                _other => self.node(),
            }
        }
        while !self.open.is_empty() {
            self.close(NONE);
        }
    }

    pub fn kind(&self) -> Kind {
        self.tree.kind(self.at)
    }

    pub fn start(&self) -> usize {
        self.tree.start(self.at)
    }

    fn skip_between(&mut self) {
        while self.kind().is_between() {
            self.at += 1;
        }
    }

    pub fn skip_spaces(&mut self) -> bool {
        let before = self.at;
        while self.kind().is_space() {
            self.at += 1;
        }
        self.at > before
    }

    pub fn item(&mut self, kind: ItemKind, first: usize, commented: bool) -> usize {
        let first = first as u32;
        let item = Item { kind, commented, broken: false, first, last: first, next: NONE, name: NONE, value: NONE };
        self.tree.items.push(item);
        self.tree.items.len() - 1
    }

    pub fn end(&mut self, item: usize, last: usize) {
        let next = self.tree.items.len() as u32;
        let item = &mut self.tree.items[item];
        (item.last, item.next) = (last as u32, next);
    }

    fn closing(&mut self) {
        let stray = self.repair.strays.binary_search(&(self.at as u32)).is_ok();
        if stray || self.open.is_empty() {
            self.at += 1;
            return;
        }
        let brace = self.at;
        self.at += 1;
        let (node, real) = self.close(brace as u32);
        self.entries(node, if real { Part::Block } else { Part::Commented });
    }

    /// Ends the innermost block, at its brace or where it is taken to end; gives its node.
    fn close(&mut self, brace: u32) -> (usize, bool) {
        let Some(open) = self.open.pop() else { return (0, false) };
        let last = if brace == NONE { self.trimmed() } else { self.at };
        self.tree.items[open.block].value = brace;
        self.end(open.block, last);
        self.end(open.node, last);
        (open.node, open.real)
    }

    /// One past the last token before this one that is not between nodes.
    fn trimmed(&mut self) -> usize {
        if self.trimmed.0 != self.at {
            let mut at = self.at;
            while at > 0 && self.tree.kind(at - 1).is_between() {
                at -= 1;
            }
            self.found.looked += self.at - at;
            self.trimmed = (self.at, at);
        }
        self.trimmed.1
    }

    fn node(&mut self) {
        let first = self.at;
        let commented = self.kind() == Kind::Slashdash;
        let node = self.item(ItemKind::Node, first, commented);
        if commented && !self.after_slashdash() {
            return self.end(node, self.at);
        }
        if self.kind() == Kind::OpenParen {
            values::annotation(self, node);
        }
        if self.kind().is_text() {
            self.tree.items[node].name = self.at as u32;
            values::name(self, node);
        } else if self.kind() != Kind::OpenBrace || !self.tree.items[node].broken {
            values::no_name(self, node);
        }
        self.entries(node, Part::Entries);
    }

    /// Past `/-` and what may stand behind it; false, with a finding, where it takes nothing away.
    fn after_slashdash(&mut self) -> bool {
        let at = self.start();
        self.at += 1;
        self.skip_between();
        if !matches!(self.kind(), Kind::End | Kind::CloseBrace | Kind::Semicolon | Kind::Slashdash) {
            return true;
        }
        let finding = self.found.syntax(at, at + 2, "`/-` has nothing to take away");
        self.found.push(finding.here("nothing behind it").help("remove it, or write `//` for a comment"));
        false
    }

    /// The values, properties and blocks of a node, up to its end or into its next block.
    fn entries(&mut self, node: usize, part: Part) {
        loop {
            let before = self.at;
            self.skip_spaces();
            match self.kind() {
                Kind::Newline | Kind::LineComment if self.opens_here() => return self.virtual_block(node),
                Kind::Newline | Kind::LineComment | Kind::End | Kind::CloseBrace => return self.end(node, before),
                Kind::Semicolon => {
                    self.end(node, before);
                    self.at += 1;
                    return;
                }
                Kind::OpenBrace => return self.block(node, false, self.at, part),
                Kind::Slashdash => {
                    let first = self.at;
                    if !self.after_slashdash() {
                        self.tree.items[node].broken = true;
                    } else if self.kind() == Kind::OpenBrace {
                        return self.block(node, true, first, part);
                    } else if part == Part::Entries {
                        values::entry(self, node, first, true);
                    } else {
                        return self.behind_block(node, before, part);
                    }
                }
                _other if part != Part::Entries => return self.behind_block(node, before, part),
                _other => values::entry(self, node, self.at, false),
            }
        }
    }

    fn opens_here(&self) -> bool {
        self.repair.opens.get(self.opens).is_some_and(|end| *end as usize == self.at)
    }

    /// A block whose brace is missing, which has been said.
    fn virtual_block(&mut self, node: usize) {
        self.opens += 1;
        let block = self.item(ItemKind::Block, self.at, false);
        self.open.push(Open { node, block, real: true });
    }

    fn block(&mut self, node: usize, commented: bool, first: usize, part: Part) {
        let brace = self.at;
        if !commented && part == Part::Block {
            let at = self.start();
            let finding = self.found.syntax(at, at + 1, "a node has two blocks");
            self.found.push(finding.here("the second one").help("a node has one block at most: join them"));
        }
        let block = self.item(ItemKind::Block, first, commented);
        self.tree.items[block].name = brace as u32;
        self.at += 1;
        self.open.push(Open { node, block, real: !commented || part == Part::Block });
    }

    /// Something that is no block stands behind a block: it begins another node, in the reader's eyes too.
    fn behind_block(&mut self, node: usize, last: usize, part: Part) {
        let at = self.start();
        self.end(node, last);
        let end = self.tree.end(self.at);
        let block = if part == Part::Commented { "a block that is commented out" } else { "a block" };
        let finding = self.found.syntax(at, end, format!("something stands behind {block}"));
        let finding = finding.here("a line end or `;` is missing before it");
        self.found
            .push(finding.help("a node's values stand before its block; another node begins in a line of its own"));
    }
}
