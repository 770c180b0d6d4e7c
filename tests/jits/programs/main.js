// Warms its functions up until the compilers have them, then ends the process from the innermost.

function inner(end) {
  if (end) {
    console.log(new Error("here").stack);
    process.abort();
  }
  return 1;
}

function middle(end, depth) {
  return depth === 0 ? inner(end) : middle(end, depth - 1) + 1;
}

const outer = (end) => {
  let sum = 0;
  for (let round = 0; round < 4; round++) {
    sum += middle(end, round);
  }
  return sum;
};

class Runner {
  run(end) {
    return outer(end);
  }
}

const runner = new Runner();
let total = 0;
for (let round = 0; round < 20000; round++) {
  total += runner.run(false);
}
console.log("sum", total);
runner.run(true);
