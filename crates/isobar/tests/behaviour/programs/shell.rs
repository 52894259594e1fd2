//! bash and sh: what scripts do.

use crate::guest::{bash, passes};

macro_rules! scripts {
    ($($name:ident = $script:literal;)*) => { $(
        #[test]
        fn $name() {
            let script = concat!("set -eu\n", $script, "\necho ok");
            passes(bash(&["--timeout", "50s"], script));
        }
    )* };
}

scripts! {
    pipelines_and_their_states = r#"
[ "$(seq 100000 | grep 7 | sort -rn | head -n 1)" = 99997 ]
set +e
true | false | (exit 7); states="${PIPESTATUS[*]}"
set -e
[ "$states" = '0 1 7' ]
[ "$(yes | head -c 1000000 | wc -c)" = 1000000 ]
"#;
    process_substitution = r#"
diff <(seq 3) <(printf '1\n2\n3\n')
seq 5 | tee >(cat > /tmp/copy) > /dev/null
until [ "$(cat /tmp/copy 2>/dev/null)" = "$(seq 5)" ]; do :; done
"#;
    here_documents_and_strings = r#"
name=value
[ "$(cat <<END
$name $((6 * 7))
END
)" = 'value 42' ]
[ "$(cat <<'END'
$name
END
)" = '$name' ]
read -r word <<< 'a string'; [ "$word" = 'a string' ]
[ "$(head -c 100000 /dev/zero | tr '\0' x | cat <<< "$(cat)" | wc -c)" = 100001 ]
"#;
    job_control_without_a_terminal = r#"
set -m
sleep 1000 & one=$!; sleep 1000 & two=$!
[ "$(jobs -r | wc -l)" = 2 ]
kill %1 %2
set +e; wait $one; first=$?; wait $two; second=$?; set -e
[ "$first $second" = '143 143' ]
sleep 1000 & kill -STOP $!; until [ "$(jobs -s | wc -l)" = 1 ]; do jobs > /dev/null; done
kill -KILL $!
"#;
    traps_and_signals = r#"
trap 'caught=1' USR1; kill -USR1 $$; [ "$caught" = 1 ]
(trap 'exit 5' TERM; kill -TERM $BASHPID; exit 1) && exit 1 || [ $? = 5 ]
set +e; sh -c 'kill -SEGV $$' 2> /dev/null; [ $? = 139 ] || exit 1
"#;
    coprocesses_fifos_and_descriptors = r#"
coproc cat; echo one >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; [ "$line" = one ]
mkfifo /tmp/fifo; (echo two > /tmp/fifo) & read -r line < /tmp/fifo; [ "$line" = two ]
exec {fd}> /tmp/file; echo three >&$fd; exec {fd}>&-; [ "$(cat /tmp/file)" = three ]
echo four > /dev/stdout | grep -q four
"#;
    files_and_links = r#"
cd /tmp; mkdir -p a/b; touch a/b/c; ln -s b a/link; ln a/b/c a/hard
[ "$(find a | sort | tr '\n' ' ')" = 'a a/b a/b/c a/hard a/link ' ]
chmod 640 a/hard; [ "$(stat -c %a a/b/c)" = 640 ]
tar -cf t.tar a; rm -r a; tar -xf t.tar; [ -L a/link ] && [ a/hard -ef a/b/c ]
umask 077; touch private; [ "$(stat -c %a private)" = 600 ]
"#;
    parallel_work = r#"
[ "$(seq 40 | xargs -P 8 -I{} sh -c 'echo {}' | sort -n | md5sum)" = "$(seq 40 | md5sum)" ]
all=; for n in 1 2 3 4; do (exit $n) & all="$all $!"; done
sum=0; for one in $all; do wait "$one" || sum=$((sum + $?)); done; [ $sum = 10 ]
"#;
}

/// dash, busybox and the like are a person's `sh`.
#[test]
fn the_versions_are() {
    let ended = passes(bash(&[], "bash --version | head -n 1; sed --version | head -n 1; echo ok"));
    println!("{}", ended.out());
}
