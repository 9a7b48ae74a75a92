/**
 * What never gets into a log: secrets and personal data. Fields are known by their names, wherever they stand; in texts
 * (messages of errors come from everywhere) what looks like a secret is masked by its shape.
 */

export const redactedMark = '[redacted]';

/** Names of fields, in small letters, without `-` and `_`. To add one, add it here: nothing else decides. */
const names: ReadonlySet<string> = new Set([
  // secrets
  ...['password', 'passwd', 'passphrase', 'secret', 'clientsecret', 'apikey', 'privatekey', 'credentials'],
  ...['token', 'accesstoken', 'refreshtoken', 'idtoken', 'jwt', 'authorization', 'proxyauthorization'],
  ...['cookie', 'setcookie', 'session', 'sessionid'],
  // money
  ...['card', 'cardnumber', 'cardtoken', 'pan', 'cvc', 'cvv', 'iban', 'accountnumber'],
  // people
  ...['email', 'mail', 'emailaddress', 'recipient', 'phone', 'phonenumber', 'mobile', 'birthday', 'dateofbirth'],
  ...['fullname', 'firstname', 'lastname', 'givenname', 'familyname', 'surname', 'customername'],
  ...['address', 'billingaddress', 'shippingaddress', 'street', 'postalcode', 'postcode', 'zip', 'ip', 'remoteaddress'],
]);

const isRedacted = (name: string): boolean => names.has(name.toLowerCase().replaceAll(/[-_]/g, ''));

/** Deeper than this nothing is logged. */
const maxDepth = 6;

/** The same as plain JSON, without secrets and personal data. */
export function redacted(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactedText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
  if (depth >= maxDepth) return '[too deep]';
  if (value instanceof Date) return value;
  if (isError(value)) return errorFields(value, depth);
  if (Array.isArray(value)) return value.map((item) => redacted(item, depth + 1));
  if (value instanceof Map) return redacted([...value], depth);
  if (value instanceof Set) return redacted([...value], depth);
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, isRedacted(name) ? redactedMark : redacted(inner, depth + 1)]),
  );
}

/** The text with what looks like a secret masked. */
export const redactedText = (text: string): string =>
  text
    .replaceAll(/\b([a-z][\w+.-]*:\/\/)[^\s/@:]*:[^\s/@]*@/gi, `$1${redactedMark}@`)
    .replaceAll(/\b(Bearer|Basic)\s+[\w.~+/-]+=*/gi, `$1 ${redactedMark}`)
    .replaceAll(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, redactedMark)
    .replaceAll(/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, redactedMark)
    .replaceAll(/\b\d(?:[ -]?\d){13,18}\b/g, (digits) => (isCardNumber(digits) ? redactedMark : digits));

/** By its check digit (ISO/IEC 7812-1, annex B). */
function isCardNumber(text: string): boolean {
  const digits = [...text.replaceAll(/\D/g, '')].reverse().map(Number);
  const sum = digits.reduce((total, digit, index) => {
    const doubled = index % 2 === 0 ? digit : digit * 2;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

const isError = (value: object): value is Error =>
  value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';

function errorFields(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack, cause, ...fields } = error;
  return {
    type: name,
    ...(redacted(fields, depth) as object),
    message: redactedText(message),
    ...(stack !== undefined && { stack: redactedText(stack) }),
    ...(cause !== undefined && { cause: redacted(cause, depth + 1) }),
  };
}
