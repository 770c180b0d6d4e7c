// SPDX-License-Identifier: MIT
//
// System V shared memory: attached twice, by a child, read-only, gone when it is
// removed and nobody has it.
#include <linux/ipc.h>
#include <linux/shm.h>

#include "raw.h"

#define SIZE 10000

static word attached(word id) {
  struct shmid64_ds about;
  const word result = CALL(shmctl, id, IPC_STAT, &about);
  return result < 0 ? result : (word)about.shm_nattch;
}

int run(int argc, char** argv, char** envp) {
  (void)argc, (void)argv, (void)envp;
  show("no such segment", CALL(shmat, -1, 0, 0));
  show("no size", CALL(shmget, IPC_PRIVATE, 0, IPC_CREAT | 0600));
  const word id = CALL(shmget, IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
  show("made", id >= 0);
  struct shmid64_ds about;
  show("asked", CALL(shmctl, id, IPC_STAT, &about));
  show("  bytes", (word)about.shm_segsz);
  show("  mode", about.shm_perm.mode);
  show("a bad address", CALL(shmctl, id, IPC_STAT, 8));
  show("a bad command", CALL(shmctl, id, 99, &about));
  volatile long* one = (volatile long*)CALL(shmat, id, 0, 0);
  volatile long* two = (volatile long*)CALL(shmat, id, 0, SHM_RDONLY);
  show("zero", one[5]);
  show("apart", one != two);
  show("attached", attached(id));
  for (int i = 0; i < 100; ++i) one[i * 11] = i * 3;
  word sum = 0;
  for (int i = 0; i < 100; ++i) sum += two[i * 11];
  show("sum", sum);
  show("taken", CALL(shmat, id, one, 0));
  show("crooked", CALL(shmat, id, (word)one + 3, 0));
  // Calls read and write it; where it cannot be written, not.
  int ends[2];
  CALL(pipe, ends);
  CALL(write, ends[1], "words", 5);
  show("read", CALL(read, ends[0], (void*)(one + 600), 5));
  show("  byte", ((volatile char*)(two + 600))[4]);
  CALL(write, ends[1], "words", 5);
  show("not written", CALL(read, ends[0], (void*)two, 5));
  const word child = CALL(fork);
  if (child == 0) {
    one[7] = attached(id);
    __atomic_fetch_add(&one[8], 5, __ATOMIC_SEQ_CST);
    const word left = CALL(shmdt, one);
    leave(left == 0 ? 3 : 4);
  }
  int status = 0;
  CALL(wait4, child, &status, 0, 0);
  show("status", status);
  show("of the child's", two[7]);
  show("added", two[8]);
  show("removed", CALL(shmctl, id, IPC_RMID, 0));
  show("still there", one[1 * 11]);
  show("detached", CALL(shmdt, one));
  show("again", CALL(shmdt, one));
  show("unmapped", CALL(munmap, two, (SIZE + 4095) & ~4095));
  show("gone", CALL(shmctl, id, IPC_STAT, &about));
  return 0;
}
