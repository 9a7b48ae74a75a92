import { describe, expect, it } from '@jest/globals';
import { Command, decider, Event } from '@annals/core';
import { consume, IntegrationEvent, publish } from '@annals/messaging';
import { readModel } from '@annals/projections';
import { Module } from '@nestjs/common';
import { IsString } from 'class-validator';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { BoundedContextModule, contextMapOf, InvalidContextMap, NotABoundedContext } from './index.js';
import { checkMap, type ContextMap } from './context-map.js';

class Lit extends Event('LampLit')<{ lampId: string }> {}
class Gone extends Event('LampGone')<{ lampId: string }> {}
class Light extends Command('LightLamp')<{ lampId: string }> {}

const lampNamed = (category: string, event = 'LampLit') =>
  decider<object, Light, Lit>({
    category,
    initial: {},
    decide: { LightLamp: (_, { data }) => [new Lit(data)] },
    evolve: { [event]: (state: object) => state } as never,
  });
const lamp = lampNamed('lamp');

@Entity('lamp_row')
class LampRow {
  @PrimaryColumn('text') lampId!: string;
  @Column('boolean') lit!: boolean;
}
const lampRows = readModel<LampRow, Lit>(LampRow, {
  name: 'lamp-row',
  version: 1,
  key: ({ data }) => data.lampId,
  on: { LampLit: (_, { data }) => ({ lampId: data.lampId, lit: true }) },
});

class SwitchedData {
  @IsString() lampId!: string;
}
class Switched extends IntegrationEvent('grid.switched.v1', SwitchedData, {
  subject: ({ lampId }) => lampId,
  example: { lampId: '1' },
}) {}
const onSwitched = consume(Switched, ({ data }) => new Light(data));

const map: ContextMap = { name: 'lamps', deciders: [lamp], readModels: [lampRows], consumes: [onSwitched] };

describe('the map of a context', () => {
  it('is accepted when it fits together', () => {
    expect(() => checkMap(map)).not.toThrow();
  });

  it.each<[string, Partial<ContextMap>, RegExp]>([
    ['a name that is not kebab-case', { name: 'My Lamps' }, /'My Lamps' is not kebab-case/],
    [
      'two deciders of one category',
      { deciders: [lamp, lampNamed('lamp', 'Other')] },
      /Two deciders have the category 'lamp'/,
    ],
    ['two deciders of one command', { deciders: [lamp, lampNamed('lantern', 'Other')] }, /LightLamp has two deciders/],
    [
      'an event type registered twice',
      { deciders: [lamp, lampNamed('lantern')] },
      /LampLit is registered by 'lamp' and by 'lantern'/,
    ],
    ['two read models of one name', { readModels: [lampRows, lampRows] }, /Two read models are called 'lamp-row'/],
    [
      'a read model of an unknown event',
      { deciders: [lampNamed('lamp', 'Other')] },
      /read model 'lamp-row' names the event LampLit, which no decider of this context has\. Known: Other\./,
    ],
    [
      'a publication of an unknown event',
      { publishes: [publish(Gone, () => undefined)] },
      /'publishes' names the event LampGone/,
    ],
    ['a contract consumed twice', { consumes: [onSwitched, onSwitched] }, /two entries for grid\.switched\.v1/],
  ])('%s is a mistake that is named with its mend', (_, change, text) => {
    const check = () => checkMap({ ...map, ...change });
    expect(check).toThrow(InvalidContextMap);
    expect(check).toThrow(text);
  });

  it('names all mistakes at once', () => {
    expect(() =>
      checkMap({ ...map, name: 'X', readModels: [lampRows, lampRows], consumes: [onSwitched, onSwitched] }),
    ).toThrow(
      expect.objectContaining({
        code: 'NESTJS_INVALID_CONTEXT_MAP',
        problems: [expect.any(String), expect.any(String), expect.any(String)],
      }),
    );
  });

  it('can be read from the module without starting anything', () => {
    @Module({ imports: [BoundedContextModule.register(map)] })
    class LampsModule {}
    @Module({})
    class Other {}
    expect(contextMapOf(LampsModule)).toBe(map);
    expect(() => contextMapOf(Other)).toThrow(NotABoundedContext);
  });
});
