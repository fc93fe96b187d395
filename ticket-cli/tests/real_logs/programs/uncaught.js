// Ends with an uncaught error. The environment says which one; `cause` and the like are printed by Node itself.
function db(number) {
  throw new RangeError(`row ${number} is missing`);
}

function pay(number) {
  try {
    db(number);
  } catch (cause) {
    throw new Error(`cannot pay order ${number}`, { cause });
  }
}

async function ship(number) {
  await null;
  undefined.weight;
}

const [way, number] = process.argv.slice(2);
if (way === "pay") pay(number);
if (way === "ship") ship(number);
if (way === "read") require("fs").readFileSync(`/nowhere/${number}`);
