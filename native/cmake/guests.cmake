# Guest programs: x86-64, whatever the rest is compiled with. A plain gcc is that machine's own.
set(guest_compilers x86_64-linux-gnu-gcc)
if(CMAKE_HOST_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  list(APPEND guest_compilers gcc)
endif()
find_program(GUEST_CC NAMES ${guest_compilers} REQUIRED)
set(guest_dir ${CMAKE_CURRENT_SOURCE_DIR}/guests)
set(guest_out ${CMAKE_CURRENT_BINARY_DIR}/guests)
set(guest_flags -std=c11 -g -Wall -Wextra -Werror -ffreestanding -fno-pic
  -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none
  # Loops stay the loops that the source has: there is no libc to call memcpy in.
  -fno-tree-loop-distribute-patterns)
set(guest_registers -mgeneral-regs-only)
set(guest_link -static -nostdlib -no-pie -Wl,--build-id=none -Wl,-z,noexecstack)
set(guest_headers ${guest_dir}/mtetso_guest.h)
file(MAKE_DIRECTORY ${guest_out})

# One guest: its source, its file, its optimisation level; then further linker options.
function(add_guest source name level)
  set(elf ${guest_out}/${name}.elf)
  add_custom_command(OUTPUT ${elf}
    COMMAND ${GUEST_CC} ${guest_flags} ${guest_registers} ${level} ${guest_link} ${ARGN} ${guest_dir}/start.S
            ${guest_dir}/imports.S ${guest_dir}/${source}.c -o ${elf}
    DEPENDS ${guest_dir}/start.S ${guest_dir}/imports.S ${guest_dir}/${source}.c ${guest_headers}
    VERBATIM)
  set_property(GLOBAL APPEND PROPERTY guest_elfs ${elf})
endfunction()

foreach(guest counter copy sum message crash unsupported badaddress arith stale system files litmus stress moved
              sharing patterns misaligned)
  add_guest(${guest} ${guest} -O2)
endforeach()
# Programs that are compiled at several optimisation levels.
foreach(guest programs lz heap bytecode queue locks mover threadlocal callbacks)
  add_guest(${guest} ${guest} -O2)
  add_guest(${guest} ${guest}-O0 -O0)
  add_guest(${guest} ${guest}-Os -Os)
endforeach()
add_guest(crowd crowd -O2)
# Its section is writable and executable, which the linker warns of.
add_guest(rewritten rewritten -O2 -Wl,--no-warn-rwx-segments)
add_guest(loader loader -O2)
add_guest(plugin plugin -O2 -Wl,-Ttext-segment=0x10000000)
# Programs for Linux that are nothing but system calls; each is its own file.
file(GLOB linux_guests CONFIGURE_DEPENDS ${guest_dir}/linux/*.c)
foreach(source IN LISTS linux_guests)
  get_filename_component(name ${source} NAME_WE)
  set(elf ${guest_out}/linux-${name}.elf)
  add_custom_command(OUTPUT ${elf}
    COMMAND ${GUEST_CC} ${guest_flags} ${guest_registers} -O2 ${guest_link} ${source} -o ${elf}
    DEPENDS ${source} ${guest_dir}/linux/raw.h VERBATIM)
  set_property(GLOBAL APPEND PROPERTY guest_elfs ${elf})
endforeach()
# As plain gcc compiles it, with vectors.
set(guest_registers)
add_guest(numbers numbers -O2)
add_guest(numbers numbers-O0 -O0)
add_guest(numbers numbers-Os -Os)
get_property(guest_elfs GLOBAL PROPERTY guest_elfs)
add_custom_target(guests ALL DEPENDS ${guest_elfs})
