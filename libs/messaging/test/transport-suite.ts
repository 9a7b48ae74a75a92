/** What every transport has to keep, on real parts. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { deterministicId, type DomainEvent } from '@annals/core';
import { eventually } from '@annals/testing';
import {
  commandSender,
  IntegrationServer,
  type AnyContractClass,
  type CloudEvent,
  type Leases,
  type ReceivedMessage,
  type RetryPolicy,
  type Transport,
} from '../src/index.js';
import { BillSent, MoveParcel, ParcelMoved, ParcelTaken } from './contracts.js';

/** One system that any number of processes take part in. */
export interface TransportBed {
  /** A process's transport; closed with the bed at the latest. */
  open(): Transport;
  /** Ends what `open` gave, as `kill -9` does: nothing is acknowledged or given back. */
  kill(transport: Transport): Promise<void>;
  /** Cuts every connection of the transports, and mends them. */
  cut(): void;
  mend(): void;
  /** Puts something that is no envelope where `context` takes its commands. */
  putUnreadable(context: string, body: string): Promise<void>;
  close(): Promise<void>;
}

const quick: RetryPolicy = { tries: 3, firstMs: 5, maxMs: 20 };

/** An envelope as a publisher makes it; the same arguments give the same id. */
export const envelope = ({ type, data }: DomainEvent, source = type.split('.')[0] ?? ''): CloudEvent => {
  const { parcelId } = data as { parcelId: string };
  const id = deterministicId('test', type, JSON.stringify(data));
  return {
    ...{ specversion: '1.0', datacontenttype: 'application/json', id, source, type, subject: parcelId, data },
    time: '2026-01-01T00:00:00.000Z',
    correlationid: `conversation of ${parcelId}`,
    causationid: 'cause',
  };
};

const events = { kind: 'events' } as const;
const steps = (messages: readonly ReceivedMessage[], parcelId?: string) =>
  messages
    .filter(({ subject }) => parcelId === undefined || subject === parcelId)
    .map(({ event }) => (event.data as { step: number }).step);

export function transportSuite(name: string, openBed: () => Promise<TransportBed>): void {
  describe(`messages over ${name}`, () => {
    let bed: TransportBed;
    const servers: IntegrationServer[] = [];

    beforeEach(async () => {
      bed = await openBed();
    });
    afterEach(async () => {
      await Promise.all(servers.splice(0).map((server) => server.close()));
      await bed.close();
    });

    const server = (context: string, transport = bed.open(), more: { leases?: Leases } = {}) => {
      const made = new IntegrationServer({ context, transport, retry: quick, ...more });
      servers.push(made);
      return made;
    };
    const listen = (...listening: IntegrationServer[]) => {
      for (const one of listening)
        one.listen((error) => {
          if (error !== undefined) throw error as Error;
        });
    };
    /** A context that notes what it gets of `contracts`. */
    const listener = (context: string, contracts: readonly AnyContractClass[], transport = bed.open()) => {
      const got: ReceivedMessage[] = [];
      const listening = server(context, transport);
      for (const contract of contracts)
        listening.handle(contract, (message) => {
          got.push(message);
          return Promise.resolve();
        });
      listen(listening);
      return { got, server: listening, transport };
    };

    it('gives every context each event, and a command to its owner alone', async () => {
      const one = listener('alpha', [ParcelTaken]);
      const two = listener('beta', [ParcelTaken, BillSent]);
      const owner = listener('depot', [MoveParcel]);
      const sender = bed.open();
      await sender.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step: 1 })));
      await sender.publish(events, envelope(new BillSent({ parcelId: 'p', step: 2 })));
      const id = await commandSender({ context: 'alpha', transport: sender }).send(
        new MoveParcel({ parcelId: 'p', step: 3 }, { correlationId: 'talk', causationId: 'why' }),
      );
      await eventually(() => one.got.length === 1 && two.got.length === 2 && owner.got.length === 1);
      expect(steps(one.got)).toEqual([1]);
      expect(new Set(steps(two.got))).toEqual(new Set([1, 2]));
      expect(owner.got[0]).toMatchObject({
        id,
        source: 'alpha',
        correlationId: 'talk',
        causationId: 'why',
        subject: 'p',
      });
    });

    it('gives a context that comes later what it has missed', async () => {
      const sender = bed.open();
      for (const step of [1, 2, 3]) await sender.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step })));
      const late = listener('alpha', [ParcelTaken]);
      await eventually(() => expect(steps(late.got)).toEqual([1, 2, 3]));
    });

    it('takes a repeated message once', async () => {
      const { got } = listener('alpha', [ParcelTaken]);
      const sender = bed.open();
      const message = envelope(new ParcelTaken({ parcelId: 'p', step: 1 }));
      await sender.publish(events, message);
      await sender.publish(events, message);
      await sender.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step: 2 })));
      await eventually(() => steps(got).includes(2));
      expect(steps(got)).toEqual([1, 2]);
    });

    it('keeps the order of a subject across types, past failures, while other subjects go on', async () => {
      const done: string[] = [];
      let failures = 0;
      const context = server('alpha');
      for (const contract of [ParcelTaken, ParcelMoved])
        context.handle(contract, (message) => {
          const { step } = message.event.data as { step: number };
          if (message.subject === 'slow' && step === 0 && failures < 2) {
            failures++;
            return Promise.reject(new Error('not yet'));
          }
          done.push(`${message.subject} ${step}`);
          return Promise.resolve();
        });
      const sender = bed.open();
      for (let step = 0; step < 6; step++) {
        const Kind = step % 2 === 0 ? ParcelTaken : ParcelMoved;
        for (const parcelId of ['slow', 'a b.c*>/ü'])
          await sender.publish(events, envelope(new Kind({ parcelId, step })));
      }
      listen(context);
      await eventually(() => done.length === 12);
      expect(done.filter((text) => text.startsWith('slow'))).toEqual([0, 1, 2, 3, 4, 5].map((step) => `slow ${step}`));
      expect(done.filter((text) => text.startsWith('a b'))).toEqual(
        [0, 1, 2, 3, 4, 5].map((step) => `a b.c*>/ü ${step}`),
      );
      expect(failures).toBe(2);
    });

    it('holds up only the subject whose handler is slow', async () => {
      let release = () => {};
      const blocked = new Promise<void>((resolve) => (release = resolve));
      const got: string[] = [];
      const context = server('alpha').handle(ParcelTaken, async ({ subject }) => {
        if (subject === 'slow') await blocked;
        got.push(subject);
      });
      listen(context);
      const sender = bed.open();
      for (const parcelId of ['slow', 'x', 'y', 'z'])
        await sender.publish(events, envelope(new ParcelTaken({ parcelId, step: 1 })));
      await eventually(() => got.length === 3);
      expect(got).not.toContain('slow');
      release();
      await eventually(() => got.length === 4);
    });

    it('gives up on a poison message after its tries, keeps it with the error, and replays it to that context alone', async () => {
      let poisonous = true;
      let tries = 0;
      const got: number[] = [];
      const transport = bed.open();
      const context = server('alpha', transport).handle(ParcelTaken, ({ event }) => {
        const { step } = event.data as { step: number };
        if (step === 1 && poisonous) {
          tries++;
          return Promise.reject(new Error('cannot digest'));
        }
        got.push(step);
        return Promise.resolve();
      });
      const other = listener('beta', [ParcelTaken]);
      listen(context);
      const sender = bed.open();
      for (const step of [1, 2]) await sender.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step })));
      await eventually(() => expect(got).toEqual([2]));
      const letters = await eventually(async () => {
        const all = await transport.deadLetters.list({ context: 'alpha' });
        return all.length > 0 && all;
      });
      expect(letters).toMatchObject([
        {
          context: 'alpha',
          tries: 3,
          error: { code: 'UNKNOWN', message: 'cannot digest' },
          message: { type: 'depot.parcel-taken.v1', subject: 'p' },
        },
      ]);
      expect(tries).toBe(3);

      const id = letters[0]?.id ?? '';
      expect(await sender.deadLetters.show(id)).toEqual(letters[0]);
      poisonous = false;
      await sender.deadLetters.replay(id);
      await eventually(() => expect(got).toEqual([2, 1]));
      expect(await sender.deadLetters.list()).toEqual([]);
      expect(steps(other.got)).toEqual([1, 2]);
    });

    it('keeps a message that fails again after its replay', async () => {
      const transport = bed.open();
      const context = server('alpha', transport).handle(ParcelTaken, () => Promise.reject(new Error('still bad')));
      listen(context);
      await transport.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step: 1 })));
      const theOne = () =>
        eventually(async () => {
          const [letter] = await transport.deadLetters.list();
          return letter ?? false;
        });
      const first = await theOne();
      await transport.deadLetters.replay(first.id);
      const second = await eventually(async () => {
        const [letter] = await transport.deadLetters.list();
        return letter && letter.id !== first.id ? letter : false;
      });
      expect(second.message).toEqual(first.message);
      await transport.deadLetters.drop(second.id);
      expect(await transport.deadLetters.list()).toEqual([]);
      await expect(transport.deadLetters.drop(second.id)).rejects.toThrow(
        expect.objectContaining({ code: 'MESSAGING_NO_SUCH_DEAD_LETTER' }),
      );
    });

    it('sets aside at once what cannot be read or is not what its contract promises', async () => {
      const { got, transport } = listener('depot', [MoveParcel, ParcelTaken]);
      const wrong = { ...envelope(new ParcelTaken({ parcelId: 'p', step: 1 })), data: { parcelId: 'p', step: 'one' } };
      await transport.publish(events, wrong);
      await bed.putUnreadable('depot', 'not an envelope');
      await transport.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step: 2 })));
      await eventually(() => expect(steps(got)).toEqual([2]));
      const letters = await eventually(async () => {
        const all = await transport.deadLetters.list();
        return all.length === 2 && all;
      });
      expect(letters.map(({ error, tries }) => [error.code, tries]).sort()).toEqual([
        ['MESSAGING_INVALID_CONTRACT_DATA', 1],
        ['MESSAGING_INVALID_ENVELOPE', 1],
      ]);
      expect(letters.find(({ error }) => error.code === 'MESSAGING_INVALID_ENVELOPE')?.body).toContain(
        'not an envelope',
      );
    });

    it('waits without end for what is unavailable', async () => {
      let calls = 0;
      const unavailable = Object.assign(new Error('down'), { code: 'DOWN', kind: 'unavailable' });
      const transport = bed.open();
      const context = server('alpha', transport).handle(ParcelTaken, () =>
        ++calls < 10 ? Promise.reject(unavailable) : Promise.resolve(),
      );
      listen(context);
      await transport.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step: 1 })));
      await eventually(() => calls === 10);
      expect(await transport.deadLetters.list()).toEqual([]);
    });

    it('goes on after a stop where it was', async () => {
      const sender = bed.open();
      const first = listener('alpha', [ParcelTaken]);
      await sender.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step: 1 })));
      await eventually(() => first.got.length === 1);
      await first.server.close();
      await first.transport.close();
      for (const step of [2, 3]) await sender.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step })));
      const second = listener('alpha', [ParcelTaken]);
      await eventually(() => expect(steps(second.got)).toEqual([2, 3]));
      expect(steps(first.got)).toEqual([1]);
    });

    it('gives what a killed process had in hand to the next one, before anything newer of the same subject', async () => {
      const begun: number[] = [];
      const victim = bed.open();
      const doomed = server('alpha', victim).handle(ParcelTaken, ({ event }) => {
        begun.push((event.data as { step: number }).step);
        return new Promise(() => {});
      });
      listen(doomed);
      const sender = bed.open();
      for (const step of [1, 2, 3]) await sender.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step })));
      await eventually(() => expect(begun).toEqual([1]));
      servers.splice(servers.indexOf(doomed), 1);
      await bed.kill(victim);
      for (const step of [4, 5]) await sender.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step })));
      const { got } = listener('alpha', [ParcelTaken]);
      await eventually(() => got.length >= 5, { within: 15_000 });
      expect(steps(got)).toEqual([1, 2, 3, 4, 5]);
    });

    it('lets one of many instances at a time take messages, in order across the change', async () => {
      const wanted: Parameters<Leases['want']>[0][] = [];
      const leases: Leases = { want: (lease) => void wanted.push(lease) };
      const got: string[] = [];
      for (const instance of ['one', 'two'])
        listen(
          server('alpha', bed.open(), { leases }).handle(ParcelTaken, async ({ event }) => {
            await new Promise(setImmediate);
            got.push(`${instance} ${(event.data as { step: number }).step}`);
          }),
        );
      const of = (index: number) => wanted.filter(({ name }) => name.includes('depot'))[index];
      const sender = bed.open();
      const publishing = (async () => {
        for (let step = 0; step < 40; step++)
          await sender.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step })));
      })();
      of(0)?.gained();
      await eventually(() => got.length >= 10);
      await of(0)?.lost();
      const before = got.length;
      of(1)?.gained();
      await publishing;
      await eventually(() => got.length === 40);
      expect(got).toEqual(got.map((_, step) => `${step < before ? 'one' : 'two'} ${step}`));
    });

    it('loses nothing and keeps the order when every connection is cut in the middle', async () => {
      const parcels = Array.from({ length: 20 }, (_, index) => `p-${index}`);
      const { got, transport, server: listening } = listener('alpha', [ParcelTaken]);
      const sender = bed.open();
      const publishAll = async (parcelId: string) => {
        for (let step = 0; step < 10; step++) {
          const message = envelope(new ParcelTaken({ parcelId, step }));
          await eventually(() => sender.publish(events, message), { within: 20_000 });
        }
      };
      const publishing = Promise.all(parcels.map(publishAll));
      await eventually(() => got.length > 30);
      bed.cut();
      await eventually(() => !listening.health().connected);
      expect(transport.status().reason).toEqual(expect.any(String));
      bed.mend();
      await publishing;
      const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
      const firsts = (parcelId: string) => [...new Set(steps(got, parcelId))];
      await eventually(
        () => {
          for (const parcelId of parcels) expect(firsts(parcelId)).toEqual(all);
        },
        { within: 20_000 },
      );
      expect(transport.status()).toMatchObject({ connected: true });
    }, 30_000);
  });
}
