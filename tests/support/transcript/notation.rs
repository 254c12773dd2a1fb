//! A transcript file as cases and steps. Parsing keeps the text of every line, so that a rewritten file
//! differs from the old one only where the answers do.

use super::pattern::{self, Pattern};

/// One conversation with an empty server. Cases are separated by blank lines.
#[derive(Clone, Debug)]
pub struct Case {
    pub line: usize,
    pub marks: Marks,
    pub steps: Vec<Step>,
}

/// What `@` lines say.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// The answers are Valkey's: its own commands.
    pub valkey: bool,
    /// Redis 7.0 answers otherwise.
    pub since_8: bool,
    /// What Redis says and Spindle does not: a known difference.
    pub redis: bool,
    /// Cannot be shown by a real server here (long waits, huge values): engine only.
    pub engine: bool,
    /// Cannot be shown by the engine alone.
    pub socket: bool,
    pub settings: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub line: usize,
    pub text: String,
    pub action: Action,
}

#[derive(Clone, Debug)]
pub enum Action {
    /// A comment or a mark: kept, not played.
    Note,
    Words(usize, String),
    Raw(usize, String),
    Reply(usize, Pattern),
    /// The server closes the connection.
    Closed(usize),
    /// Nothing arrives.
    Silent(usize),
    /// The client closes the connection.
    Close(usize),
    Pass(u64),
}

impl Case {
    /// The first comment: what a failure calls the case.
    pub fn title(&self) -> &str {
        let comment = self.steps.iter().find(|s| s.text.starts_with('#'));
        comment.map_or("(a case without a comment)", |s| s.text.trim_start_matches(['#', ' ']))
    }
}

/// Marks in a block with no steps of its own hold for the whole file.
pub fn parse(text: &str) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    let mut whole_file = Marks::default();
    let mut lines = text.lines().enumerate().map(|(n, l)| (n + 1, l)).peekable();
    let mut block: Option<Case> = None;
    loop {
        let next = lines.next();
        let blank = next.is_none_or(|(_, line)| line.trim().is_empty());
        if blank && let Some(case) = block.take() {
            if case.steps.iter().all(|s| matches!(s.action, Action::Note)) {
                whole_file = case.marks.clone();
            }
            cases.push(case);
        }
        let Some((number, line)) = next else { break };
        if blank {
            continue;
        }
        let case = block.get_or_insert_with(|| Case { line: number, marks: whole_file.clone(), steps: Vec::new() });
        let mut text = line.to_string();
        if text.split_once(' ').is_some_and(|(head, _)| head.ends_with('<')) {
            while let Some((_, more)) = lines.next_if(|(_, l)| l.starts_with(' ')) {
                text = format!("{text}\n{more}");
            }
        }
        let action = step(&text, &mut case.marks).map_err(|why| format!("line {number}: {why}: {line}"))?;
        case.steps.push(Step { line: number, text, action });
    }
    Ok(cases)
}

pub fn print(cases: &[Case]) -> String {
    let block = |case: &Case| case.steps.iter().map(|s| format!("{}\n", s.text)).collect::<String>();
    cases.iter().map(block).collect::<Vec<_>>().join("\n")
}

fn step(text: &str, marks: &mut Marks) -> Result<Action, String> {
    if text.starts_with('#') {
        return Ok(Action::Note);
    }
    if let Some(mark) = text.strip_prefix('@') {
        mark_of(mark, marks)?;
        return Ok(Action::Note);
    }
    let (head, body) = text.split_once(' ').unwrap_or((text, ""));
    let digits = head.trim_end_matches(|c: char| !c.is_ascii_digit());
    let connection = if digits.is_empty() { 1 } else { digits.parse().map_err(|_| "a connection number")? };
    Ok(match (&head[digits.len()..], body) {
        (">", body) => Action::Words(connection, body.to_string()),
        (">>", body) => Action::Raw(connection, body.to_string()),
        ("<", body) => Action::Reply(connection, pattern::parse(body)?),
        ("!", "closed") => Action::Closed(connection),
        ("!", "silent") => Action::Silent(connection),
        ("!", "close") => Action::Close(connection),
        ("+", body) => Action::Pass(duration(body)?),
        _ => return Err("cannot read this line".into()),
    })
}

fn mark_of(text: &str, marks: &mut Marks) -> Result<(), String> {
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        ["valkey"] => marks.valkey = true,
        ["redis8"] => marks.since_8 = true,
        ["redis"] => marks.redis = true,
        ["engine"] => marks.engine = true,
        ["socket"] => marks.socket = true,
        ["config", name, value] => marks.settings.push((name.into(), value.into())),
        _ => return Err("unknown mark".into()),
    }
    Ok(())
}

fn duration(text: &str) -> Result<u64, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let n: u64 = text[..text.len() - unit.len()].parse().map_err(|_| "a duration")?;
    match unit {
        "ms" => Ok(n),
        "s" => Ok(n * 1000),
        "d" => Ok(n * 86_400_000),
        _ => Err("a duration ends in ms, s or d".into()),
    }
}
