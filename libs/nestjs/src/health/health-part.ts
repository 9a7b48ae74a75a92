/** One thing that an app needs, or that people should look at, and how to ask whether it is well. */
export interface HealthPart {
  /** As it stands in the answer: `event store`. */
  readonly name: string;
  /**
   * Says how the part is; a rejection means that it is down. It may hang: after `withinMs` it counts as down, and it is not
   * asked again before it has answered.
   */
  readonly check: () => Condition | Promise<Condition>;
  /** Default: what the app's health settings say. */
  readonly withinMs?: number;
}

/** `degraded`: the app does its work, and somebody should have a look. */
export type Condition = { readonly state: 'up' } | { readonly state: 'degraded' | 'down'; readonly reason: string };

export const up: Condition = { state: 'up' };
export const degraded = (reason: string): Condition => ({ state: 'degraded', reason });
export const down = (reason: string): Condition => ({ state: 'down', reason });

/** A part as the answer shows it. */
export interface PartHealth {
  readonly name: string;
  readonly status: 'up' | 'degraded' | 'down';
  readonly reason?: string;
}
