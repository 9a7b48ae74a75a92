/** Optimistic locking over HTTP (RFC 9110, sections 8.8.3 and 13.1.1): the revision of a stream is its entity tag. */
import {
  applyDecorators,
  BadRequestException,
  createParamDecorator,
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tap, type Observable } from 'rxjs';

/**
 * The revision that the request pins with `If-Match: "<revision>"`; undefined without one, and for `*`. Give it to
 * `execute` as `expectedRevision`: when the aggregate has moved on, the answer is 412 and nothing is tried again.
 */
export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext): number | undefined =>
  pinnedRevision(context.switchToHttp().getRequest<FastifyRequest>().headers['if-match']),
);

/** @throws BadRequestException when the tag cannot be one of ours */
export function pinnedRevision(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const revision = /^\s*"(\d{1,15})"\s*$/.exec(header)?.[1];
  if (revision === undefined)
    throw new BadRequestException([`If-Match must be one ETag as it was given, for instance "3"`]);
  return Number(revision);
}

/** Answers `ETag: "<revision>"` when the body has a `revision`. */
@Injectable()
export class RevisionTagInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    return next.handle().pipe(
      tap((body) => {
        const revision = (body as { revision?: unknown } | null | undefined)?.revision;
        if (typeof revision === 'number' && revision >= 0)
          void context.switchToHttp().getResponse<FastifyReply>().header('etag', `"${revision}"`);
      }),
    );
  }
}

/** The handler's answer carries the aggregate's revision as its ETag, for a later `If-Match`. */
export const RevisionTag = (): MethodDecorator & ClassDecorator =>
  applyDecorators(
    UseInterceptors(RevisionTagInterceptor),
    ApiHeader({
      name: 'If-Match',
      required: false,
      description: 'The ETag of the state that this is meant for: else 412',
    }),
  );
