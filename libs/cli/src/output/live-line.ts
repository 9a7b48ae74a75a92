/** What goes on, as one line: drawn again in a terminal, printed now and then elsewhere. */
import { printLine, type TextStream } from '../invocation.js';

export interface LiveLine {
  /** @param drawn what a terminal shows; default: the same */
  readonly show: (text: string, drawn?: string) => void;
  /** Leaves the last state on the screen. */
  readonly end: () => void;
}

const plainEveryMs = 2_000;
const clearLine = '\r\u001b[2K';

export function liveLine(stream: TextStream, now: () => number = () => performance.now()): LiveLine {
  return stream.isTTY ? drawnLine(stream) : printedLines(stream, now);
}

function drawnLine(stream: TextStream): LiveLine {
  let used = false;
  return {
    show: (text, drawn = text) => {
      used = true;
      stream.write(`${clearLine}${drawn.slice(0, stream.columns ?? Infinity)}`);
    },
    end: () => void (used && stream.write('\n')),
  };
}

function printedLines(stream: TextStream, now: () => number): LiveLine {
  let last: string | undefined;
  let printed: string | undefined;
  let printedAt = -Infinity;
  const print = (text: string) => {
    printed = text;
    printedAt = now();
    printLine(stream, text);
  };
  return {
    show: (text) => {
      last = text;
      if (now() - printedAt >= plainEveryMs) print(text);
    },
    end: () => {
      if (last !== undefined && last !== printed) print(last);
    },
  };
}
