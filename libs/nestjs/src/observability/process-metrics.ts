/** What is measured of the process itself, and of the dependencies that it calls. */
import { performance } from 'node:perf_hooks';
import { dependencies } from '@annals/resilience';
import { metrics } from '@opentelemetry/api';

export function measureProcess(): void {
  const meter = metrics.getMeter('annals');
  meter
    .createObservableUpDownCounter('process.memory.usage', {
      unit: 'By',
      description: 'Memory that the process holds.',
    })
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
  let before = performance.eventLoopUtilization();
  meter
    .createObservableGauge('nodejs.eventloop.utilization', {
      unit: '1',
      description: 'Share of time that it was busy.',
    })
    .addCallback((result) => {
      const now = performance.eventLoopUtilization();
      result.observe(performance.eventLoopUtilization(now, before).utilization);
      before = now;
    });
  measureDependencies();
}

/** They are asked for when they are read: a dependency may be declared after this. */
function measureDependencies(): void {
  const meter = metrics.getMeter('annals');
  const circuit = meter.createObservableGauge('annals.circuit.state', {
    description: '1 for the state that the circuit of a dependency is in.',
  });
  const running = meter.createObservableGauge('annals.dependency.running', {
    unit: '{call}',
    description: 'Calls of a dependency that are under way.',
  });
  const calls = meter.createObservableCounter('annals.dependency.calls', {
    unit: '{call}',
    description: 'Calls of a dependency, by how they ended; refused ones were not made.',
  });
  meter.addBatchObservableCallback(
    (result) => {
      for (const { name: dependency, circuit: state, running: underWay, counters } of dependencies.states()) {
        result.observe(circuit, 1, { dependency, state });
        result.observe(running, underWay, { dependency });
        const { succeeded, failed, circuitOpen, bulkheadFull } = counters;
        for (const [outcome, count] of Object.entries({ succeeded, failed, circuitOpen, bulkheadFull }))
          result.observe(calls, count, { dependency, outcome });
      }
    },
    [circuit, running, calls],
  );
}
