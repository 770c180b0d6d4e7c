// SPDX-License-Identifier: MIT
//
// Everything a run did, in order, in a file: `--trace FILE`. The flight recorder keeps the last
// events of each thread; a trace keeps all of them, and also every turn of lockstep, the mode and
// words of the memops of a turn's instruction after it has run, and every barrier on all cores.
// Memory models are checked against it (docs/soundness.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace mtetso {

enum class TraceKind : uint32_t {
  Turn = 1,     // a turn begins. address: guest RIP; first: polls
  Event = 2,    // as in the flight recorder; first, second: old and new value
  Barrier = 3,  // a barrier on every core is done. first: membarrier(2)'s command
  Access = 4,   // the turn's instruction has run. memop; event: mode; first, second: [1] and [2]
  Tags = 5,     // tags were written. address; first: length in bytes; second: the tag
  Interpreted = 6,  // the fault handler has done an access itself. address
  Quiesced = 7,     // no thread is between the two words of a memop that changes
  Word = 9,         // a word of a memop was written. address: where it is executed; first: the word
  Cleaned = 10,     // caches of new words were cleaned. address: where they are executed; first:
                    // length in bytes
  Faulted = 8,      // a memop has faulted. memop, address; event: mode; first: guest RIP; second:
                    // its place among that instruction's memops
};

// One record of the file, as it stands there, in the machine's byte order.
struct TraceRecord {
  TraceKind kind;
  uint32_t thread = 0;  // guest thread, 0 where it is not known
  uint32_t core = 0;    // its core's tag
  uint32_t event = 0;   // MTEDBG_Event_*, or MTEDBG_Mode_* of an access
  uint64_t memop = 0;
  uint64_t address = 0;
  uint64_t first = 0;
  uint64_t second = 0;
};

static_assert(sizeof(TraceRecord) == 48, "readers of traces rely on it");

// Traces everything from now on, into an empty file, or behind what it has if the trace `goes_on`.
// False with errno set where the file cannot be made.
bool open_trace(const std::string& path, bool goes_on = false);
// Traces nothing any more.
void end_trace();

namespace tracing_file {
inline std::atomic<bool> is_open{false};
}  // namespace tracing_file

inline bool tracing() { return tracing_file::is_open.load(std::memory_order_relaxed); }

// Appends a record if a trace is open; where the guest has closed its file, one line says that it
// ends. Async-signal-safe. Records of several host threads do not
// mix (one write(2) each), but their order in the file need not be the order of the events.
void trace(const TraceRecord& record);

}  // namespace mtetso
