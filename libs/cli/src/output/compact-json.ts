/** JSON for people: indented, but what fits on a line stays on it. */
export function compactJson(value: unknown, width = 100, indent = ''): string {
  const line = oneLine(value);
  if (indent.length + line.length <= width || value === null || typeof value !== 'object') return line;
  const deeper = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((item) => compactJson(item, width, deeper))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${compactJson(item, width, deeper)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${parts.map((part) => deeper + part).join(',\n')}\n${indent}${close}`;
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0) return '{}';
  return `{ ${entries.map(([name, item]) => `${JSON.stringify(name)}: ${oneLine(item)}`).join(', ')} }`;
}
