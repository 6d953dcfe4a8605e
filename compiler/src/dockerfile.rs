//! Dockerfiles: text → instructions → what an image without RUN is made of, or why not.
//!
//! **Invariant:** `parse` is total and every instruction has its byte span; what cannot be built is named by
//! `buildable`, never ignored.
//! Not here: reading the build context, writing the image.
//!
//! After <https://docs.docker.com/reference/dockerfile/> and BuildKit's parser where that leaves something open.

mod lex;
mod scratch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

/// A Dockerfile as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// `\`, or the backtick that a directive asks for.
    pub escape: char,
    pub instructions: Vec<Instruction>,
}

/// One instruction, its continued lines joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Bytes from the keyword to the end of the last line.
    pub span: Range<usize>,
    /// In upper case.
    pub keyword: String,
    /// `--name=value` in front of the arguments; a flag without a value has an empty one.
    pub flags: Vec<(String, String)>,
    /// The rest, without comments, continuation marks and blanks around it.
    pub rest: String,
    /// It has a here-document, whose lines belong to the span.
    pub heredoc: bool,
}

/// An image that needs no command to run and no other image: what is copied where, and its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScratchBuild {
    /// In order; each makes a layer.
    pub steps: Vec<BuildStep>,
    /// In order of their first setting.
    pub env: Vec<(String, String)>,
    /// Absolute; empty if there is none.
    pub workdir: String,
    pub user: String,
    pub labels: BTreeMap<String, String>,
    pub entrypoint: Option<Vec<String>>,
    pub cmd: Option<Vec<String>>,
    /// `80/tcp`.
    pub exposed: BTreeSet<String>,
    pub volumes: BTreeSet<String>,
    pub stop_signal: String,
    pub author: String,
    pub platform: Platform,
}

/// What an image is for. Without `--platform` it is linux/amd64, on whatever machine it is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    pub variant: String,
}

impl Default for Platform {
    fn default() -> Platform {
        Platform { os: "linux".to_owned(), architecture: "amd64".to_owned(), variant: String::new() }
    }
}

/// What makes a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildStep {
    Copy(Copy),
    /// A folder that is made if it is not there; absolute.
    Workdir(String),
}

/// Files and folders of the context and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    pub span: Range<usize>,
    /// Relative to the context, without `..`; may hold the wildcards `*`, `?` and `[…]`.
    pub sources: Vec<String>,
    /// Absolute; ends with `/` if it is a folder.
    pub destination: String,
    /// Owner of what is copied.
    pub uid: u32,
    pub gid: u32,
    /// Permission bits of everything that is copied, instead of its own.
    pub mode: Option<u32>,
}

/// Why a Dockerfile is not built here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub span: Range<usize>,
    /// The keyword; empty if the file as a whole is meant.
    pub instruction: String,
    pub reason: String,
    /// What would be needed, or what to write instead; empty where the instruction is simply wrong.
    pub needs: String,
    /// A source lies outside of the build context.
    pub outside: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.needs.is_empty() {
            true => write!(f, "{}", self.reason),
            false => write!(f, "{}; it needs {}", self.reason, self.needs),
        }
    }
}

/// What the image is made of, or everything that stands in the way.
pub fn buildable(file: &Dockerfile) -> Result<ScratchBuild, Vec<Refusal>> {
    scratch::build(file)
}

/// Reads a Dockerfile; unknown instructions and wrong arguments are found by [`buildable`].
pub fn parse(text: &str) -> Dockerfile {
    let mut lines = Lines { text, at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 } };
    let escape = directives(&lines).unwrap_or('\\');
    let mut instructions = Vec::new();
    while let Some(line) = lines.next() {
        let content = text[line.clone()].trim();
        if !content.is_empty() && !content.starts_with('#') {
            instructions.push(instruction(text, line, &mut lines, escape));
        }
    }
    Dockerfile { escape, instructions }
}

/// The lines of a text as byte ranges without their line ends.
struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        if self.at >= self.text.len() {
            return None;
        }
        let start = self.at;
        let end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        self.at = end + 1;
        let end = if self.text[start..end].ends_with('\r') { end - 1 } else { end };
        Some(start..end)
    }
}

/// The escape character, if a directive in front of everything else names one.
fn directives(lines: &Lines<'_>) -> Option<char> {
    for line in (Lines { text: lines.text, at: lines.at }) {
        let comment = lines.text[line].trim().strip_prefix('#')?;
        let (key, value) = comment.split_once('=')?;
        let key = key.trim().to_ascii_lowercase();
        if key == "escape" {
            return value.trim().chars().next().filter(|ch| ['\\', '`'].contains(ch));
        }
        if !["syntax", "check"].contains(&key.as_str()) {
            return None;
        }
    }
    None
}

fn instruction(text: &str, first: Range<usize>, lines: &mut Lines<'_>, escape: char) -> Instruction {
    let start = first.start + (text[first.clone()].len() - text[first.clone()].trim_start().len());
    let mut end = first.end;
    let mut joined = String::new();
    let mut line = text[start..first.end].to_owned();
    loop {
        let continued = line.trim_end().strip_suffix(escape).map(str::to_owned);
        joined.push_str(continued.as_deref().unwrap_or(&line));
        if continued.is_none() {
            break;
        }
        // Comments and empty lines between continued lines do not end the instruction.
        let skipped = |line: &Range<usize>| {
            let content = text[line.clone()].trim();
            content.is_empty() || content.starts_with('#')
        };
        let Some(next) = lines.by_ref().find(|line| !skipped(line)) else {
            break;
        };
        end = next.end;
        line = text[next].to_owned();
    }
    let joined = joined.trim();
    let (keyword, rest) = joined.split_once(char::is_whitespace).unwrap_or((joined, ""));
    let keyword = keyword.to_ascii_uppercase();
    let (flags, rest) = flags(rest);
    let delimiters = match keyword.as_str() {
        "RUN" | "COPY" | "ADD" => lex::heredocs(&rest),
        _ => Vec::new(),
    };
    for (name, strip_tabs) in &delimiters {
        for line in lines.by_ref() {
            end = line.end;
            let content = &text[line];
            let content = if *strip_tabs { content.trim_start_matches('\t') } else { content };
            if content == name {
                break;
            }
        }
    }
    Instruction { span: start..end, keyword, flags, rest, heredoc: !delimiters.is_empty() }
}

fn flags(rest: &str) -> (Vec<(String, String)>, String) {
    let mut flags = Vec::new();
    let mut rest = rest.trim();
    while let Some(flag) = rest.strip_prefix("--") {
        let (flag, behind) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        flags.push((name.to_owned(), value.to_owned()));
        rest = behind.trim_start();
    }
    (flags, rest.to_owned())
}
