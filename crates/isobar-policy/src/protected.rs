//! Files in a lent directory that the host would later execute, or that name commands to it.
//!
//! A guest that may change a directory could plant a command there, and somebody outside would run
//! it: by `git status`, by opening an editor, by entering the directory, by pushing to a
//! repository whose CI obeys the file. Such files are read-only in what is lent writable. The
//! table is data for review: what, who obeys it, why.
//!
//! A pattern is a row of names that the *end* of a path must have, so that a repository inside a
//! repository counts as well. `**` stands for one or more names.

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProtectedPath {
    /// The names at the end of the path, separated by `/`.
    pub pattern: &'static str,
    /// Whether only a file counts: `.git` is a file in a linked worktree, and names a directory.
    pub file_only: bool,
    /// The program outside that obeys it.
    pub by: &'static str,
    /// What it can make that program do.
    pub why: &'static str,
}

macro_rules! paths {
    ($($pattern:literal $($file:ident)?, $by:literal, $why:literal;)*) => {
        /// Every row, grouped by who obeys it.
        pub const PROTECTED: &[ProtectedPath] = &[$(ProtectedPath {
            pattern: $pattern,
            file_only: paths!(@ $($file)?),
            by: $by,
            why: $why,
        },)*];
    };
    (@ file) => { true };
    (@) => { false };
}

paths! {
    // githooks(5), git-config(1), gitrepository-layout(5).
    ".git" file, "git", "names the repository that git uses, with its hooks and settings";
    ".git/hooks", "git", "programs that commit, checkout, merge and push start";
    ".git/config", "git", "core.fsmonitor, core.pager, core.sshCommand, filters and aliases are commands";
    ".git/config.worktree", "git", "as .git/config";
    ".git/commondir", "git", "names another directory with hooks and settings";
    ".git/info/attributes", "git", "chooses the filters and merge drivers that run";
    ".git/objects/info/alternates", "git", "takes objects from another place";
    ".git/modules/**/hooks", "git", "as .git/hooks, of a submodule";
    ".git/modules/**/config", "git", "as .git/config, of a submodule";
    ".git/worktrees/**/config.worktree", "git", "as .git/config, of a linked worktree";
    ".git/worktrees/**/commondir", "git", "as .git/commondir, of a linked worktree";
    ".gitmodules", "git", "where submodules come from, and how they are updated";
    ".gitattributes", "git", "chooses the filters and merge drivers that run";
    ".hg/hgrc", "mercurial", "hooks and extensions";
    ".jj/repo/config.toml", "jujutsu", "editors, diff tools and aliases are commands";
    // Hook managers.
    ".husky", "husky", "git hooks";
    ".githooks", "git", "the usual core.hooksPath";
    ".pre-commit-config.yaml", "pre-commit", "hooks and where they come from";
    "lefthook.yml", "lefthook", "git hooks";
    ".lefthook.yml", "lefthook", "git hooks";
    ".overcommit.yml", "overcommit", "git hooks";
    // Entering a directory.
    ".envrc", "direnv", "a shell script that runs on entering the directory";
    ".env.mise.toml", "mise", "as mise.toml";
    "mise.toml", "mise", "hooks on entering, tasks, environment";
    ".mise.toml", "mise", "hooks on entering, tasks, environment";
    ".mise", "mise", "configuration and tasks";
    ".tool-versions", "asdf, mise", "chooses the interpreters that run";
    ".autoenv", "autoenv", "a shell script that runs on entering the directory";
    // Shells and login, where a home is lent.
    ".bashrc", "bash", "runs in each shell";
    ".bash_profile", "bash", "runs at login";
    ".bash_login", "bash", "runs at login";
    ".bash_logout", "bash", "runs at logout";
    ".bash_aliases", "bash", "read by .bashrc";
    ".profile", "sh", "runs at login";
    ".zshrc", "zsh", "runs in each shell";
    ".zshenv", "zsh", "runs in each shell";
    ".zprofile", "zsh", "runs at login";
    ".zlogin", "zsh", "runs at login";
    ".config/fish", "fish", "runs in each shell";
    ".config/autostart", "desktops", "programs that start at login";
    ".config/systemd", "systemd", "units of the user";
    ".config/git", "git", "as .git/config, for every repository";
    ".gitconfig", "git", "as .git/config, for every repository";
    ".ssh", "ssh", "keys that may log in, ProxyCommand";
    ".inputrc", "readline", "key bindings that type commands";
    ".vimrc", "vim", "commands at start";
    ".exrc", "vim", "commands at start, also from the directory itself";
    ".nvim.lua", "neovim", "commands at start, from the directory itself";
    ".gdbinit", "gdb", "commands at start";
    ".lldbinit", "lldb", "commands at start";
    // Editors.
    ".vscode/tasks.json", "VS Code", "commands, some on opening the folder";
    ".vscode/settings.json", "VS Code", "paths of interpreters and tools that are started";
    ".vscode/launch.json", "VS Code", "programs that debugging starts";
    ".vscode/extensions.json", "VS Code", "extensions that it offers to install";
    ".vscode/mcp.json", "VS Code", "servers that are started";
    ".devcontainer", "VS Code", "commands that run on the host and in a container";
    ".devcontainer.json", "VS Code", "as .devcontainer";
    ".idea", "JetBrains", "run configurations, file watchers, interpreters";
    ".zed", "Zed", "tasks and language servers";
    ".dir-locals.el", "Emacs", "Lisp that is evaluated for the directory's files";
    // Agents, which run commands of their own accord.
    "CLAUDE.md", "Claude Code", "instructions that it follows";
    "CLAUDE.local.md", "Claude Code", "instructions that it follows";
    ".claude", "Claude Code", "hooks, commands, permissions";
    "AGENTS.md", "coding agents", "instructions that they follow";
    "GEMINI.md", "Gemini CLI", "instructions that it follows";
    ".gemini", "Gemini CLI", "settings and servers";
    ".codex", "Codex", "settings and instructions";
    ".cursor", "Cursor", "rules and servers";
    ".cursorrules", "Cursor", "instructions that it follows";
    ".windsurf", "Windsurf", "rules";
    ".windsurfrules", "Windsurf", "instructions that it follows";
    ".clinerules", "Cline", "instructions that it follows";
    ".aider.conf.yml", "aider", "commands for lint and test";
    ".continue", "Continue", "settings and servers";
    ".mcp.json", "MCP clients", "servers that are started";
    ".github/copilot-instructions.md", "Copilot", "instructions that it follows";
    // CI, which runs with the rights of whoever pushes.
    ".github/workflows", "GitHub Actions", "commands with the repository's secrets";
    ".github/actions", "GitHub Actions", "steps of workflows";
    ".gitlab-ci.yml", "GitLab CI", "commands with the project's secrets";
    ".gitea/workflows", "Gitea Actions", "commands with the repository's secrets";
    ".forgejo/workflows", "Forgejo Actions", "commands with the repository's secrets";
    ".circleci", "CircleCI", "commands with the project's secrets";
    ".buildkite", "Buildkite", "commands with the project's secrets";
    ".travis.yml", "Travis CI", "commands with the project's secrets";
    "azure-pipelines.yml", "Azure Pipelines", "commands with the project's secrets";
    "Jenkinsfile", "Jenkins", "commands with the project's secrets";
    ".drone.yml", "Drone", "commands with the project's secrets";
    ".woodpecker", "Woodpecker", "commands with the project's secrets";
    // Package managers: where code comes from, and what runs in its stead.
    ".npmrc", "npm", "registry, script shell, node options";
    ".yarnrc", "yarn", "the yarn that runs";
    ".yarnrc.yml", "yarn", "the yarn that runs, and its plugins";
    ".yarn/releases", "yarn", "the yarn that runs";
    ".yarn/plugins", "yarn", "code inside yarn";
    ".pnpmfile.cjs", "pnpm", "code that runs at install";
    ".cargo/config.toml", "cargo", "runners, linkers and rustc wrappers";
    ".cargo/config", "cargo", "runners, linkers and rustc wrappers";
    "rust-toolchain.toml", "rustup", "chooses the compiler that runs";
    "rust-toolchain", "rustup", "chooses the compiler that runs";
    ".pypirc", "twine", "where packages are sent";
    "pip.conf", "pip", "where packages come from";
    ".bundle/config", "bundler", "where gems come from";
    ".mvn", "maven", "extensions and JVM options";
    ".terraformrc", "terraform", "where providers come from";
}

impl ProtectedPath {
    /// The row that the path of these names matches, outermost name first.
    #[must_use]
    pub fn find(names: &[&[u8]], is_directory: bool) -> Option<&'static Self> {
        let fits = |row: &&Self| !(row.file_only && is_directory) && row.matches(names);
        PROTECTED.iter().find(fits)
    }

    /// How many names at the end of `names` the pattern took.
    #[must_use]
    pub fn depth(&self, names: &[&[u8]]) -> usize {
        let parts: Vec<_> = self.pattern.split('/').collect();
        (1..=names.len())
            .find(|count| names.get(names.len() - count..).is_some_and(|end| fits(&parts, end)))
            .unwrap_or(0)
    }

    fn matches(&self, names: &[&[u8]]) -> bool {
        let last = self.pattern.rsplit('/').next().unwrap_or_default();
        // Nearly every file ends here.
        names.last().is_some_and(|name| *name == last.as_bytes()) && self.depth(names) > 0
    }
}

fn fits(parts: &[&str], names: &[&[u8]]) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), Some((_, below))) => fits(rest, below) || fits(parts, below),
        (Some((part, rest)), Some((name, below))) => part.as_bytes() == *name && fits(rest, below),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn find(path: &str, is_directory: bool) -> Option<&'static str> {
        let names: Vec<_> = path.split('/').map(str::as_bytes).collect();
        ProtectedPath::find(&names, is_directory).map(|row| row.pattern)
    }

    #[test]
    fn rows_are_plain_paths_that_occur_once_and_say_why() {
        let patterns: BTreeSet<_> = PROTECTED.iter().map(|row| row.pattern).collect();
        assert_eq!(patterns.len(), PROTECTED.len(), "a row twice is a row that nobody reviewed");
        for row in PROTECTED {
            assert!(!row.by.is_empty() && !row.why.is_empty(), "{}: for the reader", row.pattern);
            let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
            assert!(row.pattern.split('/').all(plain), "{}: names only", row.pattern);
            assert!(!row.pattern.ends_with("**"), "{}: the last name is compared", row.pattern);
        }
    }

    #[test]
    fn every_row_finds_its_own_path_at_any_depth() {
        for row in PROTECTED {
            let path = row.pattern.replace("**", "a/b");
            for path in [path.clone(), format!("deep/below/{path}")] {
                assert!(find(&path, false).is_some(), "{path} is what the row is about");
            }
        }
    }

    #[test]
    fn what_only_looks_alike_is_not_found() {
        for path in ["hooks", "git/hooks", ".git/hooks/pre-commit", "x.envrc", ".git/modules/hooks"]
        {
            assert_eq!(find(path, false), None, "{path} is no row of the table");
        }
        assert_eq!(find("sub/.git", true), None, "a repository is searched, not closed");
        assert_eq!(find("sub/.git", false), Some(".git"), "a worktree's pointer is");
    }

    #[test]
    fn the_depth_is_that_of_the_pattern() {
        let names: Vec<_> = "a/.git/modules/x/y/hooks".split('/').map(str::as_bytes).collect();
        let row = ProtectedPath::find(&names, true).expect("a submodule's hooks");
        assert_eq!(row.depth(&names), 5, "everything from .git on belongs to it");
    }
}
