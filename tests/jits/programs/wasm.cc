// Runs a wasm module in SpiderMonkey; its innermost function loads from memory that is not there.
//
// The module calls `host.where` first, which prints where it was called from, as JavaScript sees
// it.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>

#include <jsapi.h>

#include <js/CompilationAndEvaluation.h>
#include <js/CompileOptions.h>
#include <js/Conversions.h>
#include <js/Initialization.h>
#include <js/Object.h>
#include <js/SourceText.h>

// With the argument `guard`, small pieces of memory have a page each, which is inaccessible once
// they are freed: what heap tagging does, for machines without it.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_realloc(void*, size_t);
void __libc_free(void*);

static bool g_guard = false;
constexpr size_t kMost = 32, kPage = 4096;
static char* g_pages = nullptr;
static char* g_next = nullptr;
constexpr size_t kSpan = 4096 * kPage;

void* malloc(size_t size) {
  if (!g_guard || size > kMost || g_next == g_pages + kSpan) return __libc_malloc(size);
  char* page = __atomic_fetch_add(&g_next, kPage, __ATOMIC_SEQ_CST);
  return page + kPage - kMost;
}

static bool Guarded(void* pointer) {
  char* at = static_cast<char*>(pointer);
  return g_pages != nullptr && at >= g_pages && at < g_pages + kSpan;
}

void free(void* pointer) {
  if (!Guarded(pointer)) return __libc_free(pointer);
  mprotect(reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(pointer) & -kPage), kPage,
           PROT_NONE);
}

void* realloc(void* pointer, size_t size) {
  if (!Guarded(pointer)) return __libc_realloc(pointer, size);
  void* moved = malloc(size);
  std::memcpy(moved, pointer, size < kMost ? size : kMost);
  free(pointer);
  return moved;
}
}

namespace {

const JSClass kGlobalClass = {"global", JSCLASS_GLOBAL_FLAGS, &JS::DefaultGlobalClassOps};

bool Print(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  JS::RootedString text(cx, JS::ToString(cx, args.get(0)));
  if (!text) return false;
  JS::UniqueChars chars = JS_EncodeStringToUTF8(cx, text);
  std::printf("%s\n", chars.get());
  std::fflush(stdout);
  args.rval().setUndefined();
  return true;
}

// Frees the cell of a WebAssembly.Global that compiled code still has the address of.
bool Release(JSContext*, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  void* cell = JS::GetReservedSlot(&args.get(0).toObject(), 1).toPrivate();
  std::printf("cell %llx\n", static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(cell)));
  std::fflush(stdout);
  std::free(cell);
  args.rval().setUndefined();
  return true;
}

bool Run(JSContext* cx, const char* script, size_t length) {
  JS::RealmOptions options;
  JS::RootedObject global(
      cx, JS_NewGlobalObject(cx, &kGlobalClass, nullptr, JS::FireOnNewGlobalHook, options));
  if (!global) return false;
  JSAutoRealm realm(cx, global);
  if (!JS::InitRealmStandardClasses(cx) || !JS_DefineFunction(cx, global, "print", Print, 1, 0) ||
      !JS_DefineFunction(cx, global, "release", Release, 1, 0)) {
    return false;
  }
  g_guard = g_pages != nullptr;
  JS::CompileOptions compile(cx);
  compile.setFileAndLine("module.js", 1);
  JS::SourceText<mozilla::Utf8Unit> source;
  if (!source.init(cx, script, length, JS::SourceOwnership::Borrowed)) return false;
  JS::RootedValue result(cx);
  return JS::Evaluate(cx, compile, source, &result);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::FILE* file = std::fopen(argv[1], "rb");
  if (file == nullptr) return 2;
  static char script[1 << 16];
  const size_t length = std::fread(script, 1, sizeof script, file);
  std::fclose(file);
  if (argc > 2 && std::strcmp(argv[2], "guard") == 0) {
    void* pages = mmap(nullptr, kSpan, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_pages = g_next = static_cast<char*>(pages);
  }
  if (!JS_Init()) return 3;
  JSContext* cx = JS_NewContext(JS::DefaultHeapMaxBytes);
  if (cx == nullptr || !JS::InitSelfHostedCode(cx)) return 3;
  const bool done = Run(cx, script, length);
  if (!done) {
    std::fprintf(stderr, "the script failed\n");
  }
  JS_DestroyContext(cx);
  JS_ShutDown();
  return done ? 0 : 1;
}
