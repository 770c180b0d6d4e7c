# Lists, dictionaries, procedures, regular expressions, large integers, channels, errors.
set file [open text]
set words [split [read $file]]
close $file
set counts [dict create]
foreach word $words { dict incr counts $word }
puts [lrange [lsort -stride 2 -index 1 -integer -decreasing [lsort -stride 2 $counts]] 0 7]
proc fib n { expr {$n < 2 ? $n : [fib [expr {$n - 1}]] + [fib [expr {$n - 2}]]} }
puts "[fib 15] [expr {2 ** 200}] [expr {hypot(3, 4)}] [expr {-7 / 2}]"
puts [regsub -all {(\w)(\w)} "abcdef" {\2\1}]
puts [clock format 1700000000 -gmt 1 -format "%Y-%m-%d %H:%M:%S"]
catch { error "an error" } message
puts "$message [info patchlevel]"
coroutine next apply {{} { yield; for {set i 0} {1} {incr i} { yield $i } }}
puts "[next] [next] [next]"
exit 2
