/** JSON for people: short things share a line, long ones get lines of their own. */
import { filledLines } from './filled-lines.js';

export function compactJson(value: unknown, width = 100): string {
  const line = oneLine(value);
  if (line.length <= width || value === null || typeof value !== 'object') return line;
  const inner = width - 2;
  const parts = Array.isArray(value)
    ? value.map((item) => compactJson(item, inner))
    : Object.entries(value).map(([name, item]) => {
        const label = `${JSON.stringify(name)}: `;
        return label + compactJson(item, inner - label.length);
      });
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const commas = parts.map((part, index) => (index < parts.length - 1 ? `${part},` : part));
  return `${open}\n${filledLines(commas, ' ', inner).join('\n').replaceAll(/^/gm, '  ')}\n${close}`;
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0) return '{}';
  return `{ ${entries.map(([name, item]) => `${JSON.stringify(name)}: ${oneLine(item)}`).join(', ')} }`;
}
