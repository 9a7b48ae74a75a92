import { describe, expect, it } from '@jest/globals';
import { ofType } from '@nestjs/cqrs';
import { from, lastValueFrom, toArray } from 'rxjs';
import {
  Command,
  CommandWithoutAggregateId,
  decider,
  DomainError,
  Event,
  fold,
  InvalidAggregateId,
  InvalidCategory,
  UnhandledCommand,
  UnhandledEvent,
  withMetadata,
  type AnyDecider,
} from './index.js';

class Opened extends Event('AccountOpened')<{ accountId: string }> {}
class Deposited extends Event('MoneyDeposited')<{ accountId: string; amount: number }> {}
type AccountEvent = Opened | Deposited;
class Open extends Command('OpenAccount')<{ accountId: string }> {}
class Deposit extends Command('DepositMoney')<{ accountId: string; amount: number }> {}
class NotOpen extends DomainError {
  readonly code = 'ACCOUNT_NOT_OPEN';
}

type Account = { status: 'new' } | { status: 'open'; balance: number };
const account = decider<Account, Open | Deposit, AccountEvent>({
  category: 'account',
  initial: { status: 'new' },
  decide: {
    OpenAccount: (state, { data }) => (state.status === 'new' ? [new Opened(data)] : []),
    DepositMoney: (state, { data }) => {
      if (state.status === 'new') throw new NotOpen('Open the account first.');
      return [new Deposited(data)];
    },
  },
  evolve: {
    AccountOpened: () => ({ status: 'open', balance: 0 }),
    MoneyDeposited: (state, { data }) =>
      state.status === 'open' ? { ...state, balance: state.balance + data.amount } : state,
  },
});

describe('decider', () => {
  it('decides and folds by the written-out type names', () => {
    const events = [
      ...account.decide(account.initial, new Open({ accountId: 'a' })),
      new Deposited({ accountId: 'a', amount: 5 }),
    ];
    expect(fold(account, events)).toEqual({ status: 'open', balance: 5 });
  });

  it('lets domain errors through', () => {
    expect(() => account.decide(account.initial, new Deposit({ accountId: 'a', amount: 1 }))).toThrow(NotOpen);
  });

  it('names streams <category>-<id> and takes the id from data.<category>Id', () => {
    expect(account.streamOf(new Open({ accountId: '7/ü' }))).toBe('account-7/ü');
    expect(account.streamFor('x')).toBe('account-x');
  });

  it.each(['', ' a', 'a ', 'a\nb', 'x'.repeat(201)])('refuses %j as an aggregate id', (id) => {
    expect(() => account.streamFor(id)).toThrow(InvalidAggregateId);
  });

  it('refuses a command that names no aggregate', () => {
    expect(() => account.streamOf(new Open({} as { accountId: string }))).toThrow(CommandWithoutAggregateId);
  });

  it.each(['', 'Order', 'a-b', '$x', '1a'])('refuses the category %j', (category) => {
    expect(() => decider({ category, initial: {}, decide: {}, evolve: {} })).toThrow(InvalidCategory);
  });

  it('names commands and events it does not know', () => {
    const other: AnyDecider = account;
    expect(() => other.decide({}, { type: 'Nope', data: {}, metadata: {} })).toThrow(UnhandledCommand);
    expect(() => other.evolve({}, { type: 'toString', data: {} })).toThrow(UnhandledEvent);
  });
});

describe('tagged classes', () => {
  it('recognise plain data that was read back, also through ofType', async () => {
    const stored: AccountEvent[] = [
      { type: 'AccountOpened', data: { accountId: 'a' } },
      { type: 'MoneyDeposited', data: { accountId: 'a', amount: 1 } },
    ];
    expect(stored[0]).toBeInstanceOf(Opened);
    expect(stored[0]).not.toBeInstanceOf(Deposited);
    expect(await lastValueFrom(from(stored).pipe(ofType(Deposited), toArray()))).toEqual([stored[1]]);
  });

  it('serialise to type and data only', () => {
    expect(JSON.parse(JSON.stringify(new Opened({ accountId: 'a' })))).toEqual({
      type: 'AccountOpened',
      data: { accountId: 'a' },
    });
  });

  it('keep their class when metadata is replaced, and leave the original alone', () => {
    const command = new Deposit({ accountId: 'a', amount: 1 }, { actor: 'me' });
    const identified = withMetadata(command, { id: '1' });
    expect(identified).toBeInstanceOf(Deposit);
    expect(identified.metadata).toEqual({ id: '1', actor: 'me' });
    expect(command.metadata).toEqual({ actor: 'me' });
  });
});
