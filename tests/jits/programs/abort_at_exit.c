/* Preloaded: a process that ends by exit(3) leaves a core, when all else is done. */
#include <signal.h>
#include <stdlib.h>

static void leave_core(void) {
  signal(SIGABRT, SIG_DFL);
  abort();
}

/* Handlers run in reverse: what is registered first is called last. */
__attribute__((constructor)) static void register_first(void) { atexit(leave_core); }
