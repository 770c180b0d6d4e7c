import sys
from pathlib import Path
from tests.crashes.said import said_of
s=said_of(Path(sys.argv[1]))
print(s.headline)
for k,v in s.calls.items():
    print(k, s.ends[k])
    for r in v: print("  ",r['level'],r['pc'],r['kind'],r['how'],r['function'],r['source'])
