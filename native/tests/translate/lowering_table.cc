// SPDX-License-Identifier: MIT
//
// The table of lowerings: which function it finds, and that it rejects two for one instruction.
// Ends with 0 where everything is as it should be; prints the line of what is not.
#include <cstdio>
#include <stdexcept>
#include <string_view>

#include "translate/lowering.h"

namespace mtetso {
namespace {

bool first(const LoweringContext&) { return true; }
bool second(const LoweringContext&) { return true; }

int g_failures = 0;

void check(bool holds, int line) {
  if (holds) return;
  ++g_failures;
  std::fprintf(stderr, "lowering_table.cc:%d\n", line);
}
#define CHECK(...) check((__VA_ARGS__), __LINE__)

constexpr LoweringRow kPlain[] = {{ZYDIS_MNEMONIC_ADD, first}};
constexpr LoweringRow kLocked[] = {{ZYDIS_MNEMONIC_ADD, second, Lock::With}};
constexpr LoweringRow kEither[] = {{ZYDIS_MNEMONIC_XADD, second, Lock::Either}};

bool rejects(std::initializer_list<LoweringRows> families, std::string_view message) {
  try {
    LoweringTable table(families);
  } catch (const std::logic_error& error) {
    return error.what() == message;
  }
  return false;
}

void find_rows() {
  const LoweringTable table({kPlain, kLocked, kEither});
  CHECK(table.find(ZYDIS_MNEMONIC_ADD, false) == first);
  CHECK(table.find(ZYDIS_MNEMONIC_ADD, true) == second);
  CHECK(table.find(ZYDIS_MNEMONIC_XADD, false) == second);
  CHECK(table.find(ZYDIS_MNEMONIC_XADD, true) == second);
  CHECK(table.find(ZYDIS_MNEMONIC_SUB, false) == nullptr);
  CHECK(table.find(ZYDIS_MNEMONIC_MAX_VALUE, true) == nullptr);
}

void reject_duplicates() {
  constexpr LoweringRow kAgain[] = {{ZYDIS_MNEMONIC_XADD, first}};
  CHECK(rejects({kPlain, kPlain}, "two lowerings of add"));
  CHECK(rejects({kLocked, kPlain, kLocked}, "two lowerings of add"));
  CHECK(rejects({kEither, kAgain}, "two lowerings of xadd"));
}

}  // namespace
}  // namespace mtetso

int main() {
  mtetso::find_rows();
  mtetso::reject_duplicates();
  return mtetso::g_failures == 0 ? 0 : 1;
}
