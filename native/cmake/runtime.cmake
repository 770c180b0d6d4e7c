# The runtime itself: needs VIXL and Zydis for AArch64.

# The fault handler's path is compiled as one: it is many small functions, in files by what they are
# about.
set(fault_path handler resolve act patch decision phases)
list(TRANSFORM fault_path PREPEND src/fault/)
list(APPEND fault_path src/debug/recorder src/debug/trace src/debug/threads src/memory/barriers
  src/memory/code_pages src/memory/guest_memory src/memory/protocol src/memory/raw_lock
  src/memory/regions src/memory/tags_aarch64 src/code/block src/code/block_map
  src/code/memop_words src/code/sorted_blocks)
list(TRANSFORM fault_path APPEND .cc)
set_source_files_properties(${fault_path} PROPERTIES UNITY_GROUP fault_path)
set_target_properties(mtetso_core PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
# After the flags of all code. The processors that it is for have memory tagging: atomic instructions
# are in line. Nothing that runs before a machine without it is told so (cli/main.cc) needs them.
add_library(mtetso_fault_path_flags INTERFACE)
target_compile_options(mtetso_fault_path_flags INTERFACE -O3 -march=armv8.5-a+memtag)
target_link_libraries(mtetso_core PRIVATE mtetso_fault_path_flags)

find_library(VIXL_LIBRARY vixl REQUIRED)
find_library(ZYDIS_LIBRARY Zydis REQUIRED)
find_library(ZYCORE_LIBRARY Zycore REQUIRED)
find_path(VIXL_INCLUDE aarch64/macro-assembler-aarch64.h PATH_SUFFIXES vixl REQUIRED)
find_path(ZYDIS_INCLUDE Zydis/Zydis.h REQUIRED)

# Headers and libraries of other projects, for the translator.
add_library(mtetso_others INTERFACE)
# By -isystem: after the cross compiler's own headers.
target_include_directories(mtetso_others SYSTEM INTERFACE ${VIXL_INCLUDE})
if(NOT ZYDIS_INCLUDE STREQUAL "/usr/include")
  target_include_directories(mtetso_others SYSTEM INTERFACE ${ZYDIS_INCLUDE})
else()
  # /usr/include as a whole is the build machine's: its C library headers must not come first.
  target_compile_options(mtetso_others INTERFACE -idirafter ${ZYDIS_INCLUDE})
endif()
# The library was built with both targets and this buffer: class layouts depend on it (vixl.pc).
target_compile_definitions(mtetso_others INTERFACE VIXL_INCLUDE_TARGET_A32 VIXL_INCLUDE_TARGET_T32
  VIXL_INCLUDE_TARGET_A64 VIXL_CODE_BUFFER_MMAP)
# Without devirtualisation: VIXL's scopes call MacroAssembler through a second base, and the thunks
# for that, which a devirtualised call names, are not exported by the shared library.
target_compile_options(mtetso_others INTERFACE -fPIE -fno-devirtualize)
target_link_libraries(mtetso_others INTERFACE mtetso_flags ${VIXL_LIBRARY} ${ZYDIS_LIBRARY}
  ${ZYCORE_LIBRARY})

# The translator alone: its tests link it without the rest.
file(GLOB translate_sources CONFIGURE_DEPENDS src/translate/*.cc)
add_library(mtetso_translate STATIC ${translate_sources})
target_link_libraries(mtetso_translate PUBLIC mtetso_others)
# VIXL's headers take most of the time of compiling; they are compiled once.
set(translate_headers <aarch64/macro-assembler-aarch64.h> <algorithm> <functional> <map> <string>
  <vector>)
target_precompile_headers(mtetso_translate PRIVATE ${translate_headers})

file(GLOB runtime_sources CONFIGURE_DEPENDS src/run/*.cc src/linux/*.cc src/cli/*.cc)
list(FILTER runtime_sources EXCLUDE REGEX "/(parse|option_list|schedule)\\.cc$") # those are in the core
add_library(mtetso_run OBJECT ${runtime_sources})
target_link_libraries(mtetso_run PUBLIC mtetso_others)
target_precompile_headers(mtetso_run REUSE_FROM mtetso_translate)

# The runtime, with this translator.
function(add_runtime name translator)
  add_executable(${name} ${ARGN} $<TARGET_OBJECTS:mtetso_run>)
  # PIE leaves the low addresses to the guest; -rdynamic puts mtedbg_root into the dynamic table.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_options(${name} PRIVATE -pie -rdynamic -Wl,--build-id)
  # The whole archive: the root is referenced by debuggers only.
  target_link_libraries(${name} PRIVATE ${translator} -Wl,--whole-archive mtetso_core
    -Wl,--no-whole-archive)
endfunction()

add_runtime(mtetso mtetso_translate)

# The same, with translator and emitter under AddressSanitizer and UBSan. Not the rest: it follows
# pointers with tags, for which AddressSanitizer has no shadow, and most of it is checked on the host.
add_library(mtetso_translate_checked STATIC EXCLUDE_FROM_ALL ${translate_sources})
target_precompile_headers(mtetso_translate_checked PRIVATE ${translate_headers})
set(checks -fsanitize=address,undefined)
target_compile_options(mtetso_translate_checked PRIVATE -O1 ${checks} -fno-sanitize-recover=all)
target_link_options(mtetso_translate_checked INTERFACE ${checks} -static-libasan -static-libubsan)
target_link_libraries(mtetso_translate_checked PUBLIC mtetso_others)
add_runtime(mtetso_checked mtetso_translate_checked EXCLUDE_FROM_ALL)

# Tests of the translator alone.
foreach(name assembler_words control_flow count_words lowering_table)
  add_executable(${name} tests/translate/${name}.cc)
  target_link_libraries(${name} PRIVATE mtetso_translate mtetso_core)
  target_link_options(${name} PRIVATE -pie)
endforeach()

# Tests that need the architecture's tags and signals. Exit status: 0, or 2 if there are no tags.
file(GLOB target_tests CONFIGURE_DEPENDS tests/target/*.cc)
foreach(source IN LISTS target_tests)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_include_directories(${name} PRIVATE tests)
  target_link_libraries(${name} PRIVATE mtetso_core)
endforeach()

# What `make bench-native` runs.
add_executable(bench_round_trip bench/round_trip.cc)
target_link_libraries(bench_round_trip PRIVATE mtetso_core)
add_executable(count_run bench/count_run.c)
target_link_libraries(count_run PRIVATE mtetso_flags)
add_executable(bench_translate bench/translate.cc)
target_link_libraries(bench_translate PRIVATE mtetso_translate mtetso_core)
target_link_options(bench_translate PRIVATE -pie)
