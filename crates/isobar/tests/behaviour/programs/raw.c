/* A static executable without libc that behaves as Go's runtime does: it makes its threads with
 * clone and CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM | CLONE_THREAD, parks
 * them on futexes, polls with epoll, preempts with tgkill, and asks the kernel what Go asks. */
#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define THREADS 8
#define SIGURG_NUMBER 23

static long call6(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long answer;
  __asm__ volatile("syscall"
                   : "=a"(answer)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return answer;
}
#define call(number, ...) CALL(number, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CALL(number, a, b, c, d, e, f, ...) \
  call6(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static void print(const char *text) {
  long length = 0;
  while (text[length]) length++;
  call(SYS_write, 1, text, length);
}

static void must(long answer, const char *what) {
  if (answer >= 0) return;
  print("failed: ");
  print(what);
  print("\n");
  call(SYS_exit_group, 1);
}
#define MUST(number, ...) ({ long answer = call(number, ##__VA_ARGS__); must(answer, #number); answer; })

static volatile uint32_t started, go, finished, interrupted;
static volatile int64_t sum;

static void preempted(int signal) {
  (void)signal;
  __sync_fetch_and_add(&interrupted, 1);
}

/* What rt_sigaction(2) takes from a program without libc. */
struct action {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  unsigned long mask;
};
__attribute__((naked)) static void restore(void) {
  __asm__ volatile("mov $15, %eax\n\tsyscall");
}

__attribute__((noreturn, used)) static void work(void) {
  static char alternate[THREADS][8192];
  uint32_t number = __sync_fetch_and_add(&started, 1);
  stack_t stack = {.ss_sp = alternate[number], .ss_size = sizeof alternate[0]};
  MUST(SYS_sigaltstack, &stack, 0);
  call(SYS_futex, &started, FUTEX_WAKE_PRIVATE, 1);
  while (!go) call(SYS_futex, &go, FUTEX_WAIT_PRIVATE, 0);
  for (int i = 0; i < 1000; i++) __sync_fetch_and_add(&sum, 1);
  MUST(SYS_sched_yield);
  __sync_fetch_and_add(&finished, 1);
  call(SYS_futex, &finished, FUTEX_WAKE_PRIVATE, 1);
  for (;;) call(SYS_exit, 0);
}

/* The child returns from clone on a stack of its own, where its function's address waits. */
static long start_thread(char *top) {
  void **stack = (void **)top;
  *--stack = (void *)work;
  long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM | CLONE_THREAD;
  long answer;
  register long r10 __asm__("r10") = 0;
  register long r8 __asm__("r8") = 0;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "pop %%rax\n\t"
      "and $-16, %%rsp\n\t"
      "call *%%rax\n\t"
      "1:"
      : "=a"(answer)
      : "a"(SYS_clone), "D"(flags), "S"(stack), "d"(0), "r"(r10), "r"(r8)
      : "rcx", "r11", "memory");
  return answer;
}

static void threads(void) {
  long ids[THREADS], self = MUST(SYS_getpid);
  for (int i = 0; i < THREADS; i++) {
    char *stack = (char *)MUST(SYS_mmap, 0, 65536, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ids[i] = start_thread(stack + 65536);
    must(ids[i], "clone");
  }
  for (uint32_t seen; (seen = started) < THREADS;)
    call(SYS_futex, &started, FUTEX_WAIT_PRIVATE, seen);
  for (int i = 0; i < THREADS; i++) MUST(SYS_tgkill, self, ids[i], SIGURG_NUMBER);
  go = 1;
  MUST(SYS_futex, &go, FUTEX_WAKE_PRIVATE, THREADS);
  for (uint32_t seen; (seen = finished) < THREADS;)
    call(SYS_futex, &finished, FUTEX_WAIT_PRIVATE, seen);
  must(sum == THREADS * 1000 ? 0 : -1, "the sum of all threads");
  must(interrupted == THREADS ? 0 : -1, "every thread was interrupted once");
}

static void poller(void) {
  int ends[2];
  uint64_t one = 1;
  long poll = MUST(SYS_epoll_create1, EPOLL_CLOEXEC);
  long event = MUST(SYS_eventfd2, 0, 02004000);
  struct epoll_event wanted = {.events = EPOLLIN, .data.fd = (int)event};
  MUST(SYS_epoll_ctl, poll, EPOLL_CTL_ADD, event, &wanted);
  MUST(SYS_pipe2, ends, 02004000);
  struct epoll_event edge = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = ends[0]};
  MUST(SYS_epoll_ctl, poll, EPOLL_CTL_ADD, ends[0], &edge);
  MUST(SYS_write, event, &one, 8);
  MUST(SYS_write, ends[1], "x", 1);
  struct epoll_event seen[8];
  must(MUST(SYS_epoll_pwait, poll, seen, 8, 5000, 0, 8) == 2 ? 0 : -1, "both are ready");
}

static void questions(void) {
  unsigned long mask[128];
  long time[2], pause[2] = {0, 20000};
  char byte[32];
  MUST(SYS_sched_getaffinity, 0, sizeof mask, mask);
  MUST(SYS_clock_gettime, 1, time);
  MUST(SYS_nanosleep, pause, 0);
  MUST(SYS_getrandom, byte, sizeof byte, 0);
  MUST(SYS_gettid);
  char *arena = (char *)MUST(SYS_mmap, 0xc000000000, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MUST(SYS_mmap, arena, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  arena[4096] = 1;
  MUST(SYS_madvise, arena, 4 << 20, MADV_HUGEPAGE);
  MUST(SYS_madvise, arena, 4 << 20, MADV_DONTNEED);
  must(arena[4096] == 0 ? 0 : -1, "pages are given back");
  MUST(SYS_mincore, arena, 4096, byte);
  struct { unsigned long now, most; } limit;
  MUST(SYS_prlimit64, 0, 7, 0, &limit);
  MUST(SYS_prlimit64, 0, 7, &limit, 0);
  int timer;
  struct sigevent by_thread = {.sigev_notify = 4, .sigev_signo = 27};
  by_thread._sigev_un._tid = (int)MUST(SYS_gettid);
  MUST(SYS_timer_create, 2, &by_thread, &timer);
  MUST(SYS_timer_delete, timer);
}

__attribute__((used)) static void run(void) {
  struct action action = {preempted, SA_ONSTACK | SA_RESTART | 0x04000000, restore, 0};
  static unsigned long thread_storage[16];
  MUST(SYS_arch_prctl, 0x1002, thread_storage);
  MUST(SYS_rt_sigaction, SIGURG_NUMBER, &action, 0, 8);
  poller();
  questions();
  threads();
  print("ok\n");
  call(SYS_exit_group, 0);
}

__attribute__((naked, noreturn)) void _start(void) {
  __asm__ volatile("xor %ebp, %ebp\n\tand $-16, %rsp\n\tcall run\n\thlt");
}
