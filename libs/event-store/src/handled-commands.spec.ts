import { describe, expect, it } from '@jest/globals';
import { HandledCommands } from './handled-commands.js';

describe('HandledCommands', () => {
  it('finds what was added, where it was first', () => {
    const handled = new HandledCommands();
    handled.add('a', 3);
    handled.add('a', 4);
    handled.add('b', 5);
    expect([handled.find('a'), handled.find('b'), handled.find('c'), handled.size]).toEqual([3, 5, undefined, 2]);
  });

  it('is the same after it was stored', () => {
    const handled = new HandledCommands();
    for (let i = 0; i < 1_000; i++) handled.add(`command ${i}`, i);
    const decoded = HandledCommands.decode(handled.encode());
    expect(Array.from({ length: 1_000 }, (_, i) => decoded.find(`command ${i}`))).toEqual(
      Array.from({ length: 1_000 }, (_, i) => i),
    );
    expect(handled.encode().length).toBeLessThan(11_000);
  });

  it('may take one id for another, so that what it finds must be looked up', () => {
    const handled = new HandledCommands();
    handled.add('costarring', 0);
    expect(handled.find('liquid')).toBe(0);
  });
});
