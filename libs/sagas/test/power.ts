/** A power supply for an engine's ports that can be cut: from then on, nothing that the engine does has an effect or an answer. */
export class Power {
  /** How many operations have begun. */
  operations = 0;
  private off = false;

  /**
   * @param cutAt the operation at which the power goes, from 1; 0: never
   * @param carriedOut whether that operation still has its effect, its answer being lost
   * @param afterwards what operations without power do: nothing, ever, as in a crash; or fail, so that what is left of
   * the engine can be tidied away
   */
  constructor(
    private readonly cutAt = 0,
    private readonly carriedOut = false,
    private readonly afterwards: 'hang' | 'fail' = 'hang',
  ) {}

  get isOff(): boolean {
    return this.off;
  }

  /** The same object, with every method an operation that needs power. */
  supply<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, name, receiver) => {
        const member: unknown = Reflect.get(target, name, receiver);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => this.operate(() => Reflect.apply(member, target, args) as Promise<unknown>);
      },
    });
  }

  async operate<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.off) return this.refused();
    if (++this.operations !== this.cutAt) {
      const result = await work();
      return this.off ? this.refused() : result;
    }
    this.off = true;
    if (this.carriedOut) await work();
    return this.refused();
  }

  private refused(): Promise<never> {
    return this.afterwards === 'fail' ? Promise.reject(new Error('There is no power.')) : new Promise(() => undefined);
  }
}
