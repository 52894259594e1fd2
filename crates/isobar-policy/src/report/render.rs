//! The report as a person reads it in a terminal, at most [`WIDTH`] columns wide.
//!
//! From top to bottom: what ran and how it ended, each clause with what holds it and how well that
//! was observed, the boundary's floor, what was accepted as weaker, what stays shared, what
//! happened on the way. Everything that came from outside is escaped before it is measured.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::columns::{pad, widest, wrap};
use super::proof::Proof;
use super::{ClauseLine, Report};
use crate::rough::{rough_bytes, rough_time};
use crate::style::{Ink, Style};
use crate::{Clause, Diagnostic, End, Grade, Usage, escape, escape_bounded};

/// The most columns that a line takes, but for words that cannot be broken.
const WIDTH: usize = 100;
/// The column of a clause's name: `limits.output-bytes`.
const NAME: usize = 19;
/// The most that the column of what was asked takes.
const ASKED: usize = 24;
/// The column of headings below the tables: `not asked`.
const HEADING: usize = 9;

impl Report {
    /// The report for a person; ends with a line feed.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let mut page = Page { style, text: String::new() };
        page.head(self);
        page.refusals(self);
        page.tables(self);
        page.below(self);
        page.text
    }
}

/// The text so far, and how to write it.
struct Page {
    style: Style,
    text: String,
}

/// The cells of one line of a table.
struct Row<'r> {
    line: &'r ClauseLine,
    proof: Proof<'r>,
    name: String,
    asked: String,
    held: String,
}

/// The widths of the columns that adapt to what stands in them.
#[derive(Clone, Copy)]
struct Widths {
    /// The name and what was asked together.
    lead: usize,
    asked: usize,
    held: usize,
    evidence: usize,
}

impl<'r> Row<'r> {
    fn new(line: &'r ClauseLine) -> Self {
        let asked = escape(&line.binding.asked);
        let held: Vec<&str> = line.binding.mechanisms.iter().map(|one| one.0.as_str()).collect();
        let (name, asked) = match line.binding.clause {
            Some(clause) => (clause.name().to_owned(), asked),
            // A layer of the floor is its own name, and nobody asked for it.
            None => (asked, String::new()),
        };
        Self { line, proof: line.proof(), name, asked, held: escape(&held.join(", ")) }
    }
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn head(&mut self, report: &Report) {
        let words: Vec<_> = report.command.iter().map(|word| quoted(word)).collect();
        let command = escape_bounded(&words.join(" "), WIDTH - "isobar run -- ".len());
        let command = self.style.paint(Ink::Bold, &format!("isobar run -- {command}"));
        self.line(&command);

        let dot = self.style.either(" · ", ", ");
        let parts =
            [format!("{} boundary", report.boundary), escape(&report.host), escape(&report.isobar)];
        let where_it_ran = self.style.paint(Ink::Dim, &parts.join(dot));
        self.line(&where_it_ran);

        let (ink, mark) = match report.outcome.end {
            End::Exited { code: 0 } => (Ink::Good, self.style.either("✓", "ok:")),
            End::Exited { .. } | End::Signalled { .. } | End::NotExecuted { .. } => {
                (Ink::Warn, self.style.either("●", "note:"))
            }
            End::Killed { .. } | End::Refused { .. } | End::Failed { .. } => {
                (Ink::Bad, self.style.either("✗", "no:"))
            }
        };
        let told = report.outcome.ending();
        let mut lines = wrap(&told, WIDTH - mark.chars().count() - 1).into_iter();
        let first = lines.next().unwrap_or_default();
        let first = self.style.paint(ink, &format!("{mark} {first}"));
        self.line(&first);
        for rest in lines {
            let rest =
                self.style.paint(ink, &format!("{}{rest}", pad("", mark.chars().count() + 1)));
            self.line(&rest);
        }
    }

    /// Refusals and failures in full: they are why there is little else to show.
    fn refusals(&mut self, report: &Report) {
        let diagnostics: Vec<Diagnostic> = match &report.outcome.end {
            End::Refused { refusals } => refusals.iter().map(Diagnostic::from).collect(),
            End::Failed { diagnostic } => vec![diagnostic.clone()],
            End::Exited { .. }
            | End::Signalled { .. }
            | End::Killed { .. }
            | End::NotExecuted { .. } => return,
        };
        for diagnostic in diagnostics {
            self.line("");
            self.text.push_str(&diagnostic.render(self.style.colour));
        }
    }

    fn tables(&mut self, report: &Report) {
        let rows: Vec<Row<'_>> = report.lines.iter().map(Row::new).collect();
        let (absent, present): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.proof == Proof::NotAsked);
        let (clauses, floor): (Vec<_>, Vec<_>) =
            present.into_iter().partition(|row| row.line.binding.clause.is_some());

        let widths = self.widths(&clauses, &floor);
        if !clauses.is_empty() {
            let name = pad("clause", NAME + 2);
            self.heading(&format!("{name}{}", pad("asked", widths.asked)), widths);
            let mut before = "";
            for row in &clauses {
                let name = if row.name == before { "" } else { &row.name };
                self.row(row, &[(name, NAME), (&row.asked, widths.asked)], widths);
                before = &row.name;
            }
        }
        if !absent.is_empty() {
            self.not_asked(&absent);
        }
        if !floor.is_empty() {
            self.heading(&pad("floor", widths.lead), widths);
            for row in &floor {
                self.row(row, &[(&row.name, widths.lead)], widths);
            }
        }
    }

    /// Both tables share their columns, so that the eye runs down the evidence.
    fn widths(&self, clauses: &[Row<'_>], floor: &[Row<'_>]) -> Widths {
        let all = || clauses.iter().chain(floor);
        let texts: Vec<String> = all().map(|row| self.evidence(row).0).collect();
        let evidence = widest(texts.iter().map(String::as_str), WIDTH).max("evidence".len());
        let asked = clauses.iter().map(|row| row.asked.as_str());
        let asked = widest(asked, ASKED).max("asked".len());
        let lead = NAME + 2 + asked;
        // Three gaps of two, and the mark behind the evidence.
        let room = WIDTH.saturating_sub(6 + lead + evidence + 1 + self.mark_width());
        let held = widest(all().map(|row| row.held.as_str()), room).max("held by".len());
        Widths { lead, asked, held, evidence }
    }

    fn heading(&mut self, lead: &str, widths: Widths) {
        self.line("");
        let text = format!("  {lead}  {}  evidence", pad("held by", widths.held));
        let text = self.style.paint(Ink::Dim, &text);
        self.line(&text);
    }

    /// One row: the cells of `lead` with their widths, then what holds it, then the evidence.
    fn row(&mut self, row: &Row<'_>, lead: &[(&str, usize)], widths: Widths) {
        let mut cells: Vec<(Vec<String>, usize)> =
            lead.iter().map(|(text, width)| (wrap(text, *width), *width)).collect();
        cells.push((wrap(&row.held, widths.held), widths.held));
        let count = cells.iter().map(|(lines, _)| lines.len()).max().unwrap_or(0);
        let (evidence, mark, ink) = self.evidence(row);
        for index in 0..count {
            let mut line = String::new();
            for (column, (lines, width)) in cells.iter().enumerate() {
                let cell = pad(lines.get(index).map_or("", String::as_str), *width);
                let ink = if column == 0 { Ink::Bold } else { Ink::Plain };
                line.push_str("  ");
                line.push_str(&self.style.paint(ink, &cell));
            }
            if index == 0 {
                let proof = format!("{} {mark}", pad(&evidence, widths.evidence));
                line.push_str("  ");
                line.push_str(&self.style.paint(ink, proof.trim_end()));
            }
            self.line(&line);
        }
        self.notes(row);
    }

    /// The evidence's cell: how strong it is, the mark, and their ink.
    fn evidence(&self, row: &Row<'_>) -> (String, &'static str, Ink) {
        match &row.proof {
            Proof::NotAsked | Proof::Holds(None) => (String::new(), "", Ink::Plain),
            Proof::Holds(Some(grade)) => {
                let text = format!("{} {grade}", self.strength(*grade));
                if row.line.binding.accepted.is_some() {
                    (text, self.style.either("!", "ok!"), Ink::Warn)
                } else {
                    (text, self.style.either("✓", "ok"), Ink::Good)
                }
            }
            Proof::Fails { contradicted, .. } => {
                let what = if contradicted.is_empty() { "not observed" } else { "contradicted" };
                (what.to_owned(), self.style.either("✗", "NO"), Ink::Bad)
            }
        }
    }

    /// The width of the widest mark.
    const fn mark_width(&self) -> usize {
        if self.style.unicode { 1 } else { 3 }
    }

    const fn strength(&self, grade: Grade) -> &'static str {
        match grade {
            Grade::ReadBack => self.style.either("●●●", "***"),
            Grade::Probed => self.style.either("●●○", "**-"),
            Grade::Asserted => self.style.either("●○○", "*--"),
            Grade::GuestClaimed => self.style.either("○○○", "---"),
        }
    }

    /// What a line's evidence needs said: what contradicts, and why weak evidence has to do.
    fn notes(&mut self, row: &Row<'_>) {
        if let Proof::Fails { contradicted, missing } = &row.proof {
            for one in contradicted {
                let text = format!(
                    "expected {}, observed {} ({})",
                    escape_bounded(&one.expected, WIDTH),
                    escape_bounded(&one.observed, WIDTH),
                    escape_bounded(&one.source, WIDTH),
                );
                self.note(Ink::Bad, &text);
            }
            for key in missing {
                self.note(Ink::Bad, &format!("nothing was observed for {}", escape(key)));
            }
        }
        if let Some(reason) = &row.line.binding.weak_evidence_reason {
            self.note(Ink::Dim, &format!("no stronger evidence: {}", escape(reason)));
        }
    }

    fn note(&mut self, ink: Ink, text: &str) {
        for part in wrap(text, WIDTH - 6) {
            let part = self.style.paint(ink, &part);
            self.line(&format!("      {part}"));
        }
    }

    /// Clauses that nobody set, in one line, since they are many and say one thing.
    fn not_asked(&mut self, rows: &[Row<'_>]) {
        for unlimited in [true, false] {
            let names: Vec<&str> = rows
                .iter()
                .filter(|row| (row.asked == "unlimited") == unlimited)
                .map(|row| short(row.line.binding.clause, &row.name))
                .collect();
            if names.is_empty() {
                continue;
            }
            let heading = if unlimited { "unlimited" } else { "not asked" };
            self.table_note(heading, &names.join(", "));
        }
    }

    /// A line under a table, in its columns.
    fn table_note(&mut self, heading: &str, body: &str) {
        for (index, part) in wrap(body, WIDTH - 2 - NAME - 2).iter().enumerate() {
            let heading = if index == 0 { heading } else { "" };
            let text = format!("{}  {part}", pad(heading, NAME));
            let text = self.style.paint(Ink::Dim, &text);
            self.line(&format!("  {text}"));
        }
    }

    fn below(&mut self, report: &Report) {
        let outcome = &report.outcome;
        let accepted: Vec<String> =
            report.accepted.iter().map(|one| format!("{one}: {}", one.meaning())).collect();
        let hits = outcome.limits_hit.iter().map(crate::LimitHit::told);
        let hits: Vec<String> = hits.chain(outcome.dropped()).collect();
        let times = self.style.either("×", "x");
        let denied = outcome.denied.iter();
        let denied: Vec<String> =
            denied.map(|(name, count)| format!("{name} {times}{count}")).collect();
        let phases = outcome.phases.iter();
        let phases: Vec<String> =
            phases.map(|phase| format!("{} {}", phase.name, rough_time(phase.micros))).collect();

        let before = self.text.len();
        self.line("");
        let blank = self.text.len();
        self.list("evidence", Ink::Plain, &tally(report));
        self.list("accepted", Ink::Warn, &accepted);
        self.list("shared", Ink::Plain, &report.shared);
        self.list("limits", Ink::Warn, &hits);
        self.list("denied", Ink::Warn, &denied);
        self.list("used", Ink::Plain, &self.joined(&used(outcome.usage)));
        self.list("phases", Ink::Plain, &self.joined(&phases));
        if self.text.len() == blank {
            self.text.truncate(before);
        }
    }

    /// `parts` as one item, or none where there are none.
    fn joined(&self, parts: &[String]) -> Vec<String> {
        if parts.is_empty() { vec![] } else { vec![parts.join(self.style.either(" · ", ", "))] }
    }

    /// A heading and its items, one below the other.
    fn list(&mut self, heading: &str, ink: Ink, items: &[String]) {
        let mut heading = heading;
        for item in items {
            for (index, part) in wrap(&escape(item), WIDTH - 4 - HEADING - 2).iter().enumerate() {
                let name = self.style.paint(Ink::Bold, &pad(heading, HEADING));
                let indent = if index == 0 { "" } else { "  " };
                let part = self.style.paint(ink, part);
                self.line(&format!("  {name}  {indent}{part}"));
                heading = "";
            }
        }
    }
}

/// An argument as a shell would need it, so that a reader sees where it ends.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "-_=+./:,@%^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', "'\\''")))
    }
}

/// How many lines hold, by the grade of what they rest on.
fn tally(report: &Report) -> Vec<String> {
    let (mut lines, mut holding) = (0_usize, 0_usize);
    let mut grades: BTreeMap<Reverse<Grade>, usize> = BTreeMap::new();
    for line in &report.lines {
        match line.proof() {
            Proof::NotAsked | Proof::Holds(None) => {}
            Proof::Fails { .. } => lines += 1,
            Proof::Holds(Some(grade)) => {
                lines += 1;
                holding += 1;
                *grades.entry(Reverse(grade)).or_default() += 1;
            }
        }
    }
    if lines == 0 {
        return vec![];
    }
    let parts: Vec<String> =
        grades.iter().map(|(Reverse(grade), count)| format!("{count} {grade}")).collect();
    let colon = if parts.is_empty() { "" } else { ": " };
    vec![format!("{holding} of {lines} lines hold{colon}{}", parts.join(", "))]
}

/// What the run used, in words; nothing where nothing was measured.
fn used(usage: Usage) -> Vec<String> {
    if usage == Usage::default() {
        return vec![];
    }
    vec![
        format!("{} wall", rough_time(usage.wall_micros)),
        format!("{} user", rough_time(usage.user_micros)),
        format!("{} system", rough_time(usage.system_micros)),
        format!("{} peak memory", rough_bytes(usage.peak_memory_bytes)),
        format!("{} stdout", rough_bytes(usage.stdout_bytes)),
        format!("{} stderr", rough_bytes(usage.stderr_bytes)),
    ]
}

/// A clause's name without the section that a list of limits repeats.
fn short(clause: Option<Clause>, name: &str) -> &str {
    match clause {
        Some(_) => name.strip_prefix("limits.").unwrap_or(name),
        None => name,
    }
}
