# Guest programs: x86-64, by the machine's own gcc, whatever the rest is compiled with.
find_program(GUEST_CC NAMES x86_64-linux-gnu-gcc gcc REQUIRED)
set(guest_dir ${CMAKE_CURRENT_SOURCE_DIR}/guests)
set(guest_out ${CMAKE_CURRENT_BINARY_DIR}/guests)
set(guest_flags -std=c11 -O2 -g -Wall -Wextra -Werror -mgeneral-regs-only -ffreestanding -fno-pic
  -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none
  # Loops stay the loops that the source has: there is no libc to call memcpy in.
  -fno-tree-loop-distribute-patterns)
set(guest_link -static -nostdlib -no-pie -Wl,--build-id=none -Wl,-z,noexecstack)
set(guest_headers ${guest_dir}/mtetso_guest.h)
set(guests counter copy sum message crash unsupported badaddress arith programs stale)
file(MAKE_DIRECTORY ${guest_out})
foreach(guest IN LISTS guests)
  set(elf ${guest_out}/${guest}.elf)
  add_custom_command(OUTPUT ${elf}
    COMMAND ${GUEST_CC} ${guest_flags} ${guest_link} ${guest_dir}/start.S ${guest_dir}/imports.S
            ${guest_dir}/${guest}.c -o ${elf}
    DEPENDS ${guest_dir}/start.S ${guest_dir}/imports.S ${guest_dir}/${guest}.c ${guest_headers}
    VERBATIM)
  list(APPEND guest_elfs ${elf})
endforeach()
add_custom_target(guests ALL DEPENDS ${guest_elfs})
