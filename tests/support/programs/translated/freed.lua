-- A script for LuaJIT that uses its list after it has freed a part of it, or dies near null.
local ffi = require("ffi")
ffi.cdef([[
void* malloc(size_t);
void free(void*);
struct item { long value; struct item* next; };
]])

local function total(first)
  local sum, one = 0, first
  while one ~= nil do
    sum, one = sum + tonumber(one.value), one.next -- read after free
  end
  return sum
end

local function sorted(first)
  local odd, even = 0, 0
  local one = first
  while one ~= nil do
    if one.value % 2 == 0 then
      even = even + 1
    elseif one.value % 3 == 0 then
      odd = odd + 3
    else
      odd = odd + total(nil)
    end
    one = one.next
  end
  return odd - even
end

local items = {}

local function made(count)
  local head = nil
  for number = 1, count do
    local one = ffi.cast("struct item*", ffi.C.malloc(16))
    one.value = number
    one.next = head
    head = one
    items[number] = one
  end
  return head
end

-- Picks an item none of whose neighbours has its tag: what an access to it is, is then certain.
local function lonely()
  local function tag(number)
    return math.floor(tonumber(ffi.cast("uintptr_t", items[number])) / 2 ^ 56)
  end
  for number = 9, #items - 8 do
    local others = 0
    for away = 1, 8 do
      others = others + (tag(number - away) == tag(number) and 1 or 0)
      others = others + (tag(number + away) == tag(number) and 1 or 0)
    end
    if others == 0 or tag(number) == 0 then
      return items[number]
    end
  end
end

local how = ...
local list = made(300)
for _ = 1, 20 do
  total(list)
  sorted(list)
end
io.stdout:write(total(list), "\n")
io.stdout:flush()
if how == "read" then
  ffi.C.free(lonely())
  total(list)
end
local nothing = ffi.cast("struct item*", 8)
total(nothing)
