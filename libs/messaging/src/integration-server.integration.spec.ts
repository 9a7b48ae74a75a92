import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Command, currentContext, type DomainCommand } from '@annals/core';
import { eventually } from '@annals/testing';
import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { natsBed, type NatsBed } from '../test/nats-bed.js';
import { envelope } from '../test/transport-suite.js';
import { BillSent, MoveParcel, ParcelMoved, ParcelTaken, type ParcelData } from '../test/contracts.js';
import { consume } from './consuming/consumption.js';
import { IntegrationContext, IntegrationServer } from './integration-server.js';
import { OriginalErrors } from './original-errors.js';
import { commandSender } from './publishing/command-sender.js';

class Move extends Command('Move')<{ parcelId: string; step: number }> {}
class Count extends Command('Count')<{ parcelId: string }> {}

const quick = { tries: 3, firstMs: 5, maxMs: 20 };
const calls: string[] = [];
let failing = 0;

@Controller()
class ParcelsController {
  @EventPattern<string>('depot.parcel-taken.v1')
  taken(@Payload() data: ParcelData, @Ctx() context: IntegrationContext): void {
    calls.push(`method ${data.parcelId} from ${context.getMessage().source} in ${currentContext()?.correlationId}`);
    if (failing-- > 0) throw new Error('the method fails');
  }

  @EventPattern<string>('depot.parcel-taken.v1')
  takenToo(@Payload() data: ParcelData): Promise<void> {
    calls.push(`second method ${data.parcelId}`);
    return Promise.resolve();
  }
}

@Controller()
class AskingController {
  @MessagePattern('depot.parcel-taken.v1')
  answer(): string {
    return 'nobody waits for it';
  }
}

@Controller()
class StrangerController {
  @EventPattern<string>('depot.unheard-of.v1')
  handle(): void {}
}

describe('a context that consumes', () => {
  let bed: NatsBed;
  let app: INestMicroservice | undefined;
  const sent: DomainCommand[] = [];

  beforeEach(async () => {
    bed = await natsBed();
    calls.length = 0;
    sent.length = 0;
    failing = 0;
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await bed.close();
  });

  const strategy = (context = 'alpha') => new IntegrationServer({ context, transport: bed.open(), retry: quick });
  const execute = (command: DomainCommand) => {
    sent.push(command);
    return Promise.resolve();
  };
  const listen = async (server: IntegrationServer, controllers: (new () => object)[], ...filters: OriginalErrors[]) => {
    @Module({ controllers })
    class AppModule {}
    app = await NestFactory.createMicroservice(AppModule, { strategy: server, logger: false });
    await app.useGlobalFilters(...filters).listen();
  };

  it('gives a message to every method and every entry of the map', async () => {
    const server = strategy()
      .consume(
        consume(ParcelTaken, ({ data }) => new Move(data)),
        execute,
      )
      .consume(
        consume(ParcelTaken, ({ data }) => [new Move(data), new Count({ parcelId: data.parcelId })]),
        execute,
      );
    await listen(server, [ParcelsController]);
    const message = envelope(new ParcelTaken({ parcelId: 'p', step: 1 }));
    await bed.open().publish({ kind: 'events' }, message);
    await eventually(() => calls.length === 2 && sent.length === 3);
    expect(calls.sort()).toEqual(['method p from depot in conversation of p', 'second method p']);
    expect(sent.map(({ type }) => type).sort()).toEqual(['Count', 'Move', 'Move']);
    for (const { metadata } of sent)
      expect(metadata).toMatchObject({ correlationId: 'conversation of p', causationId: message.id });
    const ids = sent.map(({ metadata }) => metadata.id);
    expect(ids).toContain(message.id);
    expect(new Set(ids).size).toBe(3);
  });

  it('acknowledges only when all of them succeeded', async () => {
    failing = 2;
    const server = strategy().consume(
      consume(ParcelTaken, ({ data }) => new Move(data)),
      execute,
    );
    await listen(server, [ParcelsController]);
    await bed.open().publish({ kind: 'events' }, envelope(new ParcelTaken({ parcelId: 'p', step: 1 })));
    await eventually(() => calls.filter((call) => call.startsWith('method')).length === 3);
    await eventually(() => server.health().inlets.every(({ inHand }) => inHand === 0));
    expect(await bed.open().deadLetters.list()).toEqual([]);
    // The repetition has the same command id, which is what makes it harmless.
    expect(new Set(sent.map(({ metadata }) => metadata.id)).size).toBe(1);
  });

  it("keeps the reason of a method that always fails, as far as Nest's exception filter tells it", async () => {
    failing = Infinity;
    const server = strategy();
    await listen(server, [ParcelsController]);
    const transport = bed.open();
    await transport.publish({ kind: 'events' }, envelope(new ParcelTaken({ parcelId: 'p', step: 1 })));
    const [letter] = await eventually(async () => {
      const letters = await transport.deadLetters.list();
      return letters.length === 1 && letters;
    });
    expect(letter).toMatchObject({ tries: 3, error: { code: 'MESSAGING_HANDLER_FAILED' } });
  });

  it('keeps the reason itself with the filter for it', async () => {
    failing = Infinity;
    const transport = bed.open();
    await listen(strategy(), [ParcelsController], new OriginalErrors());
    await transport.publish({ kind: 'events' }, envelope(new ParcelTaken({ parcelId: 'p', step: 1 })));
    const [letter] = await eventually(async () => {
      const letters = await transport.deadLetters.list();
      return letters.length === 1 && letters;
    });
    expect(letter).toMatchObject({ tries: 3, error: { message: 'the method fails' } });
  });

  it('carries out commands that others send to it, with the id that they gave', async () => {
    const server = strategy('depot').consume(
      consume(MoveParcel, ({ data }) => new Move(data)),
      execute,
    );
    await listen(server, []);
    const sender = commandSender({ context: 'alpha', transport: bed.open() });
    const command = new MoveParcel({ parcelId: 'p', step: 7 }, { id: 'order 66/move', actor: 'ada' });
    expect(await sender.send(command)).toBe('order 66/move');
    await sender.send(command);
    await sender.send(new MoveParcel({ parcelId: 'p', step: 8 }));
    await eventually(() => sent.length === 2);
    expect(sent[0]).toMatchObject({
      data: { parcelId: 'p', step: 7 },
      metadata: { id: 'order 66/move', actor: 'ada' },
    });
    expect(sent[1]).toMatchObject({ data: { step: 8 } });
  });

  it('leaves messages of other types alone', async () => {
    const server = strategy().consume(
      consume(ParcelMoved, () => undefined),
      execute,
    );
    await listen(server, []);
    const transport = bed.open();
    await transport.publish({ kind: 'events' }, envelope(new ParcelTaken({ parcelId: 'p', step: 1 })));
    await transport.publish({ kind: 'events' }, envelope(new ParcelMoved({ parcelId: 'p', step: 1 })));
    await eventually(async () => {
      const pending = await bed.direct(async (_, manager) =>
        manager.consumers.info(`${bed.prefix}-events`, 'alpha-from-depot'),
      );
      return pending.ack_floor.stream_seq === 2;
    });
    expect([sent, await transport.deadLetters.list()]).toEqual([[], []]);
  });

  it('refuses at the start what cannot work', async () => {
    await expect(listen(strategy(), [AskingController])).rejects.toThrow(
      expect.objectContaining({ code: 'MESSAGING_REQUEST_PATTERN' }),
    );
    await expect(listen(strategy(), [StrangerController])).rejects.toThrow(
      expect.objectContaining({ code: 'MESSAGING_UNKNOWN_CONTRACT', type: 'depot.unheard-of.v1' }),
    );
    expect(() => strategy('alpha').handle(MoveParcel, () => Promise.resolve())).toThrow(
      expect.objectContaining({ code: 'MESSAGING_FOREIGN_CONTRACT' }),
    );
    expect(() => strategy('No Name')).toThrow(expect.objectContaining({ code: 'MESSAGING_INVALID_CONTEXT_NAME' }));
    const sender = commandSender({ context: 'alpha', transport: bed.open() });
    await expect(sender.send({ ...new BillSent({ parcelId: 'p', step: 1 }), metadata: {} })).rejects.toThrow(
      expect.objectContaining({ code: 'MESSAGING_WRONG_CONTRACT_KIND' }),
    );
    await expect(sender.send({ type: 'depot.lose-parcel.v1', data: {}, metadata: {} })).rejects.toThrow(
      expect.objectContaining({ code: 'MESSAGING_UNKNOWN_CONTRACT' }),
    );
  });
});
