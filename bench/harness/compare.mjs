// Runs the pairs of a suite: ours and the peer alternately, so that what else the machine does hits both, and in turn
// first, so that neither always has the warm caches of the other.
import { summary } from './statistics.mjs';

/**
 * A comparison of a suite:
 *   work   what is done, in words
 *   unit   what the figures count, for instance 'commands/s'
 *   better 'higher' (default) or 'lower'
 *   ours, peer   () => Promise<number>; `peer` may be missing: a figure without comparison
 *   peerName     whom we are compared with
 *   goal   the least ratio ours / peer (the greatest where lower is better), without a peer the least (greatest) figure; may be missing
 *
 * @returns a row with medians, ranges, the ratio of the medians, and whether the goal was reached
 */
export async function compare({ work, unit, better = 'higher', ours, peer, peerName = 'peer', goal }, rounds) {
  const figures = { ours: [], peer: [] };
  // Once without counting: the compiler and the caches of both are warm then.
  await ours();
  await peer?.();
  for (let round = 0; round < rounds; round++) {
    const pair = [
      ['ours', ours],
      ['peer', peer],
    ].filter(([, measure]) => measure);
    for (const [side, measure] of round % 2 === 0 ? pair : pair.reverse()) figures[side].push(await measure());
  }
  const [mine, theirs] = [summary(figures.ours), peer ? summary(figures.peer) : undefined];
  const ratio = theirs && mine.median / theirs.median;
  const ratios = theirs ? summary(figures.ours.map((value, i) => value / figures.peer[i])) : undefined;
  const judged = ratio ?? mine.median;
  const reached = goal === undefined || (better === 'higher' ? judged >= goal : judged <= goal);
  return { work, unit, better, peerName, ours: mine, peer: theirs, ratio, ratios, goal, reached };
}
