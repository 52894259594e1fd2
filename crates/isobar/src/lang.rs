//! `--lang NAME -c CODE`: one-liners in the languages whose interpreters isobar finds.

use std::ffi::OsString;

use isobar_engine::policy::{Code, Diagnostic, escape_bounded};
use isobar_engine::{InlineCode, Language};

/// The source text in the language of that name.
///
/// # Errors
/// [`Code::CliUnknownLanguage`] with the list.
pub(crate) fn inline(name: &str, code: OsString) -> Result<InlineCode, Diagnostic> {
    let language = name.parse().map_err(|()| Diagnostic {
        code: Code::CliUnknownLanguage,
        summary: format!("no language is called \"{}\"", escape_bounded(name, 40)),
        causes: Vec::new(),
        remedy: format!("use one of {}", Language::ALL.map(Language::name).join(", ")),
    })?;
    Ok(InlineCode { language, code })
}

/// The whole command: interpreter, source text, arguments of the text.
pub(crate) fn argv(inline: &InlineCode, arguments: &[OsString]) -> Vec<OsString> {
    let mut argv = inline.argv();
    if !arguments.is_empty() {
        // What each interpreter wants between the text and the text's own arguments.
        let between = match inline.language {
            Language::Bash => Some("bash"),
            Language::Js => Some("--"),
            Language::Python | _ => None,
        };
        argv.extend(between.map(OsString::from));
    }
    argv.extend_from_slice(arguments);
    argv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_reach_the_text_and_not_the_interpreter() {
        for (name, expected) in [
            ("python", ["python3", "-c", "CODE", "-x"].as_slice()),
            ("bash", &["bash", "-c", "CODE", "bash", "-x"]),
            ("js", &["node", "-e", "CODE", "--", "-x"]),
        ] {
            let code = inline(name, "CODE".into()).unwrap();
            assert_eq!(argv(&code, &["-x".into()]), expected, "{name}'s first argument is -x");
        }
        let error = inline("cobol", OsString::new()).unwrap_err();
        assert_eq!(error.code, Code::CliUnknownLanguage, "the list is closed");
    }
}
