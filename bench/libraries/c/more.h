/* SPDX-License-Identifier: MIT */
void* bench_more(intptr_t);
