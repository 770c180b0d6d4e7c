// SPDX-License-Identifier: MIT
//
// System V semaphores and messages, and POSIX message queues: of one process, between two, between
// threads (one waits while the other must run), with time limits, and what is wrong.
#include <linux/ipc.h>
#include <linux/msg.h>
#include <linux/sem.h>

#include "raw.h"

#define FLAGS (0x00000100 | 0x00000200 | 0x00000400 | 0x00000800 | 0x00010000 | 0x00040000)

struct time {
  word seconds, nanoseconds;
};

static struct {
  word type;
  char text[32];
} out, in;

static int set, queue;
static char stack[65536] __attribute__((aligned(16)));

static word operate(int semaphore, int by, int flags) {
  struct sembuf one = {(unsigned short)semaphore, (short)by, (short)flags};
  return CALL(semop, set, &one, 1);
}

static word value(int semaphore) { return CALL(semctl, set, semaphore, GETVAL); }

__attribute__((noreturn, used)) static void other(void) {
  operate(0, -1, 0);  // waits for run()
  out.type = 7;
  CALL(msgsnd, queue, &out, 3, 0);
  operate(1, 2, 0);
  for (;;) CALL(exit, 0);
}

// A thread that begins in other().
static word begin_thread(void) {
  word result;
  register word r10 __asm__("r10") = 0;
  register word r8 __asm__("r8") = 0;
  __asm__ volatile("syscall\n test %%rax, %%rax\n jnz 1f\n call other\n 1:"
                   : "=a"(result)
                   : "a"((word)__NR_clone), "D"((word)FLAGS), "S"(stack + sizeof stack),
                     "d"((word)0), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}

static void semaphores(void) {
  show("no set", CALL(semget, 0x7e57, 1, 0));
  set = (int)CALL(semget, IPC_PRIVATE, 3, IPC_CREAT | 0600);
  show("made", set >= 0);
  show("set", CALL(semctl, set, 1, SETVAL, 5));
  unsigned short all[3] = {1, 2, 3};
  show("set all", CALL(semctl, set, 0, SETALL, all));
  show("  one", value(1));
  show("down", operate(1, -2, 0));
  show("would wait", operate(1, -1, IPC_NOWAIT));
  struct time soon = {0, 20000000}, wrong = {0, 2000000000};
  struct sembuf down = {1, -1, 0};
  show("timed out", CALL(semtimedop, set, &down, 1, &soon));
  show("a bad time", CALL(semtimedop, set, &down, 1, &wrong));
  struct sembuf mixed[2] = {{0, -1, 0}, {1, -1, IPC_NOWAIT}};
  show("both or none", CALL(semop, set, mixed, 2));
  show("  zero", value(0));
  show("no such one", operate(9, 1, 0));
  show("a bad address", CALL(semop, set, 8, 1));
  show("none", CALL(semop, set, &down, 0));
  show("process", CALL(semctl, set, 0, GETPID) == CALL(getpid));
  struct semid64_ds about;
  memset(&about, 0, sizeof about);
  show("asked", CALL(semctl, set, 0, IPC_STAT, &about));
  show("  count", (word)about.sem_nsems);
  show("  mode", about.sem_perm.mode);
  show("  used", about.sem_otime != 0);
  about.sem_perm.mode = 0640;
  show("changed", CALL(semctl, set, 0, IPC_SET, &about));
  show("asked", CALL(semctl, set, 0, IPC_STAT, &about));
  show("  mode", about.sem_perm.mode);
  show("all", CALL(semctl, set, 0, GETALL, all));
  show("  two", all[2]);
  show("a bad command", CALL(semctl, set, 0, 99, 0));
  show("a bad buffer", CALL(semctl, set, 0, IPC_STAT, 8));
}

static void messages(void) {
  queue = (int)CALL(msgget, IPC_PRIVATE, IPC_CREAT | 0600);
  show("made", queue >= 0);
  memcpy(out.text, "some words", 11);
  out.type = 3;
  show("sent", CALL(msgsnd, queue, &out, 11, 0));
  out.type = 2;
  show("sent", CALL(msgsnd, queue, &out, 5, 0));
  out.type = 0;
  show("no type", CALL(msgsnd, queue, &out, 5, 0));
  show("too long", CALL(msgsnd, queue, &out, 1 << 30, 0));
  struct msqid64_ds about;
  show("asked", CALL(msgctl, queue, IPC_STAT, &about));
  show("  messages", (word)about.msg_qnum);
  show("  bytes", (word)about.msg_cbytes);
  show("too little room", CALL(msgrcv, queue, &in, 4, 3, 0));
  show("received", CALL(msgrcv, queue, &in, 32, -2, 0));
  show("  type", in.type);
  show("cut", CALL(msgrcv, queue, &in, 4, 0, 010000));
  show("  type", in.type);
  say(in.text);
  show("none", CALL(msgrcv, queue, &in, 32, 0, IPC_NOWAIT));
  show("a bad address", CALL(msgsnd, queue, 8, 1, 0));
}

static void between_threads(void) {
  unsigned short none[3] = {0, 0, 0};
  CALL(semctl, set, 0, SETALL, none);
  show("a thread", begin_thread() > 0);
  show("up", operate(0, 1, 0));
  show("from it", CALL(msgrcv, queue, &in, 32, 7, 0));
  show("  type", in.type);
  show("down", operate(1, -2, 0));
  show("zero", operate(1, 0, 0));
}

static void between_processes(void) {
  const word child = CALL(fork);
  if (child == 0) {
    CALL(msgrcv, queue, &in, 32, 5, 0);
    struct sembuf undone[2] = {{2, 4, SEM_UNDO}, {0, 1, 0}};
    CALL(semop, set, undone, 2);
    leave(in.text[0]);
  }
  out.type = 5;
  show("to a child", CALL(msgsnd, queue, &out, 3, 0));
  show("  waited", operate(0, -1, 0));
  int status = 0;
  CALL(wait4, child, &status, 0, 0);
  show("  status", status >> 8);
  show("  undone", value(2));
}

static void posix(void) {
  struct {
    word flags, most, size, now, unused[4];
  } about = {0, 2, 16, 0, {0}};
  show("no queue", CALL(mq_open, "mtetso-no-queue", 2, 0, 0));
  const word mq = CALL(mq_open, "mtetso-queue", 0302, 0600, &about);
  show("made", mq >= 0);
  show("unlinked", CALL(mq_unlink, "mtetso-queue"));
  struct time past = {1, 0};
  show("sent", CALL(mq_timedsend, mq, "one", 3, 1, 0));
  show("sent", CALL(mq_timedsend, mq, "second", 6, 9, 0));
  show("full", CALL(mq_timedsend, mq, "third", 5, 9, &past));
  show("too long", CALL(mq_timedsend, mq, out.text, 17, 9, 0));
  show("asked", CALL(mq_getsetattr, mq, 0, &about));
  show("  messages", about.now);
  unsigned priority = 0;
  show("received", CALL(mq_timedreceive, mq, in.text, 16, &priority, 0));
  show("  priority", priority);
  show("received", CALL(mq_timedreceive, mq, in.text, 16, 0, 0));
  show("empty", CALL(mq_timedreceive, mq, in.text, 16, 0, &past));
  show("too short", CALL(mq_timedreceive, mq, in.text, 3, 0, 0));
  show("closed", CALL(close, mq));
}

int run(int argc, char** argv, char** envp) {
  (void)argc, (void)argv, (void)envp;
  semaphores();
  messages();
  between_processes();
  between_threads();
  show("removed", CALL(semctl, set, 0, IPC_RMID));
  show("removed", CALL(msgctl, queue, IPC_RMID, 0));
  show("gone", operate(0, 1, 0));
  show("gone", CALL(msgrcv, queue, &in, 32, 0, 0));
  posix();
  return 0;
}
