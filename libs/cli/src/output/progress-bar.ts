/** Progress of work on events: one line that is drawn again in a terminal, a line now and then elsewhere. */
import type { TextStream } from '../invocation.js';
import { liveLine } from './live-line.js';

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

export function progressBar(title: string, stream: TextStream, now?: () => number): ProgressBar {
  const line = liveLine(stream, now);
  return {
    show: (progress) => {
      const said = figures(progress);
      line.show(`${title} ${said}`, `${title} ${bar(progress)} ${said}`);
    },
    end: () => line.end(),
  };
}

export function bar({ done, total }: Pick<Progress, 'done' | 'total'>): string {
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
