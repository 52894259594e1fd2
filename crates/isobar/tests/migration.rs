//! docs/migration.md: every pair of command lines on that page does the same job.
//!
//! A pair is a block of a peer (`sh bwrap`, `sh nsjail`, …) and the block `sh isobar` that follows.
//! Both run in directories of their own that look alike; what they print, how they end and what the
//! directory holds afterwards is compared.

#[cfg(test)]
#[path = "harness/mod.rs"]
mod harness;

#[cfg(test)]
mod migration {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use crate::harness::{Isobar, is_root, skip};

    const PAGE: &str = include_str!("../../../docs/migration.md");

    /// What root alone can do: the package's program is setuid root, and this one is not installed.
    const ROOT_ONLY: [&str; 1] = ["firejail"];

    /// A block of the page: who runs, the exit code that it says, the line.
    #[derive(Debug)]
    struct Block {
        who: String,
        exit: i32,
        line: String,
    }

    fn blocks() -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut inside = false;
        for line in PAGE.lines() {
            if let Some(info) = line.strip_prefix("```") {
                inside = false;
                let mut words = info.split(' ');
                if let (Some("sh"), Some(who)) = (words.next(), words.next()) {
                    inside = true;
                    let exit = words.find_map(|word| word.strip_prefix("exit="));
                    let exit = exit.map_or(0, |code| code.parse().expect("a number"));
                    blocks.push(Block { who: who.to_owned(), exit, line: String::new() });
                }
            } else if inside {
                let block = blocks.last_mut().expect("one was begun");
                block.line.push_str(line);
                block.line.push('\n');
            }
        }
        blocks
    }

    /// What a block printed, and the files that it left.
    #[derive(Debug, PartialEq, Eq)]
    struct Done {
        out: String,
        files: BTreeMap<String, String>,
    }

    fn run(block: &Block, peers: &Path) -> Done {
        let isobar = Isobar::new();
        isobar.file("w/data/numbers", "30\n1\n200\n");
        let dir = isobar.scratch().join("w");
        let peers = peers.display();
        let typed = format!("PATH=\"${{0%/*}}:{peers}:/usr/bin:/bin\"; {}", block.line);
        let home = isobar.scratch().to_owned();
        let isobar = isobar.under(["/bin/sh", "-c", &typed]).cwd(&dir).env("HOME", &home);
        let ended = isobar.run();
        assert_eq!(ended.code, Some(block.exit), "{}{ended}", block.line);
        let mut files = BTreeMap::new();
        for name in ["data/numbers", "data/new", "sorted"] {
            if let Ok(text) = fs::read_to_string(dir.join(name)) {
                files.insert(name.to_owned(), text);
            }
        }
        Done { out: ended.out(), files }
    }

    /// Whether the peer is there, in the directory of peers or installed.
    fn is_there(name: &str, peers: &Path) -> bool {
        let installed = ["/usr/bin", "/bin"].map(Path::new);
        installed.into_iter().chain([peers]).any(|dir| dir.join(name).exists())
    }

    fn pairs_of(peer: &str) {
        let peers = std::env::var_os("ISOBAR_PEERS").unwrap_or_default();
        let peers = Path::new(&peers);
        let blocks = blocks();
        let pairs: Vec<_> = blocks
            .windows(2)
            .filter(|pair| pair[0].who == peer && pair[1].who == "isobar")
            .collect();
        assert!(!pairs.is_empty(), "the page has pairs of {peer}");
        let mine = || pairs.iter().map(|pair| run(&pair[1], peers)).collect::<Vec<_>>();
        let missing = if !is_there(peer, peers) {
            Some(peer.to_owned())
        } else if ROOT_ONLY.contains(&peer) && !is_root() {
            Some(format!("{peer} as an ordinary user"))
        } else {
            None
        };
        if let Some(missing) = missing {
            // Ours are run all the same.
            mine();
            return skip(&format!("the_pairs_of_{peer}"), &missing);
        }
        for (pair, ours) in pairs.iter().zip(mine()) {
            let theirs = run(&pair[0], peers);
            assert_eq!(theirs, ours, "both do the same:\n{}{}", pair[0].line, pair[1].line);
        }
    }

    #[test]
    fn the_pairs_of_bwrap() {
        pairs_of("bwrap");
    }

    #[test]
    fn the_pairs_of_nsjail() {
        pairs_of("nsjail");
    }

    #[test]
    fn the_pairs_of_firejail() {
        pairs_of("firejail");
    }

    #[test]
    fn the_pairs_of_srt() {
        pairs_of("srt");
    }

    /// A block that is in no pair, or of a peer that no test knows, would be run by nobody.
    #[test]
    fn every_block_is_in_a_pair() {
        let blocks = blocks();
        assert!(blocks.len() >= 12 && blocks.len().is_multiple_of(2), "{blocks:?}");
        for pair in blocks.chunks(2) {
            let known = ["bwrap", "nsjail", "firejail", "srt"];
            assert!(known.contains(&pair[0].who.as_str()), "{pair:?}");
            assert_eq!(pair[1].who, "isobar", "{pair:?}");
        }
    }
}
