[inputs | split(" ")[]] | group_by(.) | map({word: .[0], n: length})
| sort_by(-.n, .word) | .[:4],
  ([limit(10; recurse(. * 2; . < 1e9))?] | length),
  ("2026-11-30T12:00:00Z" | fromdate | todate), (now | type),
  ("a,b;c" | [splits("[,;]")]), ([1, [2, [3]]] | flatten | add), (1 / 3), (10 | sqrt | floor)
