// SPDX-License-Identifier: MIT
//
// What calls on descriptors have in common: waiting, and what a signal does to a call that waits.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <span>

#include "linux/call.h"
#include "linux/host_call.h"

namespace mtetso {

// The result of a host call that failed, or was left for a signal.
CallResult after_host(Call& call, long result, Restart restart);
// The same for any result.
CallResult answer(Call& call, long result, Restart restart);

// Lockstep, where another guest thread could run: what the call is to return if descriptor
// `descriptor` is not ready for `events` of poll(2) yet. Nothing where it may just wait.
std::optional<CallResult> wait_until_ready(Call& call, int descriptor, short events);

// Lockstep, where another guest thread could run: writes `bytes` to a pipe or a stream socket, as
// much as there is room for; the call is made again for the rest. `flags`: of send(2); `first`:
// what the socket gets with the first part. Nothing where the call may just be made.
std::optional<CallResult> write_in_parts(Call& call, int descriptor, std::span<const char> bytes,
                                         int flags = 0, const msghdr* first = nullptr);

// The same for the plain call of this number, if it waits for a descriptor.
std::optional<CallResult> wait_for(Call& call, uint64_t number);

// The same for a call that has found nothing: it is made again when one of `descriptors` is ready,
// or `after` nanoseconds from its first try have passed (none: only then). Nothing when they have.
// `often`: every millisecond besides, for what no descriptor shows.
std::optional<CallResult> try_again(Call& call, std::span<const pollfd> descriptors,
                                    std::optional<uint64_t> after, bool often = false);
CallResult try_often(Call& call, Restart restart);

// Whether the call must not wait in the kernel.
bool must_not_wait(const Call& call);

}  // namespace mtetso
