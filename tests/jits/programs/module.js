// A wasm module with a name section, byte by byte; see the comments.
const text = (name) => [name.length, ...[...name].map((one) => one.charCodeAt(0))];
const section = (id, bytes) => [id, bytes.length, ...bytes];
const body = (bytes) => [bytes.length + 1, 0, ...bytes];
const names = (list) => list.flatMap(([index, name]) => [index, ...text(name)]);
const functions = [[0, "where"], [1, "release"], [2, "inner"], [3, "middle"], [4, "outer"], [5, "table_entry"]];
const bytes = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  ...section(1, [2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f]),          // types: () -> (), (i32) -> i32
  ...section(2, [2, ...text("host"), ...text("where"), 0, 0, ...text("host"), ...text("release"), 0, 0]),
  ...section(3, [4, 1, 1, 1, 1]),
  ...section(4, [1, 0x70, 0, 1]),                                   // a table of one function
  ...section(6, [1, 0x7f, 1, 0x41, 42, 0x0b]),                      // a mutable global, 42
  ...section(7, [3, ...text("outer"), 0, 4, ...text("state"), 3, 0, ...text("table"), 1, 0]),
  ...section(9, [1, 0, 0x41, 0, 0x0b, 1, 5]),
  ...section(10, [4,
    ...body([0x10, 0, 0x10, 1, 0x20, 0, 0x23, 0, 0x6a, 0x0b]),      // where(); release(); x + state
    ...body([0x20, 0, 0x10, 2, 0x41, 1, 0x6a, 0x0b]),               // inner(x) + 1
    ...body([0x20, 0, 0x10, 3, 0x41, 2, 0x6a, 0x0b]),               // middle(x) + 2
    ...body([0x20, 0, 0x41, 3, 0x6a, 0x0b])]),
  ...section(0, [...text("name"), ...section(0, text("demo")),
    ...section(1, [functions.length, ...names(functions)])]),
]);
const module = new WebAssembly.Module(bytes);
let state;
const host = {
  where() { print("stack " + JSON.stringify(new Error().stack)); },
  release() { release(state); },
};
const instance = new WebAssembly.Instance(module, { host });
state = instance.exports.state;
print("called " + instance.exports.table.get(0)(1));
function call(x) { return instance.exports.outer(x); }
call(256);
