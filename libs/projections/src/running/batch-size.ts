/** How many events are taken at once: normally many; after the database refused rows, fewer and fewer, down to the one to blame. */
export class BatchSize {
  max: number;

  constructor(private readonly normal: number) {
    this.max = normal;
  }

  get isSmall(): boolean {
    return this.max < this.normal;
  }

  shrink(): void {
    this.max = Math.max(1, this.max >> 3);
  }

  grow(): void {
    this.max = Math.min(this.normal, this.max * 2);
  }
}
