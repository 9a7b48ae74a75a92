/** Where the framework-free packages report what a human may want to know; in an app it is Nest's logger. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Says nothing. */
export const silent: Log = { info() {}, warn() {}, error() {} };
