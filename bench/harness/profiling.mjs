import { resolve } from 'node:path';

/** With CPU_PROF=<folder> each app that is measured writes a CPU profile there when it ends. */
export const profiling = () => {
  const folder = process.env.CPU_PROF;
  return folder ? ['--cpu-prof', '--cpu-prof-dir', resolve(folder)] : [];
};
