/* SPDX-License-Identifier: MIT */
/* Ends in a tag check fault of the runtime itself: a host function reads memory that is local to
 * a core, by an untagged pointer. In a thread on the second core, whose tag is not 0 under either
 * convention. */
#include "mtetso_guest.h"

static volatile uint64_t started;

static uint64_t victim(void* argument) {
  (void)argument;
  uint64_t* own = mtetso_allocate(64);
  if (own == NULL) return 0;
  own[0] = 0x1122334455667788;
  return mtetso_host_peek(own);
}

int main(void) {
  ++started; /* where data begins shared, memops are patched before the crash */
  print("about to crash\n");
  uint64_t seen = mtetso_join(mtetso_spawn(victim, NULL));
  print_number("peeked ", seen, "\n");
  return seen == 0x1122334455667788 ? 0 : failed("the host read something else");
}
