/**
 * Queries that are asked again and again: every JSON answer to GET has a weak entity tag of its content, and who has that
 * content already (`If-None-Match`) gets 304 without it (RFC 9110, sections 8.8.3 and 13.1.2). Weak, because a
 * compression on the way may change the bytes; so none of these is an `If-Match` of a command, which names a revision.
 */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export function offerEntityTags(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (!isQuery(request, reply) || typeof payload !== 'string') return done(null, payload);
    const tag = `W/"${createHash('sha1').update(payload).digest('base64url')}"`;
    void reply.header('etag', tag);
    // It may be kept by whoever asked, and has to be asked for each time: a read model changes whenever it likes.
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'private, no-cache');
    if (!isKnown(request.headers['if-none-match'], tag)) return done(null, payload);
    void reply.code(304).removeHeader('content-type').removeHeader('content-length');
    done(null, null);
  });
}

const isQuery = ({ method }: FastifyRequest, reply: FastifyReply): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  reply.statusCode === 200 &&
  !reply.hasHeader('etag') &&
  String(reply.getHeader('content-type')).startsWith('application/json');

const isKnown = (header: string | undefined, tag: string): boolean =>
  header !== undefined && (header.trim() === '*' || header.split(',').some((each) => each.trim() === tag));
