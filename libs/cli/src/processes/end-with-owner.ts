/**
 * Loaded into every app that the CLI starts (`node --import`). The IPC channel is a socket pair that the kernel closes
 * with the owner's process, `kill -9` included: an app never outlives the command that started it.
 */

/** The parts end with the owner too, so an orderly end may wait in vain for what is gone. */
const killAfterMs = 12_000;

if (process.channel) {
  process.once('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), killAfterMs).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  process.channel.unref();
}
