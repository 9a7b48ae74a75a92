/** The carrier signs what it reports, so that nobody else can say that goods have arrived. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Hex HMAC-SHA256 over reference and status. */
export const signatureOf = (secret: string, report: { readonly reference: string; readonly status: string }): string =>
  createHmac('sha256', secret).update(`${report.reference}\n${report.status}`).digest('hex');

export function isSignedBy(
  secret: string,
  report: { readonly reference: string; readonly status: string },
  signature: string,
): boolean {
  const [expected, given] = [Buffer.from(signatureOf(secret, report)), Buffer.from(signature)];
  return expected.length === given.length && timingSafeEqual(expected, given);
}
