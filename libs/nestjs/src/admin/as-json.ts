/** Data as JSON has it: positions are text. */
export type AsJson<T> = T extends bigint
  ? string
  : T extends Date
    ? string
    : T extends object
      ? { [Key in keyof T]: AsJson<T[Key]> }
      : T;

export const asJson = <T>(value: T): AsJson<T> =>
  JSON.parse(
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner)),
  ) as AsJson<T>;
