// Calls a wasm module until its compilers have had it, then ends the process from a function that
// wasm code has called.
const text = (name) => [name.length, ...[...name].map((one) => one.charCodeAt(0))];
const section = (id, bytes) => [id, bytes.length, ...bytes];
const body = (bytes) => [bytes.length + 1, 0, ...bytes];
const names = (list) => list.flatMap(([index, name]) => [index, ...text(name)]);
const functions = [[0, "where"], [1, "inner"], [2, "middle"], [3, "outer"]];
const bytes = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  ...section(1, [2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f]),          // types: () -> (), (i32) -> i32
  ...section(2, [1, ...text("host"), ...text("where"), 0, 0]),
  ...section(3, [3, 1, 1, 1]),
  ...section(4, [1, 0x70, 0, 1]),                                   // a table of one function
  ...section(5, [1, 0, 1]),                                         // a memory of one page
  ...section(7, [1, ...text("outer"), 0, 3]),
  ...section(9, [1, 0, 0x41, 0, 0x0b, 1, 1]),
  ...section(10, [3,
    ...body([0x20, 0, 0x45, 0x04, 0x40, 0x10, 0, 0x0b,              // where() if x is 0
      0x20, 0, 0x41, 0, 0x28, 2, 0, 0x6a, 0x41, 1, 0x6a, 0x0b]),    // x + memory[0] + 1
    ...body([0x20, 0, 0x41, 0, 0x11, 1, 0, 0x41, 2, 0x6a, 0x0b]),   // inner, through the table
    ...body([0x20, 0, 0x10, 2, 0x41, 3, 0x6a, 0x0b])]),
  ...section(0, [...text("name"), ...section(0, text("demo")),
    ...section(1, [functions.length, ...names(functions)])]),
]);
const host = {
  where() {
    console.log(new Error("here").stack);
    process.abort();
  },
};
const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host });
let total = 0;
for (let round = 0; round < 100000; round++) {
  total += instance.exports.outer(5);
}
console.log("sum", total);
instance.exports.outer(0);
