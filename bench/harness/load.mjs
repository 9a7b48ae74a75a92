// Load with a fixed number of operations in flight.

/**
 * Does `operation(i)` for each i below `count`, `inFlight` at a time.
 * @returns operations a second
 */
export async function throughput(count, inFlight, operation) {
  let next = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) await operation(next++);
    }),
  );
  return (count * 1_000) / (performance.now() - began);
}

/** @returns milliseconds that `work` takes */
export async function milliseconds(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
