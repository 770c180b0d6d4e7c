"""A wasm program that dies in its own code, in wasmtime as its users have it: no option is set.

wasmtime answers faults of its code with an exception. Here the program takes its handler away when
all is ready, so that an access beyond the memory is the end.

Arguments: the profiler that wasmtime is to tell of its code: none, perfmap, jitdump. With `traps`
the same fault and others are exceptions first, whose places in the module are printed.
"""

import signal
import sys

import wasmtime

PROGRAM = """
(module
  (import "host" "ready" (func $ready))
  (memory 1 1)
  (func $inner (param i32) (result i32)
    (call $ready)
    (i32.load (local.get 0)))
  (func $middle (param i32) (result i32)
    (i32.add (call $inner (i32.mul (local.get 0) (i32.const 65536))) (i32.const 1)))
  (func (export "run") (param i32) (result i32)
    (i32.mul (call $middle (local.get 0)) (i32.const 3)))
  MORE)
"""
MORE = 60


def more(number: int) -> str:
    """A function that traps after some accesses, and perhaps a loop."""
    reads = (f"(local.set 1 (i32.load (i32.const {4 * at})))" for at in range(number % 7))
    loop = "(loop $again (br_if $again (i32.const 0)))" if number % 3 == 0 else ""
    return (
        f'(func $more{number} (export "more{number}") (result i32) (local i32 i32)'
        f" {' '.join(reads)} {loop} (i32.load (i32.const 65536)))"
    )


last = False


def ready() -> None:
    if last:
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)


config = wasmtime.Config()
config.profiler = sys.argv[1]
engine = wasmtime.Engine(config)
store = wasmtime.Store(engine)
text = PROGRAM.replace("MORE", "\n  ".join(map(more, range(MORE))))
module = wasmtime.Module(engine, text)
imports = [wasmtime.Func(store, wasmtime.FuncType([], []), ready)]
exports = wasmtime.Instance(store, module, imports).exports(store)
run = exports["run"]
if "traps" in sys.argv:
    for number in range(MORE):
        try:
            exports[f"more{number}"](store)
        except wasmtime.Trap as trap:
            print(f"place more{number}", trap.frames[0].module_offset, flush=True)
    try:
        run(store, 7)
    except wasmtime.Trap as trap:
        print("places", *(frame.module_offset for frame in trap.frames), flush=True)
last = True
run(store, 7)
