// SPDX-License-Identifier: MIT

#include "linux/table.h"

#include <stdexcept>

namespace mtetso {

CallTable::CallTable() {
  for (const CallRows& family : {file_calls(), ioctl_calls(), memory_calls(), plain_call_rows(),
                                 process_calls(), queue_calls(), shared_memory_calls(),
                                 signal_calls(), thread_calls(), vector_calls(), wait_calls()})
    for (const CallRow& row : family) {
      const CallRow*& place = rows_.at(row.number);
      if (place != nullptr)
        throw std::logic_error(std::string("two rows for system call ") + row.name);
      place = &row;
    }
}

}  // namespace mtetso
