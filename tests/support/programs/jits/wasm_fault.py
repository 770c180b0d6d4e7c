"""A wasm program that dies in its own code, in wasmtime as its users have it: no option is set.

wasmtime answers faults of its code with an exception. Here the program takes its handler away when
all is ready, so that an access beyond the memory is the end.

Arguments: the profiler that wasmtime is to tell of its code: none, perfmap, jitdump.
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
    (i32.mul (call $middle (local.get 0)) (i32.const 3))))
"""


def ready() -> None:
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)


config = wasmtime.Config()
config.profiler = sys.argv[1]
engine = wasmtime.Engine(config)
store = wasmtime.Store(engine)
module = wasmtime.Module(engine, PROGRAM)
imports = [wasmtime.Func(store, wasmtime.FuncType([], []), ready)]
wasmtime.Instance(store, module, imports).exports(store)["run"](store, 7)
