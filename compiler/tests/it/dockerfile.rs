//! Dockerfiles: how they are read, what is built, what is refused and why.

use std::collections::{BTreeMap, BTreeSet};

use waybill_compiler::dockerfile::{self, BuildStep, Copy, ScratchBuild};

fn built(text: &str) -> ScratchBuild {
    dockerfile::buildable(&dockerfile::parse(text)).unwrap_or_else(|refusals| panic!("{refusals:?}"))
}

/// Refusals as `INSTRUCTION at "text": message`.
fn refusals(text: &str) -> Vec<String> {
    let refusals = dockerfile::buildable(&dockerfile::parse(text)).unwrap_err();
    let line = |refusal: &dockerfile::Refusal| format!("{:?}: {refusal}", &text[refusal.span.clone()]);
    refusals.iter().map(line).collect()
}

fn copies(build: &ScratchBuild) -> Vec<&Copy> {
    let mut copies = Vec::new();
    for step in &build.steps {
        match step {
            BuildStep::Copy(copy) => copies.push(copy),
            BuildStep::Workdir(_) => {}
        }
    }
    copies
}

#[test]
fn everything_that_needs_no_builder() {
    let build = built(
        "# syntax=docker/dockerfile:1\n\n# A service.\nARG BASE=scratch\nfrom ${BASE} as app\nARG DIR=srv\n\
         ENV A=1 B=\"two words\" C=three\\ words\nENV LEGACY a 'b c'  d\nWORKDIR /$DIR\nWORKDIR sub\n\
         COPY --chown=1000:1001 --chmod=0750 a b*.txt ./\nCOPY [\"with blank\", \"/x\"]\nCOPY . .\n\
         LABEL org.opencontainers.image.title=\"The $A\" x='$A'\nUSER 1000\nEXPOSE 80 53/udp 7000-7002\n\
         VOLUME [\"/data\"]\nSTOPSIGNAL SIGTERM\nENTRYPOINT [\"/srv/run.sh\", \"$A\"]\nCMD serve --port 80\n",
    );
    assert_eq!(
        build.env,
        [("A", "1"), ("B", "two words"), ("C", "three words"), ("LEGACY", "a b c  d")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    );
    assert_eq!(build.workdir, "/srv/sub");
    let found = copies(&build);
    assert_eq!(found[0].sources, ["a", "b*.txt"]);
    assert_eq!(found[0].destination, "/srv/sub/");
    assert_eq!((found[0].uid, found[0].gid, found[0].mode), (1000, 1001, Some(0o750)));
    assert_eq!((found[1].sources.clone(), found[1].destination.as_str()), (vec!["with blank".to_owned()], "/x"));
    assert_eq!((found[2].sources.clone(), found[2].destination.as_str()), (vec![String::new()], "/srv/sub/"));
    assert_eq!(build.steps[1], BuildStep::Workdir("/srv/sub".to_owned()));
    let labels = [("org.opencontainers.image.title", "The 1"), ("x", "$A")];
    assert_eq!(build.labels, BTreeMap::from(labels.map(|(key, value)| (key.to_owned(), value.to_owned()))));
    assert_eq!(build.user, "1000");
    let ports = ["80/tcp", "53/udp", "7000/tcp", "7001/tcp", "7002/tcp"].map(str::to_owned);
    assert_eq!(build.exposed, BTreeSet::from(ports));
    assert_eq!(build.volumes, BTreeSet::from(["/data".to_owned()]));
    assert_eq!(build.stop_signal, "SIGTERM");
    // The exec form is taken as it is, the shell form by the shell.
    assert_eq!(build.entrypoint.unwrap(), ["/srv/run.sh", "$A"]);
    assert_eq!(build.cmd.unwrap(), ["/bin/sh", "-c", "serve --port 80"]);
    assert_eq!((build.platform.os.as_str(), build.platform.architecture.as_str()), ("linux", "amd64"));
}

#[test]
fn lines_go_on_and_spans_cover_them() {
    let text = "\u{feff}FROM scratch\r\nENV A=1 \\\r\n  # a comment between\r\n\r\n  B=2\r\nLABEL a=b\r\n";
    let file = dockerfile::parse(text);
    let spans: Vec<&str> = file.instructions.iter().map(|one| &text[one.span.clone()]).collect();
    assert_eq!(spans[0], "FROM scratch");
    assert_eq!(spans[1], "ENV A=1 \\\r\n  # a comment between\r\n\r\n  B=2");
    assert_eq!(spans[2], "LABEL a=b");
    assert_eq!(built(text).env.len(), 2);

    let text = "# escape=`\nFROM scratch\nCOPY a `\n  C:\\dir\\\n";
    assert_eq!(dockerfile::parse(text).escape, '`');
    assert_eq!(copies(&built(text))[0].destination, "/C:\\dir\\");
    // After the first line that is no directive, a directive is a comment.
    assert_eq!(dockerfile::parse("# hello\n# escape=`\nFROM scratch\n").escape, '\\');
}

#[test]
fn variables() {
    let build = built(
        "FROM scratch\nENV A=x\nENV B=$A${A}y C=${NONE:-d} D=${A:+set} E=${NONE:+set}. F=\\$A G='$A' H=\"\\$A\" I=$A\n\
         ENV A=new J=$A\nENV K=${NONE-${A}}\n",
    );
    let value = |key: &str| build.env.iter().find(|(found, _)| found == key).unwrap().1.clone();
    let found = ["B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "A"].map(value);
    assert_eq!(found, ["xxy", "d", "set", ".", "$A", "$A", "$A", "x", "x", "new", "new"]);
}

#[test]
fn what_needs_a_builder_is_refused_with_what_it_needs() {
    assert_eq!(
        refusals(
            "FROM golang:1.21 AS build\nRUN go build \\\n  ./...\nFROM scratch\nCOPY --from=build /app /app\n\
             ADD https://example.com/x /x\nADD x.tar /\nHEALTHCHECK CMD true\nONBUILD RUN x\nNOPE\n"
        ),
        [
            "\"FROM golang:1.21 AS build\": the image starts from `golang:1.21`, which would have to be pulled; it \
             needs a builder that pulls base images, such as BuildKit; or `FROM scratch`",
            "\"RUN go build \\\\\\n  ./...\": RUN executes a command while the image is built; it needs a builder \
             that runs commands, such as BuildKit",
            "\"FROM scratch\": the Dockerfile has several stages; it needs a builder with stages, such as BuildKit",
            "\"COPY --from=build /app /app\": COPY --from=build takes files out of another image or stage; it needs a \
             builder with stages, such as BuildKit",
            "\"ADD https://example.com/x /x\": ADD fetches a file from the network; it needs a builder with network \
             access, such as BuildKit",
            "\"ADD x.tar /\": ADD unpacks archives; it needs BuildKit, or COPY, which copies files as they are",
            "\"HEALTHCHECK CMD true\": an OCI image has no HEALTHCHECK, and Kubernetes reads none; it needs a probe in \
             the manifest instead",
            "\"ONBUILD RUN x\": ONBUILD acts in builds that start from this image; it needs a builder that runs \
             commands, such as BuildKit",
            "\"NOPE\": `NOPE` is not an instruction of Dockerfiles",
        ]
    );
}

#[test]
fn here_documents_are_refused_as_a_whole() {
    let text = "FROM scratch\nCOPY <<EOF <<-\"B\" /x/\nRUN hidden\nEOF\n\tHIDDEN\n\tB\nRUN <<X\nY\nX\nCOPY a /a\n";
    let found = refusals(text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("\"COPY <<EOF <<-\\\"B\\\" /x/\\nRUN hidden\\nEOF\\n\\tHIDDEN\\n\\tB\": COPY with a here")
    );
    assert!(found[1].starts_with("\"RUN <<X\\nY\\nX\": RUN executes"));
}

#[test]
fn mistakes_are_refused() {
    for (line, part) in [
        ("COPY ../x /x", "`../x` lies outside the build context"),
        ("COPY a/../../x /x", "outside the build context"),
        ("COPY a", "at least one source and a destination"),
        ("COPY a b /c", "ends with `/`"),
        ("COPY --chown=app a /a", "names a user"),
        ("COPY --chmod=u+x a /a", "octal mode"),
        ("COPY --parents a /a", "--parents is not supported"),
        ("ARG VERSION", "build argument `VERSION` a value"),
        ("ENV A", "a name without a value"),
        ("ENV A=1 B", "`B` is not of the form"),
        ("ENV A=${B%x}", "not read here"),
        ("ENV A=${Bü}", "not read here"),
        ("ENV A=\"x", "double quote is not closed"),
        ("EXPOSE http", "not a port"),
        ("WORKDIR", "no arguments"),
        ("USER --x 1", "no flag `--x`"),
    ] {
        let found = refusals(&format!("FROM scratch\n{line}\n"));
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert!(found[0].contains(part), "{line}: {found:?}");
    }
    assert!(refusals("")[0].contains("no FROM"));
    assert!(refusals("COPY a b\n")[0].contains("before FROM"));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[A-Z #\\\\`$\\{\\}:\"'<\\-=\n\r\tRUNCOPYFMENV\u{feff}ü]{0,80}") {
        let file = dockerfile::parse(&text);
        for one in &file.instructions {
            proptest::prop_assert!(text.get(one.span.clone()).is_some());
        }
        let _ = dockerfile::buildable(&file);
    }
}
