/** Who asks: what a verified token says about its bearer. */
export interface Principal {
  /** The token's `sub`: a customer's id, an operator's name, or `service:<name>`. It is the `actor` of events. */
  readonly subject: string;
  /** What the bearer may be: of the framework's own, `operator` (looks after contexts) and `service` (another context). */
  readonly roles: readonly string[];
}

/** May do everything that `/admin` offers. */
export const operatorRole = 'operator';
/** Another service of the same system, calling on its own behalf. */
export const serviceRole = 'service';

export const hasRole = ({ roles }: Principal, ...wanted: readonly string[]): boolean =>
  wanted.some((role) => roles.includes(role));
