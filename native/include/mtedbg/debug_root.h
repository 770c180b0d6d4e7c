/* SPDX-License-Identifier: MIT
 *
 * The debug root: how a debugger finds and reads a JIT, alive or dead.
 *
 * A JIT that includes this one header (C11 or C++20, no dependencies), defines the symbol
 * `mtedbg_root` and fills the records below is served by every command of mtedbg: live, stripped,
 * without DWARF, without its executable, and from a core taken at any instruction.
 *
 * How it hangs together
 *
 *   mtedbg_root ──► schema text          names, kinds, offsets, enum values, contracts
 *               └─► mtedbg_named[]       "code-map", "memops"…: where each thing is
 *                     form record/array  ─► flat records
 *                     form table         ─► mtedbg_table ─► the published mtedbg_buffer ─► records
 *                     form slots         ─► mtedbg_slots ─► chunks ─► slots, a record each
 *
 * Rules that make a dead process readable:
 *  - records are flat, fixed width, without bit-fields and without pointers into containers;
 *  - everything lives in writable memory: a core with the default filter drops `.rodata`, so a
 *    string literal that a record points to has to be copied first;
 *  - a table is filled whole in the buffer that is not published and then published by one release
 *    store of its generation: generation g lives in buffer[g & 1]. The other buffer keeps g - 1.
 *    mtedbg_publish_table() does it, at a cost in proportion to the table: for what is small;
 *  - what grows is kept in slots, where one record is added, changed or taken away at a cost that
 *    does not depend on how many there are: mtedbg_slots_append(), _change(), _remove();
 *  - before a change begins, its journal slot says what is about to happen; it is cleared last;
 *  - memory that a reader can still reach is not given back to an allocator.
 */
#ifndef MTEDBG_DEBUG_ROOT_H
#define MTEDBG_DEBUG_ROOT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define MTEDBG_STATIC_ASSERT(cond, text) static_assert(cond, text)
extern "C" {
#else
#define MTEDBG_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#endif

/* A full fence as one instruction, which ThreadSanitizer does not refuse. */
#if defined(__aarch64__)
#define MTEDBG_FENCE() __asm__ volatile("dmb ish" ::: "memory")
#elif defined(__x86_64__)
#define MTEDBG_FENCE() __asm__ volatile("mfence" ::: "memory")
#else
#define MTEDBG_FENCE() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

/* What is done between two steps of a publication: nothing. Tests stop there. */
enum { MTEDBG_FILLING, MTEDBG_FILLED };
#ifndef MTEDBG_BETWEEN
#define MTEDBG_BETWEEN(step) ((void)(step))
#endif

#define MTEDBG_ROOT_MAGIC "MTEDBGR" /* eight bytes with the terminator */
#define MTEDBG_ABI_MAJOR 1
#define MTEDBG_ABI_MINOR 1
#define MTEDBG_NO_FUNCTION UINT32_MAX /* of a range that belongs to none */
#define MTEDBG_ENDIAN_PROBE UINT32_C(0x01020304)

/* The lists are laid out by hand, as tables. */
/* clang-format off */

/* Values. Each list is written once: it makes the C enum and the schema's text. */

#define MTEDBG_ROOT_STATES(V) \
  V(RootState, NotReady, 0) V(RootState, Ready, 1) V(RootState, ShuttingDown, 2)
#define MTEDBG_FORMS(V) V(Form, Record, 1) V(Form, Array, 2) V(Form, Table, 3) V(Form, Slots, 4)
#define MTEDBG_BLOCK_KINDS(V)                                                      \
  V(BlockKind, SharedStubs, 1) V(BlockKind, BaselineTier, 2) V(BlockKind, OptimizedTier, 3) \
  V(BlockKind, LazyStubs, 4)
#define MTEDBG_BLOCK_STATES(V) \
  V(BlockState, Building, 0) V(BlockState, Published, 1) V(BlockState, Retired, 2) \
  V(BlockState, Unmapped, 3)
#define MTEDBG_RANGE_KINDS(V)                                                         \
  V(RangeKind, Function, 1) V(RangeKind, EntryStub, 2) V(RangeKind, ImportThunk, 3)   \
  V(RangeKind, BuiltinThunk, 4) V(RangeKind, FaultTrampoline, 5) V(RangeKind, Throw, 6) \
  V(RangeKind, DebugStub, 7)
#define MTEDBG_FRAME_KINDS(V) \
  V(FrameKind, Unknown, 0) V(FrameKind, Leaf, 1) V(FrameKind, Record, 2) \
  V(FrameKind, CallFrames, 3)
#define MTEDBG_TIERS(V) V(Tier, None, 0) V(Tier, Baseline, 1) V(Tier, Optimized, 2)
#define MTEDBG_TIER_STATES(V) \
  V(TierState, Idle, 0) V(TierState, Requested, 1) V(TierState, Compiling, 2) \
  V(TierState, Committed, 3) V(TierState, Failed, 4)
#define MTEDBG_ACCESSES(V) V(Access, Load, 1) V(Access, Store, 2) V(Access, ReadModifyWrite, 3)
#define MTEDBG_MODES(V) V(Mode, Local, 1) V(Mode, Shared, 2) V(Mode, Either, 3)
#define MTEDBG_POLICIES(V) \
  V(Policy, Seed, 1) V(Policy, Sticky, 2) V(Policy, Interpret, 3) V(Policy, Follow, 4)
#define MTEDBG_CORE_ID_SOURCES(V) \
  V(CoreIdSource, Pinned, 1) V(CoreIdSource, RseqRead, 2) V(CoreIdSource, RseqStrict, 3) \
  V(CoreIdSource, Lockstep, 4) V(CoreIdSource, Thread, 5)
#define MTEDBG_THREAD_STATES(V)                                                       \
  V(ThreadState, Parked, 0) V(ThreadState, Dispatcher, 1) V(ThreadState, Jit, 2)      \
  V(ThreadState, Thunk, 3) V(ThreadState, Fault, 4) V(ThreadState, Exited, 5)
#define MTEDBG_OPERATIONS(V)                                                          \
  V(Operation, None, 0) V(Operation, PatchMemop, 1) V(Operation, InsertBlock, 2)      \
  V(Operation, RetireBlock, 3) V(Operation, RetagOnly, 4)
#define MTEDBG_PHASES(V)                                                              \
  V(Phase, Fault, 1) V(Phase, Lookup, 2) V(Phase, Lock, 3) V(Phase, Retag, 4)         \
  V(Phase, Barrier, 5) V(Phase, PatchMemop, 6) V(Phase, PatchAddress, 7) V(Phase, Icache, 8) \
  V(Phase, Unlock, 9) V(Phase, Resume, 10)
#define MTEDBG_EVENTS(V)                                                              \
  V(Event, Fault, 1) V(Event, Lookup, 2) V(Event, Retag, 3) V(Event, Patch, 4)        \
  V(Event, Migration, 5) V(Event, TierCommit, 6) V(Event, LazyStub, 7) V(Event, Retry, 8) \
  V(Event, Interpret, 9) V(Event, Pin, 10) V(Event, ThreadStart, 11) V(Event, ThreadExit, 12)

#define MTEDBG_ENUMS(E)                                                               \
  E(MTEDBG_ROOT_STATES) E(MTEDBG_FORMS) E(MTEDBG_BLOCK_KINDS) E(MTEDBG_BLOCK_STATES)  \
  E(MTEDBG_RANGE_KINDS) E(MTEDBG_FRAME_KINDS) E(MTEDBG_TIERS) E(MTEDBG_TIER_STATES) E(MTEDBG_ACCESSES)      \
  E(MTEDBG_MODES) E(MTEDBG_POLICIES) E(MTEDBG_CORE_ID_SOURCES) E(MTEDBG_THREAD_STATES) \
  E(MTEDBG_OPERATIONS) E(MTEDBG_PHASES) E(MTEDBG_EVENTS)

#define MTEDBG_ENUM_VALUE(type, name, value) MTEDBG_##type##_##name = value,
#define MTEDBG_ENUM_LIST(list) list(MTEDBG_ENUM_VALUE)
enum { MTEDBG_ENUMS(MTEDBG_ENUM_LIST) };
#undef MTEDBG_ENUM_LIST

/* Records. A field is F(Type, kind, name); a kind is u32, u64, or an enum held in a u32.
 * Addresses are u64; a tag in one, as of a tagged heap, means nothing. A string is an address and a
 * length in dumped memory. What is not told, or does not apply, is 0 unless another value is named. */

/* name and type_name: addresses of NUL-terminated strings of at most 63 bytes: "code-map", "Block".
 * address: of the record, the first record of the array, the mtedbg_Table or the mtedbg_Slots.
 * count, stride: of an array, of its records, and bytes of one; of a record 1, and its bytes. Tables
 * and slots have their own: there neither is read. */
#define MTEDBG_NAMED_FIELDS(F, T)                                                     \
  F(T, u64, name) F(T, u64, type_name) F(T, u64, address) F(T, u32, count)            \
  F(T, u32, stride) F(T, Form, form) F(T, u32, reserved)

/* published == 0: nothing yet. Otherwise generation `published` stands in buffer[published & 1]. */
#define MTEDBG_TABLE_FIELDS(F, T) F(T, u64, published) F(T, u64, buffer0) F(T, u64, buffer1)

/* A buffer: this header, `count` records of `stride` bytes, then a u64 equal to gen_begin.
 * checksum: CRC-32 (IEEE 802.3, as in zlib) of the records. */
#define MTEDBG_BUFFER_FIELDS(F, T)                                                    \
  F(T, u64, gen_begin) F(T, u32, count) F(T, u32, capacity) F(T, u32, stride) F(T, u32, checksum)

/* published: changes so far; it is stored last. count: slots that were ever used. Slot n stands in
 * chunk n / chunk_slots. chunks: the directory, a slot of Chunk for each chunk, in order. last_low,
 * last_high: what the last chunk's bounds would be; for the writer. */
#define MTEDBG_SLOTS_FIELDS(F, T)                                                     \
  F(T, u64, published) F(T, u64, count) F(T, u64, chunks) F(T, u32, chunk_slots)      \
  F(T, u32, stride) F(T, u64, last_low) F(T, u64, last_high) F(T, u32, chunk_capacity) \
  F(T, u32, reserved)

/* A slot: this header, and two copies of `stride` bytes. Generation g of the record stands in copy
 * g & 1, and the other copy keeps g - 1; generation 0 was never filled. checksum<n>: CRC-32 of the
 * generation, as a u64, and of the bytes of copy n after it. A record of zeros is none: it was
 * taken away. */
#define MTEDBG_SLOT_FIELDS(F, T) F(T, u64, generation) F(T, u32, checksum0) F(T, u32, checksum1)

/* address: of the first slot. Every record of the chunk concerns addresses in [low, high) only:
 * readers that search for an address leave out other chunks. The last chunk has no bounds yet:
 * 0 and UINT64_MAX. */
#define MTEDBG_CHUNK_FIELDS(F, T) F(T, u64, address) F(T, u64, low) F(T, u64, high)

/* code-map: disjoint; as a table sorted by base, as slots in any order. retired: newest last, as many
 * as the JIT likes to keep.
 * id: of this block alone, also later; not 0. generation: for people, as the number of the change of
 * the map that published it. segment, code: ids in `segments` and `codes`, where these are named.
 * ranges_checksum: CRC-32 of the range_count records at `ranges`. supersedes, superseded_by: ids of
 * blocks. reason: a text, of a retired block. What every block needs: base, length, id, ranges with
 * their count and checksum, kind, tier, state. */
#define MTEDBG_BLOCK_FIELDS(F, T)                                                     \
  F(T, u64, base) F(T, u64, length) F(T, u64, id) F(T, u64, generation)               \
  F(T, u64, segment) F(T, u64, ranges) F(T, u64, memops) F(T, u32, range_count)       \
  F(T, u32, memop_count) F(T, u32, ranges_checksum) F(T, BlockKind, kind) F(T, Tier, tier) \
  F(T, BlockState, state) F(T, u64, supersedes) F(T, u64, superseded_by)              \
  F(T, u64, reason) F(T, u32, reason_length) F(T, u32, reserved) F(T, u64, code)      \
  F(T, u64, details)

/* Block.details: the address of this record, 0 for none: what most JITs do not have. Each part of it
 * may be 0, for not told.
 * owner: what the block is code of, if the JIT keeps several apart: a module, a script, a tenant.
 * inlines: sorted by begin, an outer one before those within it.
 * patches: places that are written while the code lives, sorted by address; no memops.
 * call_frames: the bytes of an .eh_frame section, of the ranges whose frame is CallFrames.
 * moved_from: the base of the same code, before it was moved here. moved_to, of a retired block: the
 * base of the block that has the code now. */
#define MTEDBG_DETAILS_FIELDS(F, T)                                                   \
  F(T, u64, owner) F(T, u32, owner_length) F(T, u32, inline_count) F(T, u64, inlines) \
  F(T, u64, patches) F(T, u32, patch_count) F(T, u32, reserved) F(T, u64, call_frames) \
  F(T, u64, call_frames_size) F(T, u64, moved_from) F(T, u64, moved_to)

/* A function whose code stands at [begin, end), offsets from the block's base, within another's.
 * name, and file: addresses of NUL-terminated texts of at most 255 bytes. file, line: where it is
 * called, in the function around it; 0 for not told. */
#define MTEDBG_INLINE_FIELDS(F, T) \
  F(T, u32, begin) F(T, u32, end) F(T, u64, name) F(T, u64, file) F(T, u32, line) F(T, u32, reserved)

/* address: of the first byte that is written. name: what for, as above. times: how often it was. */
#define MTEDBG_PATCH_FIELDS(F, T) \
  F(T, u64, address) F(T, u32, size) F(T, u32, times) F(T, u64, name)

/* ranges of a block: sorted by begin; begin and end are offsets from the block's base. function: the
 * index of a record in `functions`, MTEDBG_NO_FUNCTION for none: 0 is the first one. symbol: a name of the range's own, which comes
 * before the function's. The rest may be 0, for not told:
 * frame: how to leave it. Leaf: it has no frame, x30 is the return address. Record: it begins with
 * stp x29, x30, [sp, #-N]! and mov x29, sp; every RET follows ldp x29, x30, [sp], #N, and in between
 * x29 is the record's address. frame_size: N. x19 to x28 are taken for the caller's. CallFrames: by
 * the call frame information of the block's details.
 * lines: line_count records, sorted by begin: the source of the code from there on. */
#define MTEDBG_RANGE_FIELDS(F, T)                                                     \
  F(T, u32, begin) F(T, u32, end) F(T, RangeKind, kind) F(T, u32, function)           \
  F(T, u64, guest_rip) F(T, u64, callee_block) F(T, u64, symbol) F(T, u32, symbol_length) \
  F(T, FrameKind, frame) F(T, u32, frame_size) F(T, u32, line_count) F(T, u64, lines)

/* begin: an offset from the block's base. line: from 1 on, 0 where there is none from here on. file:
 * the address of a NUL-terminated path of at most 255 bytes. */
#define MTEDBG_LINE_FIELDS(F, T) F(T, u32, begin) F(T, u32, line) F(T, u64, file)

/* memops of a block: sorted by address. `address` is the access [2]; `tag_address` the tag insert
 * [1], 0 where the memop has none. The instruction words are read from memory, never kept here:
 * recorded mode and bytes are compared, and a difference is a finding. restart_address: where it
 * begins and is resumed after a fault, 0 if that is the first word above; abort_address: where the
 * kernel sends a thread that it interrupts there, 0 if it is not a critical section of rseq(2).
 * [out_address, out_end): its out-of-line form, which [1] branches to in mode Either and which
 * branches back behind [2]; 0 if it has none. A PC in it counts as in the memop. counter: the address
 * of a u64, how often control came to it; 0 if that is not counted. Memops may share one. */
#define MTEDBG_MEMOP_FIELDS(F, T)                                                     \
  F(T, u64, id) F(T, u64, address) F(T, u64, tag_address) F(T, u64, block) F(T, u64, guest_rip) \
  F(T, Access, access) F(T, u32, size) F(T, Mode, mode) F(T, u32, flips) F(T, u32, pinned) \
  F(T, u32, faults) F(T, u64, last_fault_address) F(T, u64, last_fault_time)          \
  F(T, u32, last_fault_logical_tag) F(T, u32, last_fault_allocation_tag)              \
  F(T, u32, last_fault_core) F(T, u32, reserved)                                      \
  F(T, u64, restart_address) F(T, u64, abort_address) F(T, u64, out_address) F(T, u64, out_end) \
  F(T, u64, counter)

#define MTEDBG_SEGMENT_FIELDS(F, T)                                                   \
  F(T, u64, id) F(T, u64, base) F(T, u64, write_base) F(T, u64, capacity) F(T, u64, used) \
  F(T, u32, blocks) F(T, u32, references)

#define MTEDBG_THREAD_FIELDS(F, T)                                                    \
  F(T, u64, id) F(T, u64, host_tid) F(T, u64, frame) F(T, u64, recorder)              \
  F(T, u64, stack_low) F(T, u64, stack_high)

/* index: what ranges name it by; found at once where the record with index n is number n. name: a
 * text. block: the id of the block that has its best code, 0 for none. */
#define MTEDBG_FUNCTION_FIELDS(F, T)                                                  \
  F(T, u32, index) F(T, u32, name_length) F(T, u64, name) F(T, u64, guest_begin)      \
  F(T, u64, guest_end) F(T, u64, block) F(T, Tier, best_tier) F(T, TierState, tier_state) \
  F(T, u64, code)

/* codes: the translated code of each program, with its blocks and functions; and the stubs that all
 * programs share. digest: of the guest's code, CRC-32 in the low half, its length in the high half.
 * load_bias: guest addresses less those in the program's file, modulo 2^64. build_id: of the file's
 * GNU note, as a string of hexadecimal digits; of length 0 if it has none. path: of the file; of
 * length 0 if the code is of none, or if that is not kept. */
#define MTEDBG_CODE_FIELDS(F, T)                                                      \
  F(T, u64, id) F(T, u64, name) F(T, u32, name_length) F(T, u32, reserved) F(T, u64, digest) \
  F(T, u64, guest_begin) F(T, u64, guest_end) F(T, u64, shared_stubs)          \
  F(T, u64, load_bias) F(T, u64, build_id) F(T, u32, build_id_length) F(T, u32, path_length) \
  F(T, u64, path)

#define MTEDBG_PHASE_FIELDS(F, T) F(T, Phase, phase) F(T, u32, reserved) F(T, u64, address)

/* journal: one slot for each kind of writer. */
#define MTEDBG_JOURNAL_FIELDS(F, T)                                                   \
  F(T, Operation, operation) F(T, Phase, phase) F(T, u64, thread) F(T, u64, block)    \
  F(T, u64, memop) F(T, u64, generation) F(T, u64, address) F(T, u32, old_tag)        \
  F(T, u32, new_tag) F(T, Mode, old_mode) F(T, Mode, new_mode)

/* lock: for changes of tags and memops. thread: the guest thread that holds it, 0: none. */
#define MTEDBG_LOCK_FIELDS(F, T) F(T, u64, thread)

/* recorder: head events were ever written; event n stands at index n % capacity while
 * n >= head - capacity, and is whole when its `order` is n + 1. */
#define MTEDBG_RECORDER_FIELDS(F, T)                                                  \
  F(T, u64, head) F(T, u64, events) F(T, u32, capacity) F(T, u32, stride) F(T, u64, thread)
/* time: nanoseconds of CLOCK_MONOTONIC, one for all records of one fault; clock: one counter for all
 * threads, which orders them. */
#define MTEDBG_RECORD_FIELDS(F, T)                                                    \
  F(T, u64, order) F(T, u64, clock) F(T, u64, time) F(T, u64, memop) F(T, u64, address) \
  F(T, u64, old_value) F(T, u64, new_value) F(T, Event, event) F(T, u32, core)

/* config: guard_tag: memory has it while its owner changes; nobody_tag: pointers of cores without a
 * tag have it, 16 if every core has a tag. */
#define MTEDBG_CONFIG_FIELDS(F, T)                                                    \
  F(T, u32, shared_tag) F(T, u32, cores) F(T, Policy, policy) F(T, CoreIdSource, core_id_source) \
  F(T, Mode, memops_start) F(T, u32, pin_threshold) F(T, u64, version) F(T, u32, version_length) \
  F(T, u32, reserved) F(T, u32, claim_threshold) F(T, u32, interpret_threshold)      \
  F(T, u32, guard_tag) F(T, u32, nobody_tag)

/* ending: what the guest does that ends the process; zeros before. thread: the guest thread that does
 * it. rip: where. signal: that it dies of; 0: an error that the runtime ends with. reason: in words. missing: system calls that
 * it has made before and the runtime does not have, "uselib, semget". sent_signal, sent_by: the last
 * signal that ends the process which it has sent to itself, and the number of the system call. */
#define MTEDBG_ENDING_FIELDS(F, T)                                                    \
  F(T, u64, thread) F(T, u64, rip) F(T, u64, reason) F(T, u32, reason_length) F(T, u32, signal) \
  F(T, u64, missing) F(T, u32, missing_length) F(T, u32, sent_signal)                   \
  F(T, u32, sent_by) F(T, u32, ending_reserved)

/* The state of a guest thread. In JIT code the general registers, RIP's successor and flags are in
 * host registers: the schema's `register` lines say where. noted_core: the host_core_id of the last
 * Migration event. rseq: the kernel's struct rseq of the host thread, 0 if the core id does not come
 * from it. xmm<n>_low, _high: the halves of the vector registers, which are in host registers in JIT
 * code. mxcsr: its sticky bits are those of the last exit from JIT code. */
#define MTEDBG_FRAME_XMM(F, T, n) F(T, u64, xmm##n##_low) F(T, u64, xmm##n##_high)
#define MTEDBG_FRAME_FIELDS(F, T)                                                     \
  F(T, u64, rax) F(T, u64, rcx) F(T, u64, rdx) F(T, u64, rbx) F(T, u64, rsp) F(T, u64, rbp) \
  F(T, u64, rsi) F(T, u64, rdi) F(T, u64, r8) F(T, u64, r9) F(T, u64, r10) F(T, u64, r11) \
  F(T, u64, r12) F(T, u64, r13) F(T, u64, r14) F(T, u64, r15) F(T, u64, rip) F(T, u64, flags) \
  F(T, u64, host_core_id) F(T, u64, thread_id) F(T, ThreadState, state) F(T, u32, noted_core) \
  F(T, u64, thread) F(T, u64, rseq) F(T, u32, mxcsr) F(T, u32, vector_reserved)       \
  MTEDBG_FRAME_XMM(F, T, 0) MTEDBG_FRAME_XMM(F, T, 1) MTEDBG_FRAME_XMM(F, T, 2)       \
  MTEDBG_FRAME_XMM(F, T, 3) MTEDBG_FRAME_XMM(F, T, 4) MTEDBG_FRAME_XMM(F, T, 5)       \
  MTEDBG_FRAME_XMM(F, T, 6) MTEDBG_FRAME_XMM(F, T, 7) MTEDBG_FRAME_XMM(F, T, 8)       \
  MTEDBG_FRAME_XMM(F, T, 9) MTEDBG_FRAME_XMM(F, T, 10) MTEDBG_FRAME_XMM(F, T, 11)     \
  MTEDBG_FRAME_XMM(F, T, 12) MTEDBG_FRAME_XMM(F, T, 13) MTEDBG_FRAME_XMM(F, T, 14)    \
  MTEDBG_FRAME_XMM(F, T, 15)

#define MTEDBG_RECORDS(R)                                                             \
  R(Named, MTEDBG_NAMED_FIELDS) R(Table, MTEDBG_TABLE_FIELDS) R(Buffer, MTEDBG_BUFFER_FIELDS) \
  R(Slots, MTEDBG_SLOTS_FIELDS) R(Slot, MTEDBG_SLOT_FIELDS) R(Chunk, MTEDBG_CHUNK_FIELDS)     \
  R(Block, MTEDBG_BLOCK_FIELDS) R(Range, MTEDBG_RANGE_FIELDS) R(Line, MTEDBG_LINE_FIELDS) R(Memop, MTEDBG_MEMOP_FIELDS)   \
  R(Details, MTEDBG_DETAILS_FIELDS) R(Inline, MTEDBG_INLINE_FIELDS) R(Patch, MTEDBG_PATCH_FIELDS) \
  R(Segment, MTEDBG_SEGMENT_FIELDS) R(Thread, MTEDBG_THREAD_FIELDS)                   \
  R(Function, MTEDBG_FUNCTION_FIELDS) R(Code, MTEDBG_CODE_FIELDS) R(PhasePoint, MTEDBG_PHASE_FIELDS)              \
  R(Journal, MTEDBG_JOURNAL_FIELDS) R(Lock, MTEDBG_LOCK_FIELDS) R(Recorder, MTEDBG_RECORDER_FIELDS)               \
  R(Record, MTEDBG_RECORD_FIELDS) R(Config, MTEDBG_CONFIG_FIELDS) R(Ending, MTEDBG_ENDING_FIELDS) R(GuestFrame, MTEDBG_FRAME_FIELDS)

typedef uint32_t mtedbg_u32;
typedef uint64_t mtedbg_u64;
#define MTEDBG_ENUM_TYPE(name) typedef uint32_t mtedbg_##name;
MTEDBG_ENUM_TYPE(RootState) MTEDBG_ENUM_TYPE(Form) MTEDBG_ENUM_TYPE(BlockKind)
MTEDBG_ENUM_TYPE(BlockState) MTEDBG_ENUM_TYPE(RangeKind) MTEDBG_ENUM_TYPE(FrameKind) MTEDBG_ENUM_TYPE(Tier)
MTEDBG_ENUM_TYPE(TierState) MTEDBG_ENUM_TYPE(Access) MTEDBG_ENUM_TYPE(Mode)
MTEDBG_ENUM_TYPE(Policy) MTEDBG_ENUM_TYPE(CoreIdSource) MTEDBG_ENUM_TYPE(ThreadState)
MTEDBG_ENUM_TYPE(Operation) MTEDBG_ENUM_TYPE(Phase) MTEDBG_ENUM_TYPE(Event)
#undef MTEDBG_ENUM_TYPE

/* clang-format on */

#define MTEDBG_STRUCT_FIELD(type, kind, name) mtedbg_##kind name;
#define MTEDBG_STRUCT(type, fields)   \
  struct mtedbg_##type {              \
    fields(MTEDBG_STRUCT_FIELD, type) \
  };
                    MTEDBG_RECORDS(MTEDBG_STRUCT)
#undef MTEDBG_STRUCT

    /* The root itself. Its layout is fixed for an ABI major version; all else is told by the
     * schema. `checksum` is the CRC-32 of the bytes before it; `self` is written at start, so that
     * of all the copies of these bytes that a core may hold only the true one has its own address
     * in it. */
    struct mtedbg_root {
  char magic[8];
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;
  uint32_t endian;
  uint32_t schema_size;
  uint64_t self;
  uint64_t schema;
  uint64_t named; /* array of mtedbg_Named */
  uint32_t named_count;
  uint32_t schema_checksum;
  uint64_t name; /* of the runtime, for messages */
  uint32_t name_length;
  uint32_t checksum;
  /* not under the checksum: they change while the runtime lives */
  uint64_t next; /* the next root of this process, 0 at the end */
  uint32_t state;
  uint32_t reserved;
};

MTEDBG_STATIC_ASSERT(sizeof(struct mtedbg_root) == 88, "the root's layout is ABI");
MTEDBG_STATIC_ASSERT(offsetof(struct mtedbg_root, checksum) == 68, "the root's layout is ABI");

/* The schema's text, line by line:
 *
 *   mtedbg-schema 1
 *   type Block 128                      a record and its size in bytes
 *   Block.base : u64 @ 0                a field: kind (u32, u64 or an enum) and offset
 *   BlockKind.SharedStubs = 1           an enum's value
 *   contract end = exclusive            a meaning; the adopter's own lines follow
 *   register frame = x28                where JIT code keeps a thing
 *   caller x19 = [x29-80]               where JIT code keeps its caller's value of a register
 */
struct mtedbg_text {
  char* out;
  size_t capacity;
  size_t length; /* of the whole text, also if it did not fit */
};

static inline void mtedbg_put(struct mtedbg_text* text, const char* string) {
  for (; *string != '\0'; ++string, ++text->length)
    if (text->length < text->capacity) text->out[text->length] = *string;
}

static inline void mtedbg_put_number(struct mtedbg_text* text, uint64_t number) {
  char digits[24];
  char* at = digits + sizeof digits;
  *--at = '\0';
  do *--at = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  mtedbg_put(text, at);
}

static inline void mtedbg_put_line(struct mtedbg_text* text, const char* head, const char* middle,
                                   uint64_t number) {
  mtedbg_put(text, head);
  mtedbg_put(text, middle);
  mtedbg_put_number(text, number);
  mtedbg_put(text, "\n");
}

/* Writes the schema of these records and then `contracts` (whole lines) to `out`; returns the
 * length in bytes, which is more than `capacity` if the text did not fit. */
static inline size_t mtedbg_write_schema(char* out, size_t capacity, const char* contracts) {
  struct mtedbg_text text = {out, capacity, 0};
  mtedbg_put(&text, "mtedbg-schema 1\n");
#define MTEDBG_TEXT_FIELD(type, kind, name) \
  mtedbg_put_line(&text, #type "." #name " : " #kind, " @ ", offsetof(struct mtedbg_##type, name));
#define MTEDBG_TEXT_RECORD(type, fields)                                    \
  mtedbg_put_line(&text, "type " #type, " ", sizeof(struct mtedbg_##type)); \
  fields(MTEDBG_TEXT_FIELD, type)
  MTEDBG_RECORDS(MTEDBG_TEXT_RECORD)
#undef MTEDBG_TEXT_RECORD
#undef MTEDBG_TEXT_FIELD
#define MTEDBG_TEXT_VALUE(type, name, value) mtedbg_put_line(&text, #type "." #name, " = ", value);
#define MTEDBG_TEXT_ENUM(list) list(MTEDBG_TEXT_VALUE)
  MTEDBG_ENUMS(MTEDBG_TEXT_ENUM)
#undef MTEDBG_TEXT_ENUM
#undef MTEDBG_TEXT_VALUE
  mtedbg_put(&text, contracts);
  return text.length;
}

/* The remainders of all bytes, each the exclusive or of those of its bits: a table of constants. */
#define MTEDBG_CRC_BIT(byte, bit, remainder) ((0u - (((byte) >> (bit)) & 1u)) & (remainder))
#define MTEDBG_CRC_1(byte)                                                       \
  (MTEDBG_CRC_BIT(byte, 0, 0x77073096u) ^ MTEDBG_CRC_BIT(byte, 1, 0xEE0E612Cu) ^ \
   MTEDBG_CRC_BIT(byte, 2, 0x076DC419u) ^ MTEDBG_CRC_BIT(byte, 3, 0x0EDB8832u) ^ \
   MTEDBG_CRC_BIT(byte, 4, 0x1DB71064u) ^ MTEDBG_CRC_BIT(byte, 5, 0x3B6E20C8u) ^ \
   MTEDBG_CRC_BIT(byte, 6, 0x76DC4190u) ^ MTEDBG_CRC_BIT(byte, 7, 0xEDB88320u))
#define MTEDBG_CRC_4(byte) \
  MTEDBG_CRC_1(byte), MTEDBG_CRC_1(byte + 1u), MTEDBG_CRC_1(byte + 2u), MTEDBG_CRC_1(byte + 3u)
#define MTEDBG_CRC_16(byte) \
  MTEDBG_CRC_4(byte), MTEDBG_CRC_4(byte + 4u), MTEDBG_CRC_4(byte + 8u), MTEDBG_CRC_4(byte + 12u)
#define MTEDBG_CRC_64(byte)                                                  \
  MTEDBG_CRC_16(byte), MTEDBG_CRC_16(byte + 16u), MTEDBG_CRC_16(byte + 32u), \
      MTEDBG_CRC_16(byte + 48u)

/* CRC-32 (IEEE 802.3, reflected, as in zlib) of what `crc` is the CRC-32 of (0: of nothing) and of
 * `length` bytes at `data` after it. */
static inline uint32_t mtedbg_crc32_more(uint32_t crc, const void* data, size_t length) {
  static const uint32_t remainders[256] = {MTEDBG_CRC_64(0u), MTEDBG_CRC_64(64u),
                                           MTEDBG_CRC_64(128u), MTEDBG_CRC_64(192u)};
  const unsigned char* byte = (const unsigned char*)data;
  crc = ~crc;
  for (size_t i = 0; i < length; ++i) crc = (crc >> 8) ^ remainders[(crc ^ byte[i]) & 0xffu];
  return ~crc;
}

/* CRC-32 of `length` bytes at `data`. */
static inline uint32_t mtedbg_crc32(const void* data, size_t length) {
  return mtedbg_crc32_more(0, data, length);
}

#undef MTEDBG_CRC_BIT
#undef MTEDBG_CRC_1
#undef MTEDBG_CRC_4
#undef MTEDBG_CRC_16
#undef MTEDBG_CRC_64

/* Gives `bytes` of zeroed memory, aligned to eight bytes, writable, dumped in a core and never
 * freed; NULL where there is none. mmap(2) of anonymous memory will do. */
typedef void* (*mtedbg_allocate)(size_t bytes);

static inline uint64_t mtedbg_address(const void* at) { return (uint64_t)(uintptr_t)at; }

static inline void mtedbg_copy(void* to, const void* from, size_t bytes) {
  if (bytes != 0) __builtin_memcpy(to, from, bytes);
}

/* Tables: for what is small, or changes rarely. */

static inline struct mtedbg_Buffer* mtedbg_hidden_buffer(const struct mtedbg_Table* table) {
  const uint64_t next = table->published + 1;
  return (struct mtedbg_Buffer*)(uintptr_t)((next & 1) != 0 ? table->buffer1 : table->buffer0);
}

/* Makes room for `count` records of `stride` bytes (a multiple of 8) in the buffer that is filled
 * next, so that a publication of so many cannot fail. An outgrown buffer is kept: a reader may have
 * its address. Returns 0, or -1 where there is no memory. */
static inline int mtedbg_reserve_table(struct mtedbg_Table* table, size_t count, uint32_t stride,
                                       mtedbg_allocate allocate) {
  const struct mtedbg_Buffer* hidden = mtedbg_hidden_buffer(table);
  if (hidden != NULL && hidden->capacity >= count) return 0;
  if (count > UINT32_MAX / 2) return -1;
  const size_t capacity = count < 8 ? 16 : 2 * count;
  struct mtedbg_Buffer* grown = (struct mtedbg_Buffer*)allocate(
      sizeof(struct mtedbg_Buffer) + capacity * stride + sizeof(uint64_t));
  if (grown == NULL) return -1;
  grown->capacity = (uint32_t)capacity;
  grown->stride = stride;
  uint64_t* place = ((table->published + 1) & 1) != 0 ? &table->buffer1 : &table->buffer0;
  __atomic_store_n(place, mtedbg_address(grown), __ATOMIC_RELEASE);
  return 0;
}

/* Publishes `count` records as the table's next generation. Readers have the one before it until
 * the last store, whenever the process dies. One caller at a time. The cost is proportional to
 * `count`. Returns 0, or -1 where there is no memory: nothing is changed then. */
static inline int mtedbg_publish_table(struct mtedbg_Table* table, const void* records,
                                       size_t count, uint32_t stride, mtedbg_allocate allocate) {
  if (mtedbg_reserve_table(table, count, stride, allocate) != 0) return -1;
  const uint64_t next = table->published + 1;
  struct mtedbg_Buffer* hidden = mtedbg_hidden_buffer(table);
  unsigned char* body = (unsigned char*)(hidden + 1);
  const size_t bytes = count * stride;
  /* From here to the last store gen_begin and the end mark differ, or the checksum does not fit: a
   * reader that takes this buffer for the older generation sees that it is not. */
  __atomic_store_n(&hidden->gen_begin, next, __ATOMIC_RELAXED);
  MTEDBG_FENCE();
  MTEDBG_BETWEEN(MTEDBG_FILLING);
  hidden->count = (uint32_t)count;
  hidden->checksum = mtedbg_crc32(records, bytes);
  mtedbg_copy(body, records, bytes);
  __atomic_store_n((uint64_t*)(void*)(body + bytes), next, __ATOMIC_RELEASE);
  MTEDBG_BETWEEN(MTEDBG_FILLED);
  __atomic_store_n(&table->published, next, __ATOMIC_RELEASE);
  return 0;
}

/* Slots: for what grows. One caller at a time for each mtedbg_Slots. */

static inline size_t mtedbg_slot_size(uint32_t stride) {
  return sizeof(struct mtedbg_Slot) + 2 * (size_t)stride;
}

/* Prepares `slots`, zeroed memory, for records of `stride` bytes (a multiple of 8). */
static inline void mtedbg_slots_open(struct mtedbg_Slots* slots, uint32_t stride,
                                     uint32_t chunk_slots) {
  slots->stride = stride;
  slots->chunk_slots = chunk_slots;
  slots->last_low = UINT64_MAX;
}

/* The record of the slot at `slot`. */
static inline const void* mtedbg_slot_record(const struct mtedbg_Slot* slot, uint32_t stride) {
  return (const unsigned char*)(slot + 1) + (slot->generation & 1) * stride;
}

/* The next generation of one slot: of `record`, or where that is NULL of a record of zeros. */
static inline void mtedbg_slot_write(struct mtedbg_Slot* slot, const void* record,
                                     uint32_t stride) {
  const uint64_t next = slot->generation + 1;
  unsigned char* copy = (unsigned char*)(slot + 1) + (next & 1) * stride;
  if (record != NULL)
    mtedbg_copy(copy, record, stride);
  else
    for (uint32_t i = 0; i < stride; ++i) copy[i] = 0;
  MTEDBG_BETWEEN(MTEDBG_FILLING);
  const uint32_t checksum = mtedbg_crc32_more(mtedbg_crc32(&next, sizeof next), copy, stride);
  if ((next & 1) != 0)
    slot->checksum1 = checksum;
  else
    slot->checksum0 = checksum;
  MTEDBG_BETWEEN(MTEDBG_FILLED);
  __atomic_store_n(&slot->generation, next, __ATOMIC_RELEASE);
}

static inline struct mtedbg_Slot* mtedbg_slots_chunk(const struct mtedbg_Slots* slots,
                                                     uint64_t chunk) {
  return (struct mtedbg_Slot*)(uintptr_t)(slots->chunks +
                                          chunk * mtedbg_slot_size(sizeof(struct mtedbg_Chunk)));
}

static inline const struct mtedbg_Chunk* mtedbg_slots_bounds(const struct mtedbg_Slots* slots,
                                                             uint64_t chunk) {
  return (const struct mtedbg_Chunk*)mtedbg_slot_record(mtedbg_slots_chunk(slots, chunk),
                                                        sizeof(struct mtedbg_Chunk));
}

/* Slot number `index`, which is less than `count`. */
static inline struct mtedbg_Slot* mtedbg_slots_slot(const struct mtedbg_Slots* slots,
                                                    uint64_t index) {
  const struct mtedbg_Chunk* chunk = mtedbg_slots_bounds(slots, index / slots->chunk_slots);
  return (struct mtedbg_Slot*)(uintptr_t)(chunk->address + index % slots->chunk_slots *
                                                               mtedbg_slot_size(slots->stride));
}

/* The record of slot number `index`, as it was published last. */
static inline const void* mtedbg_slots_at(const struct mtedbg_Slots* slots, uint64_t index) {
  return mtedbg_slot_record(mtedbg_slots_slot(slots, index), slots->stride);
}

static inline void mtedbg_slots_bound(struct mtedbg_Slots* slots, uint64_t chunk, uint64_t address,
                                      uint64_t low, uint64_t high) {
  const struct mtedbg_Chunk bounds = {address, low, high};
  mtedbg_slot_write(mtedbg_slots_chunk(slots, chunk), &bounds, sizeof bounds);
}

/* Makes room for one more slot, so that the next mtedbg_slots_append() cannot fail. Returns 0, or
 * -1 where there is no memory. */
static inline int mtedbg_slots_reserve(struct mtedbg_Slots* slots, mtedbg_allocate allocate) {
  if (slots->count % slots->chunk_slots != 0) return 0;
  const uint64_t chunk = slots->count / slots->chunk_slots;
  const size_t entry = mtedbg_slot_size(sizeof(struct mtedbg_Chunk));
  if (chunk >= slots->chunk_capacity) {
    /* The old directory is kept, for readers that have its address. */
    const size_t capacity = slots->chunk_capacity == 0 ? 16 : 2 * (size_t)slots->chunk_capacity;
    if (capacity > UINT32_MAX) return -1;
    void* grown = allocate(capacity * entry);
    if (grown == NULL) return -1;
    mtedbg_copy(grown, (const void*)(uintptr_t)slots->chunks, chunk * entry);
    __atomic_store_n(&slots->chunks, mtedbg_address(grown), __ATOMIC_RELEASE);
    slots->chunk_capacity = (uint32_t)capacity;
  }
  if (mtedbg_slots_chunk(slots, chunk)->generation != 0) return 0; /* room was made before */
  void* fresh = allocate(slots->chunk_slots * mtedbg_slot_size(slots->stride));
  if (fresh == NULL) return -1;
  mtedbg_slots_bound(slots, chunk, mtedbg_address(fresh), 0, UINT64_MAX);
  if (chunk != 0)
    mtedbg_slots_bound(slots, chunk - 1, mtedbg_slots_bounds(slots, chunk - 1)->address,
                       slots->last_low, slots->last_high);
  slots->last_low = UINT64_MAX;
  slots->last_high = 0;
  return 0;
}

/* Makes the bounds of a slot's chunk as wide as a record about [low, high) takes. */
static inline void mtedbg_slots_widen(struct mtedbg_Slots* slots, uint64_t index, uint64_t low,
                                      uint64_t high) {
  const uint64_t chunk = index / slots->chunk_slots;
  const struct mtedbg_Chunk* known = mtedbg_slots_bounds(slots, chunk);
  if (known->low == 0 && known->high == UINT64_MAX) {
    if (low < slots->last_low) slots->last_low = low;
    if (high > slots->last_high) slots->last_high = high;
  } else if (low < known->low || high > known->high) {
    mtedbg_slots_bound(slots, chunk, known->address, low < known->low ? low : known->low,
                       high > known->high ? high : known->high);
  }
}

static inline void mtedbg_slots_changed(struct mtedbg_Slots* slots) {
  __atomic_store_n(&slots->published, slots->published + 1, __ATOMIC_RELEASE);
}

/* Adds `record`, which concerns addresses in [low, high) (0 and UINT64_MAX: any): of a block, its
 * base and end. Returns its slot's number, or -1 where there is no memory: nothing is changed then.
 * The record is there with the one store of `count`, whenever the process dies. The cost does not
 * depend on how many there are. */
static inline int64_t mtedbg_slots_append(struct mtedbg_Slots* slots, const void* record,
                                          uint64_t low, uint64_t high, mtedbg_allocate allocate) {
  if (mtedbg_slots_reserve(slots, allocate) != 0) return -1;
  const uint64_t index = slots->count;
  mtedbg_slots_widen(slots, index, low, high);
  /* A place that was never filled, or that a run of this function was interrupted in. */
  mtedbg_slot_write(mtedbg_slots_slot(slots, index), record, slots->stride);
  __atomic_store_n(&slots->count, index + 1, __ATOMIC_RELEASE);
  mtedbg_slots_changed(slots);
  return (int64_t)index;
}

/* Puts `record` into slot `index` in place of the one that is there, which may be none. Cannot
 * fail. `low`, `high`: as above. */
static inline void mtedbg_slots_change(struct mtedbg_Slots* slots, uint64_t index,
                                       const void* record, uint64_t low, uint64_t high) {
  mtedbg_slots_widen(slots, index, low, high);
  mtedbg_slot_write(mtedbg_slots_slot(slots, index), record, slots->stride);
  mtedbg_slots_changed(slots);
}

/* Takes the record of slot `index` away; another one may be put there. Cannot fail. */
static inline void mtedbg_slots_remove(struct mtedbg_Slots* slots, uint64_t index) {
  mtedbg_slot_write(mtedbg_slots_slot(slots, index), NULL, slots->stride);
  mtedbg_slots_changed(slots);
}

/* Fills `root`, except `next`, and marks it ready: call once, when everything that it refers to is
 * complete. `name` and `schema` (of `schema_size` bytes) are not copied. */
static inline void mtedbg_publish_root(struct mtedbg_root* root, const char* name,
                                       const char* schema, size_t schema_size,
                                       const struct mtedbg_Named* named, size_t named_count) {
  static const char magic[8] = MTEDBG_ROOT_MAGIC;
  for (size_t i = 0; i < sizeof magic; ++i) root->magic[i] = magic[i];
  root->size = (uint32_t)sizeof *root;
  root->abi_major = MTEDBG_ABI_MAJOR;
  root->abi_minor = MTEDBG_ABI_MINOR;
  root->endian = MTEDBG_ENDIAN_PROBE;
  root->schema_size = (uint32_t)schema_size;
  root->self = (uint64_t)(uintptr_t)root;
  root->schema = (uint64_t)(uintptr_t)schema;
  root->named = (uint64_t)(uintptr_t)named;
  root->named_count = (uint32_t)named_count;
  root->schema_checksum = mtedbg_crc32(schema, schema_size);
  root->name = (uint64_t)(uintptr_t)name;
  root->name_length = 0;
  while (name[root->name_length] != '\0') ++root->name_length;
  root->checksum = mtedbg_crc32(root, offsetof(struct mtedbg_root, checksum));
  __atomic_store_n(&root->state, (uint32_t)MTEDBG_RootState_Ready, __ATOMIC_RELEASE);
}

/* Appends `mine`, which is published, to the list of roots that begins at `first`, which may be
 * published later. Takes no lock. A root that is in the list already stays where it is. */
static inline void mtedbg_link_root(struct mtedbg_root* first, struct mtedbg_root* mine) {
  struct mtedbg_root* last = first;
  while (last != mine) {
    uint64_t next = 0;
    if (__atomic_compare_exchange_n(&last->next, &next, (uint64_t)(uintptr_t)mine, 0,
                                    __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
      return;
    last = (struct mtedbg_root*)(uintptr_t)next;
  }
}

/* Several JITs in one process, each with a root of its own. A program's has the symbol
 * `mtedbg_root`. A library names its own as it likes, writes MTEDBG_LIST_OF_ROOTS; once, outside of
 * all functions, and calls mtedbg_join_root(): libraries that do not know of each other are in one
 * list then. Its head, `mtedbg_roots`, is one object for the whole process, however the libraries
 * were loaded. With it a library stays in memory after dlclose(3). Other C libraries than glibc
 * have no such objects: there each library that is loaded with RTLD_LOCAL has a list of its own,
 * which is found in cores, and must not be unloaded. */
extern struct mtedbg_root mtedbg_roots __attribute__((visibility("default")));

#if defined(__GLIBC__)
#define MTEDBG_LIST_OF_ROOTS                            \
  __asm__(                                              \
      ".pushsection .bss.mtedbg_roots,\"aw\",%nobits\n" \
      ".balign 8\n"                                     \
      ".globl mtedbg_roots\n"                           \
      ".type mtedbg_roots, %gnu_unique_object\n"        \
      ".size mtedbg_roots, 88\n"                        \
      "mtedbg_roots: .zero 88\n"                        \
      ".popsection\n");                                 \
  struct mtedbg_root
#else
#define MTEDBG_LIST_OF_ROOTS struct mtedbg_root mtedbg_roots __attribute__((weak))
#endif

/* Appends `mine`, which is published, to the list of the process. Takes no lock. The head has no
 * schema: it describes nothing, and is there so that the list is found without symbols. */
static inline void mtedbg_join_root(struct mtedbg_root* mine) {
  static const char magic[8] = MTEDBG_ROOT_MAGIC;
  struct mtedbg_root head = {.magic = {0},
                             .size = (uint32_t)sizeof head,
                             .abi_major = MTEDBG_ABI_MAJOR,
                             .abi_minor = MTEDBG_ABI_MINOR,
                             .endian = MTEDBG_ENDIAN_PROBE,
                             .schema_size = 0,
                             .self = mtedbg_address(&mtedbg_roots),
                             .schema = 0,
                             .named = 0,
                             .named_count = 0,
                             .schema_checksum = 0,
                             .name = 0,
                             .name_length = 0,
                             .checksum = 0,
                             .next = 0,
                             .state = 0,
                             .reserved = 0};
  mtedbg_copy(head.magic, magic, sizeof magic);
  head.checksum = mtedbg_crc32(&head, offsetof(struct mtedbg_root, checksum));
  /* Whoever joins at the same time writes the same. */
  mtedbg_copy(&mtedbg_roots, &head, offsetof(struct mtedbg_root, next));
  mtedbg_link_root(&mtedbg_roots, mine);
}

#ifdef __cplusplus
}
#endif

#endif
