<?php
// Dies in code of opcache's JIT: the address of a C array is that of unmapped memory.
$wild = FFI::cast("long*", 8);
function inner($wild, int $rounds): int {
    $sum = 0;
    for ($i = 0; $i < $rounds; $i++) {
        $sum = ($sum ^ $i) + ($sum >> 3);
    }
    return $sum + ($rounds > 1000 ? $wild[0] : 0);
}
function outer($wild, int $rounds): int { return inner($wild, $rounds) + 1; }
$total = 0;
for ($k = 0; $k < 300; $k++) {
    $total += outer($wild, 100);
}
echo $total, "\n";
outer($wild, 2000);
