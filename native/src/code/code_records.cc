// SPDX-License-Identifier: MIT
#include "code/code_records.h"

#include "code/description.h"

namespace mtetso {

CodeRecords::CodeRecords(const CodeIdentity& identity, uint64_t id) : id_(id) {
  const char* name = memory_.string(identity.name);
  const char* path = memory_.string(identity.path);
  const char* build_id = memory_.string(identity.build_id);
  code_description().reserve();
  shown_ = code_description().add_code(
      {.id = id,
       .name = address_of(name),
       .name_length = static_cast<uint32_t>(identity.name.size()),
       .reserved = 0,
       .digest = identity.digest,
       .guest_begin = identity.guest_begin,
       .guest_end = identity.guest_end,
       .shared_stubs = 0,
       .load_bias = identity.load_bias,
       .build_id = address_of(build_id),
       .build_id_length = static_cast<uint32_t>(identity.build_id.size()),
       .path_length = static_cast<uint32_t>(identity.path.size()),
       .path = address_of(path)});
}

CodeRecords::~CodeRecords() {
  end();
  for (const auto& [function, slot] : slots_) code_description().remove_function(function);
}

std::vector<uint32_t> CodeRecords::add_functions(std::span<const FunctionIdentity> functions,
                                                 int32_t ticks) {
  size_t letters = 0;
  for (const FunctionIdentity& one : functions) letters += one.name.size() + 1;
  char* name = memory_.array<char>(letters).data();
  const auto slots = memory_.array<TierSlot>(functions.size());
  std::vector<uint32_t> indices;
  indices.reserve(functions.size());
  for (size_t i = 0; i < functions.size(); ++i) {
    const FunctionIdentity& one = functions[i];
    one.name.copy(name, one.name.size());
    CodeDescription& shown = code_description();
    shown.reserve();
    const uint32_t index = shown.next_function();
    auto* slot = new (&slots[i]) TierSlot;
    slot->left.store(ticks, std::memory_order_relaxed);
    slots_.emplace(index, slot);
    shown.add_function({.index = index,
                        .name_length = static_cast<uint32_t>(one.name.size()),
                        .name = address_of(name),
                        .guest_begin = one.guest_begin,
                        .guest_end = one.guest_end,
                        .block = 0,
                        .best_tier = MTEDBG_Tier_None,
                        .tier_state = MTEDBG_TierState_Idle,
                        .code = id_});
    indices.push_back(index);
    name += one.name.size() + 1;
  }
  return indices;
}

TierSlot* CodeRecords::slot(uint32_t function) const {
  const auto at = slots_.find(function);
  return at == slots_.end() ? nullptr : at->second;
}

void CodeRecords::set_shared_stubs(uint64_t block) {
  mtedbg_Code record = code_description().code(shown_);
  record.shared_stubs = block;
  code_description().change_code(shown_, record);
}

void CodeRecords::end() {
  if (ended_) return;
  ended_ = true;
  for (const auto& [function, slot] : slots_) {
    mtedbg_Function record = *code_description().function(function);
    record.block = 0;
    record.best_tier = MTEDBG_Tier_None;
    record.tier_state = MTEDBG_TierState_Idle;
    code_description().change_function(record);
  }
  code_description().remove_code(shown_);
}

}  // namespace mtetso
