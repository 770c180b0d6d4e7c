// SPDX-License-Identifier: MIT
//
// A file of the runtime's own, in a process whose descriptors are the guest's: it closes those that
// it does not know, as daemons do, and opens files of its own in their place.
#pragma once

#include <sys/stat.h>

#include <string_view>

namespace mtetso {

// An open descriptor by another number: far from those of the guest, each of which has the lowest
// one that is free. The same one where there is no such number.
int moved_away(int file);

// Writes all of it. False if only a part could be written.
bool write_all(int file, std::string_view text);

class KeptFile {
 public:
  // Takes over an open descriptor, and moves it away.
  void take(int file);
  // Closes it.
  void give_up();

  enum class Written { All, Part, Gone };
  // Part: it could not be written to, and errno says why. Gone: the guest has closed it, and
  // nothing was written. Async-signal-safe.
  Written write(std::string_view text) const;

 private:
  // Whether it is the same file still.
  bool is_there() const;

  int file_ = -1;
  struct stat known_ = {};
};

}  // namespace mtetso
