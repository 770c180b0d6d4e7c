// SPDX-License-Identifier: MIT
#include "debug/points.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

namespace mtetso {
namespace {

constexpr std::array<std::string_view, static_cast<size_t>(Point::Count)> kNames{
#define MTETSO_POINT(name, text) text,
    MTETSO_POINTS(MTETSO_POINT)
#undef MTETSO_POINT
};

std::atomic<uint32_t> g_fatal{static_cast<uint32_t>(Point::Count)};
std::atomic<uint32_t> g_left{0};

void die_there(Point at) {
  if (static_cast<uint32_t>(at) != g_fatal.load(std::memory_order_relaxed)) return;
  if (g_left.fetch_sub(1, std::memory_order_relaxed) == 1) std::abort();
}

}  // namespace

std::optional<PointVisit> find_point(std::string_view text) {
  const size_t colon = std::min(text.find(':'), text.size());
  const auto at = std::find(kNames.begin(), kNames.end(), text.substr(0, colon));
  if (at == kNames.end()) return std::nullopt;
  PointVisit visit{static_cast<Point>(at - kNames.begin())};
  if (colon == text.size()) return visit;
  const char *begin = text.data() + colon + 1, *end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, visit.nth);
  if (error != std::errc() || stop != end || visit.nth == 0) return std::nullopt;
  return visit;
}

void abort_at(const PointVisit& visit) {
  g_fatal.store(static_cast<uint32_t>(visit.point), std::memory_order_relaxed);
  g_left.store(visit.nth, std::memory_order_relaxed);
  set_point_hook(die_there);
}

std::string point_names(std::string_view separator) {
  std::string all;
  for (const std::string_view name : kNames) {
    if (!all.empty()) all += separator;
    all += name;
  }
  return all;
}

}  // namespace mtetso
