-- Closures, tables, strings, coroutines, integers and floats, errors, the collector.
local words = {}
for line in io.lines("text") do
  for word in line:gmatch("%a+") do words[word] = (words[word] or 0) + 1 end
end
local names = {}
for word in pairs(words) do names[#names + 1] = word end
table.sort(names, function(a, b) return words[a] > words[b] or (words[a] == words[b] and a < b) end)
for i = 1, 5 do print(names[i], words[names[i]]) end
local function squares(n)
  return coroutine.wrap(function() for i = 1, n do coroutine.yield(i * i) end end)
end
local sum = 0
for square in squares(1000) do sum = sum + square end
print(sum, 7 // 2, -7 // 2, 7 % -3, 2 ^ 0.5, 1 << 62, math.maxinteger + 1 == math.mininteger)
print(string.format("%5.2f %q %x", math.pi, "a\nb", 255), ("abc"):rep(3, "-"), #("\u{7FFFFFFF}"))
print(pcall(error, { code = 1 }), select("#", table.unpack({ 1, nil, 3 }, 1, 3)))
print(string.pack("<i4d", -2, 0.5):byte(1, -1))
setmetatable(words, { __gc = function() print("collected") end })
words = nil
collectgarbage()
os.exit(3, true)
