/** What a bounded context needs to do its work, and what about it somebody should have a look at. */
import { dependencies } from '@annals/resilience';
import type { ProjectionStatus } from '@annals/projections';
import type { ReactorStatus } from '../commands/reactors.js';
import type { ContextRuntime } from '../context-runtime.js';
import { degraded, down, up, type Condition, type HealthPart } from './health-part.js';
import type { HealthSettings } from './health-settings.js';

export function contextHealth(runtime: ContextRuntime, { lagMs }: HealthSettings): HealthPart[] {
  return [
    { name: 'context', check: () => (runtime.isRunning ? up : down('starting')) },
    { name: 'event store', check: () => eventStore(runtime) },
    { name: 'database', check: () => runtime.pingDatabase().then(() => up) },
    { name: 'messaging', check: () => messaging(runtime) },
    { name: 'read models', check: () => readModels(runtime, lagMs) },
    { name: 'sagas', check: () => (runtime.sagas?.problem === undefined ? up : down(runtime.sagas.problem)) },
    { name: 'reactors', check: () => reactors(runtime, lagMs) },
    { name: 'publications', check: () => publications(runtime) },
    { name: 'circuits', check: circuits },
  ];
}

/** The subscription that feeds the context, and an answer from the store itself: one may be there without the other. */
async function eventStore(runtime: ContextRuntime): Promise<Condition> {
  const { connected, reason = 'not connected' } = runtime.feedStatus;
  if (!connected) return down(reason);
  await runtime.pingEventStore();
  return up;
}

/** A consumer that fails is tried again by itself, and messages wait meanwhile: nothing that another instance does better. */
function messaging({ messagingStatus }: ContextRuntime): Condition {
  if (!messagingStatus) return up;
  const { connected, reason = 'not connected', inlets } = messagingStatus;
  if (!connected) return down(reason);
  const failing = inlets.filter(({ state }) => state === 'failing');
  if (failing.length === 0) return up;
  return degraded(
    failing.map(({ name, reason: why = 'no reason given' }) => `${name} is not consumed: ${why}`).join('; '),
  );
}

/**
 * Before they have caught up once, queries would show an old world: the context is not ready. After that they may fall
 * behind, and the context goes on.
 */
async function readModels(runtime: ContextRuntime, lagMs: number): Promise<Condition> {
  if (!runtime.caughtUp) return down('catching up with the events');
  const notes = (await runtime.projections.status()).flatMap((status) => notesOn(status, lagMs));
  return notes.length === 0 ? up : degraded(notes.join('; '));
}

function notesOn({ name, state, behind, lagMs: lag, parked, lastError }: ProjectionStatus, lagMs: number): string[] {
  const late = state === 'catching-up' && behind > 0 && lag > lagMs;
  return [
    ...(state === 'failing'
      ? [`${name} fails and tries again${lastError === undefined ? '' : ` (${lastError})`}`]
      : []),
    ...(state === 'paused' ? [`${name} is paused`] : []),
    ...(late ? [`${name} is ${behind} events and ${Math.round(lag)} ms behind`] : []),
    ...(parked > 0 ? [`${name} has ${parked} parked keys`] : []),
  ];
}

/** An event that a reactor cannot deal with stops its stream alone; all others wait for nothing. */
async function reactors(runtime: ContextRuntime, lagMs: number): Promise<Condition> {
  const notes = (await runtime.reactors.status()).flatMap((status) => notesOnReactor(status, lagMs));
  return notes.length === 0 ? up : degraded(notes.join('; '));
}

const notesOnReactor = ({ name, state, lagMs: lag = 0, parked, lastError }: ReactorStatus, lagMs: number): string[] => [
  ...(state === 'failing' ? [`${name} fails and tries again (${lastError ?? 'no reason given'})`] : []),
  ...(lag > lagMs ? [`${name} is ${Math.round(lag)} ms behind`] : []),
  ...(parked > 0 ? [`${name} has ${parked} parked streams`] : []),
];

async function publications({ publisher }: ContextRuntime): Promise<Condition> {
  if (!publisher) return up;
  const { state, lastError } = publisher.status ?? {};
  if (state === 'failing') return degraded(`publishing fails and is tried again: ${lastError ?? 'no reason given'}`);
  const parked = await publisher.parked.list();
  return parked.length === 0 ? up : degraded(`${parked.length} streams have events that could not be published`);
}

/** Without a dependency the context does what can be done: an open circuit is no reason to send nobody here. */
export function circuits(): Condition {
  const notes = dependencies
    .states()
    .filter(({ circuit }) => circuit !== 'closed')
    .map(
      ({ name, circuit, nextTryAt }) => `${name} is ${circuit}${nextTryAt === undefined ? '' : ` until ${nextTryAt}`}`,
    );
  return notes.length === 0 ? up : degraded(notes.join('; '));
}
