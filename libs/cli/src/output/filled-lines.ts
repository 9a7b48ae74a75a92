/** Puts as many texts on a line as `width` holds. Texts of several lines, or too long, stand alone. */
export function filledLines(texts: readonly string[], separator: string, width: number): string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const last = lines.at(-1);
    const together = `${last}${separator}${text}`;
    if (last !== undefined && together.length <= width && !together.includes('\n')) lines[lines.length - 1] = together;
    else lines.push(text);
  }
  return lines;
}
