/** Tells of what somebody may have to look at. */
import type { Log } from '@annals/core';
import { sagaStream, type SagaFact } from './saga-events.js';

export function alertOf(facts: readonly SagaFact[], log: Log): void {
  for (const { type, data } of facts) {
    const stream = sagaStream(data.saga, data.id);
    if (type === 'SagaFailed') {
      const { error, tries, retryAt } = data;
      if (retryAt === null) log.error(`${stream} is stuck: ${error.message}`, { tries });
      else log.warn(`${stream} failed and is tried again: ${error.message}`, { tries, retryAt });
    } else if (type === 'SagaStepReported' && data.status === 'undo-failed') {
      log.error(`${stream}: the step '${data.step}' could not be undone: ${data.reason ?? ''}`);
    }
  }
}
