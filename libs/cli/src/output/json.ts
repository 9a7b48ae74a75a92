/** One line of JSON for programs. Positions are 64-bit: text, as in all of the project's JSON. */
export const jsonLine = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
