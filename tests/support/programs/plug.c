/* A library that is opened while its program runs, and dies in it. */
static char* volatile bad = (char*)0x20;
static volatile int sink;
__attribute__((noinline)) static int low(int n) {
  int r = bad[n] + 1;
  sink += r;
  return r;
}
__attribute__((noinline)) int plug(int n) {
  int r = low(n) + 2;
  sink += r;
  return r;
}
