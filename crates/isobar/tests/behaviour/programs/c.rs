//! gcc: compile and run, in the guest's /tmp and in a workspace.

use crate::guest::{passes, sh, text};
use crate::harness::Isobar;
use crate::workspace::lent;

const SCRIPT: &str = r#"
set -eu
cat > sum.h <<'END'
long sum(const long *numbers, int count);
END
cat > sum.c <<'END'
#include "sum.h"
long sum(const long *numbers, int count) {
  long all = 0;
  for (int i = 0; i < count; i++) all += numbers[i];
  return all;
}
END
cat > main.c <<'END'
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include "sum.h"
static long numbers[1000], answer;
static void *work(void *none) { answer = sum(numbers, 1000); return none; }
int main(void) {
  pthread_t thread;
  for (int i = 0; i < 1000; i++) numbers[i] = i;
  if (pthread_create(&thread, 0, work, 0) || pthread_join(thread, 0)) return 1;
  printf("%ld %.0f\n", answer, floor(sqrt((double)answer)));
  return 0;
}
END
gcc -O2 -Wall -Werror -c sum.c
gcc -O2 -Wall -Werror -c main.c
gcc -o dynamic main.o sum.o -lm -pthread
gcc -static -o static main.o sum.o -lm -pthread
gcc -shared -fPIC -O2 -o libsum.so sum.c
gcc -o linked main.o -L. -lsum -lm -pthread -Wl,-rpath,"$PWD"
for program in dynamic static linked; do [ "$(./$program)" = '499500 706' ]; done
printf 'all: main.o sum.o\n\tgcc -o made main.o sum.o -lm -pthread\n' > Makefile
if command -v make > /dev/null; then make -s && ./made | grep -q 499500; fi
gcc --version | head -n 1
echo ok"#;

#[test]
fn it_compiles_and_runs_in_the_guests_tmp() {
    let ended = passes(sh(&["--timeout", "50s"], &format!("cd /tmp; {SCRIPT}")));
    println!("{}", ended.out());
}

#[test]
fn it_compiles_and_runs_in_a_workspace() {
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    let isobar = isobar.args(["--timeout", "50s", "--workspace", text(&dir)]);
    let ended = passes(isobar.args(["--", "sh", "-c", SCRIPT]));
    assert!(ended.kept("w/dynamic").starts_with(b"\x7fELF"), "the program stays: {ended}");
}
