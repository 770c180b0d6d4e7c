<?php
// Arrays, closures, generators, regular expressions, JSON, dates, classes, errors.
$counts = array_count_values(preg_split('/\s+/', trim(file_get_contents('text'))));
arsort($counts);
echo max($counts), ' ', count($counts), "\n";
function squares(int $n): Generator { for ($i = 1; $i <= $n; $i++) yield $i => $i * $i; }
echo array_sum(iterator_to_array(squares(100))), ' ', intdiv(-7, 2), ' ', -7 % 3, ' ', 0.1 + 0.2, "\n";
echo preg_replace_callback('/\b(\w)(\w*)/', fn($m) => strtoupper($m[1]) . $m[2], 'ab cd ef'), "\n";
echo json_encode(['a' => [1, 2.5, null], 'b' => "ä\n"]), ' ', json_decode('{"x":[1,{"y":2}]}')->x[1]->y, "\n";
echo date('D, d M Y H:i:s', 1700000000), ' ', md5('text'), ' ', crc32('text'), ' ', hash('sha256', 'x'), "\n";
final class Point { public function __construct(public readonly int $x = 1) {} }
$point = new Point(2);
try { $point->x = 3; } catch (Error $e) { echo get_class($e), ': ', $e->getMessage(), "\n"; }
$rows = [[3, 'c'], [1, 'a'], [2, 'b']];
usort($rows, fn($a, $b) => $a <=> $b);
echo json_encode($rows), "\n";
printf("%05.1f|%'*10s|%b|%e\n", M_PI, 'right', 10, 12345.678);
echo strlen(serialize(range(1, 1000))), ' ', similar_text('World', 'Word'), ' ', levenshtein('kitten', 'sitting'), "\n";
exit(4);
