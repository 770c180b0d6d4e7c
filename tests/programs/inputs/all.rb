# Blocks, hashes, regular expressions, large integers, fibers, threads, processes, errors.
words = File.read("text").split.tally.sort_by { |word, n| [-n, word] }.first(3)
p words, 2**200, 10.pow(50, 97), 7.fdiv(3).round(5), "äöü".bytes.sum, "text".unpack("C*")
puts format("%08.3f|%-5s|%+d|%x", Math::PI, "ab", 5, 255), "abcabc".gsub(/b(.)/) { $1.upcase }
fiber = Fiber.new { 3.times { |i| Fiber.yield i }; :done }
p Array.new(4) { fiber.resume }
queue = Queue.new
threads = 4.times.map { |i| Thread.new { 50.times { |j| queue << i * j } } }
threads.each(&:join)
p queue.size, Array.new(200) { queue.pop }.sum
p (1..Float::INFINITY).lazy.select(&:even?).map { _1 ** 2 }.first(4)
Struct.new("Point", :x, :y)
case Struct::Point.new(1, 2)
in [x, y] then p x + y
end
reader, writer = IO.pipe
fork { reader.close; writer.puts "child"; exit! 0 }
writer.close
p reader.read, Process.wait2[1].exitstatus
GC.start
begin
  Integer("x")
rescue ArgumentError => e
  p e.message
end
abort "an error"
