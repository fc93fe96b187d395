// Runs steps one after the other and reports them as Rust's own test programs do, which `cargo xtask` counts.

const steps = [];

/** How long a step may take, in milliseconds. The longest one crawls over some hundred pages. */
const DEADLINE = 300_000;

/** Adds a step. Later steps run even if it fails. */
export function step(name, run) {
  steps.push({ name, run });
}

async function withDeadline(running) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it takes longer than ${DEADLINE / 1000} s`)), DEADLINE);
  });
  return Promise.race([running, late]).finally(() => clearTimeout(timer));
}

/**
 * Runs the steps whose name contains `only`, and returns `true` if there were any and none has failed. `failed` is called
 * with the name of each step that fails, before the next one.
 */
export async function runSteps(only, failed) {
  const chosen = steps.filter(({ name }) => name.includes(only));
  const failures = [];
  console.log(`\nrunning ${chosen.length} tests`);
  const start = Date.now();
  for (const { name, run } of chosen) {
    try {
      await withDeadline(run());
      console.log(`test ${name} ... ok`);
    } catch (error) {
      failures.push({ name, error });
      console.log(`test ${name} ... FAILED\n${error.message}`);
      await failed(name);
    }
  }
  for (const { name, error } of failures) console.log(`\n---- ${name} ----\n${error.stack ?? error}`);
  const passed = chosen.length - failures.length;
  const isGood = passed > 0 && failures.length === 0;
  const seconds = ((Date.now() - start) / 1000).toFixed(2);
  console.log(
    `\ntest result: ${isGood ? "ok" : "FAILED"}. ${passed} passed; ${failures.length} failed; 0 ignored; 0 measured; ` +
      `${steps.length - chosen.length} filtered out; finished in ${seconds}s\n`,
  );
  return isGood;
}
