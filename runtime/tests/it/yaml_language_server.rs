//! `schemas/spec.schema.json` in the real yaml-language-server: completion, findings at their lines, and none in the
//! YAML specs of the examples. Needs `npm ci` in `tests/yaml-language-server`; says so where that was not done.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// The server and what was said to it.
struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    last: i64,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// What the README tells to write at the top of a spec.
fn modeline() -> String {
    format!("# yaml-language-server: $schema=file://{}", root().join("schemas/spec.schema.json").display())
}

impl Server {
    /// The server, or none where it is not installed.
    fn start() -> Option<Server> {
        let folder = root().join("runtime/tests/yaml-language-server");
        let program = folder.join("node_modules/yaml-language-server/bin/yaml-language-server");
        let node = Command::new("node").arg("--version").stdout(Stdio::null()).status().is_ok_and(|end| end.success());
        if !node || !program.exists() {
            assert!(std::env::var_os("WAYBILL_CI").is_none(), "the language server is not installed");
            println!("SKIPPED: needs Node and `npm ci` in {}", folder.display());
            return None;
        }
        let mut command = Command::new("node");
        command.arg(program).arg("--stdio").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut server = Server { child, output, last: 0 };
        server.request("initialize", &json!({"processId": null, "rootUri": null, "capabilities": {}}));
        server.notify("initialized", &json!({}));
        let settings = json!({"yaml": {
            "schemaStore": {"enable": false}, "validate": true, "completion": true,
        }});
        server.notify("workspace/didChangeConfiguration", &json!({"settings": settings}));
        Some(server)
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let input = self.child.stdin.as_mut().unwrap();
        write!(input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        input.flush().unwrap();
    }

    fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server has ended");
            match line.trim_end().strip_prefix("Content-Length: ") {
                Some(number) => length = number.parse().unwrap(),
                None if line.trim_end().is_empty() => break,
                None => {}
            }
        }
        let mut bytes = vec![0; length];
        self.output.read_exact(&mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Messages until the wanted one; what the server asks is answered with nothing.
    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.receive();
            if message.get("method").is_some() && message.get("id").is_some() {
                let nothing = match message["params"]["items"].as_array() {
                    Some(items) => json!(vec![Value::Null; items.len()]),
                    None => Value::Null,
                };
                self.send(&json!({"jsonrpc": "2.0", "id": message["id"], "result": nothing}));
            } else if wanted(&message) {
                return message;
            }
        }
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        self.until(|message| message["id"] == id)["result"].take()
    }

    /// Opens a text below the line that names the schema, and gives what is said about it: lines of the text, from 1.
    fn open(&mut self, uri: &str, text: &str) -> Vec<(u64, String)> {
        let document =
            json!({"uri": uri, "languageId": "yaml", "version": 1, "text": format!("{}\n{text}", modeline())});
        self.notify("textDocument/didOpen", &json!({"textDocument": document}));
        let said =
            |message: &Value| message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri;
        let found = self.until(said);
        let line = |finding: &Value| finding["range"]["start"]["line"].as_u64().unwrap();
        let findings = found["params"]["diagnostics"].as_array().unwrap().iter();
        findings.map(|finding| (line(finding), finding["message"].as_str().unwrap().to_owned())).collect()
    }

    /// The names that are offered at a line of the text, from 1, and a column, from 0.
    fn offered(&mut self, uri: &str, line: u32, character: u32) -> Vec<String> {
        let place = json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}});
        let answer = self.request("textDocument/completion", &place);
        let items = answer["items"].as_array().or(answer.as_array()).unwrap();
        items.iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn names_are_offered_at_the_root_and_inside_a_task() {
    let Some(mut server) = Server::start() else { return };
    server.open("file:///root/waybill.yaml", "project: shop\n\n");
    let names = server.offered("file:///root/waybill.yaml", 2, 0);
    for name in ["tasks", "pipelines", "environments", "secret-stores"] {
        assert!(names.iter().any(|offered| offered == name), "{name} is not in {names:?}");
    }
    let text = "project: shop\ntasks:\n  - name: test\n    \n";
    server.open("file:///task/waybill.yaml", text);
    let names = server.offered("file:///task/waybill.yaml", 4, 4);
    for name in ["steps", "params", "workspaces", "results", "timeout"] {
        assert!(names.iter().any(|offered| offered == name), "{name} is not in {names:?}");
    }
    assert!(!names.iter().any(|offered| offered == "environments"), "{names:?}");
}

#[test]
fn an_unknown_name_and_a_wrong_type_are_found_at_their_lines() {
    let Some(mut server) = Server::start() else { return };
    let text = "project: shop\nclusters:\n  - name: default\n    contxt: prod\ntasks:\n  - name: test\n    timeout: [1]\n    \
                steps:\n      - {name: unit, image: \"alpine:3.22\", run: \"true\"}\n";
    let found = server.open("file:///wrong/waybill.yaml", text);
    let lines: Vec<u64> = found.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [4, 7], "{found:?}");
    assert!(found[0].1.contains("contxt"), "{found:?}");
}

#[test]
fn the_examples_have_no_findings() {
    let Some(mut server) = Server::start() else { return };
    let mut specs = 0;
    for folder in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = folder.unwrap().path().join("waybill.yaml");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let found = server.open(&format!("file://{}", path.display()), &text);
        assert!(found.is_empty(), "{}: {found:?}", path.display());
        specs += 1;
    }
    assert!(specs >= 6, "{specs}");
}
