# Berkeley SoftFloat, as far as float/x87.cc needs it, with the rules of the 8086 and SSE.
set(softfloat_folder ${CMAKE_CURRENT_SOURCE_DIR}/build/softfloat-0.1.4.1)
if(NOT EXISTS ${softfloat_folder})
  # The environment's Python has pip.
  find_program(SOFTFLOAT_PYTHON python3 HINTS ${CMAKE_CURRENT_SOURCE_DIR}/../.venv/bin REQUIRED)
  execute_process(COMMAND ${SOFTFLOAT_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/../scripts/fetch_softfloat
    ${softfloat_folder} COMMAND_ERROR_IS_FATAL ANY)
endif()
set(softfloat_sources extF80_add extF80_div extF80_eq extF80_lt extF80_mul extF80_roundToInt
  extF80_sqrt extF80_sub extF80_to_f128 extF80_to_f32 extF80_to_f64 extF80_to_i64 f128_mul
  f128_to_extF80 i64_to_extF80 s_add128 s_addMagsExtF80 s_approxRecip32_1 s_approxRecipSqrt32_1
  s_approxRecipSqrt_1Ks s_approxRecip_1Ks s_countLeadingZeros32 s_countLeadingZeros64
  s_countLeadingZeros8 s_eq128 s_le128 s_lt128 s_mul128To256M s_mul64ByShifted32To128 s_mul64To128
  s_normRoundPackToExtF80 s_normSubnormalExtF80Sig s_normSubnormalF128Sig s_roundPackToExtF80
  s_roundPackToF128 s_roundPackToF32 s_roundPackToF64 s_roundToI64 s_shiftRightJam128
  s_shiftRightJam128Extra s_shiftRightJam32 s_shiftRightJam64 s_shiftRightJam64Extra
  s_shortShiftLeft128 s_shortShiftRight128 s_shortShiftRightJam128Extra s_shortShiftRightJam64
  s_shortShiftRightJam64Extra s_sub128 s_subMagsExtF80 softfloat_state
  8086-SSE/s_commonNaNToExtF80UI 8086-SSE/s_commonNaNToF128UI 8086-SSE/s_commonNaNToF32UI
  8086-SSE/s_commonNaNToF64UI 8086-SSE/s_extF80UIToCommonNaN 8086-SSE/s_f128UIToCommonNaN
  8086-SSE/s_propagateNaNExtF80UI 8086-SSE/s_propagateNaNF128UI 8086-SSE/softfloat_raiseFlags)
list(TRANSFORM softfloat_sources PREPEND ${softfloat_folder}/)
list(TRANSFORM softfloat_sources APPEND .c)
add_library(softfloat STATIC ${softfloat_sources})
# What a platform.h would say, which the sources include. For users as well: the headers have it.
# PyPI's copy has uint_fast16_t where SoftFloat has uint16_t, also where a value is to be cut.
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/softfloat/platform.h
  CONTENT "#include <stdint.h>\n#define uint_fast16_t uint16_t\n")
target_compile_definitions(softfloat PUBLIC LITTLEENDIAN=1 INLINE=inline
  SOFTFLOAT_FAST_INT64 SOFTFLOAT_FAST_DIV32TO16 SOFTFLOAT_FAST_DIV64TO32 THREAD_LOCAL=__thread)
target_include_directories(softfloat SYSTEM PUBLIC ${softfloat_folder}/include
  ${softfloat_folder}/8086-SSE ${CMAKE_CURRENT_BINARY_DIR}/softfloat)
target_compile_options(softfloat PRIVATE -O2 -g0 -fPIE)
