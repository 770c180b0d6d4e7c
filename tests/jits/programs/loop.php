<?php
function inner(int $n, int $pid, array $signals): int {
    $s = 0;
    for ($i = 0; $i < $n; $i++) {
        $s += $i ^ ($s & 3);
        posix_kill($pid, $signals[$i]);  // in the trace
    }
    return $s;
}
function middle(int $n, int $pid, array $signals): int {
    $t = 0;
    for ($j = 0; $j < 5; $j++) {
        $t += inner($n, $pid, $signals);
    }
    return $t;
}
$none = array_fill(0, 100, 0);
$one = $none;
$one[90] = 11;
for ($k = 0; $k < 50; $k++) middle(100, posix_getpid(), $none);
echo middle(100, posix_getpid(), $one), "\n";
