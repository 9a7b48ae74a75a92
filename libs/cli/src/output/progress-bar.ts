/** Progress of work on events: one line that is drawn again in a terminal, a line now and then elsewhere. */
import { printLine, type TextStream } from '../invocation.js';

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly eventsPerSecond: number;
  readonly etaMs: number | undefined;
}

export interface ProgressBar {
  readonly show: (progress: Progress) => void;
  /** Leaves the last state on the screen. */
  readonly end: () => void;
}

const width = 30;
const plainEveryMs = 2_000;
const clearLine = '\r\u001b[2K';

export function progressBar(
  title: string,
  stream: TextStream,
  now: () => number = () => performance.now(),
): ProgressBar {
  let last: Progress | undefined;
  let printed: Progress | undefined;
  let printedAt = -Infinity;
  const print = (progress: Progress) => {
    printed = progress;
    printedAt = now();
    printLine(stream, `${title} ${figures(progress)}`);
  };
  return stream.isTTY
    ? {
        show: (progress) => void stream.write(`${clearLine}${title} ${bar((last = progress))} ${figures(progress)}`),
        end: () => void (last && stream.write('\n')),
      }
    : {
        show: (progress) => {
          last = progress;
          if (now() - printedAt >= plainEveryMs) print(progress);
        },
        end: () => {
          if (last && last !== printed) print(last);
        },
      };
}

function bar({ done, total }: Progress): string {
  const filled = total === 0 ? width : Math.min(width, Math.floor((done / total) * width));
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}

function figures({ done, total, eventsPerSecond, etaMs }: Progress): string {
  const percent = total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100));
  const eta = done >= total ? '' : etaMs === undefined ? ', time left unknown' : `, ${duration(etaMs)} left`;
  return `${percent}% ${grouped(done)} / ${grouped(total)} events, ${grouped(Math.round(eventsPerSecond))} events/s${eta}`;
}

const grouped = (figure: number): string => figure.toLocaleString('en-US');

export function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds} s`;
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
