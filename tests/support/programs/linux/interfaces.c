/* SPDX-License-Identifier: MIT */
/* The interfaces of the network, as many as there is room for, and what is said of the first. */
#include "raw.h"

enum { kSocket = 41, kIoctl = 16, kInet = 2, kDatagram = 2 };
enum { kGetInterfaces = 0x8912, kGetMetric = 0x891d, kBadAddress = -14 };

struct interface {
  char name[16];
  char address[24];
};
struct interfaces {
  int length;
  struct interface* all;
};

static void start(word* stack) {
  (void)stack;
  static struct interface all[64];
  const long socket = CALL3(kSocket, kInet, kDatagram, 0);
  struct interfaces asked = {0, 0};
  CHECK(CALL3(kIoctl, socket, kGetInterfaces, &asked) == 0);
  const int needed = asked.length;
  asked = (struct interfaces){sizeof all, all};
  CHECK(CALL3(kIoctl, socket, kGetInterfaces, &asked) == 0);
  CHECK(asked.length == needed && asked.all == all);
  for (int i = 0; i < asked.length / (int)sizeof *all; ++i) {
    say(all[i].name);
    say_number((word)all[i].address[0]);
  }
  CHECK(CALL3(kIoctl, socket, kGetMetric, all) == 0);
  asked.length = sizeof *all + 1;
  CHECK(CALL3(kIoctl, socket, kGetInterfaces, &asked) == 0);
  CHECK(asked.length == sizeof *all);
  asked.length = -1;
  say_number(-(word)CALL3(kIoctl, socket, kGetInterfaces, &asked));
  asked = (struct interfaces){sizeof all, (struct interface*)8};
  CHECK(CALL3(kIoctl, socket, kGetInterfaces, &asked) == kBadAddress);
  CHECK(CALL3(kIoctl, socket, kGetInterfaces, 8) == kBadAddress);
  CALL3(kExitGroup, g_wrong, 0, 0);
}
