//! What a person is told when something goes wrong: code, summary, causes, remedy.
//!
//! Every error that reaches a user becomes one of these; the CLI and any API print the same one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::style::{Ink, Style};
use crate::{Code, Refusal, escape};

/// One message for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Diagnostic {
    /// The stable code.
    pub code: Code,
    /// What went wrong, in one sentence without a full stop.
    pub summary: String,
    /// Why, from the nearest cause to the deepest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What the user can do, in one line.
    pub remedy: String,
}

impl Diagnostic {
    /// A diagnostic whose causes are the error's sources, each said once.
    pub fn new(code: Code, error: &dyn std::error::Error, remedy: impl Into<String>) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self { code, summary: error.to_string(), causes, remedy: remedy.into() }
    }

    /// The message for a person: the summary behind its code, a line for each cause, the remedy.
    /// Everything is escaped, since paths, values and a guest's words stand in it. Ends with a
    /// line feed.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let style = Style { colour, unicode: true };
        let head = style.paint(Ink::Bad, &format!("error[{}]:", self.code));
        let mut text = format!("{head} {}\n", style.paint(Ink::Bold, &escape(&self.summary)));
        let mut line = |name: &str, body: &str| {
            if !body.is_empty() {
                text.push_str(&format!("  {} {}\n", style.paint(Ink::Dim, name), escape(body)));
            }
        };
        for cause in &self.causes {
            line("because:", cause);
        }
        line("remedy:", &self.remedy);
        text
    }
}

impl fmt::Display for Diagnostic {
    /// As [`Diagnostic::render`] without colour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl From<&Refusal> for Diagnostic {
    fn from(refusal: &Refusal) -> Self {
        let summary = match refusal.clause {
            Some(clause) => format!("{clause}: {}", refusal.why),
            None => refusal.why.clone(),
        };
        let remedy = match refusal.acceptable {
            Some(weaker) => {
                format!("{}, or accept the weaker form: --accept {weaker}", refusal.remedy)
            }
            None => refusal.remedy.clone(),
        };
        Self { code: refusal.code, summary, causes: Vec::new(), remedy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Acceptance, Clause};

    #[derive(Debug, thiserror::Error)]
    #[error("the file \u{1b}[2J cannot be opened")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("permission denied\nerror[ISO-RES-001]: forged")]
    struct Inner;

    #[test]
    fn causes_are_said_once_each_and_nothing_drives_the_terminal() {
        let diagnostic = Diagnostic::new(Code::PolicyUnreadable, &Outer(Inner), "open it to you");
        let expected = "error[ISO-POL-001]: the file \\x1b[2J cannot be opened\n  because: permission \
                        denied\\nerror[ISO-RES-001]: forged\n  remedy: open it to you\n";
        assert_eq!(diagnostic.render(false), expected, "a line feed in a cause forges no line");
        assert_eq!(diagnostic.to_string(), expected, "what is displayed is what is printed");
    }

    #[test]
    fn colour_adds_sequences_and_nothing_else() {
        let diagnostic = Diagnostic::new(Code::PolicyUnreadable, &Outer(Inner), "open it to you");
        let coloured = diagnostic.render(true);
        assert!(coloured.starts_with("\u{1b}[1;31merror[ISO-POL-001]:\u{1b}[0m "), "{coloured:?}");
        let bare = ["\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m"]
            .iter()
            .fold(coloured, |text, sequence| text.replace(sequence, ""));
        assert_eq!(bare, diagnostic.render(false), "the words do not depend on the terminal");
    }

    #[test]
    fn a_refusal_names_its_clause_and_what_could_be_accepted() {
        let refusal = Refusal {
            code: Code::HostCgroupMissing,
            clause: Some(Clause::Memory),
            why: "no memory control group".to_owned(),
            remedy: "run as root".to_owned(),
            acceptable: Some(Acceptance::MemoryPerProcess),
        };
        assert_eq!(
            Diagnostic::from(&refusal).render(false),
            "error[ISO-HOST-004]: limits.memory: no memory control group\n  remedy: run as root, or \
             accept the weaker form: --accept memory=per-process\n",
            "one line for each thing that a person needs",
        );
    }

    #[test]
    fn an_empty_remedy_leaves_no_empty_line() {
        let diagnostic = Diagnostic {
            code: Code::RunWait,
            summary: "lost".into(),
            causes: vec![],
            remedy: String::new(),
        };
        assert_eq!(diagnostic.render(false), "error[ISO-RUN-004]: lost\n", "nothing to say");
    }
}
