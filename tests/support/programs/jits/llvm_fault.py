"""A function of LLVM's MCJIT that dies in its own code, registered for debuggers."""

import ctypes

import llvmlite.binding as llvm

PROGRAM = """
define i64 @inner(ptr %p) noinline {
  %v = load i64, ptr %p
  ret i64 %v
}
define i64 @middle(ptr %p) noinline {
  %v = call i64 @inner(ptr %p)
  %w = add i64 %v, 1
  ret i64 %w
}
define i64 @outer(ptr %p) noinline {
  %v = call i64 @middle(ptr %p)
  %w = mul i64 %v, 3
  ret i64 %w
}
"""

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
engine = llvm.create_mcjit_compiler(llvm.parse_assembly(PROGRAM), machine)
engine.enable_jit_events()
engine.finalize_object()
outer = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(engine.get_function_address("outer"))
outer(8)
