//! Events of an apply as lines on stderr, with a status line where that is a terminal.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};

use super::out;
use crate::apply::event::{Event, Sink};
use crate::effects::pod::outcome::TaskState;

/// How often the status line of a terminal is drawn again.
const REDRAW: Duration = Duration::from_millis(200);
/// Erases the line that the cursor is in.
const ERASE: &str = "\r\x1b[2K";

/// Prints each event when it comes; on a terminal a last line shows what runs just now.
pub struct Lines {
    started: Instant,
    /// Log lines are shown as they come, or only those of failures.
    logs: bool,
    screen: Arc<Mutex<Screen>>,
}

/// What is on stderr.
struct Screen {
    terminal: bool,
    last: String,
    /// Running actions: since when, and what they wait for.
    running: BTreeMap<String, (Instant, String)>,
}

impl Screen {
    fn status(&self) -> String {
        let Some((address, (since, what))) = self.running.iter().min_by_key(|(_, (since, _))| *since) else {
            return String::new();
        };
        let others = self.running.len() - 1;
        let more = if others > 0 { format!(" (+{others})") } else { String::new() };
        let text = format!("  {:>4}s  {address}{more}: {what}", since.elapsed().as_secs());
        text.chars().take(100).collect()
    }

    fn draw(&self) {
        let mut out = anstream::stderr().lock();
        // A terminal that went away shows nothing any more.
        let _ = write!(out, "{ERASE}{}", self.status()).and_then(|()| out.flush());
    }

    fn erase(&self) {
        if self.terminal {
            let mut out = anstream::stderr().lock();
            let _ = write!(out, "{ERASE}").and_then(|()| out.flush());
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Ok(mut screen) = self.screen.lock() {
            screen.running.clear();
            screen.erase();
        }
    }
}

/// Draws the status line again until the lines are gone.
fn redraw(screen: &Weak<Mutex<Screen>>) {
    while let Some(screen) = screen.upgrade() {
        if let Ok(screen) = screen.lock()
            && !screen.running.is_empty()
        {
            screen.draw();
        }
        drop(screen);
        std::thread::sleep(REDRAW);
    }
}

impl Lines {
    pub fn new(logs: bool) -> Lines {
        let terminal = std::io::stderr().is_terminal();
        let screen = Screen { terminal, last: String::new(), running: BTreeMap::new() };
        let screen = Arc::new(Mutex::new(screen));
        if terminal {
            let watched = Arc::downgrade(&screen);
            std::thread::spawn(move || redraw(&watched));
        }
        Lines { started: Instant::now(), logs, screen }
    }

    /// Keeps what runs; whether the event is told by the status line alone.
    fn follow(&self, event: &Event) -> bool {
        let Ok(mut screen) = self.screen.lock() else { return false };
        let terminal = screen.terminal;
        match event {
            Event::Started { address } => {
                screen.running.insert(address.clone(), (Instant::now(), String::new()));
                false
            }
            Event::Waiting { address, what } | Event::StillRunning { address, what, .. } => {
                if let Some((_, now)) = screen.running.get_mut(address) {
                    what.clone_into(now);
                }
                terminal
            }
            Event::Done { address, .. } | Event::Failed { address, .. } | Event::Skipped { address, .. } => {
                screen.running.remove(address);
                false
            }
            Event::Superseded { address, .. } | Event::AtGate { address, .. } | Event::Reset { address } => {
                screen.running.remove(address);
                false
            }
            Event::Began { .. }
            | Event::Supersedes { .. }
            | Event::SegmentBegan { .. }
            | Event::SegmentStopped { .. }
            | Event::SegmentEnded { .. }
            | Event::LockHeld { .. }
            | Event::Log { .. }
            | Event::Tasks { .. }
            | Event::Filled { .. }
            | Event::Retried { .. }
            | Event::Approved { .. }
            | Event::Appending { .. }
            | Event::Appended { .. }
            | Event::Note { .. } => false,
        }
    }

    fn say(&self, colour: Option<AnsiColor>, text: &str) {
        let Ok(mut screen) = self.screen.lock() else { return };
        if screen.last == text {
            return;
        }
        text.clone_into(&mut screen.last);
        let style = Style::new().fg_color(colour.map(Into::into));
        let seconds = self.started.elapsed().as_secs_f64();
        screen.erase();
        out::say(&format!("{seconds:6.1}s  {style}{text}{style:#}"));
    }
}

impl Sink for Lines {
    fn event(&self, event: Event) {
        if self.follow(&event) {
            return;
        }
        let (colour, text) = match event {
            Event::Log { address, task, step, line } if self.logs => {
                (None, format!("{address} {task}.{step} | {line}"))
            }
            other => match line(other) {
                Some(line) => line,
                None => return,
            },
        };
        for line in text.lines() {
            self.say(colour, line);
        }
    }
}

/// The line for an event, if it has one.
fn line(event: Event) -> Option<(Option<AnsiColor>, String)> {
    let green = Some(AnsiColor::Green);
    let yellow = Some(AnsiColor::Yellow);
    let red = Some(AnsiColor::Red);
    Some(match event {
        Event::Began { plan, resumed: false, actions } => (None, format!("plan {plan}: {actions} actions")),
        Event::Began { plan, resumed: true, actions } => {
            (None, format!("plan {plan}: {actions} actions, taken up again"))
        }
        Event::Supersedes { plan } => {
            (yellow, format!("supersedes the unfinished plan {plan}, which is refused from now on"))
        }
        Event::SegmentBegan { segment } => (None, format!("{segment}: begins")),
        Event::SegmentStopped { segment, reason } => (red, format!("{segment}: stopped: {reason}")),
        Event::SegmentEnded { segment, result } => {
            (if result == "succeeded" { green } else { red }, format!("{segment}: {result}"))
        }
        Event::LockHeld { segment, holder } => (yellow, format!("{segment}: waits for the lock of {holder}")),
        Event::Started { address } => (None, format!("{address}: begins")),
        Event::Waiting { address, what } => (None, format!("{address}: {what}")),
        Event::StillRunning { address, seconds, what } => {
            (None, format!("{address}: still running after {seconds}s: {what}"))
        }
        Event::Tasks { address, tasks } => (None, task_lines(&address, &tasks)),
        Event::Filled { expression, value } => (None, format!("{expression} = {value}")),
        Event::Done { address, millis, detail } => (green, ended(&address, "done", millis, &detail)),
        Event::Failed { address, millis, reason, log_tail } => (red, failed(&address, millis, &reason, &log_tail)),
        Event::Superseded { address, by } => (yellow, format!("{address}: superseded by {by}")),
        Event::Skipped { address, reason } => (yellow, format!("{address}: skipped: {reason}")),
        Event::Retried { address, reason } => {
            (yellow, format!("{address}: one new attempt on fresh workspaces: {reason}"))
        }
        Event::Reset { address } => (yellow, format!("{address}: taken back, because apply was told to stop")),
        Event::AtGate { address, what, not_before_millis } => {
            (yellow, format!("{address}: {what}{}", not_before(not_before_millis)))
        }
        Event::Approved { address, by } => (green, format!("{address}: approved by {by}")),
        Event::Note { text } => (yellow, text),
        Event::Log { .. } | Event::Appending { .. } | Event::Appended { .. } => return None,
    })
}

fn ended(address: &str, how: &str, millis: u64, detail: &str) -> String {
    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    format!("{address}: {how} after {:.1}s{detail}", millis as f64 / 1000.0)
}

fn failed(address: &str, millis: u64, reason: &str, log_tail: &[String]) -> String {
    let mut text = ended(address, "failed", millis, reason);
    for line in log_tail {
        text.push_str(&format!("\n    | {line}"));
    }
    text
}

fn task_lines(address: &str, tasks: &[(String, TaskState)]) -> String {
    tasks.iter().map(|(task, state)| format!("{address} {task}: {}", task_state(state))).collect::<Vec<_>>().join("\n")
}

/// `, not before TIME`, where the time is known.
pub fn not_before(millis: Option<i64>) -> String {
    let time = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    time.map_or_else(String::new, |time| format!(", not before {}", time.round(jiff::Unit::Second).unwrap_or(time)))
}

fn task_state(state: &TaskState) -> String {
    match state {
        TaskState::NotRun => "not run".into(),
        TaskState::Running => "running".into(),
        TaskState::Succeeded => "succeeded".into(),
        TaskState::Failed { step, exit_code: Some(code), reason } => {
            format!("step {step} failed with exit code {code}: {reason}")
        }
        TaskState::Failed { step, exit_code: None, reason } => format!("step {step} failed: {reason}"),
        TaskState::Unknown(why) => format!("unknown: {why}"),
    }
}
