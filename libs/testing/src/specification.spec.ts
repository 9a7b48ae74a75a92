import { describe, expect, it } from '@jest/globals';
import { Command, decider, DomainError, Event } from '@annals/core';
import { specification } from './specification.js';

class SwitchedOn extends Event('SwitchedOn')<{ lampId: string }> {}
class SwitchOn extends Command('SwitchOn')<{ lampId: string }> {}
class AlreadyOn extends DomainError {
  readonly code = 'LAMP_ALREADY_ON';
}
const lamp = decider<{ on: boolean }, SwitchOn, SwitchedOn>({
  category: 'lamp',
  initial: { on: false },
  decide: {
    SwitchOn: (state, { data }) => {
      if (state.on) throw new AlreadyOn('It is on.');
      return [new SwitchedOn(data)];
    },
  },
  evolve: { SwitchedOn: () => ({ on: true }) },
});
const given = specification(lamp);
const switchOn = new SwitchOn({ lampId: '1' });
const switchedOn = new SwitchedOn({ lampId: '1' });

describe('specification', () => {
  it('passes when the events, the state or the rejection are as expected', () => {
    given().when(switchOn).then(switchedOn);
    given().when(switchOn).thenState({ on: true });
    given(switchedOn).thenState({ on: true });
    given(switchedOn).when(switchOn).thenRejects(AlreadyOn);
  });

  it.each([
    ['other events', () => given().when(switchOn).then(), 'events differ'],
    ['another state', () => given().when(switchOn).thenState({ on: false }), 'state differ'],
    ['no rejection', () => given().when(switchOn).thenRejects(AlreadyOn), 'led to'],
    ['another rejection', () => given(switchedOn).when(switchOn).thenRejects(TypeError), 'AlreadyOn'],
  ])('fails on %s and shows both sides', (_, assertion, text) => {
    expect(assertion).toThrow(text);
  });
});
