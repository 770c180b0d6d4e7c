// SPDX-License-Identifier: MIT
#include "code/epochs.h"

#include <algorithm>

namespace mtetso {

void Epochs::add(std::atomic<uint64_t>* word) {
  std::lock_guard hold(lock_);
  words_.push_back(word);
}

uint64_t Epochs::oldest() const {
  std::lock_guard hold(lock_);
  uint64_t oldest = now_.load(std::memory_order_seq_cst);
  for (const auto* word : words_)
    if (const uint64_t epoch = word->load(std::memory_order_seq_cst); epoch != 0)
      oldest = std::min(oldest, epoch);
  return oldest;
}

Epochs& epochs() {
  static Epochs& the = *new Epochs;
  return the;
}

}  // namespace mtetso
