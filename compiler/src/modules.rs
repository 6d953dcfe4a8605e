//! Modules: the tasks of other folders and repositories that a spec uses, followed from `use` to `use`.
//!
//! **Invariant:** only files below the project's folder are asked for: git modules are read from the copies that
//! `waybill vendor` made, and only if these are what `waybill.lock` says. A module sees nothing of the spec that uses it.
//! Not here: fetching (`waybill vendor` of the runtime).

pub mod address;
mod findings;
pub mod lock;

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Diagnostic, Diags, Severity, codes};
use crate::model::resolve::unique;
use crate::needs;
use crate::source::{Entry, FileId, Missing, Need, Sources, Span};
use crate::spec::reuse::{self, ModuleHead, Use};
use crate::spec::task::{self, Task};
use crate::spec::view::{self, Syntax, View};
use crate::spec::{self, ROOT, Spec};
use crate::syntax::Node;
use address::{Address, Pin};
use lock::Lock;

/// Most modules that use one another in a row.
pub const DEPTH: usize = 4;
/// Most uses of modules in a project, its modules' own included.
pub const LIMIT: usize = 64;

/// What `waybill vendor` wants to know of a spec.
#[derive(Debug, Default)]
pub struct Survey {
    /// Files that must be looked at first.
    pub needs: Vec<Need>,
    /// Repositories that the lock file lacks.
    pub unlocked: BTreeSet<Pin>,
    /// Repositories that are used and locked.
    pub locked: BTreeSet<Pin>,
    /// The files of modules by the folder of their copy, each with its path in it.
    pub files: BTreeMap<String, BTreeMap<String, FileId>>,
    /// What is wrong; nothing about the lock file and the copies.
    pub diags: Diags,
}

/// Brings the tasks of all modules into the spec; what must be read first is added to its needs.
pub fn bring(sources: &Sources, spec: &mut Spec, diags: &mut Diags) {
    let mut walk = Walk::over(sources, spec);
    spec.generated.needs.append(&mut walk.needs.iter().cloned().collect());
    if !walk.needs.is_empty() {
        return;
    }
    walk.judge();
    spec.torn |= walk.diags.has_errors();
    spec.tasks.append(&mut walk.tasks);
    spec.modules.append(&mut walk.names);
    diags.extend(walk.diags);
}

/// Follows the uses of a spec as far as they are locked and there.
pub fn survey(sources: &Sources) -> Survey {
    let mut diags = Diags::default();
    let files = match needs::spec_files(sources, &mut diags) {
        Ok(files) => files,
        Err(needs) => return Survey { needs, ..Survey::default() },
    };
    let spec = spec::lower(sources, &files, &mut diags);
    let mut walk = Walk::over(sources, &spec);
    if spec.torn {
        walk.diags.extend(diags.into_iter().filter(|finding| finding.severity == Severity::Error));
    }
    let relative = |(root, files): (String, BTreeSet<FileId>)| {
        let below = |file: FileId| (findings::below(&root, sources.path(file)), file);
        let files = files.into_iter().map(below).collect();
        (root, files)
    };
    Survey {
        needs: walk.needs.into_iter().collect(),
        unlocked: walk.unlocked.into_iter().map(|(pin, _)| pin).collect(),
        locked: walk.locked.into_keys().collect(),
        files: walk.copies.into_iter().map(relative).collect(),
        diags: walk.diags,
    }
}

/// Where a module is: below the project's folder, or below the copy of its repository.
#[derive(Clone)]
struct Place {
    /// What paths cannot leave: empty for the project's own folder.
    root: String,
    inner: Vec<String>,
    /// The repository that it is a copy of.
    pin: Option<Pin>,
}

impl Place {
    fn folder(&self) -> String {
        let root = Some(self.root.as_str()).filter(|root| !root.is_empty());
        root.into_iter().chain(self.inner.iter().map(String::as_str)).collect::<Vec<_>>().join("/")
    }

    /// As messages call it.
    fn shown(&self) -> String {
        let inner = self.inner.join("/");
        match &self.pin {
            Some(pin) if inner.is_empty() => pin.shown(),
            Some(pin) => format!("{inner} of {}", pin.shown()),
            None if inner.is_empty() => ".".into(),
            None => inner,
        }
    }
}

/// A module that is being followed, and the place that names it.
struct Link {
    place: Place,
    span: Span,
}

/// What was found so far.
struct Walk<'a> {
    sources: &'a Sources,
    needs: BTreeSet<Need>,
    /// `None` until a module from git needs it.
    lock: Option<Lock>,
    unlocked: Vec<(Pin, Span)>,
    locked: BTreeMap<Pin, Span>,
    copies: BTreeMap<String, BTreeSet<FileId>>,
    tasks: Vec<Task>,
    /// What the modules are called, one in another with a dot.
    names: Vec<String>,
    count: usize,
    diags: Diags,
}

impl<'a> Walk<'a> {
    fn over(sources: &'a Sources, spec: &Spec) -> Walk<'a> {
        let mut walk = Walk {
            sources,
            needs: BTreeSet::new(),
            lock: None,
            unlocked: Vec::new(),
            locked: BTreeMap::new(),
            copies: BTreeMap::new(),
            tasks: Vec::new(),
            names: Vec::new(),
            count: 0,
            diags: Diags::default(),
        };
        let place = Place { root: String::new(), inner: Vec::new(), pin: None };
        let mut chain = vec![Link { place, span: Span::start_of(FileId(0)) }];
        walk.follow(&spec.uses, "", &mut chain);
        walk
    }

    /// Follows the uses of the last module of the chain.
    fn follow(&mut self, uses: &[Use], prefix: &str, chain: &mut Vec<Link>) {
        unique(uses.iter().map(|used| &used.alias), "module", &mut self.diags);
        for used in uses {
            self.count += 1;
            let span = used.source.span;
            if self.count > LIMIT {
                if self.count == LIMIT + 1 {
                    self.diags.push(findings::too_many(span));
                }
                return;
            }
            let at = chain.last().expect("BUG: the chain begins with the project").place.clone();
            let Some(place) = self.place(used, &at) else { continue };
            let folder = place.folder();
            if let Some(from) = chain.iter().position(|link| link.place.folder() == folder) {
                self.diags.push(findings::cycle(&chain[from..], &place, span));
                continue;
            }
            if chain.len() > DEPTH {
                self.diags.push(findings::too_deep(span));
                continue;
            }
            chain.push(Link { place, span });
            self.module(used, prefix, chain);
            chain.pop();
        }
    }

    /// Where a use leads, as far as that can be said.
    fn place(&mut self, used: &Use, at: &Place) -> Option<Place> {
        match address::parse(&used.source.value) {
            Err(wrong) => {
                let message = format!("`{}` names no module", used.source.value);
                let finding = Diagnostic::new(&codes::MODULE_SOURCE, used.source.span, message);
                self.diags.push(finding.here(wrong.what).help(wrong.help));
                None
            }
            Ok(Address::Path(path)) => self.below(used, &path, at),
            Ok(Address::Git(pin)) => self.copy(used, pin),
        }
    }

    fn below(&mut self, used: &Use, path: &str, at: &Place) -> Option<Place> {
        if let Some(written) = &used.path {
            let message = "`path` is for modules from git";
            let finding = Diagnostic::new(&codes::MODULE_SOURCE, written.span, message).here("not for a folder");
            self.diags.push(finding.help("write the whole path in front").label(used.source.span, "this is a folder"));
            return None;
        }
        let mut place = at.clone();
        for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if part != ".." {
                place.inner.push(part.to_owned());
            } else if place.inner.pop().is_none() {
                let what = if at.pin.is_some() { "its repository" } else { "the project's folder" };
                let message = format!("`{path}` leads out of {what}");
                let finding = Diagnostic::new(&codes::MODULE_SOURCE, used.source.span, message);
                self.diags.push(finding.here("out of reach").help("use it from git: `git+URL#COMMIT`"));
                return None;
            }
        }
        Some(place)
    }

    /// The copy of a git repository, if it is locked.
    fn copy(&mut self, used: &Use, pin: Pin) -> Option<Place> {
        self.read_lock()?;
        let lock = self.lock.as_ref()?;
        let span = used.source.span;
        let Some(entry) = lock.entries.get(&pin) else {
            if !lock.torn {
                self.unlocked.push((pin, span));
            }
            return None;
        };
        let root = lock::folder(&pin, &entry.commit);
        self.locked.entry(pin.clone()).or_insert(span);
        let inner = used.path.iter().flat_map(|path| path.value.split('/'));
        let inner = inner.filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect();
        Some(Place { root, inner, pin: Some(pin) })
    }

    /// Reads the lock file once; `None` as long as nobody has looked.
    fn read_lock(&mut self) -> Option<()> {
        if self.lock.is_none() {
            let lock = match self.entry(lock::PATH)? {
                Entry::File(file) => lock::read(self.sources, file, &mut self.diags),
                Entry::Missing(Missing::NotFound) | Entry::Folder(_) => Lock::default(),
                Entry::Missing(missing) => {
                    self.diags.push(needs::missing_file(lock::PATH, &missing));
                    Lock { torn: true, ..Lock::default() }
                }
            };
            self.lock = Some(lock);
        }
        Some(())
    }

    fn entry(&mut self, path: &str) -> Option<Entry> {
        let found = self.sources.entry(path).cloned();
        if found.is_none() {
            self.needs.insert(Need { path: path.to_owned() });
        }
        found
    }

    /// Reads the last module of the chain, and follows its own uses.
    fn module(&mut self, used: &Use, prefix: &str, chain: &mut Vec<Link>) {
        let place = chain.last().expect("BUG: the chain begins with the project").place.clone();
        let mut found = Diags::default();
        let files = match needs::files_in(self.sources, &place.folder(), &mut found) {
            Ok(files) => files,
            Err(needs) => return self.needs.extend(needs),
        };
        // That a module stands there in both syntaxes is not a matter of who uses it.
        self.diags.extend(found.into_iter().filter(|finding| finding.severity == Severity::Error));
        if files.is_empty() {
            return self.nothing(used, &place);
        }
        if place.pin.is_some() {
            self.copies.entry(place.root.clone()).or_default().extend(&files);
        }
        let mut roots = Vec::new();
        for file in files {
            roots.extend(spec::read(self.sources, file, &mut self.diags));
        }
        for (root, syntax) in &mut roots {
            view::check(root, &ROOT, *syntax, &mut self.diags);
        }
        let Some(head) = module_head(&roots) else {
            let project = roots.iter().flat_map(|(root, _)| &root.children).find(|node| node.name.value == "project");
            let project = project.map(|node| node.name.span);
            return self.diags.push(findings::not_a_module(&place, used.source.span, project));
        };
        let name = if prefix.is_empty() { used.alias.value.clone() } else { format!("{prefix}.{}", used.alias.value) };
        let uses = self.lower(roots, &head, &name);
        self.names.push(name.clone());
        self.follow(&uses, &name, chain);
    }

    /// Takes the tasks of a module under the module's name; gives its uses.
    fn lower(&mut self, roots: Vec<(Node, Syntax)>, head: &ModuleHead, name: &str) -> Vec<Use> {
        let mut uses = Vec::new();
        for (mut root, _) in roots {
            reuse::keep_tasks(&mut root, head.span, &mut self.diags);
            let view = View { block: &ROOT, node: &root };
            uses.extend(view.children("use").iter().filter_map(reuse::lower_use));
            for mut task in view.children("task").iter().filter_map(|view| task::lower(view, &mut self.diags)) {
                task.name.value = format!("{name}.{}", task.name.value);
                self.tasks.push(task);
            }
        }
        uses
    }

    /// Nothing is where a module should be.
    fn nothing(&mut self, used: &Use, place: &Place) {
        let span = used.source.span;
        if let Some(pin) = &place.pin {
            let finding = findings::not_vendored(pin, place, used.path.as_ref().map_or(span, |path| path.span));
            return self.diags.push(finding);
        }
        let folder = place.folder();
        let (parent, last) = folder.rsplit_once('/').unwrap_or(("", &folder));
        let names = match self.entry(parent) {
            None => return,
            Some(Entry::Folder(names)) => names,
            Some(Entry::File(_) | Entry::Missing(_)) => Vec::new(),
        };
        self.diags.push(findings::not_found(used, parent, last, &names));
    }

    /// Compares with the lock file; what a changed copy says itself is not told.
    fn judge(&mut self) {
        self.unlocked
            .iter()
            .for_each(|(pin, span)| self.diags.push(findings::not_locked(pin, *span, self.lock.as_ref())));
        let Some(lock) = &self.lock else { return };
        let mut changed = BTreeSet::new();
        let mut told = Vec::new();
        for (pin, span) in &self.locked {
            let entry = &lock.entries[pin];
            let root = lock::folder(pin, &entry.commit);
            let Some(files) = self.copies.get(&root) else { continue };
            let by_path = |file: &FileId| (findings::below(&root, self.sources.path(*file)), self.sources.text(*file));
            if lock::content(&files.iter().map(by_path).collect()) != entry.content {
                told.push(findings::changed(pin, &root, *span, entry));
                changed.extend(files.iter().copied());
            }
        }
        let found = std::mem::take(&mut self.diags);
        self.diags.extend(found.into_iter().filter(|finding| !changed.contains(&finding.span.file)));
        self.diags.extend(told);
        if !self.diags.has_errors() {
            let idle = lock.entries.iter().filter(|(pin, _)| !self.locked.contains_key(pin));
            self.diags.extend(idle.map(|(pin, entry)| findings::idle(pin, entry)));
        }
    }
}

fn module_head(roots: &[(Node, Syntax)]) -> Option<ModuleHead> {
    let views = roots.iter().map(|(node, _)| View { block: &ROOT, node });
    views.flat_map(|view| view.children("module")).map(|view| reuse::lower_module(&view)).next()
}
