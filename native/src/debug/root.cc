// SPDX-License-Identifier: MIT
#include "debug/root.h"

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

#include "debug/arena.h"
#include "debug/journal.h"
#include "debug/recorder.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

// In .data, not .bss: a copy in a core is recognised by its magic before anything ran. Exported
// and kept whatever the linker thinks of sections that nothing refers to.
extern "C" {
__attribute__((used, retain, visibility("default"))) struct mtedbg_root mtedbg_root = {
    .magic = MTEDBG_ROOT_MAGIC,
    .size = sizeof(struct mtedbg_root),
    .abi_major = MTEDBG_ABI_MAJOR,
    .abi_minor = MTEDBG_ABI_MINOR,
    .endian = MTEDBG_ENDIAN_PROBE,
    .schema_size = 0,
    .self = 0,
    .schema = 0,
    .named = 0,
    .named_count = 0,
    .schema_checksum = 0,
    .name = 0,
    .name_length = 0,
    .checksum = 0,
    .next = 0,
    .state = MTEDBG_RootState_NotReady,
    .reserved = 0,
};
}

// For readers without symbols and without the executable: a note in the first page, which the
// kernel dumps for every mapped ELF file. Owner "mtedbg", type 1; its eight bytes are the distance
// from themselves to the root.
asm(".pushsection .note.mtedbg, \"a\", %note\n"
    ".balign 4\n"
    ".4byte 7, 8, 1\n"
    ".asciz \"mtedbg\"\n"
    ".balign 4\n"
    ".8byte mtedbg_root - .\n"
    ".popsection\n");

namespace mtetso {
namespace {

// Meanings that this runtime guarantees, and where JIT code keeps the guest's registers.
constexpr const char* kContracts =
    "contract range.base = block\n"
    "contract end = exclusive\n"
    "contract codemap = 1\n"
    "contract memop.restart = tag_address\n"
    "contract recorder = 1\n"
    "contract core_id = tag\n"
    "contract frame.flags = nzcv\n"
    "contract jit.frame = record\n"
    "register frame = x28\n"
    "register host_core_id = x27\n"
    "register address = x16\n"
    "register flags = nzcv\n"
    "register rax = x0\n"
    "register rcx = x1\n"
    "register rdx = x2\n"
    "register rbx = x3\n"
    "register rsp = x4\n"
    "register rbp = x5\n"
    "register rsi = x6\n"
    "register rdi = x7\n"
    "register r8 = x8\n"
    "register r9 = x9\n"
    "register r10 = x10\n"
    "register r11 = x11\n"
    "register r12 = x12\n"
    "register r13 = x13\n"
    "register r14 = x14\n"
    "register r15 = x15\n"
    "register xmm0 = v0\n"
    "register xmm1 = v1\n"
    "register xmm2 = v2\n"
    "register xmm3 = v3\n"
    "register xmm4 = v4\n"
    "register xmm5 = v5\n"
    "register xmm6 = v6\n"
    "register xmm7 = v7\n"
    "register xmm8 = v8\n"
    "register xmm9 = v9\n"
    "register xmm10 = v10\n"
    "register xmm11 = v11\n"
    "register xmm12 = v12\n"
    "register xmm13 = v13\n"
    "register xmm14 = v14\n"
    "register xmm15 = v15\n"
    // What enter() in translate/stubs.cc has saved: CFA - 16 is in x29.
    "caller sp = x29+16\n"
    "caller pc = [x29+8]\n"
    "caller x29 = [x29+0]\n"
    "caller x19 = [x29-80]\n"
    "caller x20 = [x29-72]\n"
    "caller x21 = [x29-64]\n"
    "caller x22 = [x29-56]\n"
    "caller x23 = [x29-48]\n"
    "caller x24 = [x29-40]\n"
    "caller x25 = [x29-32]\n"
    "caller x26 = [x29-24]\n"
    "caller x27 = [x29-16]\n"
    "caller x28 = [x29-8]\n";

mtedbg_Named named(const char* name, const char* type, const void* at, size_t count, size_t stride,
                   uint32_t form) {
  return {.name = address_of(arena_string(name)),
          .type_name = address_of(arena_string(type)),
          .address = address_of(at),
          .count = static_cast<uint32_t>(count),
          .stride = static_cast<uint32_t>(stride),
          .form = form,
          .reserved = 0};
}

template <typename T>
mtedbg_Named named_table(const char* name, const char* type, const PublishedTable<T>& table) {
  return named(name, type, &table.abi(), 1, sizeof(T), MTEDBG_Form_Table);
}

template <typename T>
mtedbg_Named named_table(const char* name, const char* type, const PublishedSlots<T>& slots) {
  return named(name, type, &slots.abi(), 1, sizeof(T), MTEDBG_Form_Slots);
}

std::span<const char> make_schema() {
  const size_t size = mtedbg_write_schema(nullptr, 0, kContracts);
  auto text = arena_array<char>(size);
  mtedbg_write_schema(text.data(), size, kContracts);
  return text;
}

std::span<const mtedbg_Named> make_named(std::span<const mtedbg_PhasePoint> points) {
  DebugRoot& all = debug_root();
  auto phases = arena_array<mtedbg_PhasePoint>(points.size());
  for (size_t i = 0; i < points.size(); ++i) phases[i] = points[i];
  const mtedbg_Named entries[] = {
      named_table("code-map", "Block", all.code_map),
      named_table("retired", "Block", all.retired),
      named_table("segments", "Segment", all.segments),
      named_table("threads", "Thread", all.threads),
      named_table("functions", "Function", all.functions),
      named_table("codes", "Code", all.codes),
      named("phases", "PhasePoint", phases.data(), phases.size(), sizeof(mtedbg_PhasePoint),
            MTEDBG_Form_Array),
      named("journal", "Journal", all.journal, kJournalSlots, sizeof(mtedbg_Journal),
            MTEDBG_Form_Array),
      named("config", "Config", all.config, 1, sizeof(mtedbg_Config), MTEDBG_Form_Record),
      named("lock", "Lock", all.lock, 1, sizeof(mtedbg_Lock), MTEDBG_Form_Record),
      named("ending", "Ending", all.ending, 1, sizeof(mtedbg_Ending), MTEDBG_Form_Record),
      named("recorder", "Recorder", all.recorder, 1, sizeof(mtedbg_Recorder), MTEDBG_Form_Record),
  };
  auto kept = arena_array<mtedbg_Named>(std::size(entries));
  for (size_t i = 0; i < kept.size(); ++i) kept[i] = entries[i];
  return kept;
}

}  // namespace

DebugRoot& make_debug_root() {
  auto* root = new (arena_allocate(sizeof(DebugRoot), alignof(DebugRoot))) DebugRoot;
#ifdef __SANITIZE_ADDRESS__
  // It has memory of the heap, and LeakSanitizer does not look into what is mapped.
  __lsan_register_root_region(root, sizeof *root);
#endif
  root->journal = arena_array<mtedbg_Journal>(kJournalSlots).data();
  root->config = arena_array<mtedbg_Config>(1).data();
  root->lock = arena_array<mtedbg_Lock>(1).data();
  root->ending = arena_array<mtedbg_Ending>(1).data();
  root->recorder = make_recorder(0);
  return *root;
}

void publish_debug_root(const Options& options, const char* version,
                        std::span<const mtedbg_PhasePoint> phases) {
  const std::string_view text = version;
  *debug_root().config = {.shared_tag = options.shared_tag,
                          .cores = options.cores,
                          .policy = options.policy,
                          .core_id_source = options.core_id_source,
                          .memops_start = options.memops_start,
                          .pin_threshold = options.pin_threshold,
                          .version = address_of(arena_string(text)),
                          .version_length = static_cast<uint32_t>(text.size()),
                          .reserved = 0,
                          .claim_threshold = options.claim_threshold,
                          .interpret_threshold = options.interpret_threshold,
                          .guard_tag = core_tags(options).guard,
                          .nobody_tag = core_tags(options).nobody};
  const auto schema = make_schema();
  const auto named = make_named(phases);
  mtedbg_publish_root(&::mtedbg_root, arena_string("mtetso"), schema.data(), schema.size(),
                      named.data(), named.size());
}

void note_ending(const mtedbg_GuestFrame& guest, int signal, std::string_view reason) {
  static std::atomic_flag noted;
  if (noted.test_and_set()) return;
  mtedbg_Ending& ending = *debug_root().ending;
  ending.rip = guest.rip;
  ending.reason = address_of(arena_string(reason));
  ending.reason_length = static_cast<uint32_t>(reason.size());
  ending.signal = static_cast<uint32_t>(signal);
  std::atomic_ref(ending.thread).store(guest.thread_id, std::memory_order_release);
}

void note_sent(int signal, uint32_t system_call) {
  mtedbg_Ending& ending = *debug_root().ending;
  std::atomic_ref(ending.sent_by).store(system_call, std::memory_order_relaxed);
  std::atomic_ref(ending.sent_signal)
      .store(static_cast<uint32_t>(signal), std::memory_order_release);
}

void note_missing(std::string_view call) {
  constexpr size_t kMost = 80;
  static std::mutex lock;
  static std::string all;
  const std::scoped_lock hold(lock);
  if (all.size() + call.size() > kMost) return;
  all += (all.empty() ? "" : ", ") + std::string(call);
  mtedbg_Ending& ending = *debug_root().ending;
  ending.missing = address_of(arena_string(all));
  std::atomic_ref(ending.missing_length)
      .store(static_cast<uint32_t>(all.size()), std::memory_order_release);
}

void close_debug_root() {
  std::atomic_ref(::mtedbg_root.state)
      .store(MTEDBG_RootState_ShuttingDown, std::memory_order_release);
}

}  // namespace mtetso
