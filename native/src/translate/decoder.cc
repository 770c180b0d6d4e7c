// SPDX-License-Identifier: MIT

#include "translate/decoder.h"

#include <algorithm>
#include <cstdio>

namespace mtetso {
namespace {

std::optional<GuestRegister> general(ZydisRegister reg) {
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
      // Zydis numbers the encodings without REX: al cl dl bl ah ch dh bh spl bpl sil dil r8b…
      if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
        return GuestRegister{static_cast<uint8_t>(reg - ZYDIS_REGISTER_AH), true};
      if (reg >= ZYDIS_REGISTER_SPL)
        return GuestRegister{static_cast<uint8_t>(reg - ZYDIS_REGISTER_SPL + 4), false};
      return GuestRegister{static_cast<uint8_t>(reg - ZYDIS_REGISTER_AL), false};
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
      return GuestRegister{static_cast<uint8_t>(ZydisRegisterGetId(reg)), false};
    default:
      return std::nullopt;
  }
}

// False where the address is outside of the subset: a vector index.
bool read_memory(const ZydisDecodedOperand& from, const GuestInstruction& insn, GuestAddress& to) {
  const auto& mem = from.mem;
  to.fs = mem.segment == ZYDIS_REGISTER_FS;
  to.gs = mem.segment == ZYDIS_REGISTER_GS;
  to.displacement = mem.disp.has_displacement ? mem.disp.value : 0;
  if (mem.base == ZYDIS_REGISTER_RIP || mem.base == ZYDIS_REGISTER_EIP) {
    to.displacement += static_cast<int64_t>(insn.next());
    to.wraps_32 = mem.base == ZYDIS_REGISTER_EIP;
    return mem.index == ZYDIS_REGISTER_NONE;
  }
  for (auto [reg, out] : {std::pair{mem.base, &to.base}, std::pair{mem.index, &to.index}}) {
    if (reg == ZYDIS_REGISTER_NONE) continue;
    auto known = general(reg);
    if (!known) return false;
    *out = static_cast<int8_t>(known->index);
    if (ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_GPR32) to.wraps_32 = true;
  }
  if (to.index != GuestAddress::kNone)
    to.scale_log2 = static_cast<uint8_t>(__builtin_ctz(mem.scale == 0 ? 1u : mem.scale));
  return true;
}

Operand read_operand(const ZydisDecodedOperand& from, const GuestInstruction& insn) {
  Operand to;
  to.size = static_cast<uint8_t>(from.size / 8);
  to.kind = Operand::Kind::Other;
  if (from.type == ZYDIS_OPERAND_TYPE_REGISTER) {
    if (auto known = general(from.reg.value)) {
      to.kind = Operand::Kind::Register;
      to.reg = *known;
    } else if (ZydisRegisterGetClass(from.reg.value) == ZYDIS_REGCLASS_XMM) {
      to.kind = Operand::Kind::Vector;
      to.reg.index = static_cast<uint8_t>(ZydisRegisterGetId(from.reg.value));
    } else if (ZydisRegisterGetClass(from.reg.value) == ZYDIS_REGCLASS_X87) {
      to.kind = Operand::Kind::X87;
      to.reg.index = static_cast<uint8_t>(ZydisRegisterGetId(from.reg.value));
    } else if (ZydisRegisterGetClass(from.reg.value) == ZYDIS_REGCLASS_MMX) {
      to.kind = Operand::Kind::Mmx;
      to.reg.index = static_cast<uint8_t>(ZydisRegisterGetId(from.reg.value));
    }
  } else if (from.type == ZYDIS_OPERAND_TYPE_MEMORY) {
    if (read_memory(from, insn, to.memory)) to.kind = Operand::Kind::Memory;
  } else if (from.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    to.kind = from.imm.is_relative ? Operand::Kind::Target : Operand::Kind::Immediate;
    to.immediate = from.imm.value.u + (from.imm.is_relative ? insn.next() : 0);
  }
  return to;
}

Flow flow_of(const GuestInstruction& insn, ZydisInstructionCategory category) {
  bool direct = insn.op[0].kind == Operand::Kind::Target;
  switch (category) {
    case ZYDIS_CATEGORY_COND_BR:
      return Flow::Branch;
    case ZYDIS_CATEGORY_UNCOND_BR:
      return direct ? Flow::Jump : Flow::JumpIndirect;
    case ZYDIS_CATEGORY_CALL:
      return direct ? Flow::Call : Flow::CallIndirect;
    case ZYDIS_CATEGORY_RET:
      return Flow::Return;
    default:
      break;
  }
  if (insn.mnemonic == ZYDIS_MNEMONIC_SYSCALL) return Flow::SystemCall;
  if (insn.mnemonic == ZYDIS_MNEMONIC_UD2) return Flow::Undefined;
  return insn.mnemonic == ZYDIS_MNEMONIC_HLT ? Flow::Stop : Flow::Next;
}

Repeat repeat_of(const ZydisDecodedInstruction& insn) {
  if ((insn.attributes & ZYDIS_ATTRIB_HAS_REPNE) != 0) return Repeat::NotEqual;
  bool repeated = (insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE)) != 0;
  return repeated ? Repeat::Equal : Repeat::No;
}

uint8_t lazy_flags(ZydisAccessedFlagsMask mask) {
  uint8_t flags = 0;
  if ((mask & ZYDIS_CPUFLAG_PF) != 0) flags |= lazy_flag::kParity;
  if ((mask & ZYDIS_CPUFLAG_AF) != 0) flags |= lazy_flag::kAdjust;
  return flags;
}

// A count of zero leaves every flag: shifts, and string instructions that are repeated.
bool may_leave_flags(const GuestInstruction& insn, ZydisInstructionCategory category) {
  bool shift = category == ZYDIS_CATEGORY_SHIFT || category == ZYDIS_CATEGORY_ROTATE;
  return shift || insn.repeat != Repeat::No;
}

}  // namespace

Decoder::Decoder() {
  ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
}

std::optional<GuestInstruction> Decoder::decode(uint64_t rip,
                                                std::span<const uint8_t> bytes) const {
  ZydisDecoderContext context;
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand operands[GuestInstruction::kOperands];
  const size_t size = std::min(bytes.size(), kMaxLength);
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder_, &context, bytes.data(), size, &insn)))
    return std::nullopt;
  // Not those that are hidden: they are half of Zydis' work.
  const uint8_t kept = std::min<uint8_t>(insn.operand_count_visible, GuestInstruction::kOperands);
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&decoder_, &context, &insn, operands, kept)))
    return std::nullopt;
  GuestInstruction decoded;
  decoded.rip = rip;
  decoded.length = insn.length;
  decoded.mnemonic = insn.mnemonic;
  decoded.lock = (insn.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0;
  decoded.repeat = repeat_of(insn);
  decoded.plain_addresses =
      insn.address_width == 64 &&
      (insn.attributes & (ZYDIS_ATTRIB_HAS_SEGMENT_FS | ZYDIS_ATTRIB_HAS_SEGMENT_GS)) == 0;
  decoded.count = insn.operand_count_visible;
  for (unsigned i = 0; i < kept; ++i) {
    decoded.op[i] = read_operand(operands[i], decoded);
    // An immediate counts as extended to the width that the instruction works in.
    if (decoded.op[i].is_immediate())
      decoded.op[i].size = i == 0 ? insn.operand_width / 8 : decoded.op[0].size;
  }
  decoded.flow = flow_of(decoded, insn.meta.category);
  if (insn.cpu_flags != nullptr) {
    const auto& flags = *insn.cpu_flags;
    decoded.lazy_read = lazy_flags(flags.tested);
    if (!may_leave_flags(decoded, insn.meta.category))
      decoded.lazy_written =
          lazy_flags(flags.modified | flags.set_0 | flags.set_1 | flags.undefined);
  }
  return decoded;
}

// Beside what needs ring 0: what needs IOPL 3, and gates that only the kernel may go through.
Refusal Decoder::refusal(std::span<const uint8_t> bytes, uint8_t& length) const {
  ZydisDecodedInstruction insn;
  const size_t size = std::min(bytes.size(), kMaxLength);
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder_, nullptr, bytes.data(), size, &insn)))
    return Refusal::None;
  length = insn.length;
  constexpr uint64_t kBreakpoint = 3, kOldCalls = 0x80;
  const uint64_t gate = insn.raw.imm[0].value.u & 0xff;
  switch (insn.mnemonic) {
    case ZYDIS_MNEMONIC_INT3:
      return Refusal::Breakpoint;
    case ZYDIS_MNEMONIC_INT:
      if (gate == kOldCalls) return Refusal::None;
      return gate == kBreakpoint ? Refusal::Breakpoint : Refusal::Privileged;
    case ZYDIS_MNEMONIC_CLI:
    case ZYDIS_MNEMONIC_STI:
      return Refusal::Privileged;
    default:
      break;
  }
  const auto category = insn.meta.category;
  const bool privileged = (insn.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) != 0 ||
                          category == ZYDIS_CATEGORY_IO || category == ZYDIS_CATEGORY_IOSTRINGOP;
  return privileged ? Refusal::Privileged : Refusal::None;
}

uint64_t Decoder::whole_address(uint64_t rip, std::span<const uint8_t> bytes,
                                const AddressRegisters& registers, uint64_t low) const {
  constexpr int64_t kAbove = -16, kWithin = 512;
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  const size_t size = std::min(bytes.size(), kMaxLength);
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, bytes.data(), size, &insn, operands)))
    return extended(low);
  GuestInstruction shape;
  shape.rip = rip;
  shape.length = insn.length;
  for (unsigned i = 0; i < insn.operand_count; ++i) {
    GuestAddress from;
    if (operands[i].type != ZYDIS_OPERAND_TYPE_MEMORY || !read_memory(operands[i], shape, from))
      continue;
    const auto part = [&](int8_t number) {
      return number == GuestAddress::kNone ? 0 : registers.general[number];
    };
    auto at = part(from.base) + (part(from.index) << from.scale_log2) +
              static_cast<uint64_t>(from.displacement);
    if (from.wraps_32) at &= UINT32_MAX;
    at += from.fs ? registers.fs_base : from.gs ? registers.gs_base : 0;
    const auto distance = static_cast<int64_t>(extended(low - at));
    if (distance >= kAbove && distance < kWithin) return at + static_cast<uint64_t>(distance);
  }
  return extended(low);
}

std::string Decoder::describe(uint64_t rip, std::span<const uint8_t> bytes) const {
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  size_t size = std::min(bytes.size(), kMaxLength);
  bool whole = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, bytes.data(), size, &insn, operands));
  if (whole) size = insn.length;
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    char byte[4];
    std::snprintf(byte, sizeof byte, "%02x ", bytes[i]);
    text += byte;
  }
  if (!whole) return text + " (not an instruction)";
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  char buffer[256];
  if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &insn, operands,
                                                    insn.operand_count_visible, buffer,
                                                    sizeof buffer, rip, nullptr)))
    return text + " " + ZydisMnemonicGetString(insn.mnemonic);
  return text + " " + buffer;
}

}  // namespace mtetso
