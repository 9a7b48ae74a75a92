/**
 * Loaded into every app that the CLI starts (`node --import`). The IPC channel is a socket pair that the kernel closes
 * with the owner's process, `kill -9` included: an app never outlives the command that started it.
 */
if (process.channel) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}
