/** Counters for Monitoring, `/stats` and `/info`. */
import { loadavg, totalmem, freemem } from 'node:os';
import type { EventDatabase } from '../storage/event-database.js';

export interface Statistics {
  readonly [key: string]: string | number;
}

export class StatisticsSource {
  private readonly startedAt = Date.now();

  constructor(
    private readonly database: EventDatabase,
    private readonly connections: () => number,
  ) {}

  /** Flat, with the names that EventStoreDB uses where it has them. */
  collect(): Statistics {
    const memory = process.memoryUsage();
    const cpu = process.cpuUsage();
    const { log, commit, index } = this.database;
    return {
      'proc-id': process.pid,
      'proc-startTime': new Date(this.startedAt).toISOString(),
      'proc-mem': memory.rss,
      'proc-heapUsed': memory.heapUsed,
      'proc-cpuUserMicroseconds': cpu.user,
      'proc-cpuSystemMicroseconds': cpu.system,
      'proc-tcp-connections': this.connections(),
      'sys-loadavg-1m': loadavg()[0] ?? 0,
      'sys-totalMem': totalmem(),
      'sys-freeMem': freemem(),
      'es-log-endPosition': log.end,
      'es-log-bytes': log.size,
      'es-writer-appends': commit.appends,
      'es-writer-flushes': commit.groups,
      'es-index-cachedStreams': index.cached,
      'es-index-unflushedStreams': index.dirtyCount,
    };
  }
}
