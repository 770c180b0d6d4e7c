// SPDX-License-Identifier: MIT
//
// Named points in the life of code and memops: places between two steps of a change. A test can
// inspect the state there, hold a thread or let another one go first; `--abort-at` makes the
// process abort there, so that the content of the core file is known.
//
// Without a hook a point is one relaxed load and a branch never taken.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mtetso {

// clang-format off
#define MTETSO_POINTS(P)                                                                        \
  /* publishing a block (Code::commit) */                                                       \
  P(CommitBuilt, "commit-built")             /* words and metadata complete, unreachable */     \
  P(CommitJournal, "commit-journal")         /* the journal says what is about to happen */     \
  P(CommitMapped, "commit-mapped")           /* found by PC, not described yet */               \
  P(CommitDescribed, "commit-described")     /* in the debug root, not entered yet */           \
  P(CommitEntered, "commit-entered")         /* entries lead there, journal still open */       \
  /* the next generation of a table, or of one slot (debug/table.h) */                          \
  P(TableFilling, "table-filling")           /* the hidden buffer or copy is of no generation */ \
  P(TableFilled, "table-filled")             /* whole, not published */                         \
  /* retiring a block (Code::retire) and giving its memory back */                              \
  P(RetireJournal, "retire-journal")                                                            \
  P(RetireHidden, "retire-hidden")           /* no entry leads there, still in the code map */  \
  P(RetireDescribed, "retire-described")     /* among the retired ones, journal still open */   \
  P(UnmapMarked, "unmap-marked")             /* marked unmapped, still mapped */                \
  P(UnmapDone, "unmap-done")                                                                    \
  /* lazy entry stubs (Code::export_function) */                                                \
  P(ExportAsked, "export-asked")             /* before the lock is taken */                     \
  P(ExportBuilt, "export-built")             /* the stub is there, the export not recorded */   \
  /* tiers */                                                                                   \
  P(TierRequested, "tier-requested")                                                            \
  P(TierCompiled, "tier-compiled")           /* finished words, not committed */                \
  P(TierCommitted, "tier-committed")                                                            \
  /* changing a memop or a tag (FaultResolver) */                                               \
  P(PatchLocked, "patch-locked")             /* the lock is held, nothing is decided */         \
  P(PatchJournal, "patch-journal")           /* the journal says what is about to happen */     \
  P(PatchRetag, "patch-retag")               /* the granules have the guard's tag */            \
  P(PatchBarrier, "patch-barrier")           /* they have the new one, or get it with the mode   \
                                                where the memop is patched to shared */         \
  P(PatchHalf, "patch-half")                 /* one word is new, caches not synchronised */     \
  P(PatchMode, "patch-mode")                 /* the mode is new; but for the patch to either,   \
                                                that word is new on every core */               \
  P(PatchWords, "patch-words")               /* all words that change are written */            \
  P(PatchDone, "patch-done")                 /* and their caches are clean; journal still open */ \
  P(PatchUnlocked, "patch-unlocked")
// clang-format on

enum class Point : uint32_t {
#define MTETSO_POINT(name, text) name,
  MTETSO_POINTS(MTETSO_POINT)
#undef MTETSO_POINT
      Count
};

using PointHook = void (*)(Point);

namespace points {
inline std::atomic<PointHook> hook{nullptr};
}

inline void point(Point at) {
  if (PointHook hook = points::hook.load(std::memory_order_relaxed); hook != nullptr) hook(at);
}

// One hook for the process; null removes it. The thread that reaches a point calls it.
inline void set_point_hook(PointHook hook) { points::hook.store(hook, std::memory_order_release); }

// The nth time that a point is reached, counted from 1.
struct PointVisit {
  Point point = Point::Count;
  uint32_t nth = 1;
};

// Parses "NAME" or "NAME:N"; empty if it is neither.
std::optional<PointVisit> find_point(std::string_view text);

// Makes the process abort at that visit (SIGABRT, no clean-up).
void abort_at(const PointVisit& visit);

// All names, in order, separated by `separator`.
std::string point_names(std::string_view separator);

}  // namespace mtetso
