"""The faults: one step of the protocol or of the code manager missing, too early or too weak.

Each is a piece of text that stands once in a file below native/src, and what takes its place. A
fault whose text is gone fails: it is then written anew for the code that took its place.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes:
        name: a word or two.
        file: below native/src; a header would have to be compiled into everything.
        old: text that stands there once.
        new: what it becomes.
        tests: native unit tests, of which one must fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


_ORDER = ("test_protocol_order",)
_MEMORY = ("test_code_memory",)
_TIERS = ("test_tiers",)
_DECISION = ("test_decision",)
_CACHE = ("test_code_cache",)

MUTANTS = (
    # Tags change hands by way of the guard, with two barriers: the second one is that of [2] where
    # the memop is patched to shared as well.
    Mutant(
        "retag-without-guard",
        "fault/act.cc",
        "set_tags(fault, what.barrier ? rules_.guard_tag : fault.new_tag());",
        "set_tags(fault, fault.new_tag());",
        _ORDER,
    ),
    Mutant(
        "one-barrier",
        "memory/barriers.cc",
        "  barrier_everywhere();\n  barrier_everywhere();\n",
        "  barrier_everywhere();\n",
        _ORDER,
    ),
    Mutant(
        "retag-without-barriers",
        "fault/act.cc",
        "      settle_accesses();\n    else",
        "      (void)what;\n    else",
        _ORDER,
    ),
    Mutant(
        "retag-stops-at-guard",
        "fault/act.cc",
        "  if (what.retags() && !fault.settles_with_patch()) set_tags(fault, fault.new_tag());\n",
        "",
        _ORDER,
    ),
    Mutant(
        "retag-and-patch-without-first-barrier",
        "fault/act.cc",
        "    else\n      barrier_everywhere();\n",
        "    else if (!fault.settles_with_patch())\n      barrier_everywhere();\n",
        _ORDER,
    ),
    Mutant(
        "retag-before-the-patch",
        "fault/act.cc",
        "  if (what.retags() && !fault.settles_with_patch()) set_tags",
        "  if (what.retags()) set_tags",
        _ORDER,
    ),
    Mutant(
        "retag-before-the-access-is-on-every-core",
        "fault/act.cc",
        "    half_done(change, Words::Access);\n"
        "    if (fault.settles_with_patch()) set_tags(fault, fault.new_tag());\n",
        "    if (fault.settles_with_patch()) set_tags(fault, fault.new_tag());\n"
        "    half_done(change, Words::Access);\n",
        _ORDER,
    ),
    Mutant(
        "retag-and-patch-stops-at-guard",
        "fault/act.cc",
        "    if (fault.settles_with_patch()) set_tags(fault, fault.new_tag());\n",
        "",
        _ORDER,
    ),
    Mutant(
        "second-granule-forgotten",
        "fault/act.cc",
        "for (uint32_t i = 0; i < fault.now.granules; ++i)\n"
        "    if (fault.what.guard || fault.what.retag[i]) write_tags",
        "for (uint32_t i = 0; i < 1; ++i)\n"
        "    if (fault.what.guard || fault.what.retag[i]) write_tags",
        _ORDER,
    ),
    # Patches: the order of the words, and every core's instruction stream in between.
    Mutant(
        "to-shared-insert-first",
        "fault/act.cc",
        "    write_access_shared(change, pointer);\n    point(Point::PatchHalf);\n"
        "    half_done(change, Words::Access);\n"
        "    if (fault.settles_with_patch()) set_tags(fault, fault.new_tag());\n"
        "    point(Point::PatchMode);\n    write_insert_shared(change, pointer);\n"
        "    if (!fault.alone) last = Words::Insert;",
        "    write_insert_shared(change, pointer);\n    point(Point::PatchHalf);\n"
        "    half_done(change, Words::Insert);\n"
        "    if (fault.settles_with_patch()) set_tags(fault, fault.new_tag());\n"
        "    point(Point::PatchMode);\n    write_access_shared(change, pointer);\n"
        "    if (!fault.alone) last = Words::Access;",
        _ORDER,
    ),
    Mutant(
        "half-not-published",
        "fault/patch.cc",
        "  if (!patch.alone) publish(patch, first);\n",
        "  (void)first;\n",
        _ORDER,
    ),
    Mutant(
        "publish-without-cores",
        "fault/patch.cc",
        "  if (!patch.alone) synchronize_cores();\n",
        "",
        _ORDER,
    ),
    Mutant(
        "publish-with-a-memory-barrier",
        "memory/barriers.cc",
        "must(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE)",
        "must(MEMBARRIER_CMD_PRIVATE_EXPEDITED)",
        _ORDER,
    ),
    Mutant(
        "publish-without-cleaning",
        "fault/patch.cc",
        "  clean_words(patch, words == Words::Access ? access : insert,\n"
        "              words == Words::Insert ? insert : access);\n",
        "  (void)insert, (void)access, (void)words, (void)&clean_words;\n",
        _ORDER,
    ),
    Mutant(
        "publish-cleans-the-other-word",
        "fault/patch.cc",
        "words == Words::Access ? access : insert,",
        "words == Words::Insert ? insert : access,",
        _ORDER,
    ),
    Mutant(
        "last-word-not-cleaned",
        "fault/act.cc",
        "    clean(change, words);\n",
        "    (void)words;\n",
        _ORDER,
    ),
    Mutant(
        "commit-without-cleaning",
        "code/commit.cc",
        "  clean_code(written, reinterpret_cast<const void*>(block->base()), bytes);\n",
        "",
        _ORDER,
    ),
    Mutant(
        "commit-without-cores",
        "code/commit.cc",
        "  synchronize_cores();  // the words are new to every core's instruction stream\n",
        "",
        _ORDER,
    ),
    # Weakening waits for every thread that may be between the words.
    Mutant(
        "weaken-without-waiting",
        "fault/act.cc",
        "if (fault.what.quiesce && !protocol_.quiescence().wait(fault.frame)) {",
        "if (fault.what.quiesce && fault.frame == nullptr) {",
        ("test_protocol_order", "test_patch_races"),
    ),
    Mutant(
        "asked-to-stop-is-a-poll",
        "memory/quiescence.cc",
        "if (now != seen && now != 0) return true;",
        "if (now != seen) return true;",
        _ORDER,
    ),
    Mutant(
        "strict-memops-not-restarted",
        "memory/quiescence.cc",
        "    restart_sections();\n",
        "",
        _ORDER,
    ),
    Mutant(
        "insert-not-put-back",
        "fault/act.cc",
        "      undo_insert(change, fault.now.mode);\n",
        "",
        ("test_protocol_order", "test_patch_races"),
    ),
    # The host takes, and gives back.
    Mutant(
        "host-takes-without-barriers",
        "memory/protocol.cc",
        "  settle_accesses();\n  return lent;",
        "  return lent;",
        _ORDER,
    ),
    Mutant(
        "host-gives-back-without-barrier",
        "memory/protocol.cc",
        "  if (lent.empty()) return;\n  barrier_everywhere();\n",
        "  if (lent.empty()) return;\n",
        _ORDER,
    ),
    Mutant(
        "host-keeps",
        "memory/protocol.cc",
        "write_tags(one.granule, kGranule, one.tag);",
        "write_tags(one.granule, kGranule, shared_tag());",
        ("test_guest_memory",),
    ),
    # Split locks.
    Mutant(
        "split-lock-without-barrier-after",
        "fault/act.cc",
        "  if (fault.what.barrier_after && !fault.alone) barrier_everywhere();\n",
        "",
        _ORDER,
    ),
    Mutant(
        "split-lock-keeps-the-guard",
        "fault/act.cc",
        "    write_tags(fault.granule(i), kGranule, fault.now.tags[i]);\n",
        "    (void)i;\n",
        ("test_resolve",),
    ),
    # The decision table.
    Mutant(
        "local-on-foreign-is-mine",
        "fault/decision.cc",
        "  const bool mine = owns(now) && every_tag_is(now, now.own);\n"
        "  const uint32_t policy = policy_of(now);",
        "  const bool mine = owns(now) && !every_tag_is(now, now.shared);\n"
        "  const uint32_t policy = policy_of(now);",
        _DECISION,
    ),
    Mutant(
        "claims-constant-memory",
        "fault/decision.cc",
        "if (claims && now.writable && now.mode == kLocal",
        "if (claims && now.mode == kLocal",
        _DECISION,
    ),
    Mutant(
        "claims-what-is-foreign",
        "fault/decision.cc",
        "now.mode == kLocal && !some_tag_is_foreign(now))",
        "now.mode == kLocal)",
        _DECISION,
    ),
    Mutant(
        "retag-without-asking-for-barriers",
        "fault/decision.cc",
        "    what.barrier = what.retags();\n",
        "    what.barrier = what.retags() && now.mode == kLocal;\n",
        _DECISION,
    ),
    Mutant(
        "weaken-in-a-hurry",
        "fault/decision.cc",
        "    what.quiesce = true;\n",
        "",
        _DECISION,
    ),
    Mutant(
        "pinned-goes-out-of-line",
        "fault/decision.cc",
        "now.mode == kShared && !now.pinned;",
        "now.mode == kShared;",
        _DECISION,
    ),
    # Follow: what LDG has read decides.
    Mutant(
        "tag-read-and-not-used",
        "code/memop_words.cc",
        "  put(cbnz(3));\n",
        "  put(0xd503201f);\n",
        ("test_memop_words",),
    ),
    Mutant(
        "store-out-of-line-without-barrier",
        "code/memop_words.cc",
        "    put(kDmbIsh);\n    put(plain);\n",
        "    put(plain);\n",
        ("test_memop_words",),
    ),
    # A critical section of rseq starts over where it reads the core id.
    Mutant(
        "abort-handler-not-its-memop",
        "code/block.cc",
        "  const auto at = std::lower_bound(\n      aborts.begin(), aborts.end(), pc,",
        "  const auto at = std::lower_bound(\n      aborts.end(), aborts.end(), pc,",
        ("test_code",),
    ),
    # The end of a block: epochs.
    Mutant(
        "freed-while-a-thread-is-in-it",
        "code/retire.cc",
        "return one.epoch < epoch && one.block->stubs == 0;",
        "return one.epoch <= epoch && one.block->stubs == 0;",
        _TIERS,
    ),
    Mutant(
        "freed-under-a-stub",
        "code/retire.cc",
        "return one.epoch < epoch && one.block->stubs == 0;",
        "return one.epoch < epoch;",
        _TIERS,
    ),
    Mutant(
        "threads-hold-no-epoch",
        "code/epochs.cc",
        "      oldest = std::min(oldest, epoch);\n",
        "      oldest = std::max(oldest, epoch);\n",
        _TIERS,
    ),
    Mutant(
        "retired-and-entered",
        "code/retire.cc",
        "  for (const uint64_t rip : block->guest_entries)"
        " entries_.erase(rip, block->base(), block->end());\n",
        "",
        ("test_code",),
    ),
    Mutant(
        "retired-and-called",
        "code/retire.cc",
        "slot->best.store(0);",
        "slot->best.load();",
        _TIERS,
    ),
    # What is gone gives its records back, and not before nobody can read them.
    Mutant(
        "records-kept-for-ever",
        "debug/arena.cc",
        "  for (const Piece& one : pieces_) give_back(one.at, one.bytes);\n",
        "  for (const Piece& one : pieces_)\n"
        "    if (one.at == nullptr) give_back(one.at, one.bytes);\n",
        _MEMORY,
    ),
    Mutant(
        "pieces-not-zeroed",
        "debug/arena.cc",
        "  return std::memset(static_cast<void*>(used), 0, size.bytes);\n",
        "  return static_cast<void*>(used);\n",
        _MEMORY,
    ),
    Mutant(
        "freed-while-the-older-generation-lists-it",
        "code/description.cc",
        "  dropped_ = std::move(dropped);\n",
        "",
        _MEMORY,
    ),
    Mutant(
        "names-freed-before-their-block",
        "code/build.cc",
        "  block->code = records_;\n",
        "",
        _MEMORY,
    ),
    Mutant(
        "segment-kept-after-its-last-block",
        "code/retire.cc",
        "  block.segment.reset();\n",
        "  static auto& all = *new std::vector<std::shared_ptr<CodeSegment>>;\n"
        "  all.push_back(std::move(block.segment));\n",
        _MEMORY,
    ),
    Mutant(
        "unmapped-before-it-is-said",
        "code/segment.cc",
        "    code_description().remove_segment(*this);\n",
        "",
        _MEMORY,
    ),
    # Stubs, and who may replace whom.
    Mutant(
        "stub-chosen-before-the-lock",
        "code/code.cc",
        "  point(Point::ExportAsked);\n  std::lock_guard hold(code_lock());\n"
        "  if (const auto at = exports_.find(guest_rip); at != exports_.end())\n"
        "    return at->second.stub->base();\n"
        "  const CodeBlock* callee = map_.lookup(entries_.find(guest_rip));\n",
        "  const CodeBlock* callee = map_.lookup(entries_.find(guest_rip));\n"
        "  point(Point::ExportAsked);\n  std::lock_guard hold(code_lock());\n"
        "  if (const auto at = exports_.find(guest_rip); at != exports_.end())\n"
        "    return at->second.stub->base();\n",
        _TIERS,
    ),
    Mutant(
        "every-export-renewed",
        "code/code.cc",
        "    if (one.callee->record.tier < better.record.tier &&\n"
        "        better.functions.find(one.function()) != FuncToCodeRange::kNone &&\n"
        "        better.holds(entries_.find(rip)))\n",
        "    if (one.callee->record.tier < better.record.tier)\n",
        _TIERS,
    ),
    Mutant(
        "no-export-renewed",
        "code/commit.cc",
        "  renew_exports(*block);\n",
        "",
        _TIERS,
    ),
    Mutant(
        "worse-code-replaces-better",
        "code/commit.cc",
        "if (holder == nullptr || holder->record.tier <= block->record.tier)",
        "if (holder == nullptr || holder->record.tier != 77)",
        _TIERS,
    ),
    Mutant(
        "entered-before-it-is-found",
        "code/commit.cc",
        "  insert_in_maps(block.get());\n"
        "  blocks_.push_back(std::move(block));  // from here on nothing can fail\n",
        "  for (const CompiledEntry& entry : code.entries)\n"
        "    entries_.set(entry.guest_rip, block->base() + entry.offset);\n"
        "  insert_in_maps(block.get());\n"
        "  blocks_.push_back(std::move(block));  // from here on nothing can fail\n",
        _TIERS,
    ),
    # Code that changes.
    Mutant(
        "changed-code-stays",
        "code/block.cc",
        "return at != sources.end() && at->begin < end;",
        "return at != sources.end() && at->end <= end;",
        _TIERS,
    ),
    # Memory that programs map: who settles a fault relies on the map (memory/guest_memory.h).
    Mutant(
        "permission-gone-under-a-fault",
        "memory/guest_map.cc",
        "    withdraw(at, part);\n    result = protect_piece(",
        "    result = protect_piece(",
        ("test_guest_memory",),
    ),
    Mutant(
        "memory-gone-under-a-fault",
        "memory/guest_map.cc",
        "    withdraw(at, part);\n    munmap(",
        "    munmap(",
        ("test_guest_memory",),
    ),
    Mutant(
        "read-only-memory-with-an-owner",
        "memory/guest_map.cc",
        "const bool writes = (piece.protection & PROT_WRITE) != 0;",
        "const bool writes = piece.protection != 0;",
        ("test_guest_memory",),
    ),
    Mutant(
        "host-writes-over-code",
        "memory/guest_memory.cc",
        "  if (code_pages_.covers(address, length)) first",
        "  if (length == 0) first",
        ("test_guest_memory",),
    ),
    # The code cache.
    Mutant(
        "cache-of-other-options",
        "cache/encode.cc",
        "maker != key.maker || source != key.source",
        "source != key.source",
        _CACHE,
    ),
    Mutant(
        "cache-of-other-code",
        "cache/encode.cc",
        "maker != key.maker || source != key.source",
        "maker != key.maker",
        _CACHE,
    ),
    Mutant(
        "cache-without-checksum",
        "cache/encode.cc",
        "if (mtedbg_crc32(body, length) != header.checksum)",
        "if (mtedbg_crc32(body, length) == 0)",
        _CACHE,
    ),
)
