/* SPDX-License-Identifier: MIT */
/* rax's random walks, which are not run, use these. */
#define floor(x) (x)
#define log(x) (4)
