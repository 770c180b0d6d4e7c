// SPDX-License-Identifier: MIT
//
// Exit statuses of the runtime (documented in --help) and the error that carries one.
#pragma once

#include <stdexcept>
#include <string>

namespace mtetso {

// A guest's own exit status can be any of 0..255; these are the runtime's own.
enum class Status : int {
  Usage = 64,
  Malformed = 65,
  CannotOpen = 66,
  WrongTarget = 67,
  UnsupportedInstruction = 68,
  NoTags = 69,
  Internal = 70,
  GuestFault = 71,
  NoRseq = 72,
};

// An error that ends the runtime: one line that says what is wrong, and the exit status.
class StatusError : public std::runtime_error {
 public:
  StatusError(Status status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  Status status() const { return status_; }

 private:
  Status status_;
};

// A jump of the guest's to an address without code.
class NoCodeError : public StatusError {
 public:
  explicit NoCodeError(const std::string& where)
      : StatusError(Status::GuestFault,
                    "the guest jumped or returned to an address without code: " + where) {}
};

}  // namespace mtetso
