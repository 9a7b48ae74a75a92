/** Reads to the end, or until `most` were seen, which ends the read. @returns how many were seen */
export async function countEvents(read, most = Infinity) {
  let seen = 0;
  for await (const resolved of read) if (resolved.event && ++seen === most) break;
  return seen;
}
