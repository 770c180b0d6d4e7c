/* SPDX-License-Identifier: MIT */
/* rax by the allocator of every program. */
#include <stdlib.h>
#define rax_malloc malloc
#define rax_realloc realloc
#define rax_free free
size_t malloc_usable_size(void*);
#define rax_ptr_alloc_size malloc_usable_size
