//! The shell around a shell step: puts variables together, keeps the time limit, hands over results.
//!
//! **Invariant:** the step's text and the values of results are never part of this program's text; the text is an
//! argument, values travel in variables. What the plan names (files, variables) is quoted.

use waybill_compiler::plan::effect::{Env, Part};

use super::{RESULTS, Slot};

/// Kubernetes keeps so many bytes of one container's termination message.
const MESSAGE_LIMIT: usize = 4096;
/// And so many of all containers of a Pod, which it divides evenly (kubelet's `MaxPodTerminationMessageLogLength`).
const POD_MESSAGE_LIMIT: usize = 12 * 1024;

/// Arguments: task, seconds for the step, seconds for the task, bytes for results, text, `stop` or `continue` after an
/// error, names of results.
/// Names are spelled so that they do not meet the step's own variables.
const WRAPPER: &str = r#"__waybill_task=$1 __waybill_limit=$2 __waybill_whole=$3 __waybill_room=$4 __waybill_text=$5
__waybill_error=$6
shift 6
__waybill_state=$__waybill_results/.waybill
mkdir -p "$__waybill_results/$__waybill_task" "$__waybill_state" || exit 1
__waybill_fail() {
  echo "waybill: $1" >&2
  printf '! %s\n' "$1" > /dev/termination-log
  exit "$2"
}
if [ "$__waybill_whole" -gt 0 ]; then
  __waybill_now=$(date +%s)
  __waybill_start=$__waybill_state/start-$__waybill_task
  [ -f "$__waybill_start" ] || echo "$__waybill_now" > "$__waybill_start"
  __waybill_left=$((__waybill_whole - __waybill_now + $(cat "$__waybill_start")))
  [ "$__waybill_left" -gt 0 ] || __waybill_left=1
  if [ "$__waybill_limit" -eq 0 ] || [ "$__waybill_left" -lt "$__waybill_limit" ]; then
    __waybill_limit=$__waybill_left
  fi
fi
__waybill_step() {
  case $__waybill_text in
  '#!'*)
    printf '%s\n' "$__waybill_text" > "$__waybill_state/step" && chmod 700 "$__waybill_state/step" || exit 1
    exec "$__waybill_state/step"
    ;;
  *) exec /bin/sh -ec "$__waybill_text" ;;
  esac
}
__waybill_step &
__waybill_child=$!
rm -f "$__waybill_state/timeout"
if [ "$__waybill_limit" -gt 0 ]; then
  (sleep "$__waybill_limit"; : > "$__waybill_state/timeout"; kill -KILL "$__waybill_child") > /dev/null 2>&1 &
  __waybill_dog=$!
fi
trap 'kill -TERM "$__waybill_child" 2> /dev/null' TERM
while :; do
  wait "$__waybill_child"
  __waybill_code=$?
  kill -0 "$__waybill_child" 2> /dev/null || break
done
if [ "$__waybill_limit" -gt 0 ]; then
  kill "$__waybill_dog" 2> /dev/null
  if [ "$__waybill_code" -gt 128 ] && [ -f "$__waybill_state/timeout" ]; then
    __waybill_fail "stopped after $__waybill_limit s, its time limit" 124
  fi
fi
if [ "$__waybill_code" -ne 0 ]; then
  [ "$__waybill_error" = continue ] || exit "$__waybill_code"
  echo "waybill: ended with $__waybill_code; the task goes on" >&2
fi
[ "$#" -eq 0 ] || : > /dev/termination-log
__waybill_used=0
for __waybill_name in "$@"; do
  __waybill_file=$__waybill_results/$__waybill_task/$__waybill_name
  [ -f "$__waybill_file" ] || __waybill_fail "result $__waybill_name was not written to $__waybill_file" 1
  __waybill_bytes=$(wc -c < "$__waybill_file")
  __waybill_bytes=$((__waybill_bytes))
  __waybill_used=$((__waybill_used + __waybill_bytes + ${#__waybill_name} + ${#__waybill_bytes} + 3))
  if [ "$__waybill_used" -gt "$__waybill_room" ]; then
    __waybill_fail "the results are too large at $__waybill_name: all of a task must fit in $__waybill_room bytes" 1
  fi
  { printf '%s %s\n' "$__waybill_name" "$__waybill_bytes"; cat "$__waybill_file"; echo; } >> /dev/termination-log
done
"#;

/// Reads a result's file into a variable; one line end at its end is not part of the value.
const READ: &str = r#"__waybill_line='
'
__waybill_read() {
  __waybill_value=$(cat "$1" && printf x) || exit 1
  __waybill_value=${__waybill_value%x}
  __waybill_value=${__waybill_value%"$__waybill_line"}
}
"#;

/// How many bytes the results of one task may take in a Pod of so many containers.
pub fn result_room(containers: usize) -> usize {
    MESSAGE_LIMIT.min(POD_MESSAGE_LIMIT / containers.max(1))
}

/// The command of a shell step's container.
pub fn command(slot: Slot<'_>, text: &str, room: usize) -> Vec<String> {
    let seconds = |limit: Option<u64>| limit.unwrap_or(0).to_string();
    let mut command = vec![
        "/bin/sh".to_owned(),
        "-c".to_owned(),
        program(&slot.step.env),
        "waybill".to_owned(),
        slot.task.name.clone(),
        seconds(slot.step.timeout_seconds),
        seconds(slot.task.timeout_seconds),
        room.to_string(),
        text.to_owned(),
        if slot.step.continue_on_error { "continue" } else { "stop" }.to_owned(),
    ];
    if slot.last {
        command.extend(slot.task.results.iter().map(|result| result.name.clone()));
    }
    command
}

fn program(env: &[Env]) -> String {
    let mut program = format!("__waybill_results={RESULTS}\n");
    let mixed: Vec<&Env> =
        env.iter().filter(|env| env.parts.iter().any(|part| matches!(part, Part::Result { .. }))).collect();
    if !mixed.is_empty() {
        program.push_str(READ);
    }
    for env in mixed {
        // A name is checked to be one when the spec is read; quoting keeps a forged plan from running it.
        program.push_str("__waybill_sum=\n");
        for part in &env.parts {
            match part {
                Part::Text(text) => {
                    program.push_str(&format!("__waybill_sum=$__waybill_sum{}\n", quote(text)));
                }
                Part::Result { task, name } => {
                    program.push_str(&format!("__waybill_read {}\n", quote(&format!("{RESULTS}/{task}/{name}"))));
                    program.push_str("__waybill_sum=$__waybill_sum$__waybill_value\n");
                }
            }
        }
        program.push_str(&format!("export {}=\"$__waybill_sum\"\n", variable(&env.name)));
    }
    program.push_str(WRAPPER);
    program
}

/// Only characters that a variable's name may have.
fn variable(name: &str) -> String {
    name.chars().filter(|char| char.is_ascii_alphanumeric() || *char == '_').collect()
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use waybill_compiler::plan::effect::{Program, Step, Task, TaskResult};

    use super::*;

    fn task(text: &str, results: &[&str]) -> Task {
        Task {
            name: "test".into(),
            steps: vec![Step {
                name: "unit".into(),
                workdir: None,
                env: Vec::new(),
                cpu: None,
                memory: None,
                timeout_seconds: None,
                continue_on_error: false,
                fields: serde_json::Value::Null,
                program: Program::Shell { image: "alpine:3".into(), text: text.into() },
            }],
            results: results.iter().map(|name| TaskResult { name: (*name).into(), r#type: "string".into() }).collect(),
            timeout_seconds: None,
        }
    }

    /// Runs the command as a container would, with the Pod's paths moved into a scratch folder.
    fn run(task: &Task, text: &str, folder: &std::path::Path) -> (i32, String, String) {
        let log = folder.join("termination-log");
        std::fs::write(&log, "").unwrap();
        let slot = Slot { task, step: &task.steps[0], last: true };
        let command: Vec<String> = command(slot, text, result_room(1))
            .iter()
            .map(|word| {
                word.replace(RESULTS, folder.join("results").to_str().unwrap())
                    .replace("/dev/termination-log", log.to_str().unwrap())
            })
            .collect();
        let output = Command::new(&command[0]).args(&command[1..]).output().unwrap();
        let message = std::fs::read_to_string(&log).unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned(), message)
    }

    #[test]
    fn results_are_framed_and_survive_odd_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("printf 'a b\\n\\n{{x}}' > {RESULTS}/test/one; echo 85 > {RESULTS}/test/two");
        let (code, _, message) = run(&task("", &["one", "two"]), &text, folder.path());
        assert_eq!((code, message.as_str()), (0, "one 8\na b\n\n{x}\ntwo 3\n85\n\n"));
        let (code, _, message) = run(&task("", &["none"]), "true", folder.path());
        assert_eq!(code, 1);
        assert!(message.starts_with("! result none was not written"), "{message}");
        let big = format!("head -c 5000 /dev/zero | tr '\\0' x > {RESULTS}/test/one");
        let (code, _, message) = run(&task("", &["one"]), &big, folder.path());
        assert_eq!(code, 1);
        assert!(message.contains("must fit in 4096 bytes"), "{message}");
    }

    #[test]
    fn exit_codes_scripts_and_time_limits() {
        let folder = tempfile::tempdir().unwrap();
        let mut task = task("", &[]);
        assert_eq!(run(&task, "echo one; false; echo two", folder.path()).1, "one\n");
        assert_eq!(run(&task, "exit 7", folder.path()).0, 7);
        let script = "#!/bin/cat\nits own interpreter";
        assert_eq!(run(&task, script, folder.path()).1, format!("{script}\n"));
        task.steps[0].timeout_seconds = Some(1);
        let (code, _, message) = run(&task, "exec sleep 30", folder.path());
        assert_eq!((code, message.as_str()), (124, "! stopped after 1 s, its time limit\n"));
        task.steps[0].continue_on_error = true;
        assert_eq!(run(&task, "exec sleep 30", folder.path()).0, 124, "a time limit stops the task all the same");
        assert_eq!(run(&task, "exit 7", folder.path()).0, 0);
        task.steps[0].continue_on_error = false;
        task.steps[0].timeout_seconds = None;
        task.timeout_seconds = Some(60);
        assert_eq!(run(&task, "echo fine", folder.path()).1, "fine\n");
    }

    #[test]
    fn variables_are_put_together_from_results() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("results/lint")).unwrap();
        std::fs::write(folder.path().join("results/lint/score"), "9 '$(x)\"\n\n").unwrap();
        let mut task = task("", &[]);
        let result = Part::Result { task: "lint".into(), name: "score".into() };
        let parts = vec![Part::Text("it's ".into()), result, Part::Text("!".into())];
        task.steps[0].env = vec![Env { name: "MIXED".into(), parts }];
        let (code, out, _) = run(&task, "printf '%s' \"$MIXED\"", folder.path());
        assert_eq!((code, out.as_str()), (0, "it's 9 '$(x)\"\n!"));
    }
}
