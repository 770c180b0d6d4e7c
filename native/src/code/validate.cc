// SPDX-License-Identifier: MIT
#include "code/validate.h"

#include <algorithm>

#include "code/memop_words.h"
#include "code/sections.h"

namespace mtetso {
namespace {

constexpr uint32_t kWord = 4;

// MOVZ (part 0) or MOVK of an X register, with the shift of its part (Arm ARM C6.2).
bool is_wide_move(uint32_t word, uint32_t part) {
  const uint32_t opcode = part == 0 ? 0xd2800000 : 0xf2800000;
  return (word & 0xffe00000) == (opcode | part << 21);
}

struct Checker {
  const CompiledCode& code;
  uint32_t functions;
  uint64_t length = 4 * code.words.size();

  bool at_word(uint32_t offset) const { return offset % kWord == 0 && offset < length; }

  const char* ranges() const {
    uint64_t from = 0;
    for (const CompiledRange& range : code.ranges) {
      if (range.begin < from) return "ranges are not sorted, or overlap";
      if (range.begin >= range.end || range.end > length)
        return "a range is empty, or outside of the code";
      if (range.begin % kWord != 0 || range.end % kWord != 0) return "a range splits a word";
      if (range.kind < MTEDBG_RangeKind_Function || range.kind > MTEDBG_RangeKind_DebugStub)
        return "a range has no kind";
      if (range.function != CompiledRange::kNoFunction && range.function >= functions)
        return "a range belongs to an unknown function";
      from = range.end;
    }
    return nullptr;
  }

  // The shared tag is not known here: both are right.
  bool inserts_tag(const CompiledMemop& memop) const {
    const uint32_t word = code.words[memop.tag_offset / kWord];
    return word == tag_word(memop.mode, 0) || word == tag_word(memop.mode, 15);
  }

  // Code of no guest's bytes has no sources: stubs, thunks.
  bool made_from(uint64_t guest_rip) const {
    return code.sources.empty() ||
           std::any_of(code.sources.begin(), code.sources.end(), [&](const GuestExtent& one) {
             return one.begin <= guest_rip && guest_rip < one.end;
           });
  }

  // The one word of it that depends on the shared tag is not known here: both are right.
  const char* out_of_line_form(const CompiledMemop& memop) const {
    const uint32_t at = memop.out_offset, back = memop.access_offset + kWord;
    const uint32_t insert = memop.tag_offset;
    if (at == CompiledMemop::kNone)
      return memop.mode == MTEDBG_Mode_Either ? "a memop in mode Either has no out-of-line form"
                                              : nullptr;
    if (insert == CompiledMemop::kNone || memop.begin_offset != CompiledMemop::kNone)
      return "a memop with an out-of-line form does not begin with its tag insert";
    if (memop.mode == MTEDBG_Mode_Either && code.words[insert / kWord] != branch_word(insert, at))
      return "a memop in mode Either does not branch to its out-of-line form";
    for (const uint32_t shared_tag : {0u, 15u}) {
      const auto form = out_of_line(code.words[memop.access_offset / kWord], shared_tag, at, back);
      if (at_word(at) && at_word(at + (form.count - 1) * kWord) &&
          std::equal(form.span().begin(), form.span().end(), code.words.begin() + at / kWord))
        return nullptr;
    }
    return "an out-of-line form is not that of its memop";
  }

  const char* memop(const CompiledMemop& memop) const {
    const bool insert = memop.tag_offset != CompiledMemop::kNone;
    if (!at_word(memop.access_offset) || (insert && !at_word(memop.tag_offset)))
      return "a memop is outside of the code";
    if (insert && memop.tag_offset >= memop.access_offset)
      return "a memop's tag insert is after its access";
    if (insert && memop.access_offset - memop.tag_offset > 2 * kWord)
      return "a memop's tag insert is not next to its access";
    // Without [1] it could never be local: an untagged pointer has no core's tag.
    if (!insert && memop.mode == MTEDBG_Mode_Local) return "a local memop has no tag insert";
    const auto word = decode_access(code.words[memop.access_offset / kWord]);
    if (!word) return "a memop's word is not an access through x16";
    if (word->access != memop.access || word->size != memop.size)
      return "a memop's word is not the access that its record says";
    if (memop.mode < MTEDBG_Mode_Local || memop.mode > MTEDBG_Mode_Either)
      return "a memop has no mode";
    if (access_word_in(code.words[memop.access_offset / kWord], memop.mode) !=
        code.words[memop.access_offset / kWord])
      return "a memop's word does not have the mode that its record says";
    if (memop.pinned > 1) return "a memop is neither pinned nor not";
    if (!made_from(memop.guest_rip)) return "a memop is of no guest code";
    if (const char* wrong = out_of_line_form(memop)) return wrong;
    if (insert && memop.mode != MTEDBG_Mode_Either && !inserts_tag(memop))
      return "a memop's tag insert does not have the mode that its record says";
    return find_section_fault(code, memop);
  }

  const char* memops() const {
    uint64_t from = 0, out = 0;
    for (const CompiledMemop& one : code.memops) {
      if (std::min(one.tag_offset, one.access_offset) < from)
        return "memops are not sorted, or overlap";
      if (const char* wrong = memop(one)) return wrong;
      from = one.access_offset + kWord;
      // They are searched by PC.
      const bool has = one.out_offset != CompiledMemop::kNone;
      if (has != (code.memops.front().out_offset != CompiledMemop::kNone))
        return "only some memops have an out-of-line form";
      if (has && one.out_offset < out) return "out-of-line forms are not sorted";
      if (has) out = uint64_t{one.out_offset} + kWord;
    }
    return nullptr;
  }

  // Beyond its first word: entered there, it would use an address that was not computed.
  bool inside_memop(uint32_t offset) const {
    const auto at = std::lower_bound(
        code.memops.begin(), code.memops.end(), offset,
        [](const CompiledMemop& one, uint32_t wanted) { return one.access_offset < wanted; });
    return at != code.memops.end() && std::min(at->tag_offset, at->access_offset) < offset;
  }

  const char* entries() const {
    for (const CompiledEntry& entry : code.entries) {
      if (entry.guest_rip == 0 || !at_word(entry.offset)) return "an entry is outside of the code";
      if (!made_from(entry.guest_rip)) return "an entry is of no guest code";
      if (inside_memop(entry.offset)) return "an entry is inside of a memop";
    }
    return nullptr;
  }

  const char* sources() const {
    uint64_t from = 0;
    for (const GuestExtent& one : code.sources) {
      if (one.begin >= one.end || one.begin < from) return "the guest's bytes are not sorted";
      from = one.end;
    }
    return nullptr;
  }

  // The three words that get an address when the code is placed.
  const char* fixup(uint32_t offset) const {
    if (!at_word(offset) || !at_word(offset + 2 * kWord)) return "a fixup is outside of the code";
    for (uint32_t part = 0; part < 3; ++part)
      if (!is_wide_move(code.words[offset / kWord + part], part))
        return "a fixup's words are not moves";
    return nullptr;
  }

  const char* fixups() const {
    for (const CompiledFixup& one : code.fixups) {
      if (const char* wrong = fixup(one.offset)) return wrong;
      if (one.function >= functions) return "a fixup belongs to an unknown function";
    }
    for (const uint32_t counter : code.counters)
      if (const char* wrong = fixup(counter)) return wrong;
    for (const CompiledMemop& memop : code.memops)
      if (memop.counter != CompiledMemop::kNone && memop.counter >= code.counters.size())
        return "a memop is counted by an unknown counter";
    return nullptr;
  }
};

}  // namespace

const char* find_fault(const CompiledCode& code, uint32_t functions) {
  if (code.words.empty()) return "there is no code";
  if (code.words.size() > UINT32_MAX / kWord) return "there is too much code";
  const Checker check{code, functions};
  if (const char* wrong = check.ranges()) return wrong;
  if (const char* wrong = check.memops()) return wrong;
  if (const char* wrong = check.fixups()) return wrong;
  if (const char* wrong = check.sources()) return wrong;
  return check.entries();
}

}  // namespace mtetso
