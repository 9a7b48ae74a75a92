/** All dependencies of this process: declared once, found by name, watched together. */
import type { CircuitTransition } from './circuit.js';
import { Dependency, type DependencyParts, type DependencyState } from './dependency.js';
import { DuplicateDependency, InvalidPolicy, UnknownDependency } from './errors.js';
import { readPolicy, type Environment, type Policy } from './policy.js';

export type TransitionListener = (transition: CircuitTransition) => void;

export interface DependenciesOptions extends Pick<DependencyParts, 'now' | 'sleep'> {
  readonly environment?: Environment;
}

export class Dependencies {
  private readonly known = new Map<string, Dependency>();
  private readonly listeners = new Set<TransitionListener>();

  constructor(private readonly options: DependenciesOptions = {}) {}

  /**
   * What is wrong with its policy is said by {@link check}, so that a boot can name everything at once.
   * @throws DuplicateDependency
   */
  declare(name: string, policy: Policy = {}): Dependency {
    if (this.known.has(name)) throw new DuplicateDependency(name);
    const { environment = process.env, now, sleep } = this.options;
    const { settings, problems } = readPolicy(name, policy, environment);
    const onTransition = (transition: CircuitTransition) => {
      for (const listener of this.listeners) listener(transition);
    };
    const declared = new Dependency(name, settings, problems, { now, sleep, onTransition });
    this.known.set(name, declared);
    return declared;
  }

  /** @throws UnknownDependency */
  get(name: string): Dependency {
    const dependency = this.known.get(name);
    if (!dependency) throw new UnknownDependency(name, [...this.known.keys()]);
    return dependency;
  }

  list(): readonly Dependency[] {
    return [...this.known.values()];
  }

  /** Where every dependency is: its circuit, its bulkhead, its counters. */
  states(): DependencyState[] {
    return this.list().map((dependency) => dependency.state());
  }

  /** Is told every transition of a circuit, in order, and must not throw. @returns ends it */
  onTransition(listener: TransitionListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** For the boot. @throws InvalidPolicy listing everything that is wrong with any policy */
  check(): void {
    const problems = this.list().flatMap((dependency) => dependency.problems);
    if (problems.length > 0) throw new InvalidPolicy(problems);
  }
}

/** Those of this process. */
export const dependencies = new Dependencies();

/**
 * Declares a dependency with its policy, once, where everybody can find it; the environment may override each number.
 * @throws DuplicateDependency
 */
export const dependency = (name: string, policy: Policy = {}): Dependency => dependencies.declare(name, policy);
