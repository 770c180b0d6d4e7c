// SPDX-License-Identifier: MIT
//
// Stubs of one program: from the guest to host functions, and from the host to guest functions.
#include <algorithm>

#include "translate/emitter.h"
#include "translate/stubs.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

const TranslationPlan kPlain;

}  // namespace

CompiledCode make_import_thunks(const Options& options, std::span<const ElfImport> imports,
                                ImportNumber number_of) {
  Emitter emit(options, kPlain);
  MacroAssembler& masm = emit.masm();
  std::vector<CompiledRange> ranges;
  std::vector<CompiledEntry> entries;
  // The exit stub takes x17 = guest RIP, x19 = reason, x20 = detail; its address is in
  // the frame, for every program.
  for (const ElfImport& import : imports) {
    entries.push_back({import.address, emit.offset()});
    ranges.push_back({emit.offset(), 0, MTEDBG_RangeKind_ImportThunk, CompiledRange::kNoFunction,
                      import.address, import.name});
    masm.Mov(reg::target, import.address);
    masm.Mov(reg::t2, number_of(import.name));
    emit.leave(FrameStub::Import);
  }
  CompiledCode code = emit.finish(std::move(ranges));
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.guest_rip < b.guest_rip; });
  code.entries = std::move(entries);
  return code;
}

// Native code calls it with arguments in x0..x5 (AAPCS64 6.8.2).
CompiledCode make_entry_stub(const Options& options, const EntryStub& stub, uintptr_t call_guest) {
  Emitter emit(options, kPlain);
  MacroAssembler& masm = emit.masm();
  masm.Mov(x9, stub.guest_rip);
  masm.Mov(x10, stub.target);
  masm.Mov(x11, call_guest);
  masm.Br(x11);
  return emit.finish({{0, 0, MTEDBG_RangeKind_EntryStub, stub.function, stub.guest_rip,
                       stub.symbol.empty() ? "" : "to " + stub.symbol}});
}

}  // namespace mtetso
