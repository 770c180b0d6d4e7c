/* SPDX-License-Identifier: MIT */
/* Message passing: the producer writes data and then a flag, in memory that it allocated itself
 * (local to its core); the consumer waits for the flag and must see the data. What x86 promises
 * without any fence. */
#include "mtetso_guest.h"

enum { WORDS = 4, DEFAULT_MESSAGES = 20 };

struct mailbox {
  volatile uint64_t data[WORDS];
  volatile uint64_t flag; /* the number of the message that data holds */
  volatile uint64_t taken;
};

static struct mailbox* volatile published;
static uint64_t messages;

static uint64_t producer(void* argument) {
  (void)argument;
  struct mailbox* mailbox = mtetso_allocate(sizeof *mailbox);
  if (mailbox == NULL) return 1;
  published = mailbox;
  for (uint64_t message = 1; message <= messages; ++message) {
    for (uint64_t i = 0; i < WORDS; ++i) mailbox->data[i] = message * 100 + i;
    mailbox->flag = message;
    while (mailbox->taken != message) mtetso_yield();
  }
  return 0;
}

static uint64_t consumer(void* argument) {
  uint64_t* total = argument;
  while (published == NULL) mtetso_yield();
  struct mailbox* mailbox = published;
  for (uint64_t message = 1; message <= messages; ++message) {
    while (mailbox->flag != message) mtetso_yield();
    for (uint64_t i = 0; i < WORDS; ++i) {
      uint64_t word = mailbox->data[i];
      if (word != message * 100 + i) return message;
      *total += word;
    }
    mailbox->taken = message;
  }
  return 0;
}

int main(int argc, char** argv) {
  static uint64_t total;
  messages = argument_or(argc, argv, DEFAULT_MESSAGES);
  long first = mtetso_spawn(producer, NULL), second = mtetso_spawn(consumer, &total);
  if (first < 0 || second < 0) return failed("no thread");
  uint64_t sent = mtetso_join(first), received = mtetso_join(second);
  if (sent != 0) return failed("the producer");
  print_number("received ", total, "\n");
  return received == 0 ? 0 : failed("a flag was seen before its data");
}
