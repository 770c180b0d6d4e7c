// SPDX-License-Identifier: MIT
//
// File format: magic, CRC-32 and length of the rest, then the key and the code. Numbers are
// little-endian as in memory; a list is its count, then its elements.
#include <mtedbg/debug_root.h>

#include <cstring>
#include <type_traits>

#include "cache/code_cache.h"

namespace mtetso {
namespace {

constexpr char kMagic[8] = {'M', 'T', 'E', 'C', 'O', 'D', 'E', '2'};

struct Header {
  char magic[8];
  uint32_t checksum;
  uint32_t reserved;
  uint64_t length;
};

class Writer {
 public:
  template <typename T>
  void number(T value) {
    static_assert(std::is_integral_v<T>);
    raw(&value, sizeof value);
  }
  void text(std::string_view value) {
    number<uint64_t>(value.size());
    raw(value.data(), value.size());
  }
  void raw(const void* from, size_t size) {
    const auto* bytes = static_cast<const uint8_t*>(from);
    out.insert(out.end(), bytes, bytes + size);
  }
  std::vector<uint8_t> out;
};

// Every count is checked against the bytes that are left before anything is allocated for it.
class Reader {
 public:
  Reader(const uint8_t* at, size_t left) : at_(at), left_(left) {}

  template <typename T>
  T number() {
    T value{};
    raw(&value, sizeof value);
    return value;
  }
  size_t count(size_t element) {
    const auto value = number<uint64_t>();
    if (value <= left_ / element) return value;
    good_ = false;
    return 0;
  }
  std::string text() {
    std::string value(count(1), '\0');
    raw(value.data(), value.size());
    return value;
  }
  void raw(void* to, size_t size) {
    good_ = good_ && size <= left_;
    if (!good_ || size == 0) return;
    std::memcpy(to, at_, size);
    at_ += size;
    left_ -= size;
  }
  bool good() const { return good_; }
  bool done() const { return good_ && left_ == 0; }

 private:
  const uint8_t* at_;
  size_t left_;
  bool good_ = true;
};

// One list of fields for both directions: `io` writes what is there or reads into it.
template <typename Io, typename Range>
void range_fields(Io& io, Range& range) {
  io(range.begin), io(range.end), io(range.kind), io(range.function), io(range.guest_rip);
}
template <typename Io, typename Memop>
void memop_fields(Io& io, Memop& memop) {
  io(memop.tag_offset), io(memop.access_offset), io(memop.guest_rip), io(memop.access);
  io(memop.size), io(memop.mode), io(memop.begin_offset), io(memop.abort_offset);
  io(memop.pinned), io(memop.out_offset), io(memop.counter);
}
template <typename Io, typename Entry>
void entry_fields(Io& io, Entry& entry) {
  io(entry.guest_rip), io(entry.offset);
}
template <typename Io, typename Fixup>
void fixup_fields(Io& io, Fixup& fixup) {
  io(fixup.offset), io(fixup.function);
}

template <typename Io, typename Extent>
void source_fields(Io& io, Extent& extent) {
  io(extent.begin), io(extent.end);
}

void write_code(Writer& to, const CompiledCode& code) {
  auto io = [&](const auto& field) { to.number(field); };
  to.number<uint64_t>(code.words.size());
  to.raw(code.words.data(), code.words.size() * sizeof(uint32_t));
  to.number<uint64_t>(code.ranges.size());
  for (const auto& range : code.ranges) {
    range_fields(io, range);
    to.text(range.symbol);
  }
  to.number<uint64_t>(code.memops.size());
  for (const auto& memop : code.memops) memop_fields(io, memop);
  to.number<uint64_t>(code.entries.size());
  for (const auto& entry : code.entries) entry_fields(io, entry);
  to.number<uint64_t>(code.fixups.size());
  for (const auto& fixup : code.fixups) fixup_fields(io, fixup);
  to.number<uint64_t>(code.sources.size());
  for (const auto& source : code.sources) source_fields(io, source);
  to.number<uint64_t>(code.counters.size());
  for (const auto& counter : code.counters) io(counter);
}

CompiledCode read_code(Reader& from) {
  auto io = [&](auto& field) { field = from.number<std::remove_reference_t<decltype(field)>>(); };
  CompiledCode code;
  code.words.resize(from.count(sizeof(uint32_t)));
  from.raw(code.words.data(), code.words.size() * sizeof(uint32_t));
  code.ranges.resize(from.count(4 * sizeof(uint32_t) + 2 * sizeof(uint64_t)));
  for (auto& range : code.ranges) {
    range_fields(io, range);
    range.symbol = from.text();
  }
  code.memops.resize(from.count(10 * sizeof(uint32_t) + sizeof(uint64_t)));
  for (auto& memop : code.memops) memop_fields(io, memop);
  code.entries.resize(from.count(sizeof(uint32_t) + sizeof(uint64_t)));
  for (auto& entry : code.entries) entry_fields(io, entry);
  code.fixups.resize(from.count(2 * sizeof(uint32_t)));
  for (auto& fixup : code.fixups) fixup_fields(io, fixup);
  code.sources.resize(from.count(2 * sizeof(uint64_t)));
  for (auto& source : code.sources) source_fields(io, source);
  code.counters.resize(from.count(sizeof(uint32_t)));
  for (auto& counter : code.counters) io(counter);
  return code;
}

std::optional<CompiledCode> refuse(std::string& why, const char* what) {
  why = what;
  return std::nullopt;
}

}  // namespace

std::vector<uint8_t> encode(const CacheKey& key, const CompiledCode& code) {
  Writer body;
  body.text(key.maker);
  body.number<uint64_t>(key.source.size());
  body.raw(key.source.data(), key.source.size());
  write_code(body, code);
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.checksum = mtedbg_crc32(body.out.data(), body.out.size());
  header.length = body.out.size();
  Writer whole;
  whole.raw(&header, sizeof header);
  whole.raw(body.out.data(), body.out.size());
  return std::move(whole.out);
}

std::optional<CompiledCode> decode(const CacheKey& key, const std::vector<uint8_t>& bytes,
                                   std::string& why) {
  Header header{};
  if (bytes.size() < sizeof header) return refuse(why, "it is cut short");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0)
    return refuse(why, "it is not a file of cached code");
  const size_t length = bytes.size() - sizeof header;
  if (header.length != length) return refuse(why, "its length is wrong");
  const uint8_t* body = bytes.data() + sizeof header;
  if (mtedbg_crc32(body, length) != header.checksum) return refuse(why, "its checksum is wrong");
  Reader from(body, length);
  const std::string maker = from.text();
  std::vector<uint8_t> source(from.count(1));
  from.raw(source.data(), source.size());
  if (!from.good() || maker != key.maker || source != key.source)
    return refuse(why, "it was made for other code or options");
  CompiledCode code = read_code(from);
  if (!from.done()) return refuse(why, "its counts are wrong");
  return code;
}

}  // namespace mtetso
