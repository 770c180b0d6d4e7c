// SPDX-License-Identifier: MIT
//
// The debug root: everything that can be reached from the symbol `mtedbg_root`.
#pragma once

#include <mtedbg/debug_root.h>

#include <span>
#include <string_view>

#include "debug/table.h"
#include "options.h"

extern "C" struct mtedbg_root mtedbg_root;

namespace mtetso {

struct DebugRoot {
  PublishedSlots<mtedbg_Block> code_map;
  PublishedTable<mtedbg_Block> retired;
  PublishedSlots<mtedbg_Segment> segments;
  PublishedTable<mtedbg_Thread> threads;
  PublishedSlots<mtedbg_Function> functions;
  PublishedSlots<mtedbg_Code> codes;
  mtedbg_Journal* journal = nullptr;  // one for each JournalSlot
  mtedbg_Config* config = nullptr;
  mtedbg_Lock* lock = nullptr;
  mtedbg_Ending* ending = nullptr;
  mtedbg_Recorder* recorder = nullptr;  // of events outside of guest threads
};

// Built before main(), in dumped memory, never destroyed. The fault handler uses it often: there is
// nothing to check first.
DebugRoot& make_debug_root();
inline DebugRoot& g_debug_root = make_debug_root();
inline DebugRoot& debug_root() { return g_debug_root; }

// Fills the config, the schema and the named array and says Ready. Call once, first of all, after
// the options are read. `version`: of the runtime; `phases`: where the phases of fault handling are
// in its code (fault/phases.h). Throws bad_alloc.
void publish_debug_root(const Options& options, const char* version,
                        std::span<const mtedbg_PhasePoint> phases);

// Keeps why the guest ends the process, for whoever reads its core: the first thread's reason,
// once. `signal`: that it dies of; 0 for an error.
void note_ending(const mtedbg_GuestFrame& guest, int signal, std::string_view reason);

// Keeps that the guest sends itself a signal that ends it, if not now then when it is let in.
// `system_call`: its number.
void note_sent(int signal, uint32_t system_call);

// Keeps the name of a system call that the guest makes and the runtime does not have; of those
// after the first few dozen characters nothing.
void note_missing(std::string_view call);

// Says ShuttingDown; the last thing before exit.
void close_debug_root();

}  // namespace mtetso
