/* Memory with tags at EL1 of QEMU's "virt" machine, seen through the kernel's half of the address
 * space: each granule has its number modulo 16, and a store with a wrong tag is an exception. */
typedef unsigned long word;

enum { page_bytes = 4096, granule = 16, right = 3, wrong = 9 };

#define WRITE(reg, value) __asm__ volatile("msr " #reg ", %0; isb" ::"r"((word)(value)) : "memory")

/* Arm ARM (DDI 0487) D8: blocks of 1 GiB with 39 bits of address; AF, inner shareable. */
static word low[512] __attribute__((aligned(4096)));
static word high[512] __attribute__((aligned(4096)));
static const word block = 1, accessed = 1ul << 10, shareable = 3ul << 8;
/* Attributes of MAIR_EL1: 0 device, 1 Tagged Normal memory. */
static const word attributes = 0x04ul | 0xf0ul << 8, tagged = 1ul << 2;

static char page[page_bytes] __attribute__((aligned(4096)));
char* memory;
word syndrome, address, returns_to;

__attribute__((noinline)) void ready(char* pointer) { __asm__ volatile("" ::"r"(pointer)); }

__attribute__((noinline)) void touch(char* pointer) {
  __asm__ volatile("str xzr, [%0]" ::"r"(pointer) : "memory");
}

__attribute__((noreturn)) void caught(word esr, word far, word elr) {
  syndrome = esr;
  address = far;
  returns_to = elr;
  for (;;) __asm__ volatile("wfi");
}

static char* with_tag(char* pointer, word tag) {
  return (char*)(((word)pointer & ~(15ul << 56)) | tag << 56);
}

static void map(void) {
  low[0] = block | accessed;
  low[1] = 0x40000000ul | block | accessed | shareable | tagged;
  high[1] = low[1];
  WRITE(mair_el1, attributes);
  /* Both halves: T0SZ and T1SZ 25, pages of 4 KiB, cacheable, TBI0 and TBI1; 40 bits physical. */
  WRITE(tcr_el1,
        25ul | 25ul << 16 | 2ul << 30 | 0x35ul << 8 | 0x35ul << 24 | 3ul << 37 | 2ul << 32);
  WRITE(ttbr0_el1, low);
  WRITE(ttbr1_el1, high);
  __asm__ volatile("tlbi vmalle1; dsb ish; isb");
  WRITE(s3_0_c1_c0_6, 0xffff); /* GCR_EL1 */
  word control;
  __asm__ volatile("mrs %0, sctlr_el1" : "=r"(control));
  /* M, C, I; ATA, and TCF: synchronous. */
  WRITE(sctlr_el1, control | 1 | 1ul << 2 | 1ul << 12 | 1ul << 43 | 1ul << 40);
  __asm__ volatile("msr tco, #0");
}

void start(void) {
  map();
  memory = (char*)((word)page | 0xffffff8000000000ul);
  for (word i = 0; i < page_bytes / granule; ++i) {
    char* here = with_tag(memory + i * granule, i & 15);
    __asm__ volatile("stg %0, [%0]" ::"r"(here) : "memory");
  }
  ready(with_tag(memory + right * granule, right));
  touch(with_tag(memory + right * granule + 8, wrong));
  caught(0, 0, 0);
}
