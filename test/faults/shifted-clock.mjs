// Loaded into a process with `--import`: its clock is CLOCK_SHIFT_MS ahead of the real one. Time passes as fast as ever.
const shiftMs = Number(process.env.CLOCK_SHIFT_MS ?? 0);

globalThis.Date = new Proxy(Date, {
  construct: (RealDate, given, target) =>
    Reflect.construct(RealDate, given.length === 0 ? [RealDate.now() + shiftMs] : given, target),
  apply: (RealDate) => new RealDate(RealDate.now() + shiftMs).toString(),
  get: (RealDate, name) => (name === 'now' ? () => RealDate.now() + shiftMs : Reflect.get(RealDate, name)),
});
