//! From instructions to an image that needs no command to run, or to the reasons why not.
//!
//! **Invariant:** every instruction is either taken over or refused; all refusals are reported at once.
//! Not here: the syntax.

use super::lex::{self, Vars};
use super::{BuildStep, Copy, Dockerfile, Instruction, Platform, Refusal, ScratchBuild};

/// How the reason ends where a source leaves the context.
const OUTSIDE: &str = "lies outside the build context";

const BUILDER: &str = "a builder that runs commands, such as BuildKit";

/// Reason and need of a refusal.
type Refused = (String, String);

pub(super) fn build(file: &Dockerfile) -> Result<ScratchBuild, Vec<Refusal>> {
    let mut state = State {
        escape: file.escape,
        build: ScratchBuild::default(),
        vars: Vars::new(),
        shell: vec!["/bin/sh".to_owned(), "-c".to_owned()],
        stages: 0,
    };
    let mut refusals = Vec::new();
    for instruction in &file.instructions {
        if let Err((reason, needs)) = state.take(instruction) {
            let (span, keyword) = (instruction.span.clone(), instruction.keyword.clone());
            let outside = reason.ends_with(OUTSIDE);
            refusals.push(Refusal { span, instruction: keyword, reason, needs, outside });
        }
    }
    if state.stages == 0 {
        let reason = "the Dockerfile has no FROM".to_owned();
        let needs = "`FROM scratch` as its first instruction".to_owned();
        refusals.push(Refusal { span: 0..0, instruction: String::new(), reason, needs, outside: false });
    }
    match refusals.is_empty() {
        true => Ok(state.build),
        false => Err(refusals),
    }
}

struct State {
    escape: char,
    build: ScratchBuild,
    vars: Vars,
    shell: Vec<String>,
    stages: u32,
}

fn refused(reason: impl Into<String>, needs: impl Into<String>) -> Refused {
    (reason.into(), needs.into())
}

fn wrong(reason: impl Into<String>) -> Refused {
    (reason.into(), String::new())
}

impl State {
    fn take(&mut self, instruction: &Instruction) -> Result<(), Refused> {
        let keyword = instruction.keyword.as_str();
        if instruction.heredoc && keyword != "RUN" {
            return Err(refused(format!("{keyword} with a here-document writes a file of its own"), BUILDER));
        }
        if !matches!(keyword, "FROM" | "ARG") && self.stages == 0 && is_known(keyword) {
            return Err(wrong(format!("{keyword} stands before FROM")));
        }
        if !matches!(keyword, "FROM" | "COPY" | "ADD" | "RUN" | "HEALTHCHECK")
            && let Some((flag, _)) = instruction.flags.first()
        {
            return Err(wrong(format!("{keyword} has no flag `--{flag}`")));
        }
        let rest = instruction.rest.as_str();
        if rest.is_empty() && is_known(keyword) {
            return Err(wrong(format!("{keyword} has no arguments")));
        }
        match keyword {
            "FROM" => self.from(instruction),
            "COPY" => self.copy(instruction),
            "ARG" => self.arg(rest),
            "ENV" => self.env(rest),
            "LABEL" => self.label(rest),
            "WORKDIR" => self.workdir(rest),
            "USER" => self.expand(rest).map(|user| self.build.user = user),
            "STOPSIGNAL" => self.expand(rest).map(|signal| self.build.stop_signal = signal),
            "EXPOSE" => self.expose(rest),
            "VOLUME" => self.volume(rest),
            "ENTRYPOINT" => {
                self.build.entrypoint = Some(self.command(rest));
                Ok(())
            }
            "CMD" => {
                self.build.cmd = Some(self.command(rest));
                Ok(())
            }
            "SHELL" => {
                self.shell = lex::json_form(rest).ok_or_else(|| wrong("SHELL takes a JSON list"))?;
                Ok(())
            }
            "MAINTAINER" => {
                self.build.author = rest.to_owned();
                Ok(())
            }
            other => Err(not_taken(other, rest)),
        }
    }

    fn expand(&self, word: &str) -> Result<String, Refused> {
        lex::expand(word, &self.vars, self.escape).map_err(wrong)
    }

    fn from(&mut self, instruction: &Instruction) -> Result<(), Refused> {
        self.stages += 1;
        let words: Vec<&str> = instruction.rest.split_whitespace().collect();
        let named = |word: &&str| word.eq_ignore_ascii_case("as");
        let (Some(image), true) = (words.first(), words.len() == 1 || (words.len() == 3 && named(&words[1]))) else {
            return Err(wrong("FROM takes an image and optionally `AS NAME`"));
        };
        let image = self.expand(image)?;
        if image != "scratch" {
            let reason = format!("the image starts from `{image}`, which would have to be pulled");
            return Err(refused(reason, "a builder that pulls base images, such as BuildKit; or `FROM scratch`"));
        }
        if self.stages > 1 {
            return Err(refused("the Dockerfile has several stages", "a builder with stages, such as BuildKit"));
        }
        for (flag, value) in &instruction.flags {
            if flag != "platform" {
                return Err(wrong(format!("FROM has no flag `--{flag}`")));
            }
            let value = self.expand(value)?;
            let mut parts = value.split('/').map(str::to_owned);
            let (Some(os), Some(architecture)) = (parts.next(), parts.next()) else {
                return Err(wrong(format!("`{value}` is not a platform such as linux/arm64")));
            };
            self.build.platform = Platform { os, architecture, variant: parts.next().unwrap_or_default() };
        }
        // What an ARG before FROM defines counts in FROM alone.
        self.vars.clear();
        Ok(())
    }

    fn copy(&mut self, instruction: &Instruction) -> Result<(), Refused> {
        let (mut owner, mut mode) = ((0, 0), None);
        for (flag, value) in &instruction.flags {
            let value = self.expand(value)?;
            match flag.as_str() {
                "chown" => owner = numeric_owner(&value)?,
                "chmod" => mode = Some(octal_mode(&value)?),
                "link" if ["", "true", "false"].contains(&value.as_str()) => {}
                "from" => {
                    let reason = format!("COPY --from={value} takes files out of another image or stage");
                    return Err(refused(reason, "a builder with stages, such as BuildKit"));
                }
                other => return Err(refused(format!("COPY --{other} is not supported"), "BuildKit")),
            }
        }
        let words = match lex::json_form(&instruction.rest) {
            Some(words) => words,
            None => instruction.rest.split_whitespace().map(str::to_owned).collect(),
        };
        let mut words = words.iter().map(|word| self.expand(word)).collect::<Result<Vec<_>, _>>()?;
        let Some(destination) = words.pop().filter(|_| !words.is_empty()) else {
            return Err(wrong("COPY takes at least one source and a destination"));
        };
        let many = words.len() > 1;
        if many && !destination.ends_with('/') {
            return Err(wrong("with several sources the destination of COPY is a folder and ends with `/`"));
        }
        let sources = words.iter().map(|source| inside(source)).collect::<Result<Vec<_>, _>>()?;
        let folder = destination.ends_with('/') || destination == "." || destination.ends_with("/.");
        let mut destination = join(&self.build.workdir, &destination);
        if folder && !destination.ends_with('/') {
            destination.push('/');
        }
        let span = instruction.span.clone();
        let (uid, gid) = owner;
        self.build.steps.push(BuildStep::Copy(Copy { span, sources, destination, uid, gid, mode }));
        Ok(())
    }

    fn arg(&mut self, rest: &str) -> Result<(), Refused> {
        for word in lex::quoted_words(rest, self.escape) {
            let Some((name, value)) = word.split_once('=') else {
                let reason = format!("nothing gives the build argument `{word}` a value");
                return Err(refused(reason, "a default, as in `ARG NAME=value`"));
            };
            let value = self.expand(value)?;
            // A value of ENV wins over one of ARG.
            if !self.build.env.iter().any(|(key, _)| key == name) {
                self.vars.insert(name.to_owned(), value);
            }
        }
        Ok(())
    }

    fn env(&mut self, rest: &str) -> Result<(), Refused> {
        // Values of one instruction see the variables as they were before it.
        for (key, value) in self.pairs("ENV", rest)? {
            self.vars.insert(key.clone(), value.clone());
            match self.build.env.iter_mut().find(|(known, _)| *known == key) {
                Some(known) => known.1 = value,
                None => self.build.env.push((key, value)),
            }
        }
        Ok(())
    }

    fn label(&mut self, rest: &str) -> Result<(), Refused> {
        let pairs = self.pairs("LABEL", rest)?;
        self.build.labels.extend(pairs);
        Ok(())
    }

    /// `a=b c="d e"`, or, if the first word has no `=`, a key and the rest of the line.
    fn pairs(&self, keyword: &str, rest: &str) -> Result<Vec<(String, String)>, Refused> {
        let words = lex::quoted_words(rest, self.escape);
        if words.first().is_some_and(|word| !word.contains('=')) {
            let (key, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            if value.trim().is_empty() {
                return Err(wrong(format!("{keyword} has a name without a value")));
            }
            return Ok(vec![(key.to_owned(), self.expand(value.trim())?)]);
        }
        let pair = |word: &String| match word.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((self.expand(key)?, self.expand(value)?)),
            Some(_) | None => Err(wrong(format!("`{word}` is not of the form NAME=value"))),
        };
        words.iter().map(pair).collect()
    }

    fn workdir(&mut self, rest: &str) -> Result<(), Refused> {
        let path = join(&self.build.workdir, &self.expand(rest)?);
        self.build.steps.push(BuildStep::Workdir(path.clone()));
        self.build.workdir = path;
        Ok(())
    }

    fn expose(&mut self, rest: &str) -> Result<(), Refused> {
        for word in rest.split_whitespace() {
            let word = self.expand(word)?;
            let (ports, protocol) = word.split_once('/').unwrap_or((&word, "tcp"));
            let protocol = protocol.to_ascii_lowercase();
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            let (first, last) = (first.parse::<u16>(), last.parse::<u16>());
            let (Ok(first), Ok(last), true) = (first, last, ["tcp", "udp", "sctp"].contains(&protocol.as_str())) else {
                return Err(wrong(format!("`{word}` is not a port such as 8080 or 53/udp")));
            };
            self.build.exposed.extend((first..=last).map(|port| format!("{port}/{protocol}")));
        }
        Ok(())
    }

    fn volume(&mut self, rest: &str) -> Result<(), Refused> {
        let words = match lex::json_form(rest) {
            Some(words) => words,
            None => rest.split_whitespace().map(str::to_owned).collect(),
        };
        for word in words {
            let path = self.expand(&word)?;
            self.build.volumes.insert(path);
        }
        Ok(())
    }

    /// The JSON form as it is, any other form given to the shell.
    fn command(&self, rest: &str) -> Vec<String> {
        lex::json_form(rest).unwrap_or_else(|| {
            let mut command = self.shell.clone();
            command.push(rest.to_owned());
            command
        })
    }
}

fn is_known(keyword: &str) -> bool {
    const KNOWN: [&str; 18] = [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ];
    KNOWN.contains(&keyword)
}

fn not_taken(keyword: &str, rest: &str) -> Refused {
    let is_remote = |word: &str| word.contains("://") || word.starts_with("git@");
    match keyword {
        "RUN" => refused("RUN executes a command while the image is built", BUILDER),
        "ADD" if rest.split_whitespace().any(is_remote) => {
            refused("ADD fetches a file from the network", "a builder with network access, such as BuildKit")
        }
        "ADD" => refused("ADD unpacks archives", "BuildKit, or COPY, which copies files as they are"),
        "ONBUILD" => refused("ONBUILD acts in builds that start from this image", BUILDER),
        "HEALTHCHECK" => {
            refused("an OCI image has no HEALTHCHECK, and Kubernetes reads none", "a probe in the manifest instead")
        }
        other => wrong(format!("`{other}` is not an instruction of Dockerfiles")),
    }
}

/// A source path without a leading slash, `.` and `..`; one that leaves the context is refused.
fn inside(source: &str) -> Result<String, Refused> {
    let mut parts: Vec<&str> = Vec::new();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                let reason = || format!("`{source}` {OUTSIDE}");
                parts.pop().ok_or_else(|| refused(reason(), "a `context` that holds the file"))?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// A path in the image, made absolute; a slash at its end stays.
fn join(workdir: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{workdir}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let slash = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{slash}", parts.join("/"))
}

fn numeric_owner(value: &str) -> Result<(u32, u32), Refused> {
    let (user, group) = value.split_once(':').unwrap_or((value, value));
    match (user.parse(), group.parse()) {
        (Ok(user), Ok(group)) => Ok((user, group)),
        _ => Err(refused(
            format!("`{value}` names a user, and an image from scratch has no list of users"),
            "numbers, as in `--chown=1000:1000`",
        )),
    }
}

fn octal_mode(value: &str) -> Result<u32, Refused> {
    let mode = u32::from_str_radix(value, 8).ok().filter(|mode| *mode <= 0o7777);
    mode.ok_or_else(|| refused(format!("`--chmod={value}` is not supported"), "an octal mode such as 0755"))
}
