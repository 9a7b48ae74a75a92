import { describe, expect, it } from '@jest/globals';
import { CodedError, DomainError, runInContext, type ErrorKind } from '@annals/core';
import { BadRequestException, NotFoundException } from '@nestjs/common';
import { toProblem } from './problem-details.filter.js';

const coded = (kind: ErrorKind) =>
  new (class extends CodedError {
    readonly code = 'SOME_CODE';
    override readonly kind = kind;
    readonly orderId = 'o-1';
    readonly secrets = { password: 'hunter2' };
  })('What to do about it.');

class Refused extends DomainError {
  readonly code = 'REFUSED';
}

describe('problem details', () => {
  it.each<[ErrorKind, number]>([
    ['invalid', 400],
    ['unauthenticated', 401],
    ['forbidden', 403],
    ['not-found', 404],
    ['conflict', 409],
    ['precondition', 412],
    ['rejected', 409],
    ['unprocessable', 422],
    ['unavailable', 503],
    ['internal', 500],
  ])('%s is %d', (kind, status) => {
    expect(toProblem(coded(kind))).toMatchObject({ status, code: 'SOME_CODE', type: 'urn:annals:error:SOME_CODE' });
  });

  it("show a coded error's text and plain fields, and nothing of its inside", () => {
    expect(toProblem(coded('conflict'))).toEqual({
      type: 'urn:annals:error:SOME_CODE',
      title: 'Conflict',
      status: 409,
      code: 'SOME_CODE',
      detail: 'What to do about it.',
      orderId: 'o-1',
    });
    expect(toProblem(new Refused('No.')).status).toBe(409);
  });

  it('hide what an internal error or a stranger says', () => {
    for (const error of [coded('internal'), new Error('select * from secrets'), 'text', undefined]) {
      const problem = toProblem(error);
      expect(problem.status).toBe(500);
      expect(JSON.stringify(problem)).not.toMatch(/secrets|What to do/);
    }
  });

  it('list what is wrong with the input', () => {
    expect(toProblem(new BadRequestException({ message: ['a must be b', 'c must be d'] }))).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
      detail: 'The request is not valid: a must be b; c must be d.',
      errors: ['a must be b', 'c must be d'],
    });
    expect(toProblem(new NotFoundException('Cannot GET /x'))).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect(toProblem(Object.assign(new Error('too large'), { statusCode: 413 }))).toMatchObject({
      status: 413,
      code: 'PAYLOAD_TOO_LARGE',
    });
  });

  it('carry the correlation id', () => {
    expect(runInContext({ correlationId: 'talk' }, () => toProblem(new Error())).correlationId).toBe('talk');
  });
});
