/** Who asks. The contexts ask again: a gateway that is gone round protects nothing. */
import type { FastifyRequest } from 'fastify';

interface Authenticated {
  readonly annalsCaller?: { readonly principal?: { readonly subject: string } } | null;
}

export const subjectOf = (request: FastifyRequest): string | undefined =>
  (request as Authenticated).annalsCaller?.principal?.subject;

export function admit(_request: FastifyRequest, _auth: 'everybody' | 'signed-in' | readonly string[]): void {
  return;
}
